/*
 * Services that take an access token which lives for an hour (RFC 6750): got when it is needed,
 * renewed five minutes before its end, and once more when the service says 401 all the same. A
 * provider's state begins with a struct oauth and says how a token is got.
 */
#ifndef DNS_OAUTH_H
#define DNS_OAUTH_H

#include "dns/rest.h"

struct oauth {
	int (*get)(struct dns_session *s, struct oauth *o, struct err *e); /* ends in oauth_take */
	const char *token;                                                 /* NULL = none yet */
	int64_t renew_at;
	struct http *direct; /* for addresses that no proxy may stand before; opened when needed */
};

/* rest_do with the token in c->headers (its first free place). */
NODISCARD int oauth_do(struct dns_session *s, struct oauth *o, struct rest_call *c,
                       struct rest_answer *out, struct err *e);
/* The same, and the answer must be a JSON object. */
NODISCARD int oauth_json(struct dns_session *s, struct oauth *o, struct rest_call *c,
                         struct rest_answer *out, struct err *e);
/* Takes access_token and expires_in (or expires_on) from a token service's answer; numbers may be
 * texts. ERR_PROTOCOL. */
NODISCARD int oauth_take(struct dns_session *s, struct oauth *o, const json_t *answer,
                         struct err *e);
/* rest_do past every proxy: metadata services of a machine. */
NODISCARD int oauth_direct(struct dns_session *s, struct oauth *o, struct rest_call *c,
                           struct rest_answer *out, struct err *e);
void oauth_done(struct oauth *o); /* NULL is fine */

#endif
