/*
 * When there is what to tell about one certificate: pure, a table of cases holds it to account.
 * Expiry is warned of at 30, 14, 7, 3 and 1 days before the end, or those that the configuration
 * says, and at the end, scaled down for lifetimes below 90 days, and not before a renewal is due: a
 * healthy certificate is renewed then and nothing is told. A failure is told when it has lasted a
 * day (a quarter of what was left, if that is less), at half and at a quarter of what was left when
 * it began, and at the end.
 */
#ifndef FLOW_TELL_PLAN_H
#define FLOW_TELL_PLAN_H

#include "base/arena.h"
#include "model/cert.h"

#define WARN_DAYS_MOST 10
#define WARN_DAY_MOST 365
struct warn_days {
	int v[WARN_DAYS_MOST]; /* 1 to WARN_DAY_MOST, falling */
	size_t n;              /* 0 = the usual ones */
};
/* As JSON. */
char *warn_days_text(struct arena *a, const struct warn_days *days);

enum tell_stage { TELL_NOTHING, TELL_DAY, TELL_HALF, TELL_QUARTER, TELL_END };

struct tell_reached {
	enum tell_stage failing; /* the last one reached and not told; TELL_NOTHING = none */
	int warning;             /* days of the last threshold reached and not told, 0 = the end;
	                            -1 = none */
};
/* What lies after c->told_until and not after now. */
void tell_reached(const struct cert *c, const struct warn_days *days, int64_t now,
                  struct tell_reached *out);
/* The first instant after this one at which there may be something to tell, whichever days are
 * said: it is stored, and stays right when they change. 0 = never. Until a renewal is due that is
 * then; afterwards it comes once a day (a ninetieth of a short lifetime). */
int64_t tell_next(const struct cert *c, int64_t after);

#endif
