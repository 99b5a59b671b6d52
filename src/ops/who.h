/*
 * Who asks over the network. Rules that depend on it live in ops, never in api: what is not theirs
 * does not exist for them (ERR_NOT_FOUND, and absent from every list, count and event), what their
 * role may not do at all is ERR_DENIED.
 */
#ifndef OPS_WHO_H
#define OPS_WHO_H

#include <stdbool.h>

#include "model/scope.h"

enum role {
	ROLE_AUDITOR = 1,  /* reads everything but secrets */
	ROLE_USER = 2,     /* what is theirs, for the domains bound to them */
	ROLE_OPERATOR = 4, /* certificates of all */
	ROLE_ADMIN = 8,
};
/* Who may use an operation. */
#define ROLES_ANYBODY 0 /* also who is not known: signing in */
#define ROLES_ADMIN ROLE_ADMIN
#define ROLES_CHANGE (ROLE_ADMIN | ROLE_OPERATOR | ROLE_USER)
#define ROLES_READ_ALL (ROLE_ADMIN | ROLE_OPERATOR | ROLE_AUDITOR)
#define ROLES_ALL (ROLE_ADMIN | ROLE_OPERATOR | ROLE_USER | ROLE_AUDITOR)

struct who {
	const char *user; /* NULL = nobody is signed in */
	enum role role;   /* of the user, or the lesser one of the token */
	const char *address;
	const char *token;         /* name of the API token; NULL = none */
	const struct scope *scope; /* how far that goes within the role; NULL = all the way */
	const char *session;       /* identifier of the browser's session; NULL = none */
};

#endif
