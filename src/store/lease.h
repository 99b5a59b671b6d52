/*
 * Who holds a lease, as text: "host|boot|pid|start|what|since". A process is told from a later one
 * with its number by the time it started, and a boot of the machine by its identifier.
 */
#ifndef STORE_LEASE_H
#define STORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

struct holder {
	const char *host, *boot, *what;
	int64_t pid;
	uint64_t start; /* clock ticks since boot; 0 = not known */
	int64_t since;  /* Unix seconds */
};

/* The host is EVERLEAF_NODE where that is set, else the machine's name. This process, from now on.
 * what: "everleaf renew". */
void holder_self(struct arena *a, const char *what, struct holder *out);
char *holder_text(struct arena *a, const struct holder *h);
/* false: not such a text. */
bool holder_parse(struct arena *a, const char *text, struct holder *out);
bool holder_is_self(const struct holder *h);
/* false: certainly dead. A holder on another host counts as alive. */
/* Of this host and boot: whether the lease's clock matters is the caller's to ask of others. */
bool holder_is_here(const struct holder *h);
bool holder_is_alive(const struct holder *h);
/* "process 123 (everleaf renew) on web2 since 2026-11-22T00:00:00Z"; the host only if it is
 * another. */
char *holder_words(struct arena *a, const struct holder *h);

#endif
