/*
 * Threads that do what the server's own may not wait for. Items are taken in the order they came;
 * their number is bounded by who adds them (one for each connection).
 */
#ifndef SYS_HTTPD_CREW_H
#define SYS_HTTPD_CREW_H

#include <stdbool.h>

#include "base/err.h"

struct crew_item {
	struct crew_item *next;
};

struct crew;
NODISCARD int crew_start(unsigned threads, void (*work)(struct crew_item *item), struct crew **out,
                         struct err *e);
/* false: it is being stopped, and the item was not taken. */
bool crew_add(struct crew *c, struct crew_item *item);
/* What was added is done before it returns. NULL is fine. */
void crew_stop(struct crew *c);

DEFINE_CLEANUP(crew_cleanup, struct crew, crew_stop)

#endif
