/*
 * Turns: of all threads and processes that share a lock file, one at a time does the thing of a
 * name. A byte of the file stands for the name (locks of open file descriptions), so there is
 * neither a file for each name nor anything left of a process that was killed. Two names may happen
 * to share a byte: then they take turns with each other.
 */
#ifndef BASE_TURN_H
#define BASE_TURN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"

struct turns {
	const char *file;            /* the lock file; made where there is none */
	const struct cancel *cancel; /* ends a wait */
	int64_t grace_ms;            /* a wait goes on so long after the token was set */
	int64_t patience_ms;         /* the longest wait; 0 = ten minutes in which the line before
	                                it did not move, and never more than an hour */
	int64_t stuck_ms;            /* a line that did not move for so long is left by those who
	                                are too many (turn_crowd); 0 = 20 s */
	/* A wait for what has that name begins and has ended; NULL = nobody looks. */
	void (*told)(void *ctx, const char *name, bool waits);
	void *ctx;
};

/* How many threads of this process may go on waiting, for whatever it is, in a line that does not
 * move: a pool of workers has others to do than to wait for what hangs. 0 = any number. */
void turn_crowd(unsigned most);
/* Waits while others have it: threads of this process get it in the order in which they came,
 * processes have equal chances; a pool of workers may let another work meanwhile (see
 * cancel_on_sleep). *fd: the turn, for turn_end. ERR_BUSY (err_is_crowded: too many wait),
 * ERR_CANCELLED, ERR_IO.
 */
NODISCARD int turn_take(const struct turns *t, const char *name, int *fd, struct err *e);
/* For CLEANUP too; -1 is nothing. */
void turn_end(int *fd);

#endif
