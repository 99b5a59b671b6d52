/* Records of the operations about the daemon itself. */
#ifndef OPS_OP_SYSTEM_H
#define OPS_OP_SYSTEM_H

#include "base/field.h"

struct version_said {
	const char *version, *user, *role;
};
extern const struct field version_said_fields[];

/* What of the configuration may be shown: no secret, and nothing of the host's own folders. */
struct settings_said {
	const char *ca, *account, *key_type, *renew_window;
	struct strings email;
	struct strings webroots, hooks, deploy_hooks; /* the names that a request may choose */
	bool agree_tos, allow_private, has_proxy, has_ping;
	int64_t jobs, pass_within_days, wait_s;
	const char *warn_days; /* JSON */
	struct records limits; /* of struct limit_words */
};
extern const struct field settings_said_fields[];

#endif
