/*
 * A certificate's plan in words: the rule that applies (flow/plan), what comes next, what went
 * wrong, and the rate limits that would hold it.
 */
#include "flow/explain.h"

#include <string.h>

#include "base/clock.h"
#include "flow/ca.h"
#include "flow/limits.h"
#include "flow/plan.h"
#include "flow/session.h"

static const char *reason_word(enum plan_reason reason)
{
	switch (reason) {
	case PLAN_FIRST:
		return "first";
	case PLAN_CA:
		return "renewal-information";
	case PLAN_POLICY:
		return "policy";
	case PLAN_LIFETIME:
		return "lifetime";
	case PLAN_GIVEN_UP:
		return "given-up";
	case PLAN_NEVER:
		break;
	}
	return "never";
}

static const char *next_step(const struct cert *c, const struct plan *p)
{
	bool waits_for_person = strcmp(c->status, "pending") == 0 && c->unfinished;

	if (p->reason == PLAN_GIVEN_UP)
		return "nothing by itself: its first attempts failed for 24 hours; `everleaf "
		       "renew` with its name tries again";
	if (p->reason == PLAN_NEVER)
		return "nothing: `everleaf issue --force` replaces it";
	if (waits_for_person)
		return "it waits for what has to be published; then `everleaf verify` goes on";
	if (c->hook_failures > 0 && p->run_at == c->hook_retry_at)
		return "its hooks run again";
	if (c->unfinished)
		return "what was begun is gone on with";
	if (p->reason == PLAN_FIRST)
		return c->failures ? "another attempt to obtain it" : "the attempt to obtain it";
	if (c->retry_at > 0 && p->run_at == c->retry_at)
		return "another attempt to renew it";
	if (p->run_at != p->renew_at)
		return "the CA is asked for its renewal information again";
	return "it is renewed";
}

static void fill_plan(struct arena *a, const struct cert *c, int64_t now, struct explanation *x)
{
	struct plan p;

	plan_next(c, now, &p);
	x->reason = reason_word(p.reason);
	x->why = plan_explain(a, c, now);
	x->renew_at = p.renew_at;
	x->next = next_step(c, &p);
	x->next_at = p.run_at;
}

/* Without an account yet, as far as that goes. */
static int fill_limits(struct run *r, struct arena *a, const struct cert *c, int64_t now,
                       struct explanation *x, struct err *e)
{
	struct account account;
	struct limit_state *states;
	struct err held, no_account;
	struct ca ca;
	bool has_account = account_for_cert(r, a, c, &account, &no_account) == 0;
	size_t n;

	TRY(ca_resolve(r, a, c->ca, &ca, e));
	TRY(limits_look(r, a, c, &c->domains, &ca, has_account ? &account : NULL, &states, &n,
	                &held, e));
	x->limits = (struct records){ states, n };
	if (held.code != ERR_NONE) {
		x->held = arena_strdup(a, held.text);
		x->held_until = now + held.retry_s;
	}
	return 0;
}

int explain(struct run *r, struct arena *a, const char *cert_name, struct explanation *out,
            struct err *e)
{
	int64_t now = clock_now();
	struct explanation x = { 0 };
	struct cert c;

	TRY(st_cert_get(r->store, a, cert_name, &c, e));
	x.name = c.name;
	x.status = plan_status(&c, now);
	fill_plan(a, &c, now, &x);
	x.window_start = c.ari_start;
	x.window_end = c.ari_end;
	x.explanation_url = c.ari_explanation_url;
	x.ask_ca_at = c.ari_check_at;
	x.failures = c.failures;
	x.last_error = c.last_error;
	x.last_error_at = c.last_error_at;
	x.retry_at = c.retry_at;
	TRY(fill_limits(r, a, &c, now, &x, e));
	*out = x;
	return 0;
}
