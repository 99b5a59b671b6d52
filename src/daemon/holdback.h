/*
 * Subjects that are due and are not to be taken up for a while: another process has them, or
 * nothing could be recorded. In memory only, since a restart may try again. Not locked.
 */
#ifndef DAEMON_HOLDBACK_H
#define DAEMON_HOLDBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct holdback {
	struct held *list;
	size_t n;
};

/* The wait doubles each time it is held again soon after, to five minutes. */
void holdback_add(struct holdback *h, const char *subject, int64_t now_ms, int64_t ms);
/* Also forgets those whose time is long over. */
bool holdback_has(struct holdback *h, const char *subject, int64_t now_ms);
void holdback_done(struct holdback *h);

#endif
