/* Records of the operations on rate limits. */
#ifndef OPS_OP_LIMITS_H
#define OPS_OP_LIMITS_H

#include "ops/ops_limits.h"

extern const struct field limits_ask_fields[], limits_unpause_fields[];
struct limits_said {
	struct records limits; /* of struct limit_state */
	bool more;
};
extern const struct field limits_said_fields[];

#endif
