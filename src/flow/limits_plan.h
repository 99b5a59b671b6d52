/*
 * Rate limits, the pure part: buckets go in, decisions come out; nothing is read or written.
 * Counted as Let's Encrypt counts (GCRA): a bucket is the instant at which it is full again, each
 * charge moves that by one interval, and as much fits as keeps it within the limit's span from now.
 * Times are Unix milliseconds.
 */
#ifndef FLOW_LIMITS_PLAN_H
#define FLOW_LIMITS_PLAN_H

#include "base/arena.h"
#include "base/err.h"
#include "model/limit.h"

/* Between one refill and the next. */
int64_t limit_interval_ms(const struct limit_rule *rule);
/* From when so many fit; 0 = now. Without a rule: when what the CA told is over. */
int64_t bucket_opens_ms(const struct limit_rule *rule, const struct bucket *b, int64_t need,
                        int64_t now_ms);
/* As bucket_opens_ms, but no later than it is worth a look whether orders that are under way have
 * left places after all: soon at first, then as rarely as the newest of them has stood for long. */
int64_t bucket_look_ms(const struct limit_rule *rule, const struct bucket *b, int64_t need,
                       int64_t now_ms);
int64_t bucket_left(const struct limit_rule *rule, const struct bucket *b, int64_t now_ms);
/* One more is used. Never more than full: what the CA counted beside it is not known. */
void bucket_charge(const struct limit_rule *rule, struct bucket *b, int64_t now_ms);
/* An order that is under way takes its place until it comes to something: charged then, since the
 * CA counts then, or to nothing. Forgotten after LIMIT_RESERVED_MS. */
void bucket_reserve(struct bucket *b, int64_t now_ms);
void bucket_unreserve(struct bucket *b);
bool bucket_is_full(const struct bucket *b, int64_t now_ms); /* nothing of it is used */
/* The CA says that so many fit then: exactly, or at least not before. */
void bucket_hold(const struct limit_rule *rule, struct bucket *b, int64_t need, int64_t until_ms,
                 bool exactly);

/* What of an order the CA does not hold it to. */
enum limits_exempt {
	EXEMPT_NOTHING = 0,
	EXEMPT_SAME_SET = 1, /* it renews the same names: new orders and certificates per domain */
	EXEMPT_IN_TIME = 2, /* it replaces inside the CA's own window (RFC 9773): all but a pause */
	EXEMPT_BOTH = EXEMPT_SAME_SET | EXEMPT_IN_TIME,
};
/* A set of names is a renewal for so long after it was issued. */
#define RENEWAL_OF_SET_S (INT64_C(120) * 86400)

/* One bucket that something touches. */
struct limit_ask {
	enum limit_kind kind;
	struct limit_rule rule;
	struct bucket bucket; /* id 0, tat_ms 0: full */
	const char *subject;
	bool counts;  /* looked at; false: it is exempt from it */
	bool reserve; /* used up by what comes of the order, looked at or not */
};
/* The buckets of an order of these names, full ones. */
struct limit_ask *limits_of_order(struct arena *a, const struct limit_rule rules[static N_LIMITS],
                                  const char *ca_url, const char *account_url,
                                  const struct strings *domains, enum limits_exempt exempt,
                                  size_t *n);
/* The names of the buckets of one limit for these names. */
struct strings limits_buckets(struct arena *a, enum limit_kind kind, const char *ca_url,
                              const char *account_url, const struct strings *domains);
/* How many must fit before it may be tried. */
int64_t limit_need(enum limit_kind kind);
/* The one that is to be looked at last (bucket_look_ms: *look_ms); NULL = all fit now. */
const struct limit_ask *limits_decide(const struct limit_ask *v, size_t n, int64_t now_ms,
                                      int64_t *look_ms);

/* Which limit the words of a refusal speak of. false: they do not say. */
bool limits_told_kind(const char *text, enum limit_kind *out);
/* "retry after 2026-11-22 10:00:00 UTC" in the words of a refusal, Unix seconds; 0 = not there. */
int64_t limits_told_time(const char *text);
/* The first https:// address in the words; NULL = none. */
const char *limits_told_url(struct arena *a, const char *text);

#endif
