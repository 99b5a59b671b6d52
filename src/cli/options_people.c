/* The options of `user` and `token`. */
#include <stddef.h>

#include "cli/args.h"
#include "cli/args_people.h"

#define TO(T, member) .offset = offsetof(struct T, member)

static const char *const roles[] = { "admin", "operator", "user", "auditor", NULL };
static const char *const scopes[] = { "full", "export", "read", NULL };

const struct option user_add_options[] = {
	{ "role", .kind = OPT_STRING, .arg = "ROLE", .values = roles, .flags = OPTION_NEEDED,
	  TO(user_args, role),
	  .help =
	      "admin: everything; operator: all certificates; user: their own; auditor: reads" },
	{ "email", .kind = OPT_STRING, .arg = "ADDR", TO(user_args, email),
	  .help = "their mail address" },
	{ "password-file", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(user_args, password_file),
	  .help = "the file with their password (default: a one-time link, good for a day)" },
	{ 0 }
};

const struct option user_update_options[] = {
	{ "role", .kind = OPT_STRING, .arg = "ROLE", .values = roles, TO(user_args, role),
	  .help = "another role" },
	{ "email", .kind = OPT_STRING, .arg = "ADDR", TO(user_args, email),
	  .help = "another mail address" },
	{ "no-email", .kind = OPT_FLAG, TO(user_args, no_email), .help = "none any more" },
	{ "no-second-factor", .kind = OPT_FLAG, TO(user_args, no_second_factor),
	  .help = "take their second factor away: they lost it" },
	{ 0 }
};

const struct option user_password_options[] = {
	{ "password-file", .kind = OPT_STRING, .arg = "FILE", .flags = OPTION_READS,
	  TO(user_args, password_file),
	  .help = "the file with it (default: a one-time link, good for a day)" },
	{ 0 }
};

const struct option user_delete_options[] = {
	{ "give-to", .kind = OPT_STRING, .arg = "USER", TO(user_args, heir),
	  .help = "who gets their certificates" },
	{ "yes", .kind = OPT_FLAG, TO(user_args, yes),
	  .help = "yes, really: this cannot be undone; without it: what goes with the user" },
	{ 0 }
};

const struct option user_bind_options[] = {
	{ "exact", .kind = OPT_FLAG, TO(user_args, exact),
	  .help = "this name alone, not those below it" },
	{ "method", .kind = OPT_STRINGS, .arg = "METHOD", TO(user_args, methods),
	  .help = "only proved so: webroot, standalone, alpn, dns, dns-persist, manual, agent; "
	          "repeatable" },
	{ "dns", .kind = OPT_STRINGS, .arg = "ACCOUNT", TO(user_args, dns),
	  .help = "share this DNS account for it; repeatable" },
	{ "account", .kind = OPT_STRINGS, .arg = "NAME", TO(user_args, accounts),
	  .help = "let them name this account at a CA; repeatable (always: the default one)" },
	{ 0 }
};

const struct option token_create_options[] = {
	{ "user", .kind = OPT_STRING, .arg = "USER", TO(token_args, user),
	  .help = "whose it is (default: oneself; on the host the user of the token's name, or the "
	          "only administrator)" },
	{ "role", .kind = OPT_STRING, .arg = "ROLE", .values = roles, TO(token_args, role),
	  .help = "what it may do at most (default: what they may)" },
	{ "expires", .kind = OPT_STRING, .arg = "WHEN", TO(token_args, expires),
	  .help = "when it ends: 90d, 2027-06-30, or a time of RFC 3339 (default: never)" },
	{ "scope", .kind = OPT_STRING, .arg = "SCOPE", .values = scopes, TO(token_args, scope),
	  .help = "of what the role allows: full (default), export (it looks, and is given private "
	          "keys of certificates) or read (it looks)" },
	{ "certificate", .kind = OPT_STRINGS, .arg = "NAME", TO(token_args, certificates),
	  .help = "only for certificates called so; NAME* is all that begin so; repeatable" },
	{ "domain", .kind = OPT_STRINGS, .arg = "DOMAIN", TO(token_args, domains),
	  .help = "only for certificates whose names are all this one or below it; repeatable" },
	{ 0 }
};

const struct option token_user_options[] = {
	{ "user", .kind = OPT_STRING, .arg = "USER", TO(token_args, user),
	  .help = "whose (default: oneself; on the host everybody's)" },
	{ 0 }
};
