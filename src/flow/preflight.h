/*
 * Looking first whether a CA could validate the names, from where the CA would look, so that none
 * of its few allowed failures is spent in vain. A finding is `fails` only if the CA would certainly
 * fail too; what may look different from elsewhere is `unknown`. Nothing is asked of the CA but its
 * directory.
 */
#ifndef FLOW_PREFLIGHT_H
#define FLOW_PREFLIGHT_H

#include "acme/session.h"
#include "challenge/solver.h"
#include "flow/run.h"
#include "model/finding.h"

struct preflight_ask {
	const struct cert *cert;                /* names, method, CA, profile */
	struct solve *solve;                    /* its solver's; checked already */
	const struct acme_directory *directory; /* NULL = the CA's could not be read */
	const char *account_url;                /* NULL = not known */
	bool limits;   /* the CA's rate limits too: an order looks at them by itself */
	bool thorough; /* nobody waits: what an attempt finds out later anyway is looked at too */
};
struct findings {
	struct finding *v;
	size_t n;
};
/* All looks side by side, at most about 20 s. Fails only when nothing could be looked at
 * (ERR_CANCELLED, ERR_IO, the journal). */
NODISCARD int preflight(struct run *r, struct arena *a, const struct preflight_ask *ask,
                        struct findings *out, struct err *e);

/* One line for the findings that fail: each name, what was found, how to mend it. ERR_VALIDATION,
 * or ERR_RATE_LIMITED with retry_s if they go away by themselves. 0 if none fails. */
int preflight_verdict(struct arena *a, const struct findings *f, struct err *e);

/* Before an order for c is made: looks, and stops what would fail (ERR_VALIDATION, an event
 * "preflight"). c->preflight false, or an order under way: nothing. */
NODISCARD int preflight_before_order(struct run *r, struct arena *a, const struct cert *c,
                                     struct acme *ca, struct solve *s, struct err *e);

#endif
