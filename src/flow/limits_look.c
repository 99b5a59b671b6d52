/*
 * The ledger as people see it. Nothing is written.
 */
#include <string.h>

#include "flow/ca.h"
#include "flow/limits_impl.h"
#include "sys/names.h"

/* What the names of CAs and accounts are looked up in, once a look. */
struct look {
	struct run *r;
	struct arena *a;
	struct account *accounts;
	size_t n_accounts;
};

static int look_begin(struct run *r, struct arena *a, struct look *l, struct err *e)
{
	*l = (struct look){ r, a, NULL, 0 };
	return st_account_list(r->store, a, &l->accounts, &l->n_accounts, e);
}

static const char *account_name(const struct look *l, const char *url)
{
	for (size_t i = 0; url && i < l->n_accounts; i++)
		if (l->accounts[i].url && strcmp(l->accounts[i].url, url) == 0)
			return l->accounts[i].name;
	return url;
}

static int64_t up_to_s(int64_t ms)
{
	return (ms + 999) / 1000;
}

static struct limit_state state_of(const struct look *l, const struct limit_ask *x, int64_t now_ms)
{
	struct bucket_parts parts = { 0 };
	struct limit_state s = { .limit = limit_name(x->kind), .counts = x->counts };
	const struct bucket *b = &x->bucket;

	if (bucket_parse(l->a, b->name, &parts)) {
		s.ca = limits_ca_name(l->r, l->a, parts.ca_url);
		s.account = account_name(l, parts.account_url);
		s.subject = x->kind == LIMIT_NEW_ORDERS || x->kind == LIMIT_NEW_ACCOUNTS
		                ? NULL
		                : parts.subject;
	}
	s.count = x->rule.count;
	s.left = bucket_left(&x->rule, b, now_ms);
	s.used = s.count - s.left;
	s.per = s.count ? limit_period_text(l->a, x->rule.per_s) : NULL;
	s.opens_at = up_to_s(bucket_opens_ms(&x->rule, b, limit_need(x->kind), now_ms));
	s.full_at = b->tat_ms > now_ms ? up_to_s(b->tat_ms) : 0;
	s.told = b->tat_ms > now_ms ? b->told : NULL;
	s.source = x->rule.source ? x->rule.source : "told";
	return s;
}

/* Limits that are none, and that nobody has told of, are not shown. */
static bool is_worth_showing(const struct limit_ask *x, int64_t now_ms)
{
	return x->rule.count || (x->bucket.told && !bucket_is_full(&x->bucket, now_ms));
}

int limits_domain(struct arena *a, const char *typed, const char **out, struct err *e)
{
	enum name_kind kind;

	return name_normalize(a, typed, out, &kind, e);
}

int limits_look(struct run *r, struct arena *a, const struct cert *c, const struct strings *domains,
                const struct ca *ca, const struct account *account, struct limit_state **out,
                size_t *n, struct err *held, struct err *e)
{
	enum limits_exempt exempt = EXEMPT_NOTHING;
	struct limit_rule rules[N_LIMITS];
	const struct limit_ask *last;
	struct limit_state *states;
	const char *replaces;
	struct limit_ask *v;
	size_t n_asks, have = 0;
	int64_t now_ms = limits_now_ms(), look_ms;
	struct look l;
	bool known;

	TRY(look_begin(r, a, &l, e));
	TRY(limits_rules(r, a, ca->url, rules, e));
	if (c && account) {
		TRY(limits_exemption(r, a, c, account, &replaces, &exempt, e));
	} else {
		TRY(limits_set_is_known(r, a, ca->url, domains, &known, e));
		exempt = known ? EXEMPT_SAME_SET : EXEMPT_NOTHING;
	}
	v = limits_of_order(a, rules, ca->url, account ? account->url : NULL, domains, exempt,
	                    &n_asks);
	TRY(limits_load(r, a, v, n_asks, e));
	states = ARENA_ARRAY(a, struct limit_state, n_asks + 1);
	for (size_t i = 0; i < n_asks; i++)
		if (is_worth_showing(&v[i], now_ms))
			states[have++] = state_of(&l, &v[i], now_ms);
	last = limits_decide(v, n_asks, now_ms, &look_ms);
	if (held)
		*held = (struct err){ 0 };
	if (held && last)
		limits_refuse(r, a, ca->url, last, look_ms, held);
	*out = states;
	*n = have;
	return 0;
}

int limits_in_use(struct run *r, struct arena *a, const char *ca_url, size_t most,
                  struct limit_state **out, size_t *n, bool *more, struct err *e)
{
	int64_t now_ms = limits_now_ms();
	struct limit_rule rules[N_LIMITS];
	const char *rules_of = NULL;
	struct limit_state *states;
	struct bucket *rows;
	size_t n_rows, have = 0;
	struct look l;

	TRY(look_begin(r, a, &l, e));
	TRY(st_limit_list(r->store, a, now_ms, &rows, &n_rows, e));
	states = ARENA_ARRAY(a, struct limit_state, (n_rows < most ? n_rows : most) + 1);
	*more = false;
	for (size_t i = 0; i < n_rows && !*more; i++) {
		struct limit_ask x = { .bucket = rows[i], .counts = true };
		struct bucket_parts parts;

		if (!bucket_parse(a, rows[i].name, &parts) ||
		    (ca_url && strcmp(parts.ca_url, ca_url) != 0))
			continue;
		if (!rules_of || strcmp(rules_of, parts.ca_url) != 0)
			TRY(limits_rules(r, a, parts.ca_url, rules, e));
		rules_of = parts.ca_url;
		x.kind = parts.kind;
		x.rule = rules[parts.kind];
		if (!is_worth_showing(&x, now_ms))
			continue;
		*more = have == most;
		if (!*more)
			states[have++] = state_of(&l, &x, now_ms);
	}
	*out = states;
	*n = have;
	return 0;
}
