/*
 * What the scheduler makes of a clock that may be wrong. At the start and after a jump nothing is
 * begun before its witnesses were heard (flow/witness). A clock that is wrong holds everything back
 * until they say otherwise; one of which nobody can say it is believed after half an hour, and for
 * an hour more what is due is begun one by one, while a CA is still asked. Not locked.
 */
#ifndef DAEMON_DOUBT_H
#define DAEMON_DOUBT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/witness.h"

enum doubt_state { DOUBT_UNHEARD, DOUBT_WRONG, DOUBT_UNSURE, DOUBT_SPREAD, DOUBT_NONE };
struct doubt {
	enum doubt_state state;
	unsigned era; /* another after each jump: what was said of the clock of before is void */
	int64_t until_at, /* DOUBT_UNSURE, DOUBT_SPREAD: by this clock, which goes on steadily */
	    next_at;      /* DOUBT_SPREAD: when one more may begin */
	int64_t look_ms;  /* monotonic: when witnesses are to be heard again */
	char why[200];    /* DOUBT_WRONG, DOUBT_UNSURE, DOUBT_SPREAD */
	bool told;        /* somebody was told of a doubt: they are to be told that it is over */
};

/* Nothing is known of this clock. */
void doubt_begin(struct doubt *d);
/* Whether witnesses are to be heard now; then not again for a minute. */
bool doubt_wants_look(struct doubt *d, int64_t now_ms);
/* What they said of the clock of that era; NULL as why where there is none. Gives whether the state
 * changed. */
bool doubt_hear(struct doubt *d, unsigned era, enum clock_verdict v, const char *why, int64_t now);
/* They could not be heard: soon again. */
void doubt_unheard(struct doubt *d, int64_t now_ms);
/* What time brings. Gives whether the state changed. */
bool doubt_pass(struct doubt *d, int64_t now);
/* How many of what is due may begin now. */
size_t doubt_allows(const struct doubt *d, int64_t now);
/* After so many began. */
void doubt_began(struct doubt *d, size_t n, int64_t now);
/* After the state changed: a line for the log; NULL = there is nothing to tell. */
char *doubt_words(struct arena *a, struct doubt *d);

#endif
