/* Who asks over the network: a token's or a browser session's owner (ops_user.h has the rest). */
#ifndef OPS_OPS_AUTH_H
#define OPS_OPS_AUTH_H

#include "ops/ops.h"
#include "ops/who.h"

/* Fill *out, whose texts live in a, but for the address. Nobody (wrong, over, disabled) is
 * ERR_UNKNOWN_CALLER in the same words whatever was wrong; ERR_IO when the database cannot be
 * asked. They take as long for a wrong one as for a right one. */
NODISCARD int ops_auth_token(struct ops *o, struct arena *a, const char *token, struct who *out,
                             struct err *e);
/* changes: the request is no GET, so csrf, which the page sent along (NULL = it sent none), must be
 * the session's own.
 * A session moves its idle end. */
NODISCARD int ops_auth_session(struct ops *o, struct arena *a, const char *cookie, bool changes,
                               const char *csrf, struct who *out, struct err *e);
/* The user of a task that waited, with the rights that they have by now, at most those of role (a
 * role's word, as it was then): a disabled user's work stops. ERR_UNKNOWN_CALLER. */
NODISCARD int ops_auth_again(struct ops *o, struct arena *a, const char *user, const char *role,
                             const char *address, struct who *out, struct err *e);

#endif
