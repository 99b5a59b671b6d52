/*
 * A cancel token: set once (by a signal handler or another thread), seen by every wait.
 */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct cancel {
	atomic_int signal; /* 0 = go on; else the signal number, or -1 for another reason */
};

void cancel_set(struct cancel *c, int why); /* async-signal-safe */
bool cancel_is_set(const struct cancel *c); /* NULL = never */
/* Fills *e with ERR_CANCELLED and the reason, for waits of other kinds that saw the token set. */
int cancel_error(const struct cancel *c, struct err *e);
/* Sleeps, in slices of at most 50 ms. ERR_CANCELLED if the token was set. c may be NULL. */
NODISCARD int cancel_sleep_ms(const struct cancel *c, int64_t ms, struct err *e);

/* Who is told when this thread begins and ends a sleep of half a second or more, so that a pool of
 * workers can let another one work meanwhile; told = NULL: nobody. The one who is told may block at
 * the end of the sleep. */
void cancel_on_sleep(void (*told)(void *ctx, bool sleeps), void *ctx);
/* For sleeps of other kinds: tells that one begins, and that it has ended. */
void cancel_tell_sleep(bool sleeps);

#endif
