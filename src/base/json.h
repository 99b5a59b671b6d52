/*
 * JSON at the border. jansson's values live in json_auto_t and are decoded into structs at once.
 * Parsing is bounded in size and depth and refuses duplicate members. The allocator wipes
 * (json_setup, once a process).
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"

#define JSON_MAX_DEPTH 32
#define JSON_MAX_BYTES (16 << 20)
#define JSON_MAX_VALUES 200000

void json_setup(void);

/* text need not be NUL-terminated; an object or an array. ERR_INPUT with line and column. */
NODISCARD int json_parse(const char *text, size_t len, json_t **out, struct err *e);

/* Decodes an object by table. Unknown members are ignored (strict = false) or an error naming the
 * member (strict = true); a member of the wrong type is an error naming it. A member that is absent
 * or null leaves what the record holds (its default); F_HIDDEN fields are never read. Strict lists
 * have at most 1000 entries; the others are bounded by json_parse. Outputs untouched on failure.
 * ERR_INPUT. */
NODISCARD int json_decode(struct arena *a, const json_t *object, const struct field *table,
                          void *record, size_t record_size, bool strict, struct err *e);

/* Strict, and *given names the members that were there; null takes a value back to none. For a
 * change: what is not given stays as it is. */
NODISCARD int json_decode_given(struct arena *a, const json_t *object, const struct field *table,
                                void *record, size_t record_size, struct strings *given,
                                struct err *e);
/* One field from a text that is no JSON (a query's parameter, a path's part). FT_STRINGS: adds one.
 * ERR_INPUT naming it. */
NODISCARD int json_decode_text(struct arena *a, const struct field *f, const char *text,
                               void *record, struct err *e);

/* For a request of ours: secrets too. given NULL: without what is absent, empty, 0 or false. */
json_t *json_encode_given(const struct field *table, const void *record,
                          const struct strings *given);

/* Encodes by table: every field but FT_SECRET and F_HIDDEN ones; NULL strings and 0 times become
 * null. */
json_t *json_encode(const struct field *table, const void *record);

/* json_text of json_encode, at a fraction of its cost. */
char *json_encode_text(struct arena *a, const struct field *table, const void *record);

/* Compact text, members in the order they were set, in the arena. */
char *json_text(struct arena *a, const json_t *value);
/* Indented, for people and --json. */
char *json_pretty(struct arena *a, const json_t *value);

/* Members that are optional: a string member copied into the arena, or NULL if absent or not a
 * string. */
const char *json_str(struct arena *a, const json_t *object, const char *name);

#endif
