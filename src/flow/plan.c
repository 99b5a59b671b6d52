/*
 * The rules of renewal in one place, without I/O, so that a table of cases can hold them to
 * account.
 */
#include "flow/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

#define DAY_S 86400
#define BACKOFF_FIRST_S 300
#define FIRST_EVERY_S 300
#define FIRST_FOR_S DAY_S
#define FIRST_HELD_S 3600 /* a hold that is part of a day's attempts */
#define SHORT_LIFETIME_S (10 * DAY_S)

static int policy_number(const char *s, char **end, int64_t *out)
{
	errno = 0;
	*out = strtoll(s, end, 10);
	return errno || *end == s || *s == '-' || *s == '+' || *s == ' ' ? -1 : 0;
}

int plan_policy_parse(const char *policy, int64_t lifetime_s, int64_t *before_s, struct err *e)
{
	int64_t x, y;
	char *end, *end2;

	if (policy_number(policy, &end, &x) == 0) {
		if (strcmp(end, "d") == 0 && x >= 1 && x <= 3650) {
			*before_s = x * DAY_S;
			return 0;
		}
		if (*end == '/' && policy_number(end + 1, &end2, &y) == 0 && *end2 == '\0' &&
		    x >= 1 && y > x && y <= 1000) {
			*before_s = lifetime_s * x / y;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE,
	               "renewal policy \"%s\" is neither a number of days (15d) nor a fraction of "
	               "the lifetime (1/3)",
	               policy);
}

static void plan_renew_at(const struct cert *c, struct plan *p)
{
	int64_t lifetime = c->not_after - c->not_before, before;
	struct err ignored;

	if (c->ari_renew_at > 0 &&
	    c->ari_renew_at < c->not_after) { /* a window after the end would mean never */
		p->reason = PLAN_CA;
		p->renew_at = c->ari_renew_at;
		return;
	}
	if (c->renew_before &&
	    plan_policy_parse(c->renew_before, lifetime, &before, &ignored) == 0) {
		p->reason = PLAN_POLICY;
		p->renew_at = c->not_after - before;
		return;
	}
	p->reason = PLAN_LIFETIME;
	p->renew_at = c->not_after - (lifetime < SHORT_LIFETIME_S ? lifetime / 2 : lifetime / 3);
}

static bool plan_has_certificate(const struct cert *c)
{
	return c->not_after > 0;
}

/* The next first attempt would be later than a day after the first one. For a limit of the CA that
 * opens late it is waited all the same: that much was said when it was held back. */
static bool plan_gave_up(const struct cert *c)
{
	int64_t end = c->failing_since + FIRST_FOR_S, next = c->last_error_at + FIRST_EVERY_S;

	if (c->retry_at > next && c->retry_at - c->last_error_at <= FIRST_HELD_S)
		next = c->retry_at;
	return c->failing_since > 0 && next > end;
}

void plan_next(const struct cert *c, int64_t now, struct plan *out)
{
	struct plan p = { .reason = PLAN_NEVER };

	if (strcmp(c->status, "revoked") == 0) {
		*out = p;
		return;
	}
	if (!plan_has_certificate(c) && plan_gave_up(c)) {
		p.reason = PLAN_GIVEN_UP;
		*out = p;
		return;
	}
	if (!plan_has_certificate(c)) {
		p.reason = PLAN_FIRST;
		p.renew_at = c->retry_at > 0     ? c->retry_at
		             : c->created_at > 0 ? c->created_at
		                                 : now;
		p.run_at = p.renew_at;
		*out = p;
		return;
	}
	plan_renew_at(c, &p);
	if (c->unfinished) {
		p.run_at = c->retry_at > 0 ? c->retry_at : now;
	} else {
		p.run_at = p.renew_at > c->retry_at ? p.renew_at : c->retry_at;
		/* renewal information is asked for until the certificate ends (RFC 9773 4.3) */
		if (c->ari_check_at > 0 && c->ari_check_at < p.run_at && now < c->not_after)
			p.run_at = c->ari_check_at;
	}
	if (c->hook_failures > 0 && c->hook_retry_at < p.run_at)
		p.run_at = c->hook_retry_at;
	if (p.run_at <= 0)
		p.run_at = 1;
	*out = p;
}

int64_t plan_backoff(int64_t failures, uint32_t retry_s)
{
	int64_t wait = BACKOFF_FIRST_S;

	for (int64_t i = 1; i < failures && wait < DAY_S; i++)
		wait *= 2;
	if (wait > DAY_S)
		wait = DAY_S;
	return retry_s > wait ? retry_s : wait;
}

int64_t plan_wait(const struct cert *c, uint32_t retry_s)
{
	if (plan_has_certificate(c))
		return plan_backoff(c->failures - c->hook_failures, retry_s);
	return retry_s > FIRST_EVERY_S ? retry_s : FIRST_EVERY_S;
}

int64_t plan_rest(const struct cert *c, int64_t now)
{
	int64_t rest = (c->not_after - c->not_before) / 4;
	struct plan p;

	plan_next(c, now, &p);
	if (!plan_has_certificate(c) || p.renew_at == 0 || p.renew_at > now)
		return 0;
	return now + (rest < DAY_S ? rest : DAY_S);
}

static void warn_about(const char *name, const char *policy)
{
	struct log_context former = log_context_set("%s", name);

	log_warn("--renew-before %s is longer than the certificate lives; it would renew at every "
	         "run, a fraction (1/3) fits any lifetime",
	         policy);
	log_context_restore(&former);
}

void plan_warn(const struct cert *c)
{
	int64_t before;
	struct err ignored;

	if (!c->renew_before || c->not_after == 0 || !strchr(c->renew_before, 'd'))
		return;
	if (plan_policy_parse(c->renew_before, 0, &before, &ignored) == 0 &&
	    before >= c->not_after - c->not_before)
		warn_about(c->name, c->renew_before);
}

const char *plan_status(const struct cert *c, int64_t now)
{
	if (strcmp(c->status, "issued") == 0 && c->not_after > 0 && c->not_after <= now)
		return "expired";
	return c->status;
}

char *plan_explain(struct arena *a, const struct cert *c, int64_t now)
{
	struct plan p;
	const char *at;

	plan_next(c, now, &p);
	at = clock_rfc3339(a, p.renew_at);
	if (p.reason != PLAN_NEVER && p.reason != PLAN_GIVEN_UP && p.reason != PLAN_FIRST &&
	    c->renew_at > p.renew_at)
		at = arena_printf(a, "%s; it waits for the maintenance window, %s", at,
		                  clock_rfc3339(a, c->renew_at));
	switch (p.reason) {
	case PLAN_NEVER:
		return arena_strdup(a, "it is revoked and is not renewed by itself; `everleaf "
		                       "issue --force` replaces it");
	case PLAN_GIVEN_UP:
		return arena_printf(a,
		                    "it has failed for 24 hours and is not attempted by itself any "
		                    "more; `everleaf renew %s` tries again, for another 24 hours",
		                    c->name);
	case PLAN_FIRST:
		return arena_printf(a, "it has not been issued yet; the next attempt is due at %s",
		                    at);
	case PLAN_CA:
		return arena_printf(a, "the CA's renewal information suggests %s to %s; chosen: %s",
		                    clock_rfc3339(a, c->ari_start), clock_rfc3339(a, c->ari_end),
		                    at);
	case PLAN_POLICY:
		return arena_printf(a, "its own policy says %s before the end: %s", c->renew_before,
		                    at);
	case PLAN_LIFETIME:
		return arena_printf(
		    a, "%s of its lifetime is left at %s",
		    c->not_after - c->not_before < SHORT_LIFETIME_S ? "one half" : "one third", at);
	}
	return arena_strdup(a, "");
}
