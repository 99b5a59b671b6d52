/* Records of the operations about the daemon itself. */
#ifndef OPS_OP_SYSTEM_H
#define OPS_OP_SYSTEM_H

#include "model/setting.h"

struct version_said {
	const char *version, *user, *role;
};
extern const struct field version_said_fields[];

/* What of the configuration may be shown: no secret, and nothing of the host's own folders. */
struct settings_said {
	struct settings set;
	struct strings in_file; /* those of them that the host's file says */
	const char *account;
	struct strings webroots, hooks, deploy_hooks; /* the names that a request may choose */
	bool allow_private, has_proxy, has_ping;
	int64_t jobs;
	struct records limits; /* of struct limit_words */
};
extern const struct field settings_said_fields[];

struct settings_change {
	struct strings given;
	struct settings set;
};
extern const struct field settings_change_fields[];

#endif
