/*
 * The daemon's workers: threads that each take one subject after another. At most `slots` of them
 * work at once. One that sleeps (for the CA, for the DNS) gives its slot to another, up to `most`
 * threads, so that a thousand names that wait a minute each do not hold a few workers for hours.
 * Of what is queued, a subject whose CA has the fewest at work comes first.
 */
#ifndef DAEMON_WORKERS_H
#define DAEMON_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct workers;
struct workers_options {
	unsigned slots, most;
	void (*work)(void *ctx, const char *subject);
	void *ctx;
};
struct workers *workers_new(const struct workers_options *o);
/* After workers_stop said that all have ended. */
void workers_free(struct workers *w);

/* Queues it, unless it is queued or being worked on already. group: its CA; NULL = none. */
void workers_offer(struct workers *w, const char *subject, const char *group);
/* From now on this many at once. */
void workers_set_slots(struct workers *w, unsigned slots);

/* The calling worker's: until it ends, what it does takes no slot, however often it sleeps. */
void workers_aside(struct workers *w, bool begins);

struct workers_load {
	unsigned running, sleeping, queued, slots;
};
void workers_load(struct workers *w, struct workers_load *out);

/* Begins nothing any more; forgets what is queued. */
void workers_stop(struct workers *w);
/* Whether all have ended, waiting for it so long. */
bool workers_await(struct workers *w, int64_t ms);

#endif
