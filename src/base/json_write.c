/*
 * Records as JSON text by their field tables, with no values made in between: a page of a list has
 * thousands of them, and to make, write and free each was most of what the page cost. What is rare
 * (text that is not ASCII, JSON within JSON) is left to the way by values, so that there is one
 * rule for it. Any thread, with an arena of its own.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

#define FIRST_ROOM 1024

struct out {
	struct arena *a;
	char *text;
	size_t len, room;
};

static void put(struct out *o, const char *s, size_t n)
{
	size_t room = o->room ? o->room : FIRST_ROOM;
	char *moved;

	while (room - o->len < n)
		room *= 2;
	if (room > o->room) {
		moved = arena_alloc(o->a, room);
		if (o->len)
			memcpy(moved, o->text, o->len);
		o->text = moved;
		o->room = room;
	}
	memcpy(o->text + o->len, s, n);
	o->len += n;
}

static void put_char(struct out *o, char c)
{
	put(o, &c, 1);
}

static void put_escaped(struct out *o, unsigned char c)
{
	static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = strchr(named, c);
	char text[8];
	int n = at ? snprintf(text, sizeof(text), "\\%c", letters[at - named])
	           : snprintf(text, sizeof(text), "\\u%04X", c);

	put(o, text, (size_t)n);
}

static size_t plain_len(const char *s)
{
	size_t n = 0;

	while ((unsigned char)s[n] >= ' ' && s[n] != '"' && s[n] != '\\')
		n++;
	return n;
}

static void put_text(struct out *o, const char *s)
{
	size_t n;

	if (!s) {
		put(o, "null", 4);
		return;
	}
	put_char(o, '"');
	for (;; s += n + 1) {
		n = plain_len(s);
		put(o, s, n);
		if (!s[n])
			break;
		put_escaped(o, (unsigned char)s[n]);
	}
	put_char(o, '"');
}

static void put_strings(struct out *o, const struct strings *list)
{
	put_char(o, '[');
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			put_char(o, ',');
		put_text(o, list->v[i]);
	}
	put_char(o, ']');
}

static void put_int(struct out *o, int64_t v)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)v);

	put(o, text, (size_t)n);
}

static void put_time(struct out *o, int64_t at)
{
	char text[CLOCK_RFC3339_SIZE];

	if (at)
		clock_format_rfc3339(at, text);
	put_text(o, at ? text : NULL);
}

static void put_object(struct out *o, const struct field *table, const void *record);

static void put_records(struct out *o, const struct field *f, const struct records *list)
{
	put_char(o, '[');
	for (size_t i = 0; i < list->n; i++) {
		if (i)
			put_char(o, ',');
		put_object(o, f->of, (const char *)list->v + i * f->of_size);
	}
	put_char(o, ']');
}

static bool is_ascii(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool is_simple(const struct field *f, const void *record)
{
	bool ascii = true;

	if (f->type == FT_STRING)
		return is_ascii(FIELD_STRING(f, record));
	for (size_t i = 0; f->type == FT_STRINGS && ascii && i < FIELD_STRINGS(f, record).n; i++)
		ascii = is_ascii(FIELD_STRINGS(f, record).v[i]);
	return ascii && f->type != FT_JSON;
}

/* The field alone, by values. */
static void put_by_value(struct out *o, const struct field *f, const void *record)
{
	const struct field alone[] = { *f, FIELD_END };
	json_auto_t *object = json_encode(alone, record);
	const char *text = json_text(o->a, json_object_get(object, f->name));

	put(o, text, strlen(text));
}

static void put_field(struct out *o, const struct field *f, const void *record)
{
	switch (f->type) {
	case FT_STRING:
		put_text(o, FIELD_STRING(f, record));
		break;
	case FT_INT:
		put_int(o, FIELD_INT(f, record));
		break;
	case FT_BOOL:
		put(o, FIELD_BOOL(f, record) ? "true" : "false", FIELD_BOOL(f, record) ? 4 : 5);
		break;
	case FT_TIME:
		put_time(o, FIELD_INT(f, record));
		break;
	case FT_STRINGS:
		put_strings(o, &FIELD_STRINGS(f, record));
		break;
	case FT_RECORDS:
		put_records(o, f, &FIELD_RECORD_LIST(f, record));
		break;
	case FT_JSON:   /* by value */
	case FT_SECRET: /* never */
		break;
	}
}

static void put_object(struct out *o, const struct field *table, const void *record)
{
	const char *sep = "\"";

	put_char(o, '{');
	FIELD_EACH (f, table) {
		if (f->type == FT_SECRET || f->flags & F_HIDDEN)
			continue;
		put(o, sep, strlen(sep));
		put(o, f->name, strlen(f->name));
		put(o, "\":", 2);
		if (is_simple(f, record))
			put_field(o, f, record);
		else
			put_by_value(o, f, record);
		sep = ",\"";
	}
	put_char(o, '}');
}

char *json_encode_text(struct arena *a, const struct field *table, const void *record)
{
	struct out o = { .a = a };

	put_object(&o, table, record);
	put_char(&o, '\0');
	return o.text;
}
