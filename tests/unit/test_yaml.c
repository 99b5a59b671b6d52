/* YAML into JSON: what is typed, what stays a string, and that what is refused names the line but
 * never a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "sys/yaml.h"

static struct arena *a;

static void yaml_becomes_json(void **state)
{
	static const struct {
		const char *yaml, *json;
	} rows[] = {
		{ "", "{}" },
		{ "# nothing\n", "{}" },
		{ "---\n", "{}" },
		{ "a: 1\n", "{\"a\":1}" },
		{ "a: true\nb: False\nc: null\nd: ~\ne:\n",
		  "{\"a\":true,\"b\":false,\"c\":null,\"d\":null,\"e\":null}" },
		{ "a: \"true\"\nb: 'null'\nc: \"1\"\nd: ''\n",
		  "{\"a\":\"true\",\"b\":\"null\",\"c\":\"1\",\"d\":\"\"}" },
		{ "a: yes\nb: off\nc: 1.5\nd: 0x10\n",
		  "{\"a\":\"yes\",\"b\":\"off\",\"c\":\"1.5\",\"d\":\"0x10\"}" },
		{ "a: 007\nb: -0\nc: +1\nd: 0\ne: -12\n",
		  "{\"a\":\"007\",\"b\":\"-0\",\"c\":\"+1\",\"d\":0,\"e\":-12}" },
		{ "a: 9223372036854775807\nb: 9223372036854775808\n",
		  "{\"a\":9223372036854775807,\"b\":\"9223372036854775808\"}" },
		{ "- a\n- [b, 2]\n- {c: d}\n", "[\"a\",[\"b\",2],{\"c\":\"d\"}]" },
		{ "a:\n  b:\n    - x\n    - y: z\n", "{\"a\":{\"b\":[\"x\",{\"y\":\"z\"}]}}" },
		{ "key: |\n  line 1\n  line 2\n", "{\"key\":\"line 1\\nline 2\\n\"}" },
		{ "1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}" },
		{ "ä: \"\\u00fc\"\n", "{\"ä\":\"ü\"}" },
		{ "{\"json\": [1, \"x\", null]}", "{\"json\":[1,\"x\",null]}" },
		{ "word", "\"word\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *v = NULL;
		struct err e;

		if (yaml_parse(rows[i].yaml, strlen(rows[i].yaml), "f.yaml", &v, &e) < 0)
			fail_msg("%s: %s", rows[i].yaml, e.text);
		if (json_is_string(v))
			assert_string_equal(arena_printf(a, "\"%s\"", json_string_value(v)),
			                    rows[i].json);
		else
			assert_string_equal(json_text(a, v), rows[i].json);
	}
}

static void refused(const char *text, size_t len, const char *where, const char *why)
{
	json_t *v = NULL;
	struct err e;

	if (yaml_parse(text, len, "f.yaml", &v, &e) == 0)
		fail_msg("taken, but: %s", why);
	assert_int_equal(e.code, ERR_CONFIG);
	if (!strstr(e.text, where) || !strstr(e.text, why) || strstr(e.text, "sesame"))
		fail_msg("\"%s\" instead of \"%s %s\"", e.text, where, why);
	assert_null(v);
}

static void what_is_refused_names_the_line(void **state)
{
	static const struct {
		const char *yaml, *where, *why;
	} rows[] = {
		{ "a: 1\nb: &x sesame\n", "f.yaml:2: ", "anchors" },
		{ "a: 1\n\nb: *x\n", "f.yaml:3: ", "aliases" },
		{ "a: !!binary sesame\n", "f.yaml:1: ", "tags" },
		{ "a: !x [1]\n", "f.yaml:1: ", "tags" },
		{ "a: &x {b: 1}\n", "f.yaml:1: ", "anchors" },
		{ "a: 1\nb: 2\na: sesame\n", "f.yaml:3: ", "twice" },
		{ "[a]: sesame\n", "f.yaml:1: ", "plain word" },
		{ "? {a: 1}\n: sesame\n", "f.yaml:1: ", "plain word" },
		{ "'': 1\n", "f.yaml:1: ", "no name" },
		{ "a: 1\n---\nb: sesame\n", "f.yaml:2: ", "one document" },
		{ "a: 'sesame\n", "f.yaml:", "end of stream" },
		{ "a: [1, sesame\n", "f.yaml:2: ", "did not find expected" },
		{ "a:\n\t- sesame\n", "f.yaml:2: ", "cannot start any token" },
		{ "password: sesame: x\n", "f.yaml:1: ", "not allowed" },
		{ "a: \"sesame\\0\"\n", "f.yaml:1: ", "NUL" },
		{ "a: \x01sesame\n", "f.yaml:", "control characters" },
		{ "a: \xff\xff\n", "f.yaml:", "UTF-8" },
	};
	char *deep = arena_strdup(a, ""), *big = arena_alloc(a, (1 << 20) + 1);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refused(rows[i].yaml, strlen(rows[i].yaml), rows[i].where, rows[i].why);
	for (int i = 0; i < 33; i++)
		deep = arena_printf(a, "%s[", deep);
	refused(deep, strlen(deep), "f.yaml:1: ", "too deeply");
	memset(big, '\n', (1 << 20) + 1);
	refused(big, (1 << 20) + 1, "f.yaml: ", "larger than 1024 KiB");
	refused("a: \0sesame", 10, "f.yaml:", "control characters");
}

static void thirty_two_levels_are_the_last_that_fit(void **state)
{
	json_auto_t *v = NULL;
	struct err e;
	char text[65];

	memset(text, '[', 32);
	memset(text + 32, ']', 32);
	assert_int_equal(yaml_parse(text, 64, "f.yaml", &v, &e), 0);
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
		cmocka_unit_test(yaml_becomes_json),
		cmocka_unit_test(what_is_refused_names_the_line),
		cmocka_unit_test(thirty_two_levels_are_the_last_that_fit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
