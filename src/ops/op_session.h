/* Records of the operations by which people sign in and out in a browser. */
#ifndef OPS_OP_SESSION_H
#define OPS_OP_SESSION_H

#include "ops/operation.h"

/* A session ends when it was not used for so long, and at the latest. */
#define SESSION_IDLE_S (30 * 60)
#define SESSION_END_S (12 * 3600)

struct session_new {
	const char *user, *password, *totp;
};
extern const struct field session_new_fields[];
/* cookie and csrf: api/session. */
struct session_said {
	const char *user, *role, *email, *cookie, *csrf;
	bool second_factor;
	int64_t idle_at, end_at;
};
extern const struct field session_made_fields[], session_said_fields[];

struct session_first {
	const char *link, *password;
};
extern const struct field session_first_fields[];
struct password_change {
	const char *password, *new_password;
};
extern const struct field password_change_fields[];
struct password_again {
	const char *password;
};
extern const struct field password_again_fields[];
struct totp_said {
	const char *secret, *uri;
};
extern const struct field totp_said_fields[];
struct totp_confirm {
	const char *totp;
};
extern const struct field totp_confirm_fields[];

#endif
