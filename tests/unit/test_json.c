/* base/json and base/field: bounds, duplicates, tables both ways, and errors that show no values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/json.h"

struct sample {
	const char *name, *token;
	int64_t count, id, row;
	bool on;
	int64_t made_at;
	struct strings tags;
};

static const struct field sample_fields[] = {
	FIELD(struct sample, name, FT_STRING, F_REQUIRED, "its name"),
	FIELD(struct sample, token, FT_SECRET, 0, "a secret"),
	FIELD(struct sample, count, FT_INT, 0, "how many"),
	FIELD(struct sample, on, FT_BOOL, 0, "whether"),
	FIELD(struct sample, made_at, FT_TIME, 0, "when"),
	FIELD(struct sample, tags, FT_STRINGS, 0, "what for"),
	FIELD_NAMED(struct sample, id, "number", FT_INT, F_KEY, "the row"),
	FIELD(struct sample, row, FT_INT, F_HIDDEN, "a column only"),
	FIELD_END
};

static json_t *parsed(const char *text)
{
	json_t *value = NULL;
	struct err e;

	assert_int_equal(json_parse(text, strlen(text), &value, &e), 0);
	return value;
}

static void test_parse_refused(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "not valid JSON" },
		{ "{", "not valid JSON" },
		{ "{\"a\":1,}", "line 1, column" },
		{ "{\"a\":1}\n\n x", "line 3" },
		{ "{\"a\":1,\"a\":2}", "duplicate object key" },
		{ "\"text\"", "not valid JSON" },
		{ "{\"a\":\"\\u0000\"}", "not valid JSON" },
		{ "{\"a\":\"\xff\"}", "not valid JSON" },
		{ "<html>", "not valid JSON" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *value = NULL;
		struct err e;

		assert_int_equal(json_parse(rows[i].text, strlen(rows[i].text), &value, &e),
		                 -ERR_INPUT);
		assert_null(value);
		assert_non_null(strstr(e.text, rows[i].want));
	}
}

static void test_parse_shows_no_values(void **state)
{
	static const char text[] = "{\"api_token\": \"hunter2\" \"x\"}";
	json_t *value;
	struct err e;

	assert_int_equal(json_parse(text, sizeof(text) - 1, &value, &e), -ERR_INPUT);
	assert_null(strstr(e.text, "hunter2"));
	assert_null(strstr(e.text, "near"));
}

static void test_not_terminated(void **state)
{
	json_t *value = NULL;
	struct err e;

	assert_int_equal(json_parse("[1]garbage", 3, &value, &e), 0);
	assert_int_equal(json_array_size(value), 1);
	json_decref(value);
}

static void test_bounds(void **state)
{
	static char text[JSON_MAX_VALUES * 2 + 100];
	json_t *value = NULL;
	struct err e;

	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	assert_int_equal(json_parse(text, 2 * (JSON_MAX_DEPTH + 1), &value, &e), -ERR_INPUT);
	assert_string_equal(e.text, "JSON nested deeper than 32 levels");
	assert_int_equal(json_parse(text + 1, 2 * JSON_MAX_DEPTH, &value, &e), 0);
	json_decref(value);

	memset(text, '1', sizeof(text));
	text[0] = '[';
	for (size_t i = 2; i < sizeof(text); i += 2)
		text[i] = ',';
	assert_int_equal(json_parse(text, sizeof(text), &value, &e), -ERR_INPUT);
	assert_string_equal(e.text, "JSON of more than 200000 values");
	assert_int_equal(json_parse(text, (size_t)JSON_MAX_BYTES + 1, &value, &e), -ERR_INPUT);

	/* Brackets in texts do not count; an escaped quote does not end one. */
	value = parsed("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\"]");
	json_decref(value);
}

static void test_decode(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct sample s = { .count = 8, .row = 99 };
	json_t *value = parsed(
	    "{\"name\":\"n\",\"token\":\"t\",\"on\":true,\"made_at\":\"2026-11-22T01:00:00+01:00\","
	    "\"tags\":[\"x\",\"y\"],\"number\":7,\"count\":null,\"row\":1,\"other\":[]}");
	struct err e;

	assert_int_equal(json_decode(a, value, sample_fields, &s, sizeof(s), false, &e), 0);
	json_decref(value);
	assert_string_equal(s.name, "n");
	assert_string_equal(s.token, "t");
	assert_true(s.on);
	assert_int_equal(s.made_at, 1795305600);
	assert_int_equal(s.tags.n, 2);
	assert_string_equal(s.tags.v[1], "y");
	assert_int_equal(s.id, 7);
	assert_int_equal(s.count, 8); /* null keeps the default */
	assert_int_equal(s.row, 99);  /* a hidden field is never read */
}

static void test_decode_refused(void **state)
{
	static const struct {
		const char *text;
		bool strict;
		const char *want;
	} rows[] = {
		{ "{}", false, "\"name\" is missing" },
		{ "{\"name\":null}", false, "\"name\" is missing" },
		{ "[]", false, "not a JSON object" },
		{ "{\"name\":1}", false, "\"name\" must be a text" },
		{ "{\"name\":\"n\",\"count\":\"1\"}", false, "\"count\" must be a whole number" },
		{ "{\"name\":\"n\",\"count\":1.0}", false, "\"count\" must be a whole number" },
		{ "{\"name\":\"n\",\"on\":1}", false, "\"on\" must be true or false" },
		{ "{\"name\":\"n\",\"made_at\":1}", false, "\"made_at\" must be a time" },
		{ "{\"name\":\"n\",\"made_at\":\"soon\"}", false,
		  "\"made_at\": not a time like 2026-01-31T12:00:00Z: \"soon\"" },
		{ "{\"name\":\"n\",\"tags\":\"x\"}", false, "\"tags\" must be a list of texts" },
		{ "{\"name\":\"n\",\"tags\":[\"x\",1]}", false,
		  "\"tags\" must be a list of texts" },
		{ "{\"name\":\"n\",\"nmae\":1}", true, "\"nmae\" is not known here" },
		{ "{\"name\":\"n\",\"row\":1}", true, "\"row\" is not known here" },
		{ "{\"name\":\"n\",\"token\":[\"hunter2\"]}", false, "\"token\" must be a text" },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sample s = { .name = "before" };
		json_t *value = parsed(rows[i].text);
		struct err e;

		assert_int_equal(
		    json_decode(a, value, sample_fields, &s, sizeof(s), rows[i].strict, &e),
		    -ERR_INPUT);
		assert_string_equal(e.text, rows[i].want);
		assert_string_equal(s.name, "before");
		json_decref(value);
	}
}

static void test_too_many_strings(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_t *object = parsed("{\"name\":\"n\",\"tags\":[]}"),
	       *tags = json_object_get(object, "tags");
	struct sample s = { 0 };
	struct err e;

	for (int i = 0; i < 1000; i++)
		json_array_append_new(tags, json_string("x"));
	assert_int_equal(json_decode(a, object, sample_fields, &s, sizeof(s), true, &e), 0);
	assert_int_equal(s.tags.n, 1000);
	json_array_append_new(tags, json_string("x"));
	assert_int_equal(json_decode(a, object, sample_fields, &s, sizeof(s), true, &e),
	                 -ERR_INPUT);
	/* what we asked for ourselves */
	for (int i = 0; i < 20000; i++)
		json_array_append_new(tags, json_string("x"));
	assert_int_equal(json_decode(a, object, sample_fields, &s, sizeof(s), false, &e), 0);
	assert_int_equal(s.tags.n, 21001);
	json_decref(object);
}

static void test_encode(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *tags[] = { "x", "\xff" };
	struct sample s = { .name = "m\xc3\xbc",
		            .token = "hunter2",
		            .count = -3,
		            .on = true,
		            .made_at = 1795305600,
		            .tags = { tags, 2 },
		            .id = 7,
		            .row = 99 };
	json_t *value = json_encode(sample_fields, &s);

	assert_string_equal(json_text(a, value),
	                    "{\"name\":\"m\xc3\xbc\",\"count\":-3,\"on\":true,"
	                    "\"made_at\":\"2026-11-22T00:00:00Z\",\"tags\":[\"x\",\"?\"],"
	                    "\"number\":7}");
	json_decref(value);
	s = (struct sample){ 0 };
	value = json_encode(sample_fields, &s);
	assert_string_equal(
	    json_text(a, value),
	    "{\"name\":null,\"count\":0,\"on\":false,\"made_at\":null,\"tags\":[],\"number\":0}");
	json_decref(value);
}

struct samples {
	struct records items;
	const char *any;
	bool last;
};

static const struct field samples_fields[] = {
	FIELD_RECORDS(struct samples, items, struct sample, sample_fields, 0, "some"),
	FIELD(struct samples, any, FT_JSON, 0, "any value"),
	FIELD(struct samples, last, FT_BOOL, 0, "whether"), FIELD_END
};

/* Written at once is what is written by way of values. */
static void test_encode_text(void **state)
{
	static const char *const texts[] = {
		NULL,
		"",
		"plain",
		"\"q\" \\ / <>&\x7f",
		"\b\f\n\r\t\x01\x1f\x0b",
		"m\xc3\xbc\n",
		"\xff\n\x01",
		"\xed\xa0\x80",
		"\xe2\x80\xa8",
		"\xf0\x9f\x94\x91 key",
	};
	static const char *const values[] = { NULL, "{\"b\":[1,\"\\u00fc\"],\"a\":null}", "3",
		                              "not JSON" };
	static const int64_t numbers[] = { 0, 1, -1, INT64_MIN, INT64_MAX, 1795305600 };
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char long_text[5000];
	struct sample items[64] = { { 0 } };

	memset(long_text, '\n', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	items[63].name = long_text;
	for (size_t i = 0; i < 63; i++) {
		items[i].name = texts[i % ARRAY_LEN(texts)];
		items[i].token = "hunter2";
		items[i].count = numbers[i % ARRAY_LEN(numbers)];
		items[i].made_at = numbers[i / 2 % ARRAY_LEN(numbers)];
		items[i].on = i & 1;
		items[i].row = 99;
		for (size_t j = 0; j < i % 4; j++)
			strings_add(a, &items[i].tags, texts[1 + (i + j) % (ARRAY_LEN(texts) - 1)]);
	}
	for (size_t n = 0; n <= 64; n += n ? 21 : 1) {
		struct samples s = { { n ? items : NULL, n },
			             values[n % ARRAY_LEN(values)],
			             n & 1 };
		json_auto_t *value = json_encode(samples_fields, &s);

		assert_string_equal(json_encode_text(a, samples_fields, &s), json_text(a, value));
	}
}

static void test_texts(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_t *value = parsed("{\"b\":\"x\",\"a\":[1]}");

	assert_string_equal(json_text(a, value), "{\"b\":\"x\",\"a\":[1]}");
	assert_string_equal(json_pretty(a, value), "{\n  \"b\": \"x\",\n  \"a\": [\n    1\n  ]\n}");
	assert_string_equal(json_str(a, value, "b"), "x");
	assert_null(json_str(a, value, "a"));
	assert_null(json_str(a, value, "c"));
	assert_null(json_str(a, NULL, "c"));
	json_decref(value);
}

static void test_field_find(void **state)
{
	assert_string_equal(field_find(sample_fields, "number")->name, "number");
	assert_int_equal(field_find(sample_fields, "on")->type, FT_BOOL);
	assert_null(field_find(sample_fields, "id"));
	assert_null(field_find(sample_fields, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_parse_shows_no_values),
		cmocka_unit_test(test_not_terminated),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_refused),
		cmocka_unit_test(test_too_many_strings),
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_encode_text),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_field_find),
	};

	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
