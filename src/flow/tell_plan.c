/* The instants of one certificate, and which of them have been reached. */
#include "flow/tell_plan.h"

#include <string.h>

#define DAY_S INT64_C(86400)
#define FULL_LIFETIME_S (90 * DAY_S)
#define N_WARNINGS (WARN_DAYS_MOST + 1)
#define N_STAGES 4

static const struct warn_days usual = { { 30, 14, 7, 3, 1 }, 5 };

/* 0 = this one does not come. */
struct instants {
	int64_t failing[N_STAGES];   /* TELL_DAY first */
	int64_t warning[N_WARNINGS]; /* n of them: each of the days, and 0 */
	int days[N_WARNINGS];
	int n;
};

static const struct warn_days *warn_days_meant(const struct warn_days *days)
{
	return days->n ? days : &usual;
}

char *warn_days_text(struct arena *a, const struct warn_days *days)
{
	const struct warn_days *d = warn_days_meant(days);
	char *text = arena_strdup(a, "[");

	for (size_t i = 0; i < d->n; i++)
		text = arena_printf(a, "%s%s%d", text, i ? ", " : "", d->v[i]);
	return arena_printf(a, "%s]", text);
}

static int64_t least(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

static void failing_instants(const struct cert *c, struct instants *t)
{
	int64_t since = c->failing_since, left = c->not_after - since;

	if (since == 0)
		return;
	if (c->not_after == 0 || left <= 0) { /* nothing left to lose: only that it lasts */
		t->failing[0] = since + DAY_S;
		return;
	}
	t->failing[0] = since + least(DAY_S, left / 4);
	t->failing[1] = since + left / 2;
	t->failing[2] = c->not_after - left / 4;
	t->failing[3] = c->not_after;
}

static int64_t warning_at(const struct cert *c, int days)
{
	int64_t lifetime = c->not_after - c->not_before;
	int64_t before = lifetime < FULL_LIFETIME_S ? lifetime * days / 90 : days * DAY_S;
	int64_t at = c->not_after - before;

	if (at < c->renew_at && days > 0)
		at = c->renew_at;
	return at < c->not_before ? 0 : at; /* more days than it ever has */
}

static void warning_instants(const struct cert *c, const struct warn_days *days, struct instants *t)
{
	const struct warn_days *d = warn_days_meant(days);

	if (c->not_after == 0)
		return;
	for (size_t i = 0; i < d->n; i++)
		t->days[t->n++] = d->v[i];
	t->days[t->n++] = 0;
	for (int i = 0; i < t->n; i++)
		t->warning[i] = warning_at(c, t->days[i]);
	/* several at the same instant are the last of them */
	for (int i = 0; i + 1 < t->n; i++)
		if (t->warning[i] >= t->warning[i + 1])
			t->warning[i] = 0;
}

static void instants_of(const struct cert *c, const struct warn_days *days, struct instants *t)
{
	memset(t, 0, sizeof(*t));
	if (strcmp(c->status, "revoked") == 0)
		return;
	failing_instants(c, t);
	warning_instants(c, days, t);
}

void tell_reached(const struct cert *c, const struct warn_days *days, int64_t now,
                  struct tell_reached *out)
{
	struct tell_reached r = { .warning = -1 };
	struct instants t;

	instants_of(c, days, &t);
	for (int i = 0; i < N_STAGES; i++)
		if (t.failing[i] > c->told_until && t.failing[i] <= now)
			r.failing = (enum tell_stage)(TELL_DAY + i);
	for (int i = 0; i < t.n; i++)
		if (t.warning[i] > c->told_until && t.warning[i] <= now)
			r.warning = t.days[i];
	*out = r;
}

static void earlier(int64_t at, int64_t after, int64_t *next)
{
	if (at > after && (*next == 0 || at < *next))
		*next = at;
}

int64_t tell_next(const struct cert *c, int64_t after)
{
	struct instants t = { 0 };
	int64_t next = 0;

	if (strcmp(c->status, "revoked") == 0)
		return 0;
	failing_instants(c, &t);
	for (int i = 0; i < N_STAGES; i++)
		earlier(t.failing[i], after, &next);
	for (int days = 0; c->not_after && days <= WARN_DAY_MOST; days++)
		earlier(warning_at(c, days), after, &next);
	return next;
}
