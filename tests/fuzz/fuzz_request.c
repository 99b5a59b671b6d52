/*
 * A request as anybody could send it: the first line is a method and a path with its query, the
 * rest is the body. What is decoded holds to its table's bounds, and its JSON decodes to the same
 * again.
 */
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the server does before us: parameters split, nothing decoded. */
static void split(struct arena *a, char *query, struct query_pairs *out)
{
	while (query) {
		char *next = strchr(query, '&'), *value;

		if (next)
			*next++ = '\0';
		value = strchr(query, '=');
		if (value)
			*value++ = '\0';
		strings_add(a, &out->names, query);
		strings_add(a, &out->values, value ? value : "");
		query = next;
	}
}

static void check_parts(const struct path_parts *parts)
{
	if (parts->names.n != parts->values.n)
		abort();
	for (size_t i = 0; i < parts->values.n; i++)
		if (strchr(parts->values.v[i], '/') || strlen(parts->values.v[i]) > PART_BYTES ||
		    !*parts->names.v[i])
			abort();
}

static void decode(struct arena *a, const struct operation *op, const struct path_parts *parts,
                   const struct query_pairs *query, const char *body)
{
	const struct query_pairs none = { 0 };
	void *in = NULL, *again = NULL;
	const char *text = NULL, *same = NULL;
	struct err e;

	if (request_decode(a, op, parts, query, body, strlen(body), &in, &text, &e) < 0) {
		if (in || text || !e.text[0])
			abort();
		return;
	}
	FIELD_EACH (f, op->in) {
		if (f->type == FT_STRING && f->flags & F_REQUIRED && !FIELD_STRING(f, in))
			abort();
	}
	if (request_has_body(op) &&
	    (request_decode(a, op, parts, &none, body, strlen(body), &again, &same, &e) < 0 ||
	     strcmp(text, same) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char *text = arena_strndup(a, size ? (const char *)data : "", size), *path, *query, *body;
	const struct operation *op = NULL;
	struct query_pairs pairs = { 0 };
	struct path_parts parts = { 0 };
	const char *allow = NULL;
	struct err e;

	if (!ready)
		json_setup();
	ready = true;
	body = strchr(text, '\n');
	path = strchr(text, ' ');
	if (!body || !path || path > body)
		return 0;
	*body++ = *path++ = '\0';
	query = strchr(path, '?');
	if (query)
		*query++ = '\0';
	split(a, query, &pairs);
	if (match_operation(a, text, path, &op, &parts, &allow, &e) < 0 || !op)
		return 0;
	check_parts(&parts);
	decode(a, op, &parts, &pairs, body);
	return 0;
}
