/* The fields of users and what is theirs: columns of `users`, `user_domains`, `tokens` and
 * `sessions`. */
#include "model/user.h"

#include <string.h>

const struct field user_fields[] = {
	FIELD(struct user, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct user, name, FT_STRING, 0, "who"),
	FIELD(struct user, role, FT_STRING, 0, "admin, operator, user or auditor"),
	FIELD(struct user, email, FT_STRING, 0, "mail address"),
	FIELD(struct user, enabled, FT_BOOL, 0, "may sign in, and their tokens are good"),
	FIELD(struct user, password, FT_STRING, F_HIDDEN, "Argon2id hash"),
	FIELD(struct user, totp, FT_SECRET, F_HIDDEN, "second factor"),
	FIELD(struct user, totp_next, FT_SECRET, F_HIDDEN, "second factor to be confirmed"),
	FIELD(struct user, totp_step, FT_INT, F_HIDDEN, "last step used"),
	FIELD(struct user, link, FT_STRING, F_HIDDEN, "SHA-256 of the one-time link"),
	FIELD(struct user, link_until, FT_TIME, F_HIDDEN, "until when that is good"),
	FIELD(struct user, last_login_at, FT_TIME, 0, "when they last signed in"),
	FIELD(struct user, created_at, FT_TIME, 0, "when they were added"),
	FIELD(struct user, updated_at, FT_TIME, 0, "when something of this changed"),
	FIELD_END
};

const struct field binding_fields[] = {
	FIELD(struct binding, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct binding, owner, FT_STRING, 0, "whose it is"),
	FIELD(struct binding, domain, FT_STRING, 0, "the name, and all below it"),
	FIELD(struct binding, exact, FT_BOOL, 0, "the name alone"),
	FIELD(struct binding, methods, FT_STRINGS, 0,
	      "ways to prove it; none: each that users may have"),
	FIELD(struct binding, dns, FT_STRINGS, 0, "DNS accounts shared with them"),
	FIELD(struct binding, accounts, FT_STRINGS, 0, "accounts at CAs that they may name"),
	FIELD(struct binding, created_at, FT_TIME, 0, "since when"),
	FIELD_END
};

const struct field token_fields[] = {
	FIELD(struct token, id, FT_INT, F_KEY, "number"),
	FIELD(struct token, owner, FT_STRING, 0, "whose it is"),
	FIELD(struct token, name, FT_STRING, 0, "what it is called"),
	FIELD(struct token, role, FT_STRING, 0, "what it may do at most"),
	FIELD_NAMED(struct token, scope.may, "scope", FT_STRING, 0,
	            "of what the role allows: full, export (read, with private keys of "
	            "certificates) or read"),
	FIELD_NAMED(struct token, scope.certificates, "certificates", FT_STRINGS, 0,
	            "only those called so; one with * at its end is a beginning; none: all"),
	FIELD_NAMED(struct token, scope.domains, "domains", FT_STRINGS, 0,
	            "only those whose names are all under these; none: all"),
	FIELD(struct token, hash, FT_STRING, F_HIDDEN, "SHA-256"),
	FIELD(struct token, made_by, FT_STRING, F_HIDDEN, "SHA-256 of the token that made it"),
	FIELD(struct token, expires_at, FT_TIME, 0, "when it ends; null: never"),
	FIELD(struct token, used_at, FT_TIME, 0, "when it was last used, to a minute"),
	FIELD(struct token, created_at, FT_TIME, 0, "when it was made"),
	FIELD_END
};

const struct field session_fields[] = {
	FIELD(struct session, id, FT_INT, F_KEY, "number"),
	FIELD(struct session, owner, FT_STRING, 0, "whose it is"),
	FIELD(struct session, hash, FT_STRING, F_HIDDEN, "SHA-256 of the cookie"),
	FIELD(struct session, csrf, FT_STRING, F_HIDDEN, "what changes are sent with"),
	FIELD(struct session, address, FT_STRING, 0, "from where they signed in"),
	FIELD(struct session, created_at, FT_TIME, 0, "since when"),
	FIELD(struct session, idle_at, FT_TIME, 0, "when it ends if it is not used"),
	FIELD(struct session, end_at, FT_TIME, 0, "when it ends at the latest"),
	FIELD_END
};

bool binding_covers(const struct binding *b, const char *name)
{
	size_t len = strlen(name), below = strlen(b->domain);
	bool wild = strncmp(name, "*.", 2) == 0;

	if (strcmp(name, b->domain) == 0)
		return true;
	if (b->exact || strncmp(b->domain, "*.", 2) == 0)
		return false;
	if (wild && strcmp(name + 2, b->domain) == 0)
		return true;
	return len > below + 1 && name[len - below - 1] == '.' &&
	       strcmp(name + len - below, b->domain) == 0;
}

bool user_is_name(const char *name)
{
	static const char first[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(name);

	return len > 0 && len <= 64 && strchr(first, name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-") ==
	           len;
}
