/* Names as people type them, and the form that is sent; what cannot be in a certificate is refused
 * with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sys/names.h"

static struct arena *a;

static void good_names_are_brought_to_one_form(void **state)
{
	static const struct {
		const char *typed, *want;
		enum name_kind kind;
	} rows[] = {
		{ "example.org", "example.org", NAME_DNS },
		{ "WWW.Example.ORG.", "www.example.org", NAME_DNS },
		{ "*.Example.org", "*.example.org", NAME_WILDCARD },
		{ "a-b.x1.example", "a-b.x1.example", NAME_DNS },
		{ "1.2.3.4.example", "1.2.3.4.example", NAME_DNS },
		{ "Bücher.Example", "xn--bcher-kva.example", NAME_DNS },
		{ "*.bücher.example", "*.xn--bcher-kva.example", NAME_WILDCARD },
		{ "straße.example", "xn--strae-oqa.example",
		  NAME_DNS }, /* IDNA 2008: not "strasse" */
		{ "XN--BCHER-KVA.example", "xn--bcher-kva.example", NAME_DNS },
		{ "пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f", NAME_DNS },
		{ "例え。テスト", "xn--r8jz45g.xn--zckzah",
		  NAME_DNS }, /* the ideographic full stop */
		{ "192.0.2.7", "192.0.2.7", NAME_IP },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1", NAME_IP },
		{ "[2001:db8::0001]", "2001:db8::1", NAME_IP },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", NAME_IP }, /* RFC 5952 4.2.2 */
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1", NAME_IP },          /* RFC 5952 4.2.3 */
	};
	enum name_kind kind;
	const char *out;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (name_normalize(a, rows[i].typed, &out, &kind, &e) < 0)
			fail_msg("%s: %s", rows[i].typed, e.text);
		assert_string_equal(out, rows[i].want);
		assert_int_equal(kind, rows[i].kind);
		assert_int_equal(name_kind(out), rows[i].kind);
	}
}

static void bad_names_are_refused_with_their_reason(void **state)
{
	static const char l63[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	const struct {
		const char *typed, *why;
	} rows[] = {
		{ "", "empty" },
		{ ".", "empty label" },
		{ ".example.org", "empty label" },
		{ "a..example.org", "empty label" },
		{ "example.org..", "empty label" },
		{ "localhost", "two labels" },
		{ "*.org", "two labels" },
		{ "*", "\"*\"" },
		{ "*.", "empty label" },
		{ "www.*.example.org", "\"*\"" },
		{ "w*.example.org", "\"*\"" },
		{ "*.*.example.org", "\"*\"" },
		{ "*.192.0.2.1", "wildcard of an address" },
		{ "*.[2001:db8::1]", "wildcard of an address" },
		{ "_acme-challenge.example.org", "\"_\"" },
		{ "*._x.example.org", "\"_\"" },
		{ "-a.example.org", "hyphen" },
		{ "a-.example.org", "hyphen" },
		{ "ab--c.example.org", "reserved" },
		{ "exa mple.org", "letters, digits" },
		{ "example.org/x", "letters, digits" },
		{ "../../etc/passwd", "empty label" },
		{ "http://example.org", "no URL" },
		{ "example.org:443", "no port" },
		{ "1.2.3.400", "not an IP address" },
		{ "1.2.3", "not an IP address" },
		{ "[192.0.2.1", "brackets" },
		{ "[]", "brackets" },
		{ "[example.org]", "brackets" },
		{ "fe80::1%eth0", "neither" },
		{ "\xff\xfe.example", "IDNA" },
		{ "xn--a.example", "IDNA" },
		{ "☃.example", "IDNA" },
		{ "a\nb.example", "letters, digits" },
	};
	enum name_kind kind = NAME_IP;
	const char *out = "untouched", *longest;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (name_normalize(a, rows[i].typed, &out, &kind, &e) == 0)
			fail_msg("%s was taken as %s", rows[i].typed, out);
		assert_int_equal(e.code, ERR_INPUT);
		if (!strstr(e.text, rows[i].why))
			fail_msg("%s: %s", rows[i].typed, e.text);
		assert_string_equal(out, "untouched");
		assert_int_equal(kind, NAME_IP);
	}
	/* 63 and 253 are the last that fit */
	assert_int_equal(name_normalize(a, arena_printf(a, "%s.org", l63), &out, &kind, &e), 0);
	assert_int_equal(name_normalize(a, arena_printf(a, "%sa.org", l63), &out, &kind, &e),
	                 -ERR_INPUT);
	longest = arena_printf(a, "%s.%s.%s.%.61s", l63, l63, l63, l63);
	assert_int_equal(strlen(longest), 253);
	assert_int_equal(name_normalize(a, longest, &out, &kind, &e), 0);
	assert_int_equal(name_normalize(a, arena_printf(a, "a%s", longest), &out, &kind, &e),
	                 -ERR_INPUT);
	assert_int_equal(name_normalize(a, arena_printf(a, "*.%s", longest), &out, &kind, &e),
	                 -ERR_INPUT);
}

static void names_are_shown_as_people_write_them(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "example.org", "example.org" },
		{ "xn--bcher-kva.example", "bücher.example" },
		{ "*.xn--bcher-kva.example", "*.bücher.example" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "xn--e1afmkfd.xn--80akhbyknj4f", "пример.испытание" },
		/* "apple" with a Cyrillic "а": not shown */
		{ "xn--pple-43d.example", "xn--pple-43d.example" },
		{ "xn--a.example", "xn--a.example" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(name_display(a, rows[i].name), rows[i].want);
}

static void certificates_get_names_that_can_be_paths(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "example.org", "example.org" },
		{ "*.example.org", "_wildcard.example.org" },
		{ "2001:db8::1", "2001-db8--1" },
		{ "::1", "0--1" },
	};
	static const char *const no[] = { "",     ".",   "..", "a/b", ".a", "-a",
		                          "a..b", "a b", "ä",  "a\n", "a:b" };
	const char *l = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", *x, *y;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(name_to_cert_name(a, rows[i].name), rows[i].want);
		assert_true(name_is_cert_name(rows[i].want));
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(name_is_cert_name(no[i]));
	/* two long names that differ only at the end stay two */
	x = name_to_cert_name(a, arena_printf(a, "%s.%s.%s.example", l, l, l));
	y = name_to_cert_name(a, arena_printf(a, "%s.%s.%s.example2", l, l, l));
	assert_true(name_is_cert_name(x) && name_is_cert_name(y));
	assert_string_not_equal(x, y);
	assert_true(name_is_cert_name(arena_printf(a, "%s%s%.8s", l, l, l)));
	assert_false(name_is_cert_name(arena_printf(a, "%s%s%.9s", l, l, l)));
}

static void addresses_have_reverse_names(void **state)
{
	assert_string_equal(name_ip_reverse(a, "192.0.2.17"), "17.2.0.192.in-addr.arpa");
	/* RFC 8738 6 */
	assert_string_equal(
	    name_ip_reverse(a, "2001:db8::1"),
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
	assert_null(name_ip_reverse(a, "example.org"));
	static const char *const ips[] = { "192.0.2.17", "2001:db8::1", "::1", "255.255.255.255" };
	for (size_t i = 0; i < sizeof(ips) / sizeof(*ips); i++)
		assert_string_equal(name_ip_of_reverse(a, name_ip_reverse(a, ips[i])), ips[i]);
	static const char *const none[] = { "example.org",
		                            "in-addr.arpa",
		                            ".in-addr.arpa",
		                            "0.192.in-addr.arpa",
		                            "1.2.3.4.5.in-addr.arpa",
		                            "01.0.0.127.in-addr.arpa",
		                            "256.0.0.127.in-addr.arpa",
		                            "1.ip6.arpa",
		                            "...in-addr.arpa",
		                            "" };
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_null(name_ip_of_reverse(a, none[i]));
	assert_string_equal(name_base("*.example.org"), "example.org");
	assert_string_equal(name_base("example.org"), "example.org");
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
		cmocka_unit_test(good_names_are_brought_to_one_form),
		cmocka_unit_test(bad_names_are_refused_with_their_reason),
		cmocka_unit_test(names_are_shown_as_people_write_them),
		cmocka_unit_test(certificates_get_names_that_can_be_paths),
		cmocka_unit_test(addresses_have_reverse_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
