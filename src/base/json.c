/*
 * JSON at the border: bounded parsing, and structs from and to objects by field tables. jansson's
 * own limit is 2048 levels and no bound on the number of values, so the text is looked through
 * first. Errors name members and places, never values (they may be credentials). json_setup before
 * the first use; then any thread.
 */
#include "base/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"

/* Of a list in what somebody asks for; what we asked for ourselves is bounded as a whole. */
#define MAX_ASKED 1000
#define DUMP_FITS 2048 /* bytes; what is sent to CAs and stored mostly does */

/* What stands before each block, so that freeing knows how much to wipe. */
struct header {
	_Alignas(16) size_t size;
};

static void *json_alloc(size_t size)
{
	struct header *h;

	if (size > SIZE_MAX - sizeof(*h))
		out_of_memory();
	h = malloc(sizeof(*h) + size);
	if (!h)
		out_of_memory();
	h->size = size;
	return h + 1;
}

static void json_free(void *p)
{
	struct header *h;

	if (!p)
		return;
	h = (struct header *)p - 1;
	wipe(p, h->size);
	free(h);
}

void json_setup(void)
{
	json_set_alloc_funcs(json_alloc, json_free);
}

/* Depth and number of values, without building anything. */
static int check_bounds(const char *text, size_t len, struct err *e)
{
	size_t depth = 0, values = 0;
	bool in_string = false;

	if (len > JSON_MAX_BYTES)
		return err_set(e, ERR_INPUT, "JSON text of more than %d bytes", JSON_MAX_BYTES);
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		if (c == '"')
			in_string = true;
		else if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
		if (c == ',' || c == '[' || c == '{')
			values++;
		if (depth > JSON_MAX_DEPTH)
			return err_set(e, ERR_INPUT, "JSON nested deeper than %d levels",
			               JSON_MAX_DEPTH);
		if (values > JSON_MAX_VALUES)
			return err_set(e, ERR_INPUT, "JSON of more than %d values",
			               JSON_MAX_VALUES);
	}
	return 0;
}

int json_parse(const char *text, size_t len, json_t **out, struct err *e)
{
	json_error_t error;
	const char *near;
	json_t *value;
	int words;

	TRY(check_bounds(text, len, e));
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!value) {
		near = strstr(error.text, " near '"); /* what follows is a piece of the text */
		words = near ? (int)(near - error.text) : (int)strlen(error.text);
		return err_set(e, ERR_INPUT, "not valid JSON: %.*s (line %d, column %d)", words,
		               error.text, error.line, error.column);
	}
	*out = value;
	return 0;
}

static int wrong_type(const struct field *f, const char *want, struct err *e)
{
	err_set(e, ERR_INPUT, "\"%s\" must be %s", f->name, want);
	return err_member(e, f->name);
}

static int check_count(const json_t *list, const struct field *f, bool strict, struct err *e)
{
	size_t most = strict ? MAX_ASKED : JSON_MAX_VALUES;

	if (json_array_size(list) <= most)
		return 0;
	err_set(e, ERR_INPUT, "\"%s\" has more than %zu entries", f->name, most);
	return err_member(e, f->name);
}

static int decode_strings(struct arena *a, const json_t *value, const struct field *f, bool strict,
                          struct strings *out, struct err *e)
{
	struct strings list = { 0 };
	const json_t *item;
	size_t i;

	if (!json_is_array(value))
		return wrong_type(f, "a list of texts", e);
	TRY(check_count(value, f, strict, e));
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return wrong_type(f, "a list of texts", e);
		strings_add(a, &list, json_string_value(item));
	}
	*out = list;
	return 0;
}

static int decode_time(const json_t *value, const struct field *f, int64_t *out, struct err *e)
{
	int rc;

	if (!json_is_string(value))
		return wrong_type(f, "a time", e);
	rc = clock_parse_rfc3339(json_string_value(value), out, e);
	if (rc == 0)
		return 0;
	err_ctx(e, "\"%s\"", f->name);
	return err_member(e, f->name);
}

static int decode_records(struct arena *a, const json_t *value, const struct field *f, bool strict,
                          struct records *out, struct err *e)
{
	size_t n = json_array_size(value);
	char *v;

	if (!json_is_array(value))
		return wrong_type(f, "a list", e);
	TRY(check_count(value, f, strict, e));
	v = arena_alloc_array(a, f->of_size, n ? n : 1);
	for (size_t i = 0; i < n; i++)
		if (json_decode(a, json_array_get(value, i), f->of, v + i * f->of_size, f->of_size,
		                strict, e) < 0)
			return err_ctx(e, "\"%s\", entry %zu", f->name, i + 1);
	*out = (struct records){ v, n };
	return 0;
}

static int decode_field(struct arena *a, const json_t *value, const struct field *f, bool strict,
                        void *record, struct err *e)
{
	switch (f->type) {
	case FT_STRING:
	case FT_SECRET:
		if (!json_is_string(value))
			return wrong_type(f, "a text", e);
		FIELD_STRING(f, record) = arena_strdup(a, json_string_value(value));
		return 0;
	case FT_INT:
		if (!json_is_integer(value))
			return wrong_type(f, "a whole number", e);
		FIELD_INT(f, record) = json_integer_value(value);
		return 0;
	case FT_BOOL:
		if (!json_is_boolean(value))
			return wrong_type(f, "true or false", e);
		FIELD_BOOL(f, record) = json_is_true(value);
		return 0;
	case FT_TIME:
		return decode_time(value, f, &FIELD_INT(f, record), e);
	case FT_STRINGS:
		return decode_strings(a, value, f, strict, &FIELD_STRINGS(f, record), e);
	case FT_JSON:
		FIELD_STRING(f, record) = json_text(a, value);
		return 0;
	case FT_RECORDS:
		return decode_records(a, value, f, strict, &FIELD_RECORD_LIST(f, record), e);
	}
	return err_set(e, ERR_INPUT, "\"%s\" has no known type", f->name);
}

static int unknown_member(const char *name, struct err *e)
{
	err_set(e, ERR_INPUT, "\"%.100s\" is not known here", name);
	return err_member(e, name);
}

static int refuse_unknown(const json_t *object, const struct field *table, struct err *e)
{
	const struct field *f;
	const char *name;
	json_t *value;

	/* jansson's iteration wants a json_t that is not const; nothing is changed. */
	json_object_foreach((json_t *)object, name, value)
	{
		f = field_find(table, name);
		if (!f || (f->flags & F_HIDDEN))
			return unknown_member(name, e);
	}
	return 0;
}

static void clear_field(const struct field *f, void *record)
{
	switch (f->type) {
	case FT_STRING:
	case FT_SECRET:
	case FT_JSON:
		FIELD_STRING(f, record) = NULL;
		break;
	case FT_INT:
	case FT_TIME:
		FIELD_INT(f, record) = 0;
		break;
	case FT_BOOL:
		FIELD_BOOL(f, record) = false;
		break;
	case FT_STRINGS:
		FIELD_STRINGS(f, record) = (struct strings){ 0 };
		break;
	case FT_RECORDS:
		FIELD_RECORD_LIST(f, record) = (struct records){ 0 };
		break;
	}
}

static int decode_member(struct arena *a, const json_t *object, const struct field *f, bool strict,
                         void *record, struct strings *given, struct err *e)
{
	const json_t *value = f->flags & F_HIDDEN ? NULL : json_object_get(object, f->name);

	if (value && given)
		strings_add(a, given, f->name);
	if (value && !json_is_null(value))
		return decode_field(a, value, f, strict, record, e);
	if (f->flags & F_REQUIRED) {
		err_set(e, ERR_INPUT, "\"%s\" is missing", f->name);
		return err_member(e, f->name);
	}
	if (value && given)
		clear_field(f, record);
	return 0;
}

static int decode_object(struct arena *a, const json_t *object, const struct field *table,
                         void *record, size_t record_size, bool strict, struct strings *given,
                         struct err *e)
{
	struct strings names = { 0 };
	void *copy;

	if (!json_is_object(object))
		return err_set(e, ERR_INPUT, "not a JSON object");
	if (strict)
		TRY(refuse_unknown(object, table, e));
	copy = arena_memdup(a, record, record_size);
	FIELD_EACH (f, table)
		TRY(decode_member(a, object, f, strict, copy, given ? &names : NULL, e));
	memcpy(record, copy, record_size);
	if (given)
		*given = names;
	return 0;
}

int json_decode(struct arena *a, const json_t *object, const struct field *table, void *record,
                size_t record_size, bool strict, struct err *e)
{
	return decode_object(a, object, table, record, record_size, strict, NULL, e);
}

int json_decode_given(struct arena *a, const json_t *object, const struct field *table,
                      void *record, size_t record_size, struct strings *given, struct err *e)
{
	return decode_object(a, object, table, record, record_size, true, given, e);
}

static int text_number(const struct field *f, const char *text, int64_t *out, struct err *e)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || end == text || *end)
		return wrong_type(f, "a whole number", e);
	*out = v;
	return 0;
}

static int text_truth(const struct field *f, const char *text, bool *out, struct err *e)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return wrong_type(f, "true or false", e);
	*out = *text == 't';
	return 0;
}

int json_decode_text(struct arena *a, const struct field *f, const char *text, void *record,
                     struct err *e)
{
	json_auto_t *value = NULL;

	switch (f->type) {
	case FT_INT:
		return text_number(f, text, &FIELD_INT(f, record), e);
	case FT_BOOL:
		return text_truth(f, text, &FIELD_BOOL(f, record), e);
	case FT_STRINGS:
		strings_add(a, &FIELD_STRINGS(f, record), text);
		return 0;
	case FT_STRING:
	case FT_SECRET:
	case FT_TIME:
		value = json_string(text);
		return value ? decode_field(a, value, f, true, record, e)
		             : wrong_type(f, "UTF-8 text", e);
	case FT_JSON:
	case FT_RECORDS:
		break;
	}
	return wrong_type(f, "in the body", e);
}

/* A text for JSON; what is not UTF-8 (a file name, say) is cleaned rather than lost. */
static json_t *text_value(const char *s)
{
	struct arena *a CLEANUP(arena_cleanup) = NULL;
	json_t *value;
	char *clean;

	if (!s)
		return json_null();
	value = json_string(s);
	if (value)
		return value;
	a = arena_new(0);
	clean = arena_strdup(a, s);
	text_clean(clean);
	return json_string(clean);
}

static json_t *strings_value(const struct strings *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, text_value(list->v[i]));
	return array;
}

static json_t *time_value(int64_t at)
{
	char text[CLOCK_RFC3339_SIZE];

	if (at == 0)
		return json_null();
	clock_format_rfc3339(at, text);
	return json_string(text);
}

static json_t *records_value(const struct field *f, const struct records *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array,
		                      json_encode(f->of, (const char *)list->v + i * f->of_size));
	return array;
}

/* What was JSON text once is again; what is not any more is a text. */
static json_t *json_value(const char *text)
{
	json_t *value = text ? json_loads(text, JSON_DECODE_ANY, NULL) : json_null();

	return value ? value : text_value(text);
}

static json_t *field_value(const struct field *f, const void *record)
{
	switch (f->type) {
	case FT_STRING:
	case FT_SECRET:
		return text_value(FIELD_STRING(f, record));
	case FT_INT:
		return json_integer(FIELD_INT(f, record));
	case FT_BOOL:
		return json_boolean(FIELD_BOOL(f, record));
	case FT_TIME:
		return time_value(FIELD_INT(f, record));
	case FT_JSON:
		return json_value(FIELD_STRING(f, record));
	case FT_STRINGS:
		return strings_value(&FIELD_STRINGS(f, record));
	case FT_RECORDS:
		return records_value(f, &FIELD_RECORD_LIST(f, record));
	}
	return NULL;
}

static bool is_empty(const struct field *f, const void *record)
{
	switch (f->type) {
	case FT_STRING:
	case FT_SECRET:
	case FT_JSON:
		return !FIELD_STRING(f, record);
	case FT_INT:
	case FT_TIME:
		return !FIELD_INT(f, record);
	case FT_BOOL:
		return !FIELD_BOOL(f, record);
	case FT_STRINGS:
		return !FIELD_STRINGS(f, record).n;
	case FT_RECORDS:
		return !FIELD_RECORD_LIST(f, record).n;
	}
	return true;
}

json_t *json_encode_given(const struct field *table, const void *record,
                          const struct strings *given)
{
	json_t *object = json_object();

	FIELD_EACH (f, table) {
		bool wanted = given ? strings_has(given, f->name) : !is_empty(f, record);

		if (wanted && !(f->flags & F_HIDDEN))
			json_object_set_new(object, f->name, field_value(f, record));
	}
	return object;
}

json_t *json_encode(const struct field *table, const void *record)
{
	json_t *object = json_object();

	FIELD_EACH (f, table) {
		if (f->type != FT_SECRET && !(f->flags & F_HIDDEN))
			json_object_set_new(object, f->name, field_value(f, record));
	}
	return object;
}

/* What fits is written once; else it is measured by that, and written again. No copy is left in
 * memory that nobody wipes. */
static char *dump(struct arena *a, const json_t *value, size_t flags)
{
	char fits[DUMP_FITS];
	size_t len = json_dumpb(value, fits, sizeof(fits), flags | JSON_ENCODE_ANY);
	char *text = arena_alloc(a, len + 1);

	if (len <= sizeof(fits))
		memcpy(text, fits, len);
	else
		json_dumpb(value, text, len, flags | JSON_ENCODE_ANY);
	wipe(fits, len < sizeof(fits) ? len : sizeof(fits));
	return text;
}

char *json_text(struct arena *a, const json_t *value)
{
	return dump(a, value, JSON_COMPACT);
}

char *json_pretty(struct arena *a, const json_t *value)
{
	return dump(a, value, JSON_INDENT(2));
}

const char *json_str(struct arena *a, const json_t *object, const char *name)
{
	return arena_strdup(a, json_string_value(json_object_get(object, name)));
}
