/*
 * The scheduler: one thread that asks the jobs table what is due and offers it to the workers. A
 * look costs what is due. It looks when the next job's time has come, and every two seconds in any
 * case, since a command line in another process may have written one.
 */
#ifndef DAEMON_SCHED_H
#define DAEMON_SCHED_H

#include "daemon/workers.h"
#include "ops/ops_daemon.h"

struct sched;

NODISCARD int sched_start(struct ops_daemon *d, unsigned slots, struct sched **out, struct err *e);
/* The configuration was read anew: certificates at once. */
void sched_set_slots(struct sched *s, unsigned slots);
void sched_state(struct sched *s, struct daemon_state *out);
/* Whether its thread goes round. */
bool sched_is_alive(struct sched *s);

/* Looks no more and begins nothing more; what runs goes on. */
void sched_stop(struct sched *s);
/* Whether all that ran has ended, waiting for it so long. */
bool sched_await(struct sched *s, int64_t ms);
/* After sched_await said so. */
void sched_free(struct sched *s);

#endif
