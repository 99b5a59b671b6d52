/*
 * A request's parameters and body, decoded into the record of its operation by the field table.
 * What is not known there is refused by name. Pure.
 */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/match.h"

/* Parameters of the query as they were sent. */
struct query_pairs {
	struct strings names, values;
};

/* Whether an operation's input comes in a body rather than in the query. */
bool request_has_body(const struct operation *op);
/* *in: op's record; *text: the same as JSON, as a job keeps it. body_len 0 = no member is given.
 * ERR_INPUT with the member at fault. */
NODISCARD int request_decode(struct arena *a, const struct operation *op,
                             const struct path_parts *parts, const struct query_pairs *query,
                             const char *body, size_t body_len, void **in, const char **text,
                             struct err *e);

#endif
