/* Registered domains by the public suffix list (libpsl; the newer of the system's list and the one
 * built in). Any thread. */
#ifndef SYS_SUFFIX_H
#define SYS_SUFFIX_H

#include "base/arena.h"

/* What certificates are counted by: of a DNS name (a wildcard without its "*.") the public suffix
 * and one label more, or the name itself if it is a suffix; an IPv4 address itself; of an IPv6
 * address its /64. Normalized in and out. */
const char *name_registered_domain(struct arena *a, const char *normalized);

#endif
