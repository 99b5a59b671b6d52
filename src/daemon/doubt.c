/* A few states; who calls it holds a lock. */
#include "daemon/doubt.h"

#include <stdio.h>

#define LOOK_MS 60000
#define LOOK_FAILED_MS 2000
#define UNSURE_S 1800
#define SPREAD_S 3600
#define ONE_EACH_S 30

void doubt_begin(struct doubt *d)
{
	*d = (struct doubt){ .era = d->era + 1, .told = d->told };
}

bool doubt_wants_look(struct doubt *d, int64_t now_ms)
{
	if (d->state == DOUBT_NONE || now_ms < d->look_ms)
		return false;
	d->look_ms = now_ms + LOOK_MS;
	return true;
}

void doubt_unheard(struct doubt *d, int64_t now_ms)
{
	d->look_ms = now_ms + LOOK_FAILED_MS;
}

/* That nobody contradicts says nothing once it was believed: it is what we wrote ourselves. Nor
 * does it help a clock that a CA contradicted if the CA cannot be reached any more. */
static enum doubt_state next(enum doubt_state s, enum clock_verdict v)
{
	switch (v) {
	case CLOCK_VOUCHED:
		return DOUBT_NONE;
	case CLOCK_WRONG:
		return DOUBT_WRONG;
	case CLOCK_UNDISPUTED:
		return s == DOUBT_SPREAD ? DOUBT_SPREAD : DOUBT_NONE;
	case CLOCK_UNSURE:
		return s == DOUBT_UNHEARD ? DOUBT_UNSURE : s;
	}
	return s;
}

bool doubt_hear(struct doubt *d, unsigned era, enum clock_verdict v, const char *why, int64_t now)
{
	enum doubt_state former = d->state;

	if (era != d->era) {
		d->look_ms = 0;
		return false;
	}
	if (former == DOUBT_NONE)
		return false;
	d->state = next(former, v);
	if (d->state == former)
		return false;
	if (why)
		snprintf(d->why, sizeof(d->why), "%.190s", why);
	if (d->state == DOUBT_UNSURE)
		d->until_at = now + UNSURE_S;
	return true;
}

bool doubt_pass(struct doubt *d, int64_t now)
{
	if ((d->state != DOUBT_UNSURE && d->state != DOUBT_SPREAD) || now < d->until_at)
		return false;
	if (d->state == DOUBT_UNSURE) {
		d->state = DOUBT_SPREAD;
		d->until_at = now + SPREAD_S;
		d->next_at = now;
	} else {
		d->state = DOUBT_NONE;
	}
	return true;
}

size_t doubt_allows(const struct doubt *d, int64_t now)
{
	if (d->state == DOUBT_SPREAD)
		return now >= d->next_at;
	return d->state == DOUBT_NONE ? SIZE_MAX : 0;
}

void doubt_began(struct doubt *d, size_t n, int64_t now)
{
	if (n && d->state == DOUBT_SPREAD)
		d->next_at = now + ONE_EACH_S;
}

char *doubt_words(struct arena *a, struct doubt *d)
{
	bool told = d->told;

	d->told = d->state != DOUBT_NONE;
	switch (d->state) {
	case DOUBT_UNHEARD:
		break;
	case DOUBT_WRONG:
		return arena_printf(a, "%s: nothing is begun until it is right", d->why);
	case DOUBT_UNSURE:
		return arena_printf(
		    a, "%s: nothing is begun for %d minutes, unless a CA says that it is so",
		    d->why, UNSURE_S / 60);
	case DOUBT_SPREAD:
		return arena_printf(a,
		                    "%s: it is believed now; what is due is begun one by one for "
		                    "an hour",
		                    d->why);
	case DOUBT_NONE:
		if (told)
			return arena_strdup(a, "the clock is believed: work goes on");
		break;
	}
	return NULL;
}
