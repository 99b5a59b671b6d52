/* XML answers: what is read, and everything that is refused (document types, depth, size). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sys/xml.h"

static struct arena *a;

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

static const struct xml *parsed(const char *text)
{
	struct xml *x = NULL;
	struct err e = { 0 };

	if (xml_parse(a, text, strlen(text), &x, &e) < 0)
		fail_msg("%s", e.text);
	return x;
}

static void an_answer_becomes_a_tree(void **state)
{
	const struct xml *x = parsed(
	    "<?xml version=\"1.0\"?>\n<r:List xmlns:r='urn:x'><!-- no --><Zone a='1'><Id>Z1</Id>"
	    "<Name>a&amp;b\n</Name></Zone><Other/><Zone><Id>Z<![CDATA[<2>]]>&#x41;</Id></Zone>"
	    "<Deep><A><B>in</B></A></Deep></r:List>");
	const struct xml *zone = xml_child(x, "Zone");

	assert_string_equal(x->name, "List");
	assert_string_equal(xml_text_at(zone, "Id"), "Z1");
	assert_string_equal(xml_text_at(zone, "Name"), "a&b\n");
	zone = xml_next(zone);
	assert_string_equal(xml_text_at(zone, "Id"), "Z<2>A");
	assert_null(xml_next(zone));
	assert_string_equal(xml_text_at(x, "Deep/A/B"), "in");
	assert_string_equal(xml_text_at(x, "Other"), "");
	assert_null(xml_text_at(x, "Deep/B"));
	assert_null(xml_text_at(x, "Dee"));
	assert_null(xml_child(x, "Missing"));
	assert_null(xml_child(NULL, "X"));
	assert_null(xml_next(NULL));
	assert_null(xml_text_at(NULL, "X"));
}

static void what_is_no_plain_xml_is_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "no element found" },
		{ "not xml", "line 1: syntax error" },
		{ "<a>\n<b>\n</a>", "line 3: mismatched tag" },
		{ "<a/><b/>", "junk after document element" },
		{ "<a>&nosuch;</a>", "undefined entity" },
		{ "<html><body>502 <br></body></html>", "mismatched tag" },
		{ "<!DOCTYPE a><a/>", "document type declaration" },
		{ "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "document type declaration" },
		{ "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
		  "document type declaration" },
		{ "<!DOCTYPE a SYSTEM \"http://127.0.0.1/\"><a/>", "document type declaration" },
		/* The bomb: each entity ten of the one before. */
		{ "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
		  "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;\">]>"
		  "<l>&d;</l>",
		  "document type declaration" },
		{ "<a>\xff</a>", "not well-formed" },
		{ "<a>\x01</a>", "not well-formed" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct xml *x = NULL;
		struct err e = { 0 };

		assert_int_equal(xml_parse(a, rows[i].text, strlen(rows[i].text), &x, &e),
		                 -ERR_PROTOCOL);
		assert_null(x);
		if (!strstr(e.text, rows[i].want))
			fail_msg("row %zu: \"%s\" has not \"%s\"", i, e.text, rows[i].want);
	}
}

/* n times open, text between, n times close. */
static char *nested(size_t n)
{
	char *s = arena_alloc(a, n * 7 + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(s + i * 3, "<a>", 3);
	for (size_t i = 0; i < n; i++)
		memcpy(s + n * 3 + i * 4, "</a>", 4);
	return s;
}

static void depth_number_and_size_are_bounded(void **state)
{
	struct xml *x = NULL;
	struct err e = { 0 };
	size_t len = ((size_t)1 << 20) + 1, n = 20000;
	char *many = arena_alloc(a, 7 + (n + 1) * 4 + 1), *big = arena_alloc(a, len + 1);

	assert_non_null(parsed(nested(32)));
	assert_int_equal(xml_parse(a, nested(33), strlen(nested(33)), &x, &e), -ERR_PROTOCOL);
	assert_non_null(strstr(e.text, "too many levels"));

	memcpy(many, "<a>", 3);
	for (size_t i = 0; i < n; i++)
		memcpy(many + 3 + i * 4, "<b/>", 4);
	memcpy(many + 3 + n * 4, "</a>", 4);
	assert_int_equal(xml_parse(a, many, strlen(many), &x, &e), -ERR_PROTOCOL);
	assert_non_null(strstr(e.text, "too many elements"));
	memcpy(many + 3 + (n - 1) * 4, "</a>    ", 8);
	assert_non_null(parsed(many));

	memset(big, ' ', len);
	memcpy(big, "<a>", 3);
	memcpy(big + len - 4, "</a>", 4);
	assert_int_equal(xml_parse(a, big, len, &x, &e), -ERR_PROTOCOL);
	assert_non_null(strstr(e.text, "more than"));
	memcpy(big + len - 5, "</a>", 4);
	assert_int_equal(xml_parse(a, big, len - 1, &x, &e), 0);
	assert_int_equal(strlen(x->text), len - 1 - 7);
}

static void text_is_escaped_and_comes_back(void **state)
{
	const char *text = "\"a\\\"b\" <&> 'c'";
	char *escaped = xml_escape(a, text);

	assert_string_equal(escaped, "&quot;a\\&quot;b&quot; &lt;&amp;&gt; &apos;c&apos;");
	assert_string_equal(parsed(arena_printf(a, "<v>%s</v>", escaped))->text, text);
	assert_string_equal(xml_escape(a, ""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_becomes_a_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_plain_xml_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(depth_number_and_size_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(text_is_escaped_and_comes_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
