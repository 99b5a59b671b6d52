/* What the options of `user` and `token` fill. */
#ifndef CLI_ARGS_PEOPLE_H
#define CLI_ARGS_PEOPLE_H

#include "cli/command.h"

struct user_args {
	const char *role, *email, *password_file, *heir;
	bool no_email, no_second_factor, yes, exact;
	struct strings methods, dns, accounts;
};
struct token_args {
	const char *user, *role, *expires, *scope;
	struct strings certificates, domains;
};

extern const struct option user_add_options[], user_update_options[], user_password_options[],
    user_delete_options[], user_bind_options[], token_create_options[], token_user_options[];

#endif
