/*
 * What is told to whom: news written into the outbox in the transaction of what happened, one row a
 * channel that wants it. Delivery is flow/post. Nothing here waits or sends.
 */
#ifndef FLOW_TELL_H
#define FLOW_TELL_H

#include "flow/run.h"
#include "model/persist.h"
#include "model/version.h"

struct news {
	enum news_kind kind;
	const char *cert, *account; /* NULL = none */
	const char *owner;          /* of the certificate: a user; NULL = none */
	const char *key;            /* told once to a channel */
	const char *subject, *text;
};
/* For all enabled channels that want this kind. In the caller's transaction, or one of its own. */
NODISCARD int tell(struct run *r, const struct news *n, struct err *e);

/* c as it was before: the first certificate, or a renewal. */
NODISCARD int tell_issued(struct run *r, const struct cert *c, const struct version *v,
                          struct err *e);
/* An attempt failed: what is told at once (terms, rate limits); that it lasts is told by tell_due.
 */
NODISCARD int tell_failure(struct run *r, const struct cert *c, const struct err *failure,
                           struct err *e);
/* Of a certificate that never was, attempts have ended (flow/plan). Told once. */
NODISCARD int tell_given_up(struct run *r, const struct cert *c, struct err *e);
NODISCARD int tell_revoked(struct run *r, const struct cert *c, const struct version *v,
                           const char *reason, struct err *e);
NODISCARD int tell_key_change(struct run *r, const struct account *x, struct err *e);
/* dns-persist-01 records that were looked at: those that end soon or are not as they should be. */
NODISCARD int tell_persist(struct run *r, const struct persist *v, size_t n, struct err *e);
/* Failures that last and certificates that end: costs what is due. Nothing without a channel. */
NODISCARD int tell_due(struct run *r, struct err *e);

/* A channel's list of kinds is one of known ones. ERR_USAGE naming them all. */
NODISCARD int tell_check_kinds(struct arena *a, const struct strings *kinds, struct err *e);

#endif
