/* Records of the operations about the daemon itself. */
#ifndef OPS_OP_SYSTEM_H
#define OPS_OP_SYSTEM_H

#include "base/field.h"

struct version_said {
	const char *version, *user, *role;
};
extern const struct field version_said_fields[];

#endif
