/*
 * The rate-limit ledger: what has been used of the CAs' limits is counted here before the CA counts
 * it, so that work which does not fit is not sent. An order is charged in the transaction that
 * records it; what the CA counts later (a certificate when it is issued) is moved to that instant
 * in the transaction that records that. Functions said to be in a transaction are called between
 * store_begin and store_commit and leave *row to be stored by the caller.
 */
#ifndef FLOW_LIMITS_H
#define FLOW_LIMITS_H

#include "flow/limits_plan.h"
#include "flow/run.h"

/* What is in force at a CA: published (flow/cas), or given by the configuration file. */
NODISCARD int limits_rules(struct run *r, struct arena *a, const char *ca_url,
                           struct limit_rule out[static N_LIMITS], struct err *e);
/* As records of limit_shown_fields. */
NODISCARD int limits_shown(struct run *r, struct arena *a, const char *ca_url, struct records *out,
                           struct err *e);

/* The certID that an order for this certificate replaces (RFC 9773 5; NULL = none), and what of it
 * the CA does not hold it to. */
NODISCARD int limits_exemption(struct run *r, struct arena *a, const struct cert *c,
                               const struct account *account, const char **replaces,
                               enum limits_exempt *exempt, struct err *e);

struct limits_wish {
	const struct account *account;
	const struct strings *domains;
	enum limits_exempt exempt;
	bool consult; /* false: counted all the same, but not held back */
};
/* In a transaction, before newOrder leaves. ERR_RATE_LIMITED with retry_s: which limit, of which
 * CA, when it opens and what to do (limits_is_hold). */
NODISCARD int limits_reserve(struct run *r, struct arena *a, const struct limits_wish *w,
                             struct order *row, struct err *e);
/* In a transaction: newOrder was answered. */
NODISCARD int limits_ordered(struct run *r, struct arena *a, struct order *row, struct err *e);
/* In a transaction: the certificate is issued. */
NODISCARD int limits_issued(struct run *r, struct arena *a, struct order *row, struct err *e);
/* In a transaction: there is no certificate, and there will be none. */
NODISCARD int limits_released(struct run *r, struct arena *a, struct order *row, struct err *e);

/* A new account, counted for this host: held is then given to limits_ordered or limits_released. In
 * a transaction. */
NODISCARD int limits_reserve_account(struct run *r, struct arena *a, const char *ca_url,
                                     struct order *held, struct err *e);

/* Whether failures are counted at that CA at all. */
bool limits_count_failures(struct run *r, struct arena *a, const char *ca_url);
/* These names' validations failed in the order; once an order. Has its own transaction. */
NODISCARD int limits_failed(struct run *r, struct arena *a, const struct account *account,
                            const struct strings *names, struct order *row, struct err *e);
/* The CA refused: why says what, or fallback is taken to be meant. Never fails: logged. */
void limits_taught(struct run *r, struct arena *a, const char *ca_url, const char *account_url,
                   const struct strings *domains, enum limit_kind fallback, const struct err *why);

/* Whether it was held back here, not refused by the CA. */
bool limits_is_hold(const struct err *e);
/* Of these, one only by orders under way: it is looked at again soon and often, and is no news. */
bool limits_is_brief(const struct err *e);

/* The buckets that an order for these names would touch, as people see them; c NULL: for names that
 * no certificate has. account NULL = none yet. held (may be NULL): what limits_reserve would say;
 * its code is ERR_NONE if all fits. Reads only. */
NODISCARD int limits_look(struct run *r, struct arena *a, const struct cert *c,
                          const struct strings *domains, const struct ca *ca,
                          const struct account *account, struct limit_state **out, size_t *n,
                          struct err *held, struct err *e);
/* All that are in use, or `most` and *more. ca_url NULL = of all CAs. */
NODISCARD int limits_in_use(struct run *r, struct arena *a, const char *ca_url, size_t most,
                            struct limit_state **out, size_t *n, bool *more, struct err *e);
/* A name as typed, as it is counted. ERR_INPUT. */
NODISCARD int limits_domain(struct arena *a, const char *typed, const char **out, struct err *e);
/* A person had the CA resume these names, or it validated them: the count of their failures in a
 * row starts again. */
NODISCARD int limits_unpaused(struct run *r, struct arena *a, const struct account *account,
                              const struct strings *names, struct err *e);

#endif
