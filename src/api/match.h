/*
 * From a path as it was sent to the operation that it means. Parts in braces are decoded once,
 * bounded, and never become more than one part: no slash, no NUL, no control character. Pure.
 */
#ifndef API_MATCH_H
#define API_MATCH_H

#include "base/arena.h"
#include "base/err.h"
#include "ops/operation.h"

#define PART_BYTES 512 /* a decoded part, or parameter name */

struct path_parts {
	struct strings names, values;
};

/* Percent-decoded; ERR_INPUT for what is no encoding, no UTF-8, or has NUL in it. */
NODISCARD int percent_decode(struct arena *a, const char *text, size_t len, char **out,
                             struct err *e);
char *percent_encode(struct arena *a, const char *text);

/* Whether path has the shape of the template; *parts as they were sent. */
bool path_fits(struct arena *a, const char *template, const char *path, struct path_parts *parts);
/* The operation of method and path (below /api/v1), its parts decoded. ERR_NOT_FOUND; ERR_INPUT
 * for a part that cannot be; *allow: the methods that a known path takes, when this is none of
 * them (then NULL in *out, and success). HEAD is GET. */
NODISCARD int match_operation(struct arena *a, const char *method, const char *path,
                              const struct operation **out, struct path_parts *parts,
                              const char **allow, struct err *e);

#endif
