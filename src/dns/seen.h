/*
 * For services that tell nobody what they hold (DuckDNS, acme-dns): what the DNS says about it, by
 * the zone's own servers, so that no resolver remembers an absence.
 */
#ifndef DNS_SEEN_H
#define DNS_SEEN_H

#include "dns/provider.h"

/* The TXT values at name. known = false: nobody answered, nothing is known. Blocks some seconds. */
struct dns_seen {
	bool known;
	struct strings values;
};
struct dns_seen dns_see(struct dns_session *s, const struct dns_zone *z, const char *name);

#endif
