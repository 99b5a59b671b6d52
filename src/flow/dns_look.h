/*
 * What a person does with a DNS account by hand: put values somewhere and take them away, test the
 * account, watch the name servers. Everything goes through dns/place.h, as an order's challenges
 * do.
 */
#ifndef FLOW_DNS_LOOK_H
#define FLOW_DNS_LOOK_H

#include "dns/settle.h"
#include "flow/run.h"
#include "model/dns_test.h"

/* Publishes the values at name (aliases followed) through the account, and waits until they are
 * seen. After a failure all are taken away again. */
NODISCARD int dns_present(struct run *r, struct arena *a, const char *account, const char *name,
                          const struct strings *values, struct dns_path *out, struct err *e);
/* Takes them away; those that are not there are fine. */
NODISCARD int dns_cleanup(struct run *r, struct arena *a, const char *account, const char *name,
                          const struct strings *values, struct dns_path *out, struct err *e);

/* Writes a random value at _acme-challenge.domain, sees it at every name server, removes it. What
 * the account fails at is told in out->failure; the function itself fails only when no test was
 * made (no such account, a disabled one, a name that cannot be). */
NODISCARD int dns_test(struct run *r, struct arena *a, const char *account, const char *domain,
                       struct dns_test *out, struct err *e);

/* Looks at every name server until all have what is published: the open challenges of a certificate
 * or of a domain, or the values given for a domain. look: told after each round. ERR_NOT_FOUND:
 * nothing is published; ERR_VALIDATION: once, and not all have it. */
struct dns_watch {
	const char *name;
	struct strings values;
	const char *account; /* for values: as this account sees the world; NULL = the system */
	bool once;
	void (*look)(void *ctx, const struct dns_seen *v, size_t n);
	void *ctx;
};
NODISCARD int dns_watch(struct run *r, struct arena *a, const struct dns_watch *w, struct err *e);

/* A report in a form for people. */
struct records dns_seen_of(struct arena *a, const struct settle_report *report);
/* "seen at 1 of 3 name servers". */
const char *dns_seen_words(struct arena *a, const struct settle_report *report);

#endif
