/*
 * The OpenAPI 3.1 description of the REST API, made from the same rows that route, decode and
 * encode: what it says is what the daemon does.
 */
#ifndef OPS_OPENAPI_H
#define OPS_OPENAPI_H

#include "base/arena.h"
#include "base/field.h"
#include "base/json.h"

/* Indented, with a newline at its end. */
const char *openapi_text(struct arena *a);

/* openapi_schema.c */

/* components/schemas, and which table each stands for: a record within others is described once,
 * and may hold itself. */
struct schemas {
	struct arena *a;
	json_t *all;
	struct {
		const struct field *table;
		const char *name;
		bool in;
	} v[512];
	size_t n;
};
char *schema_name(struct arena *a, const char *word, size_t len); /* "user_said" -> "UserSaid" */
/* A reference to a record that comes out (all its members are there, secrets never); name: unless
 * it has one already. */
json_t *schema_out(struct schemas *s, const struct field *table, const char *name);
/* The record that goes in. given: null takes a value back. without: members that are elsewhere, in
 * the path; NULL = none. */
json_t *schema_in(struct schemas *s, const struct field *table, const char *name,
                  const struct strings *without, bool given);
/* One field as a parameter of a query or path. */
json_t *schema_text(const struct field *f);

#endif
