/*
 * What a person is told when something does not fit, and what the CA's own words teach.
 */
#include "flow/limits.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/limits_impl.h"

#define HELD "heldBack"
#define HELD_BRIEFLY "heldBackBriefly"
#define PAUSED_LOOK_S 86400
#define NO_WORD_S 3600

bool limits_is_hold(const struct err *e)
{
	return e->code == ERR_RATE_LIMITED &&
	       (strcmp(e->problem, HELD) == 0 || strcmp(e->problem, HELD_BRIEFLY) == 0);
}

bool limits_is_brief(const struct err *e)
{
	return e->code == ERR_RATE_LIMITED && strcmp(e->problem, HELD_BRIEFLY) == 0;
}

static const char *what_is_counted(struct arena *a, const struct limit_ask *x)
{
	switch (x->kind) {
	case LIMIT_NEW_ACCOUNTS:
		return "new accounts of one host";
	case LIMIT_NEW_ORDERS:
		return "new orders of one account";
	case LIMIT_DOMAIN:
		return arena_printf(a, "new certificates for %s and the names below it",
		                    x->subject);
	case LIMIT_EXACT_SET:
		return "certificates for exactly this set of names";
	case LIMIT_FAILED:
		return arena_printf(a, "failed validations of %s", x->subject);
	case LIMIT_CONSECUTIVE:
		return arena_printf(a, "failed validations of %s in a row", x->subject);
	case N_LIMITS:
		break;
	}
	return "";
}

static const char *what_to_do(struct arena *a, const struct limit_ask *x, const char *ca)
{
	switch (x->kind) {
	case LIMIT_NEW_ACCOUNTS:
		return "use an account that is there (`everleaf account import`), or wait";
	case LIMIT_NEW_ORDERS:
		return "`everleaf renew` goes on then";
	case LIMIT_DOMAIN:
		return "put several names into one certificate, or ask the CA for a higher limit";
	case LIMIT_EXACT_SET:
		return "add or remove a name to get one sooner";
	case LIMIT_FAILED:
		return "find out first why the CA cannot validate it";
	case LIMIT_CONSECUTIVE:
		return arena_printf(a,
		                    "mend what fails, have the CA resume the name if it has paused "
		                    "it, then run `everleaf limits --ca %s --unpaused %s`",
		                    ca, x->subject);
	case N_LIMITS:
		break;
	}
	return "";
}

static int64_t up_to_s(int64_t ms)
{
	return (ms + 999) / 1000;
}

int limits_refuse(struct run *r, struct arena *a, const char *ca_url, const struct limit_ask *x,
                  int64_t look_ms, struct err *e)
{
	const char *ca = limits_ca_name(r, a, ca_url), *advice = what_to_do(a, x, ca);
	int64_t wait_s = up_to_s(look_ms) - clock_now();
	int64_t opens_ms =
	    bucket_opens_ms(&x->rule, &x->bucket, limit_need(x->kind), limits_now_ms());
	bool is_sooner = look_ms + 1000 < opens_ms;
	const char *at = clock_rfc3339(a, up_to_s(is_sooner ? opens_ms : look_ms));

	if (x->kind == LIMIT_CONSECUTIVE && x->bucket.told)
		err_set(e, ERR_RATE_LIMITED, "%s has paused %s: see %s; %s", ca, x->subject,
		        x->bucket.told, advice);
	else if (x->bucket.told)
		err_set(e, ERR_RATE_LIMITED, "%s wants no %s before %s (%s): %s; it said: %s", ca,
		        what_is_counted(a, x), at, limit_name(x->kind), advice, x->bucket.told);
	else if (is_sooner)
		err_set(e, ERR_RATE_LIMITED,
		        "%s allows %lld %s in %s (%s), and what is left of them is taken by orders "
		        "under way; looked at again at %s, the next one fits at %s at the latest: "
		        "%s",
		        ca, (long long)x->rule.count, what_is_counted(a, x),
		        limit_period_text(a, x->rule.per_s), limit_name(x->kind),
		        clock_rfc3339(a, up_to_s(look_ms)), at, advice);
	else
		err_set(e, ERR_RATE_LIMITED,
		        "%s allows %lld %s in %s (%s), and they are used up; the next one fits at "
		        "%s: %s",
		        ca, (long long)x->rule.count, what_is_counted(a, x),
		        limit_period_text(a, x->rule.per_s), limit_name(x->kind), at, advice);
	e->retry_s = wait_s > 1 ? (uint32_t)(wait_s < UINT32_MAX ? wait_s : UINT32_MAX) : 1;
	snprintf(e->problem, sizeof(e->problem), "%s",
	         is_sooner && !x->bucket.told ? HELD_BRIEFLY : HELD);
	return -ERR_RATE_LIMITED;
}

/* being taught */

/* Those that the words name; all, if they name none. */
static void keep_named(struct arena *a, const char *text, struct limit_ask *v, size_t *n)
{
	size_t named = 0;

	if (v[0].kind != LIMIT_DOMAIN && v[0].kind != LIMIT_FAILED &&
	    v[0].kind != LIMIT_CONSECUTIVE)
		return;
	for (size_t i = 0; i < *n; i++) {
		const char *quoted = arena_printf(a, "\"%s\"", v[i].subject);
		const char *plain = arena_printf(a, " %s ", v[i].subject);

		if (strstr(text, quoted) || strstr(text, plain))
			v[named++] = v[i];
	}
	*n = named ? named : *n;
}

static int64_t opens_at(const struct limit_ask *x, const struct err *why)
{
	int64_t at = limits_told_time(why->text), now = clock_now();

	if (at > now)
		return at;
	if (why->retry_s)
		return now + why->retry_s;
	if (x->kind == LIMIT_CONSECUTIVE)
		return now + PAUSED_LOOK_S;
	return now + (x->rule.count ? limit_interval_ms(&x->rule) / 1000 + 1 : NO_WORD_S);
}

static int learn(struct run *r, struct arena *a, struct limit_ask *v, size_t n, bool exactly,
                 const struct err *why, struct err *e)
{
	const char *url = limits_told_url(a, why->text);

	TRY(limits_load(r, a, v, n, e));
	for (size_t i = 0; i < n; i++) {
		bucket_hold(&v[i].rule, &v[i].bucket, limit_need(v[i].kind),
		            opens_at(&v[i], why) * 1000, exactly);
		v[i].bucket.told = v[i].kind == LIMIT_CONSECUTIVE && url ? url : why->text;
		TRY(st_limit_put(r->store, &v[i].bucket, e));
	}
	return 0;
}

static int teach(struct run *r, struct arena *a, const char *ca_url, const char *account_url,
                 const struct strings *domains, enum limit_kind fallback, const struct err *why,
                 struct err *e)
{
	struct limit_rule rules[N_LIMITS];
	enum limit_kind kind = fallback;
	struct bucket_parts parts;
	struct limit_ask *v;
	struct strings names;
	size_t n = 0;
	bool told;

	told = limits_told_kind(why->text, &kind);
	names = limits_buckets(a, kind, ca_url, account_url, domains);
	v = ARENA_ARRAY(a, struct limit_ask, names.n + 1);
	TRY(limits_rules(r, a, ca_url, rules, e));
	for (size_t i = 0; i < names.n; i++)
		if (bucket_parse(a, names.v[i], &parts))
			v[n++] = (struct limit_ask){ .kind = kind,
				                     .rule = rules[kind],
				                     .bucket = { .name = names.v[i] },
				                     .subject = parts.subject };
	if (n)
		keep_named(a, why->text, v, &n);
	TRY(store_begin(r->store, e));
	if (learn(r, a, v, n, told && n == 1, why, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

void limits_taught(struct run *r, struct arena *a, const char *ca_url, const char *account_url,
                   const struct strings *domains, enum limit_kind fallback, const struct err *why)
{
	struct err e;

	if (teach(r, a, ca_url, account_url, domains, fallback, why, &e) < 0)
		log_warn("what the CA says of its limits could not be noted: %s", e.text);
}
