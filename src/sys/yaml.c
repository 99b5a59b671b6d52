/*
 * YAML read by libyaml's events into JSON values, which the field tables then decode. Only the
 * plain part of YAML: no anchors, aliases, tags or second documents, which configuration does not
 * need and attackers do. Error texts give the place, never a value, since values can be secrets.
 */
#include "sys/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define YAML_BYTES_MAX ((size_t)1 << 20)
#define YAML_DEPTH_MAX 32

struct reader {
	yaml_parser_t parser;
	const char *name;
};

static void reader_done(struct reader *r)
{
	yaml_parser_delete(&r->parser);
}

static int fault_at(const struct reader *r, const yaml_mark_t *at, struct err *e, const char *why)
{
	return err_set(e, ERR_CONFIG, "%s:%zu: %s", r->name, at->line + 1, why);
}

static int next(struct reader *r, yaml_event_t *out, struct err *e)
{
	const char *why;

	if (yaml_parser_parse(&r->parser, out))
		return 0;
	why = r->parser.problem ? r->parser.problem : "not valid YAML";
	return fault_at(
	    r, r->parser.error == YAML_READER_ERROR ? &r->parser.mark : &r->parser.problem_mark, e,
	    why);
}

/* What any node must not have. */
static int check_plain(const struct reader *r, const yaml_event_t *ev, const void *anchor,
                       const void *tag, struct err *e)
{
	if (anchor)
		return fault_at(r, &ev->start_mark, e,
		                "anchors (&) are not supported; quote a value that begins with &");
	if (tag)
		return fault_at(r, &ev->start_mark, e,
		                "tags (!) are not supported; quote a value that begins with !");
	return 0;
}

static bool is_one_of(const char *s, const char *const words[3])
{
	return strcmp(s, words[0]) == 0 || strcmp(s, words[1]) == 0 || strcmp(s, words[2]) == 0;
}

/* An integer without leading zeros that fits; "007" and "+1" stay what was written. */
static bool is_integer(const char *s, json_int_t *out)
{
	const char *digits = s + (*s == '-');
	char *end;

	if (!*digits || strspn(digits, "0123456789") != strlen(digits) ||
	    (digits[0] == '0' && (digits[1] || *s == '-')))
		return false;
	errno = 0;
	*out = strtoll(s, &end, 10);
	return errno == 0 && !*end;
}

/* The core schema's words for a plain scalar; everything else is a string. */
static json_t *plain_value(const char *s, size_t len)
{
	static const char *const yes[] = { "true", "True", "TRUE" },
	                         *const no[] = { "false", "False", "FALSE" },
	                         *const none[] = { "null", "Null", "NULL" };
	json_int_t v;

	if (len == 0 || strcmp(s, "~") == 0 || is_one_of(s, none))
		return json_null();
	if (is_one_of(s, yes))
		return json_true();
	if (is_one_of(s, no))
		return json_false();
	return is_integer(s, &v) ? json_integer(v) : json_stringn(s, len);
}

static int check_scalar(const struct reader *r, const yaml_event_t *ev, struct err *e)
{
	TRY(check_plain(r, ev, ev->data.scalar.anchor, ev->data.scalar.tag, e));
	if (memchr(ev->data.scalar.value, 0, ev->data.scalar.length))
		return fault_at(r, &ev->start_mark, e, "a value holds a NUL character");
	return 0;
}

static int scalar(const struct reader *r, const yaml_event_t *ev, json_t **out, struct err *e)
{
	const char *s = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;

	TRY(check_scalar(r, ev, e));
	*out = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_value(s, len)
	                                                        : json_stringn(s, len);
	return *out ? 0 : fault_at(r, &ev->start_mark, e, "a value is not valid UTF-8");
}

static int node(struct reader *r, yaml_event_t *ev, int depth, json_t **out, struct err *e);

static int sequence(struct reader *r, int depth, json_t **out, struct err *e)
{
	json_auto_t *list = json_array();

	for (;;) {
		yaml_event_t ev CLEANUP(yaml_event_delete) = { 0 };
		json_t *item;

		TRY(next(r, &ev, e));
		if (ev.type == YAML_SEQUENCE_END_EVENT)
			break;
		TRY(node(r, &ev, depth + 1, &item, e));
		if (json_array_append_new(list, item) < 0)
			return err_set(e, ERR_MEMORY, "out of memory");
	}
	*out = json_incref(list);
	return 0;
}

/* A member's name: any scalar that is not empty, as text. */
static int member_name(const struct reader *r, const yaml_event_t *ev, const json_t *object,
                       struct err *e)
{
	if (ev->type != YAML_SCALAR_EVENT)
		return fault_at(r, &ev->start_mark, e, "a member's name must be a plain word");
	TRY(check_scalar(r, ev, e));
	if (ev->data.scalar.length == 0)
		return fault_at(r, &ev->start_mark, e, "a member has no name");
	if (json_object_get(object, (const char *)ev->data.scalar.value))
		return fault_at(r, &ev->start_mark, e, "this member is there twice");
	return 0;
}

static int mapping(struct reader *r, int depth, json_t **out, struct err *e)
{
	json_auto_t *object = json_object();

	for (;;) {
		yaml_event_t key CLEANUP(yaml_event_delete) = { 0 },
		                 ev CLEANUP(yaml_event_delete) = { 0 };
		json_t *value;

		TRY(next(r, &key, e));
		if (key.type == YAML_MAPPING_END_EVENT)
			break;
		TRY(member_name(r, &key, object, e));
		TRY(next(r, &ev, e));
		TRY(node(r, &ev, depth + 1, &value, e));
		if (json_object_set_new(object, (const char *)key.data.scalar.value, value) < 0)
			return fault_at(r, &key.start_mark, e,
			                "a member's name is not valid UTF-8");
	}
	*out = json_incref(object);
	return 0;
}

static int node(struct reader *r, yaml_event_t *ev, int depth, json_t **out, struct err *e)
{
	if (depth > YAML_DEPTH_MAX)
		return fault_at(r, &ev->start_mark, e, "nested too deeply");
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return scalar(r, ev, out, e);
	case YAML_SEQUENCE_START_EVENT:
		TRY(check_plain(r, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag,
		                e));
		return sequence(r, depth, out, e);
	case YAML_MAPPING_START_EVENT:
		TRY(check_plain(r, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag,
		                e));
		return mapping(r, depth, out, e);
	case YAML_ALIAS_EVENT:
		return fault_at(r, &ev->start_mark, e,
		                "aliases (*) are not supported; quote a value that begins with *");
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		break;
	}
	return fault_at(r, &ev->start_mark, e, "not valid YAML");
}

/* Takes the next event, which must be of this type. */
static int expect(struct reader *r, yaml_event_type_t type, const char *why, struct err *e)
{
	yaml_event_t ev CLEANUP(yaml_event_delete) = { 0 };

	TRY(next(r, &ev, e));
	return ev.type == type ? 0 : fault_at(r, &ev.start_mark, e, why);
}

static int document(struct reader *r, json_t **out, struct err *e)
{
	yaml_event_t first CLEANUP(yaml_event_delete) = { 0 },
	                   ev CLEANUP(yaml_event_delete) = { 0 };
	json_auto_t *value = NULL;

	TRY(expect(r, YAML_STREAM_START_EVENT, "not valid YAML", e));
	TRY(next(r, &first, e));
	if (first.type == YAML_STREAM_END_EVENT) {
		*out = json_object();
		return 0;
	}
	TRY(next(r, &ev, e));
	TRY(node(r, &ev, 1, &value, e));
	TRY(expect(r, YAML_DOCUMENT_END_EVENT, "not valid YAML", e));
	TRY(expect(r, YAML_STREAM_END_EVENT, "only one document may be in the file", e));
	/* "---" alone is an empty document too */
	*out = json_is_null(value) ? json_object() : json_incref(value);
	return 0;
}

int yaml_parse(const char *text, size_t len, const char *name, json_t **out, struct err *e)
{
	struct reader r CLEANUP(reader_done) = { .name = name };

	if (len > YAML_BYTES_MAX)
		return err_set(e, ERR_CONFIG, "%s: larger than %zu KiB", name,
		               YAML_BYTES_MAX >> 10);
	if (!yaml_parser_initialize(&r.parser))
		return err_set(e, ERR_MEMORY, "out of memory");
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	return document(&r, out, e);
}
