/*
 * When what is next: pure. A certificate's record and the time go in, the instants come out;
 * nothing is read or written. Precedence (DESIGN.md): the CA's renewal information (RFC 9773), the
 * certificate's own policy, one third of the lifetime left (one half below 10 days).
 */
#ifndef FLOW_PLAN_H
#define FLOW_PLAN_H

#include "base/err.h"
#include "model/cert.h"

enum plan_reason { PLAN_FIRST, PLAN_CA, PLAN_POLICY, PLAN_LIFETIME, PLAN_NEVER, PLAN_GIVEN_UP };

struct plan {
	enum plan_reason reason;
	int64_t renew_at; /* when the certificate is to be renewed (or first attempted); 0 = never
	                     by itself */
	int64_t run_at; /* when something about it is next due: that, not before retry_at, or asking
	                   the CA again; 0 = never */
};

void plan_next(const struct cert *c, int64_t now, struct plan *out);

/* renew_before: "15d" or "1/3". Seconds before the end for a lifetime. ERR_USAGE. */
NODISCARD int plan_policy_parse(const char *policy, int64_t lifetime_s, int64_t *before_s,
                                struct err *e);
/* The wait after so many failures in a row, in seconds: 5 minutes, doubled each time, at most a
 * day; at least retry_s. */
int64_t plan_backoff(int64_t failures, uint32_t retry_s);
/* The wait after a failure of this certificate, its hooks' not counted. The first one (DESIGN.md,
 * "First issue"): 5 minutes each time, at least retry_s; plan_next says PLAN_GIVEN_UP once they
 * have failed for 24 hours. A renewal: plan_backoff. */
int64_t plan_wait(const struct cert *c, uint32_t retry_s);
/* retry_at of a certificate that was just issued: 0, or, if by the clock it is due again already (a
 * clock that is wrong, a policy longer than its life), a quarter of its life later, at most a day:
 * without it one certificate would follow another. */
int64_t plan_rest(const struct cert *c, int64_t now);
/* Logs a warning when the policy of fixed days does not fit the lifetime of what was issued. */
void plan_warn(const struct cert *c);
/* What is shown: "issued" past its end is "expired". */
const char *plan_status(const struct cert *c, int64_t now);
/* One line for a person. */
char *plan_explain(struct arena *a, const struct cert *c, int64_t now);

#endif
