/*
 * Everything becomes one JSON object first: parts of the path and parameters by their fields'
 * types, members of the body as they are. One strict decoding then has all the rules.
 */
#include "api/request.h"

#include <string.h>

#include "base/json.h"

bool request_has_body(const struct operation *op)
{
	return strcmp(op->method, "GET") != 0 && strcmp(op->method, "DELETE") != 0;
}

static int unknown(const char *name, struct err *e)
{
	err_set(e, ERR_INPUT, "\"%.100s\" is not known here", name);
	return err_member(e, name);
}

/* Sets the member of one text that is no JSON. A list grows; anything else comes once. */
static int set_text(struct arena *a, const struct operation *op, json_t *object, const char *name,
                    const char *text, struct err *e)
{
	const struct field *f = field_find(op->in, name);
	const struct field one[2] = { f ? *f : (struct field){ 0 }, FIELD_END };
	const struct strings given = { &name, 1 };
	void *scratch = arena_alloc(a, op->in_size);
	json_auto_t *value = NULL;
	json_t *former;

	if (!f || (f->flags & F_HIDDEN))
		return unknown(name, e);
	TRY(json_decode_text(a, f, text, scratch, e));
	value = json_encode_given(one, scratch, &given);
	former = json_object_get(object, name);
	if (!former) {
		json_object_update(object, value);
	} else if (f->type == FT_STRINGS) {
		json_array_extend(former, json_object_get(value, name));
	} else {
		err_set(e, ERR_INPUT, "\"%s\" is given twice", name);
		return err_member(e, name);
	}
	return 0;
}

static int set_query(struct arena *a, const struct operation *op, json_t *object,
                     const struct path_parts *parts, const struct query_pairs *query, struct err *e)
{
	for (size_t i = 0; i < query->names.n; i++) {
		const char *raw = query->names.v[i], *text = query->values.v[i];
		char *name = NULL, *value = NULL;

		if (percent_decode(a, raw, strlen(raw), &name, e) < 0)
			return err_ctx(e, "the name of a parameter");
		if (strings_has(&parts->names, name) || request_has_body(op))
			return unknown(name, e);
		if (percent_decode(a, text, strlen(text), &value, e) < 0) {
			err_ctx(e, "\"%.100s\"", name);
			return err_member(e, name);
		}
		TRY(set_text(a, op, object, name, value, e));
	}
	return 0;
}

static int set_body(const char *body, size_t len, json_t *object, const struct path_parts *parts,
                    struct err *e)
{
	json_auto_t *sent = NULL;

	if (len == 0)
		return 0;
	TRY(json_parse(body, len, &sent, e));
	if (!json_is_object(sent))
		return err_set(e, ERR_INPUT, "the body is not a JSON object");
	for (size_t i = 0; i < parts->names.n; i++)
		if (json_object_get(sent, parts->names.v[i]))
			return unknown(parts->names.v[i], e);
	json_object_update(object, sent);
	return 0;
}

/* The path says what is meant, not what is given for it. */
static void leave_out(struct arena *a, struct strings *given, const struct strings *parts)
{
	struct strings rest = { 0 };

	for (size_t i = 0; i < given->n; i++)
		if (!strings_has(parts, given->v[i]))
			strings_add(a, &rest, given->v[i]);
	*given = rest;
}

static int check_limit(const struct operation *op, void *in, struct err *e)
{
	const struct field *f = op->flags & OP_LIST ? field_find(op->in, "limit") : NULL;

	if (!f || (FIELD_INT(f, in) >= 0 && FIELD_INT(f, in) <= PAGE_MOST))
		return 0;
	err_set(e, ERR_INPUT, "\"limit\" must be from 1 to %d", PAGE_MOST);
	return err_member(e, "limit");
}

int request_decode(struct arena *a, const struct operation *op, const struct path_parts *parts,
                   const struct query_pairs *query, const char *body, size_t body_len, void **in,
                   const char **text, struct err *e)
{
	json_auto_t *object = json_object();
	void *record = arena_alloc(a, op->in_size);
	struct strings given = { 0 };

	for (size_t i = 0; i < parts->names.n; i++)
		TRY(set_text(a, op, object, parts->names.v[i], parts->values.v[i], e));
	TRY(set_query(a, op, object, parts, query, e));
	if (request_has_body(op))
		TRY(set_body(body, body_len, object, parts, e));
	if (op->flags & OP_GIVEN) {
		TRY(json_decode_given(a, object, op->in, record, op->in_size, &given, e));
		leave_out(a, &given, &parts->names);
		*(struct strings *)record = given;
	} else {
		TRY(json_decode(a, object, op->in, record, op->in_size, true, e));
	}
	TRY(check_limit(op, record, e));
	*in = record;
	*text = json_text(a, object);
	return 0;
}
