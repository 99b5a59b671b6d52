/* Records of the operations about API tokens. */
#ifndef OPS_OP_TOKEN_H
#define OPS_OP_TOKEN_H

#include "model/user.h"
#include "ops/listing.h"

struct token_ask {
	LIST_MEMBERS;
	const char *q, *user, *role;
};
extern const struct field token_ask_fields[], token_list_fields[];

struct token_new {
	const char *name, *user, *role, *expires, *scope;
	struct strings certificates, domains;
};
extern const struct field token_new_fields[];
struct token_made {
	const char *token, *name, *owner, *role;
	int64_t expires_at;
	struct scope scope;
};
extern const struct field token_made_fields[];
struct token_end {
	const char *name, *user;
};
extern const struct field token_end_fields[];

#endif
