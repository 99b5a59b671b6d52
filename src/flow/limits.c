/*
 * Reservations and charges. An order reserves its place when it is written down and is charged when
 * the answer is here: the CA has counted it by then, so no bucket ever opens here before it does
 * there.
 */
#include "flow/limits.h"

#include <string.h>

#include "base/clock.h"
#include "flow/ca.h"
#include "flow/cas.h"
#include "flow/limits_impl.h"

int64_t limits_now_ms(void)
{
	return clock_now_ms();
}

/* rules */

static bool is_meant(struct run *r, struct arena *a, const char *name, const char *ca_url)
{
	struct err not_there;
	struct ca ca;

	if (strcmp(name, ca_url) == 0)
		return true;
	return ca_resolve(r, a, name, &ca, &not_there) == 0 && strcmp(ca.url, ca_url) == 0;
}

int limits_rules(struct run *r, struct arena *a, const char *ca_url,
                 struct limit_rule out[static N_LIMITS], struct err *e)
{
	const struct limit_words *v = r->config->limits.v;
	const struct known_ca *known = cas_by_url(r->config, ca_url);
	struct limit_rule rules[N_LIMITS] = { 0 };

	if (known)
		memcpy(rules, known->limits, sizeof(rules));
	for (size_t i = 0; i < r->config->limits.n; i++) {
		struct limit_rule rule;
		enum limit_kind kind;

		if (!is_meant(r, a, v[i].ca, ca_url))
			continue;
		TRY(limit_words_rule(&v[i], &kind, &rule, e));
		rules[kind] = rule;
		rules[kind].source = LIMIT_FROM_CONFIG;
	}
	memcpy(out, rules, sizeof(rules));
	return 0;
}

int limits_shown(struct run *r, struct arena *a, const char *ca_url, struct records *out,
                 struct err *e)
{
	struct limit_words *v = ARENA_ARRAY(a, struct limit_words, N_LIMITS);
	struct limit_rule rules[N_LIMITS];
	size_t n = 0;

	TRY(limits_rules(r, a, ca_url, rules, e));
	for (int i = 0; i < N_LIMITS; i++)
		if (rules[i].source)
			v[n++] = (struct limit_words){
				.limit = limit_name((enum limit_kind)i),
				.count = rules[i].count,
				.per = rules[i].count ? limit_period_text(a, rules[i].per_s) : NULL,
				.source = rules[i].source,
			};
	*out = (struct records){ v, n };
	return 0;
}

const char *limits_ca_name(struct run *r, struct arena *a, const char *ca_url)
{
	struct err not_there;
	struct ca ca;

	return ca_resolve(r, a, ca_url, &ca, &not_there) == 0 ? ca.name : ca_url;
}

/* charging */

int limits_load(struct run *r, struct arena *a, struct limit_ask *v, size_t n, struct err *e)
{
	struct strings names = { 0 };
	struct bucket *found;
	size_t n_found;

	for (size_t i = 0; i < n; i++)
		strings_add(a, &names, v[i].bucket.name);
	TRY(st_limit_get(r->store, a, &names, &found, &n_found, e));
	for (size_t k = 0; k < n_found; k++)
		for (size_t i = 0; i < n; i++)
			if (strcmp(v[i].bucket.name, found[k].name) == 0)
				v[i].bucket = found[k];
	return 0;
}

static int charge(struct run *r, struct limit_ask *x, int64_t now_ms, struct err *e)
{
	if (x->bucket.tat_ms <= now_ms)
		x->bucket.told = NULL;
	bucket_charge(&x->rule, &x->bucket, now_ms);
	return st_limit_put(r->store, &x->bucket, e);
}

static int reserve_all(struct run *r, struct arena *a, struct limit_ask *v, size_t n,
                       struct order *row, struct err *e)
{
	struct strings charged = { 0 };
	int64_t now_ms = limits_now_ms();
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		bool due = v[i].reserve && v[i].rule.count;

		if (due) {
			bucket_reserve(&v[i].bucket, now_ms);
			TRY(st_limit_put(r->store, &v[i].bucket, e));
		}
		/* failures in a row are forgotten when it is issued */
		if (due || (v[i].kind == LIMIT_CONSECUTIVE && v[i].bucket.id))
			strings_add(a, &charged, v[i].bucket.name);
		any = any || due;
	}
	row->charged = charged;
	return any ? st_limit_prune(r->store, now_ms, e) : 0;
}

int limits_reserve(struct run *r, struct arena *a, const struct limits_wish *w, struct order *row,
                   struct err *e)
{
	const char *ca_url = w->account->directory_url;
	struct limit_rule rules[N_LIMITS];
	const struct limit_ask *held;
	struct limit_ask *v;
	int64_t look_ms;
	size_t n;

	TRY(limits_rules(r, a, ca_url, rules, e));
	v = limits_of_order(a, rules, ca_url, w->account->url, w->domains, w->exempt, &n);
	TRY(limits_load(r, a, v, n, e));
	held = w->consult ? limits_decide(v, n, limits_now_ms(), &look_ms) : NULL;
	if (held)
		return limits_refuse(r, a, ca_url, held, look_ms, e);
	return reserve_all(r, a, v, n, row, e);
}

int limits_reserve_account(struct run *r, struct arena *a, const char *ca_url, struct order *held,
                           struct err *e)
{
	struct limit_rule rules[N_LIMITS];
	struct limit_ask x = {
		.kind = LIMIT_NEW_ACCOUNTS, .subject = "this host", .counts = true, .reserve = true
	};
	int64_t look_ms;

	TRY(limits_rules(r, a, ca_url, rules, e));
	x.rule = rules[LIMIT_NEW_ACCOUNTS];
	x.bucket.name = bucket_name(a, x.kind, ca_url, NULL, x.subject);
	TRY(limits_load(r, a, &x, 1, e));
	if (limits_decide(&x, 1, limits_now_ms(), &look_ms))
		return limits_refuse(r, a, ca_url, &x, look_ms, e);
	return reserve_all(r, a, &x, 1, held, e);
}

/* what comes of it */

enum step { STEP_ORDERED, STEP_ISSUED, STEP_RELEASED };

/* Whether the CA counts, or forgets, this one at that step. */
static bool is_settled_by(enum limit_kind kind, enum step step)
{
	bool by_order = kind == LIMIT_NEW_ORDERS || kind == LIMIT_NEW_ACCOUNTS;

	if (step == STEP_RELEASED)
		return kind != LIMIT_CONSECUTIVE;
	return by_order == (step == STEP_ORDERED);
}

static int settle_one(struct run *r, struct limit_ask *x, enum step step, struct err *e)
{
	bucket_unreserve(&x->bucket);
	if (step != STEP_RELEASED)
		return charge(r, x, limits_now_ms(), e);
	return x->bucket.id ? st_limit_put(r->store, &x->bucket, e) : 0;
}

static int settle(struct run *r, struct arena *a, struct order *row, enum step step, struct err *e)
{
	struct limit_ask *v = ARENA_ARRAY(a, struct limit_ask, row->charged.n + 1);
	struct strings kept = { 0 }, forgotten = { 0 };
	struct limit_rule rules[N_LIMITS];
	struct bucket_parts parts = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < row->charged.n; i++) {
		if (!bucket_parse(a, row->charged.v[i], &parts))
			return err_set(e, ERR_DAMAGED, "a bucket called \"%s\"", row->charged.v[i]);
		v[n] = (struct limit_ask){ .kind = parts.kind,
			                   .bucket = { .name = row->charged.v[i] } };
		if (!is_settled_by(parts.kind, step))
			strings_add(a, &kept, row->charged.v[i]);
		else if (parts.kind == LIMIT_CONSECUTIVE)
			strings_add(a, &forgotten, row->charged.v[i]);
		else
			n++;
	}
	if (n || forgotten.n) {
		TRY(limits_rules(r, a, parts.ca_url, rules, e));
		TRY(limits_load(r, a, v, n, e));
	}
	for (size_t i = 0; i < n; i++) {
		v[i].rule = rules[v[i].kind];
		TRY(settle_one(r, &v[i], step, e));
	}
	TRY(st_limit_delete(r->store, &forgotten, e));
	row->charged = kept;
	return 0;
}

int limits_ordered(struct run *r, struct arena *a, struct order *row, struct err *e)
{
	return settle(r, a, row, STEP_ORDERED, e);
}

int limits_issued(struct run *r, struct arena *a, struct order *row, struct err *e)
{
	TRY(limits_set_issued(r, a, row, e));
	return settle(r, a, row, STEP_ISSUED, e);
}

int limits_released(struct run *r, struct arena *a, struct order *row, struct err *e)
{
	return settle(r, a, row, STEP_RELEASED, e);
}

/* failures */

static int count_failures(struct run *r, struct arena *a, const struct account *account,
                          const struct limit_rule rules[static N_LIMITS],
                          const struct strings *names, struct order *row, struct err *e)
{
	static const enum limit_kind kinds[] = { LIMIT_FAILED, LIMIT_CONSECUTIVE };
	struct limit_ask *v = ARENA_ARRAY(a, struct limit_ask, 2 * names->n + 1);
	size_t n = 0;

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct strings list =
		    limits_buckets(a, kinds[k], account->directory_url, account->url, names);
		for (size_t i = 0; i < list.n && rules[kinds[k]].count; i++)
			v[n++] = (struct limit_ask){ .rule = rules[kinds[k]],
				                     .bucket = { .name = list.v[i] } };
	}
	TRY(limits_load(r, a, v, n, e));
	for (size_t i = 0; i < n; i++)
		TRY(charge(r, &v[i], limits_now_ms(), e));
	row->failures_counted = true;
	return st_order_put(r->store, row, e);
}

bool limits_count_failures(struct run *r, struct arena *a, const char *ca_url)
{
	struct limit_rule rules[N_LIMITS];
	struct err ignored;

	return limits_rules(r, a, ca_url, rules, &ignored) == 0 &&
	       (rules[LIMIT_FAILED].count || rules[LIMIT_CONSECUTIVE].count);
}

int limits_failed(struct run *r, struct arena *a, const struct account *account,
                  const struct strings *names, struct order *row, struct err *e)
{
	struct limit_rule rules[N_LIMITS];

	TRY(limits_rules(r, a, account->directory_url, rules, e));
	if (row->failures_counted || names->n == 0)
		return 0;
	TRY(store_begin(r->store, e));
	if (count_failures(r, a, account, rules, names, row, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

int limits_unpaused(struct run *r, struct arena *a, const struct account *account,
                    const struct strings *names, struct err *e)
{
	struct strings list =
	    limits_buckets(a, LIMIT_CONSECUTIVE, account->directory_url, account->url, names);

	return st_limit_delete(r->store, &list, e);
}
