/*
 * What a renewal can afford: to wait for at most a quarter of what is left of the certificate, and
 * not beyond the window that the CA suggests.
 */
#include "flow/nightly.h"

#include <string.h>
#include <time.h>

#define JITTER_S 3600

static bool two_digits(const char *s, int most, int *out)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return false;
	*out = (s[0] - '0') * 10 + s[1] - '0';
	return *out <= most;
}

int nightly_parse(const char *text, int *minute, struct err *e)
{
	int hours, minutes;

	if (strlen(text) != 5 || text[2] != ':' || !two_digits(text, 23, &hours) ||
	    !two_digits(text + 3, 59, &minutes))
		return err_set(e, ERR_CONFIG, "\"%.40s\" is no time of day: write it as \"01:30\"",
		               text);
	*minute = hours * 60 + minutes;
	return 0;
}

int64_t nightly_next(int64_t after, int minute)
{
	for (int day = 0; day < 3; day++) {
		time_t t = (time_t)after;
		struct tm tm;

		localtime_r(&t, &tm);
		tm.tm_mday += day;
		tm.tm_hour = minute / 60;
		tm.tm_min = minute % 60;
		tm.tm_sec = 0;
		tm.tm_isdst = -1;
		t = mktime(&tm);
		if (t != (time_t)-1 && t >= after)
			return t;
	}
	return after;
}

/* The same for a certificate at every look, spread over all of them (FNV-1a). */
static int64_t jitter(const char *name)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (int64_t)((h >> 20) % JITTER_S);
}

static bool can_wait(const struct cert *c, const struct plan *p, int64_t until)
{
	if (p->reason == PLAN_FIRST || p->reason == PLAN_NEVER || c->unfinished || c->failures > 0)
		return false;
	if (p->reason == PLAN_CA && until > c->ari_end)
		return false;
	return until - p->renew_at <= (c->not_after - p->renew_at) / 4;
}

void nightly_plan(const char *window, const struct cert *c, int64_t now, struct plan *out)
{
	int64_t until, own;
	struct plan p;
	struct err ignored;
	int minute;

	plan_next(c, now, &p);
	*out = p;
	if (!window || p.renew_at <= 0 || nightly_parse(window, &minute, &ignored) < 0)
		return;
	own = jitter(c->name);
	until = nightly_next(p.renew_at - own, minute) + own;
	if (!can_wait(c, &p, until))
		return;
	out->renew_at = until;
	if (p.run_at == p.renew_at || p.run_at == c->ari_check_at) {
		bool asks = c->ari_check_at > 0 && c->ari_check_at < until && now < c->not_after;

		out->run_at = asks ? c->ari_check_at : until;
	}
}
