/* Records of operations that look, or act on what is not kept here. */
#ifndef OPS_OP_LOOK_H
#define OPS_OP_LOOK_H

#include "ops/operation.h"

struct expiring_ask {
	int64_t days;
};
struct expiring_said {
	struct records certificates; /* of struct expiring */
	int64_t total;
	int64_t last_pass;
	bool overdue;
	const char *clock; /* what is wrong with it; NULL = nothing */
};
extern const struct field expiring_ask_fields[], expiring_said_fields[];

struct revoke_foreign {
	const char *certificate, *key; /* PEM */
	const char *ca, *reason;
};
extern const struct field revoke_foreign_fields[];

/* in: struct cert_in, of which domains and how they are proved count. */
extern const struct field preflight_fields[];

#endif
