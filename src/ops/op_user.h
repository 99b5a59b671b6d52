/* Records of the operations about users and the domains bound to them. */
#ifndef OPS_OP_USER_H
#define OPS_OP_USER_H

#include "model/user.h"
#include "ops/listing.h"

struct user_new {
	const char *name, *role, *email, *password;
	bool disabled;
};
extern const struct field user_new_fields[];

struct user_change {
	struct strings given;
	const char *name, *role, *email, *password;
	bool enabled, second_factor, link;
};
extern const struct field user_change_fields[];

struct user_said {
	const char *name, *role, *email;
	bool enabled, has_password, second_factor;
	int64_t last_login_at, created_at, updated_at;
	int64_t tokens_of_others;     /* that go with the user */
	const char *link, *link_file; /* of the one that was made just now */
};
extern const struct field user_said_fields[], user_list_fields[];

struct user_ask {
	LIST_MEMBERS;
	const char *q, *role, *enabled;
};
extern const struct field user_ask_fields[];

struct user_end {
	const char *name, *heir;
};
extern const struct field user_end_fields[];

struct binding_new {
	const char *name, *domain;
	bool exact;
	struct strings methods, dns, accounts;
};
extern const struct field binding_new_fields[];
struct binding_end {
	const char *name, *domain;
};
extern const struct field binding_end_fields[];
struct bindings_said {
	struct records items;
};
extern const struct field bindings_said_fields[];

#endif
