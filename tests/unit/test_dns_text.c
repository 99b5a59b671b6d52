/* dns/txt.h and dns/rest.h's text: forms of values, names and zones, forms and escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dns/rest.h"
#include "dns/txt.h"

static char *repeat(struct arena *a, char c, size_t n)
{
	char *s = arena_alloc(a, n + 1);

	memset(s, c, n);
	return s;
}

static void test_quotes(void **state)
{
	static const struct {
		const char *value, *form;
	} cases[] = {
		{ "v", "\"v\"" },
		{ "", "\"\"" },
		{ "a b", "\"a b\"" },
		{ "say \"hi\"", "\"say \\\"hi\\\"\"" },
		{ "back\\slash", "\"back\\\\slash\"" },
		{ "tab\there", "\"tab\\009here\"" },
		{ "\xc3\xa9", "\"\\195\\169\"" },
		{ "1\\2", "\"1\\\\2\"" },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(txt_quote(a, cases[i].value), cases[i].form);
		assert_string_equal(txt_unquote(a, cases[i].form), cases[i].value);
		assert_true(txt_is(cases[i].form, cases[i].value));
	}
}

static void test_long_values_are_strings_of_255(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	size_t sizes[] = { 254, 255, 256, 510, 511, 1000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *value = repeat(a, 'x', sizes[i]), *form = txt_quote(a, value);
		size_t strings = 0, longest = 0;

		for (char *p = form; (p = strchr(p, '"')); strings++) {
			size_t len = strcspn(p + 1, "\"");

			longest = len > longest ? len : longest;
			p += len + 2;
		}
		assert_int_equal(strings, (sizes[i] + 254) / 255);
		assert_in_range(longest, 1, 255);
		assert_string_equal(txt_unquote(a, form), value);
	}
}

static void test_forms_that_are_read(void **state)
{
	static const struct {
		const char *form, *value;
		bool same;
	} cases[] = {
		{ "plain", "plain", true },
		{ "plain", "Plain", false },
		{ "\"a\" \"b\"", "ab", true },
		{ "\"a\"\"b\"", "ab", true },
		{ "\"a\" \"b\"", "a b", false },
		{ "\"open", "open", true },
		{ "\"a\\", "a\\", true },
		{ "\"x\\300\"", "x300", true },
		{ "in \"the\" middle", "in \"the\" middle", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(txt_is(cases[i].form, cases[i].value), cases[i].same);
}

static void test_zones_of_names(void **state)
{
	static const struct {
		const char *name, *zone, *relative; /* NULL = not in it */
	} cases[] = {
		{ "_acme-challenge.www.example.org", "example.org", "_acme-challenge.www" },
		{ "example.org", "example.org", "" },
		{ "Www.Example.Org", "example.org", "Www" },
		{ "notexample.org", "example.org", NULL },
		{ "example.org", "www.example.org", NULL },
		{ "example.com", "example.org", NULL },
		{ "a.b", "", "a.b" },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = zone_relative(a, cases[i].name, cases[i].zone);

		assert_int_equal(zone_has(cases[i].zone, cases[i].name), cases[i].relative != NULL);
		assert_int_equal(got == NULL, cases[i].relative == NULL);
		if (got)
			assert_string_equal(got, cases[i].relative);
	}
	assert_string_equal(zone_name(a, "WWW.Example.Org."), "www.example.org");
}

static void test_forms_and_escapes(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	assert_string_equal(rest_escape(a, "a b/c?d=é*~"), "a%20b%2Fc%3Fd%3D%C3%A9%2A~");
	assert_string_equal(rest_form(a, "a", "1", "b", NULL, "c d", "&=", NULL),
	                    "a=1&c%20d=%26%3D");
	assert_string_equal(rest_form(a, NULL), "");
}

static void test_tokens_stay_at_home(void **state)
{
	static const struct {
		const char *base, *url;
		bool ours;
	} cases[] = {
		{ "https://api.example/v1", "https://api.example/v1/zones?page=2", true },
		{ "https://api.example/v1", "https://api.example", true },
		{ "https://api.example", "https://api.example.evil.test/x", false },
		{ "https://api.example", "http://api.example/x", false },
		{ "https://api.example:8443", "https://api.example/x", false },
		{ "https://api.example", "https://api.example@evil.test/", false },
	};
	struct dns_session s = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s.common.base_url = cases[i].base;
		assert_int_equal(rest_is_ours(&s, cases[i].url), cases[i].ours);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_long_values_are_strings_of_255),
		cmocka_unit_test(test_forms_that_are_read),
		cmocka_unit_test(test_zones_of_names),
		cmocka_unit_test(test_forms_and_escapes),
		cmocka_unit_test(test_tokens_stay_at_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
