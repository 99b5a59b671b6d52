/*
 * People: users, the domains bound to them, their API tokens and their browsers' sessions. A user's
 * name stands in the `owner` of certificates. Neither a password, a token nor a cookie is kept: an
 * Argon2id hash of the first, SHA-256 (hexadecimal) of the others, which are 256 random bits.
 */
#ifndef MODEL_USER_H
#define MODEL_USER_H

#include "model/scope.h"

struct user {
	int64_t id;
	const char *name, *role, *email;
	bool enabled;
	const char *password;  /* Argon2id; NULL = none was chosen yet */
	const char *totp;      /* secret: second factor, base32; NULL = none */
	const char *totp_next; /* secret: one that was not confirmed yet */
	int64_t totp_step;     /* the last time step whose code was used */
	const char *link;      /* SHA-256 of the one-time link that sets the password */
	int64_t link_until;
	int64_t last_login_at, created_at, updated_at;
};
extern const struct field user_fields[];

/* What a `user` gets certificates for. */
struct binding {
	int64_t id;
	const char *owner;
	const char *domain;      /* normalized: the name and all below it */
	bool exact;              /* the name alone */
	struct strings methods;  /* none = every one that a user may have */
	struct strings dns;      /* DNS accounts shared with them */
	struct strings accounts; /* accounts at CAs that they may name */
	int64_t created_at;
};
extern const struct field binding_fields[];

struct token {
	int64_t id;
	const char *owner, *name, *role;
	struct scope scope; /* of what the role allows */
	const char *hash;
	const char *made_by; /* hash of the token that made it; NULL = a person, or the host */
	int64_t expires_at;  /* 0 = never */
	int64_t used_at, created_at;
};
extern const struct field token_fields[];

struct session {
	int64_t id;
	const char *owner, *hash, *csrf, *address;
	int64_t created_at, idle_at, end_at; /* it ends at the earlier of the two */
};
extern const struct field session_fields[];

/* Does the binding cover this normalized name, or wildcard? */
bool binding_covers(const struct binding *b, const char *name);
/* 1 to 64 of [A-Za-z0-9._@-], beginning with a letter or digit. */
bool user_is_name(const char *name);

#endif
