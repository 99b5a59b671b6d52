/* What servers say instead of yes: problem documents (RFC 8555 6.7), HTML, redirects, half an
 * answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/problem.h"

#define NOW 1795000000
#define URL "https://ca.example:14000/order"

static struct arena *a;

/* RFC 8555 6.7.1 */
static const char rfc_problem[] =
    "{ \"type\": \"urn:ietf:params:acme:error:malformed\", \"detail\": \"Some of the "
    "identifiers requested were rejected\","
    " \"subproblems\": ["
    " { \"type\": \"urn:ietf:params:acme:error:malformed\", \"detail\": \"Invalid "
    "underscore in DNS name \\\"_example.org\\\"\","
    "   \"identifier\": { \"type\": \"dns\", \"value\": \"_example.org\" } },"
    " { \"type\": \"urn:ietf:params:acme:error:rejectedIdentifier\","
    "   \"detail\": \"This CA will not issue for \\\"example.net\\\"\","
    "   \"identifier\": { \"type\": \"dns\", \"value\": \"example.net\" } } ] }";

static void problem_of_rfc8555_is_read(void **state)
{
	struct acme_problem p;
	struct err e;

	assert_int_equal(acme_problem_parse(a, rfc_problem, strlen(rfc_problem), &p, &e), 0);
	assert_string_equal(p.type, "malformed");
	assert_string_equal(p.detail, "Some of the identifiers requested were rejected");
	assert_int_equal(p.n_subproblems, 2);
	assert_string_equal(p.subproblems[1].type, "rejectedIdentifier");
	assert_string_equal(p.subproblems[1].identifier, "example.net");
	assert_string_equal(acme_problem_text(a, &p),
	                    "malformed: Some of the identifiers requested were rejected "
	                    "(_example.org: malformed: Invalid underscore "
	                    "in DNS name \"_example.org\"; example.net: rejectedIdentifier: This "
	                    "CA will not issue for "
	                    "\"example.net\")");
}

static void what_is_no_problem_is_refused(void **state)
{
	static const char *const rows[] = {
		"", "{", "[]", "\"text\"", "{}", "{\"type\": 5}", "{\"title\": \"x\"}"
	};
	struct acme_problem p;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(acme_problem_parse(a, rows[i], strlen(rows[i]), &p, &e),
		                 -ERR_INPUT);
}

static void odd_members_do_no_harm(void **state)
{
	static const char text[] =
	    "{\"type\": \"about:blank\", \"detail\": \"x\", \"status\": \"five\", \"instance\": 7,"
	    " \"subproblems\": [1, {\"identifier\": \"x\"}, null, {\"identifier\": {\"value\": "
	    "3}}]}";
	struct acme_problem p;
	struct err e;

	assert_int_equal(acme_problem_parse(a, text, strlen(text), &p, &e), 0);
	assert_string_equal(p.type, "");
	assert_null(p.instance);
	assert_int_equal(p.status, 0);
	assert_int_equal(p.n_subproblems, 2);
	assert_null(p.subproblems[1].identifier);
}

struct answer {
	int status;
	const char *type, *body, *header, *value;
	enum err_code want;
	const char *want_text; /* a part of it */
	const char *want_problem;
	uint32_t want_retry_s;
};

static void answers_become_one_line(void **state)
{
#define P "application/problem+json"
#define U "urn:ietf:params:acme:error:"
	static const struct answer rows[] = {
		{ 403, P, "{\"type\":\"" U "unauthorized\",\"detail\":\"no\"}", NULL, NULL,
		  ERR_ACME, "the CA says: unauthorized: no", "unauthorized", 0 },
		{ 429, P, "{\"type\":\"" U "rateLimited\",\"detail\":\"too many\"}", "retry-after",
		  "30", ERR_RATE_LIMITED, "rateLimited: too many", "rateLimited", 30 },
		{ 429, P, "{\"type\":\"" U "rateLimited\",\"detail\":\"x\"}", "link",
		  "<https://ca.example/limits>;rel=\"help\"", ERR_RATE_LIMITED,
		  "see https://ca.example/limits", "rateLimited", 0 },
		{ 500, P, "{\"type\":\"" U "serverInternal\"}", "retry-after", "60",
		  ERR_CA_UNAVAILABLE, "serverInternal", "serverInternal", 60 },
		{ 403, P,
		  "{\"type\":\"" U
		  "userActionRequired\",\"instance\":\"https://ca.example/agree\"}",
		  "link", "<https://ca.example/tos2>;rel=\"terms-of-service\"", ERR_TERMS,
		  "https://ca.example/tos2", "userActionRequired", 0 },
		{ 403, P,
		  "{\"type\":\"" U
		  "userActionRequired\",\"instance\":\"https://ca.example/agree\"}",
		  NULL, NULL, ERR_TERMS, "see https://ca.example/agree", "userActionRequired", 0 },
		{ 400, "text/plain", "{\"type\":\"" U "badNonce\"}", NULL, NULL, ERR_ACME,
		  "badNonce", "badNonce", 0 },
		{ 400, P, "{\"type\":\"https://x.example/own\",\"detail\":\"d\"}", NULL, NULL,
		  ERR_ACME, "https://x.example/own: d", "https://x.example/own", 0 },
		{ 503, "text/html", "<html><head><title>\n Service\tUnavailable </title>",
		  "retry-after", "5", ERR_CA_UNAVAILABLE,
		  "an HTML page titled \"Service Unavailable\" (status 503)", "", 5 },
		{ 200, "text/html; charset=utf-8", "<!DOCTYPE html><TITLE>Log in</TITLE>", NULL,
		  NULL, ERR_PROTOCOL, "titled \"Log in\" (status 200)", "", 0 },
		{ 404, NULL, "  <HTML><body>none</body>", NULL, NULL, ERR_PROTOCOL,
		  "an HTML page (status 404)", "", 0 },
		{ 502, NULL, "", NULL, NULL, ERR_CA_UNAVAILABLE, "with no text (status 502)", "",
		  0 },
		{ 200, "application/json", "{\"status\":\"pen", NULL, NULL, ERR_PROTOCOL,
		  "broken JSON", "", 0 },
		{ 400, P, "{\"type\":\"" U "bad", NULL, NULL, ERR_PROTOCOL, "broken JSON", "", 0 },
		{ 404, "text/plain", "404 page not found\n", NULL, NULL, ERR_PROTOCOL,
		  "the text \"404 page not found\"", "", 0 },
		{ 301, "text/html", "<html>", "location", "https://elsewhere.example/",
		  ERR_PROTOCOL, "https://elsewhere.example/", "", 0 },
		{ 429, NULL, "slow down", NULL, NULL, ERR_RATE_LIMITED, "ca.example:14000", "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct answer *r = &rows[i];
		struct http_header headers[] = { { "content-type", r->type ? r->type : "" },
			                         { r->header, r->value } };
		struct http_response res = { r->status, headers, r->header ? 2 : 1, r->body,
			                     strlen(r->body) };
		struct err e = { 0 };
		assert_int_equal(acme_problem_from_response(a, &res, URL, NOW, &e), -(int)r->want);
		assert_int_equal(e.code, r->want);
		if (!strstr(e.text, r->want_text))
			fail_msg("row %zu: \"%s\" has no \"%s\"", i, e.text, r->want_text);
		assert_string_equal(e.problem, r->want_problem);
		assert_int_equal(e.retry_s, r->want_retry_s);
	}
}

static void control_characters_do_not_get_through(void **state)
{
	static const char body[] =
	    "{\"type\":\"bad\\u001btype\",\"detail\":\"red \\u001b[31m text\"}";
	struct http_response res = { .status = 400, .body = body, .body_len = sizeof body - 1 };
	struct err e;

	assert_int_equal(acme_problem_from_response(a, &res, URL, NOW, &e), -ERR_ACME);
	assert_null(strchr(e.text, 0x1b));
	assert_null(strchr(e.problem, 0x1b));
}

static void a_long_type_is_cut(void **state)
{
	char *type = arena_alloc(a, 501);

	memset(type, 'x', 500);
	char *body = arena_printf(a, "{\"type\":\"%s\"}", type);
	struct http_response res = { .status = 400, .body = body, .body_len = strlen(body) };
	struct err e;
	assert_int_equal(acme_problem_from_response(a, &res, URL, NOW, &e), -ERR_ACME);
	assert_int_equal(strlen(e.problem), sizeof e.problem - 1);
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
		cmocka_unit_test(problem_of_rfc8555_is_read),
		cmocka_unit_test(what_is_no_problem_is_refused),
		cmocka_unit_test(odd_members_do_no_harm),
		cmocka_unit_test(answers_become_one_line),
		cmocka_unit_test(control_characters_do_not_get_through),
		cmocka_unit_test(a_long_type_is_cut),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
