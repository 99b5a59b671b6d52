/*
 * The answer to a request that a client may send again because it lost the first one
 * (Idempotency-Key): kept for a day, sealed, since it may hold a token.
 */
#ifndef MODEL_REPLY_H
#define MODEL_REPLY_H

#include "base/field.h"

struct reply {
	int64_t id;
	const char *name;        /* digest of who asked, what for, and the key */
	const char *fingerprint; /* of the request */
	const char *holder;      /* the process that works on it; NULL = it is done */
	int64_t holder_until;
	int64_t status;
	const char *location, *body; /* body: secret; NULL = none */
	int64_t at;
};
extern const struct field reply_fields[];

#endif
