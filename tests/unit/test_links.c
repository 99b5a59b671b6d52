/* Link (RFC 8288), references (RFC 3986 5.4), Retry-After (RFC 9110 10.2.3), and which URLs a
 * server may make us ask.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/parse.h"

static struct arena *a;

/* The examples of RFC 3986 5.4 (without fragments, which are never sent). */
static void references_resolve_as_rfc3986_has_them(void **state)
{
	static const struct {
		const char *reference, *want;
	} rows[] = {
		{ "g:h", "g:h" },
		{ "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" },
		{ "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" },
		{ "//g", "http://g" },
		{ "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" },
		{ ";x", "http://a/b/c/;x" },
		{ "g;x", "http://a/b/c/g;x" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" },
		{ "./", "http://a/b/c/" },
		{ "..", "http://a/b/" },
		{ "../", "http://a/b/" },
		{ "../g", "http://a/b/g" },
		{ "../..", "http://a/" },
		{ "../../g", "http://a/g" },
		{ "../../../g", "http://a/g" },
		{ "../../../../g", "http://a/g" },
		{ "/./g", "http://a/g" },
		{ "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." },
		{ ".g", "http://a/b/c/.g" },
		{ "g..", "http://a/b/c/g.." },
		{ "./../g", "http://a/b/g" },
		{ "./g/.", "http://a/b/c/g/" },
		{ "g/./h", "http://a/b/c/g/h" },
		{ "g/../h", "http://a/b/c/h" },
		{ "g;x=1/../y", "http://a/b/c/y" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(acme_url_resolve(a, "http://a/b/c/d;p?q", rows[i].reference),
		                    rows[i].want);
	assert_string_equal(acme_url_resolve(a, "https://ca.example:14000", "x"),
	                    "https://ca.example:14000/x");
	assert_null(acme_url_resolve(a, "no-base", "x"));
}

static struct strings links_in(const char *one, const char *two, const char *rel)
{
	struct http_header headers[] = { { "content-type", "text/plain" },
		                         { "link", one },
		                         { "link", two } };
	struct http_response res = {
		.status = 200, .headers = headers, .n_headers = two ? 3 : 2, .body = ""
	};

	return acme_links(a, &res, rel, "https://ca.example/acme/cert/1");
}

static void links_are_found(void **state)
{
	static const struct {
		const char *one, *two, *rel, *want;
	} rows[] = {
		/* RFC 8555 7.4.2 */
		{ "<https://example.com/acme/directory>;rel=\"index\"", NULL, "alternate", "" },
		{ "<https://example.com/acme/cert/a/1>;rel=\"alternate\"",
		  "<https://example.com/acme/cert/a/2>;rel=\"alternate\"", "alternate",
		  "https://example.com/acme/cert/a/1 https://example.com/acme/cert/a/2" },
		{ "</acme/cert/1/1>;rel=\"alternate\", <2>; rel=alternate", NULL, "alternate",
		  "https://ca.example/acme/cert/1/1 https://ca.example/acme/cert/2" },
		{ "<https://x.example/1>; title=\"a, b; rel=alternate \\\" c\"; REL=\"up "
		  "Alternate\"",
		  NULL, "alternate", "https://x.example/1" },
		/* only the first rel counts (RFC 8288 3.3) */
		{ "<https://x.example/1>; rel=up; rel=alternate", NULL, "alternate", "" },
		{ "<https://x.example/1>; rel=alternatively", NULL, "alternate", "" },
		{ "<ftp://x.example/1>; rel=alternate, <https://x.example/2>;rel=alternate", NULL,
		  "alternate", "https://x.example/2" },
		{ "<https://x.example/1", NULL, "alternate", "" },
		{ "<https://x.example/1>", NULL, "alternate", "" },
		{ "<>;rel=alternate", NULL, "alternate", "https://ca.example/acme/cert/1" },
		{ "garbage", "", "alternate", "" },
		{ "<https://x.example/\"1\">;rel=alternate", NULL, "alternate", "" },
		{ "<https://x.example/1>;rel=\"alternate", NULL, "alternate",
		  "https://x.example/1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strings got = links_in(rows[i].one, rows[i].two, rows[i].rel);
		assert_string_equal(strings_join(a, &got, " "), rows[i].want);
	}
}

static void links_are_bounded(void **state)
{
	struct strings many = { 0 };

	for (int i = 0; i < 30; i++)
		strings_add(a, &many, arena_printf(a, "<https://x.example/%d>;rel=alternate", i));
	struct strings got = links_in(strings_join(a, &many, ","), NULL, "alternate");
	assert_int_equal(got.n, 10);
	assert_string_equal(got.v[9], "https://x.example/9");
}

static void retry_after_has_two_forms(void **state)
{
	static const int64_t now = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110 5.6.7 */
	static const struct {
		const char *value;
		uint32_t want;
	} rows[] = {
		{ NULL, 0 },
		{ "", 0 },
		{ "120", 120 },
		{ "0", 0 },
		{ "86401", 86400 },
		{ "99999999999999999999999999", 86400 },
		{ "-5", 0 },
		{ "1.5", 0 },
		{ "soon", 0 },
		{ "Sun, 06 Nov 1994 08:50:37 GMT", 60 },
		{ "Sun, 06 Nov 1994 08:49:36 GMT", 0 },
		{ "Sunday, 06-Nov-94 08:50:37 GMT", 60 },
		{ "Sun Nov  6 08:50:37 1994", 60 },
		{ "Sun, 06 Nov 2094 08:50:37 GMT", 86400 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_header h = { "retry-after", rows[i].value };
		struct http_response res = { .headers = &h, .n_headers = rows[i].value != NULL };
		assert_int_equal(acme_retry_after(&res, now), rows[i].want);
	}
}

static void only_https_urls_are_asked(void **state)
{
	static const struct {
		const char *url;
		bool https_only, with_http;
	} rows[] = {
		{ "https://ca.example/dir", true, true },
		{ "HTTPS://ca.example", true, true },
		{ "https://[::1]:14000/dir", true, true },
		{ "http://ca.example/dir", false, true },
		{ "file:///etc/passwd", false, false },
		{ "https://", false, false },
		{ "https:/ca.example", false, false },
		{ "//ca.example/", false, false },
		{ "https://user:password@ca.example/", false, false },
		{ "https://ca.example/a b", false, false },
		{ "https://ca.example/\r\nX: y", false, false },
		{ "https://ca.example/\xc3\xa4", false, false },
		{ "", false, false },
	};
	char *longest = arena_alloc(a, ACME_URL_MAX + 2);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(acme_url_is_ok(rows[i].url, false), rows[i].https_only);
		assert_int_equal(acme_url_is_ok(rows[i].url, true), rows[i].with_http);
	}
	assert_false(acme_url_is_ok(NULL, true));
	memset(longest, 'x', ACME_URL_MAX);
	memcpy(longest, "https://", 8);
	assert_true(acme_url_is_ok(longest, false));
	longest[ACME_URL_MAX] = 'x';
	assert_false(acme_url_is_ok(longest, false));
}

static int setup(void **state)
{
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_resolve_as_rfc3986_has_them),
		cmocka_unit_test(links_are_found),
		cmocka_unit_test(links_are_bounded),
		cmocka_unit_test(retry_after_has_two_forms),
		cmocka_unit_test(only_https_urls_are_asked),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
