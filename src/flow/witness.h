/*
 * Whether this machine's clock may be believed: what else tells of the time. A clock may be years
 * behind (a dead battery) or ahead, and a daemon that believed it would renew nothing, or
 * everything at once, and warn everybody. Its witnesses are what stands in the state, the
 * database's own clock, and, where these are not of one mind with it, the Date of a CA's answer.
 */
#ifndef FLOW_WITNESS_H
#define FLOW_WITNESS_H

#include "flow/run.h"

enum clock_verdict {
	CLOCK_UNDISPUTED, /* nothing speaks against it; no CA was asked */
	CLOCK_VOUCHED,    /* a CA says the same */
	CLOCK_UNSURE,     /* far ahead of what is known, as after a long rest, and no CA says */
	CLOCK_WRONG,
};
struct witnesses {
	int64_t now, known_at, /* when work was done here last; 0 = never */
	    database_at,       /* 0 = it has no clock of its own */
	    ca_at;             /* of several CAs the one nearest to now; 0 = none said */
	bool ca_is_proved;     /* by a certificate that holds; else it may only speak against it */
	const char *ca;
};
/* Pure. *why: of CLOCK_UNSURE and CLOCK_WRONG, in words. */
enum clock_verdict witness_judge(struct arena *a, const struct witnesses *w, const char **why);

/* asks: CAs too, if it is disputed; waits for the network then. Fails with the database only. */
NODISCARD int witness_look(struct run *r, struct arena *a, bool asks, enum clock_verdict *out,
                           const char **why, struct err *e);

#endif
