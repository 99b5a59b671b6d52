/*
 * For services that keep a record with an ID of its own for each value (Cloudflare, DigitalOcean,
 * Linode …): what is there already is not made again, a creation whose answer was lost is looked
 * for before it is tried again, and only records of exactly this name and value are deleted. A
 * provider gives list, create and delete.
 */
#ifndef DNS_ENTRIES_H
#define DNS_ENTRIES_H

#include "base/json.h"
#include "dns/provider.h"

#define ENTRIES_PAGES_MAX 100 /* of one list */

struct dns_entry {
	const char *id, *name; /* name: whole, lower case, no trailing dot */
	const char *value;     /* in the service's own form (txt_is compares) */
};
struct dns_entries {
	struct dns_entry *v;
	size_t n, room;
};
/* Copies; name is whole, or below the zone with "@" or "" for the zone itself. */
void entries_put(struct arena *a, struct dns_entries *list, const char *zone, const char *id,
                 const char *name, const char *value);

struct dns_entries_how {
	/* All TXT records at v's name; v NULL = all of the zone. All pages. */
	int (*list)(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
	            struct dns_entries *out, struct err *e);
	/* ERR_EXISTS: it is there already (fine). ERR_AGAIN: nobody knows whether it was done. */
	int (*create)(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
	              struct err *e);
	/* ERR_NOT_FOUND: it is gone already (fine). */
	int (*delete)(struct dns_session *s, const struct dns_zone *z, const char *id,
	              struct err *e);
	bool look_first; /* the service would keep a value twice: looked for before it is made */
};
NODISCARD int entries_add(struct dns_session *s, const struct dns_zone *z,
                          const struct dns_entries_how *how, const struct dns_record *v, size_t n,
                          struct err *e);
/* Goes on after a refusal and returns the first one; stops where the service cannot be reached. */
NODISCARD int entries_remove(struct dns_session *s, const struct dns_zone *z,
                             const struct dns_entries_how *how, const struct dns_record *v,
                             size_t n, struct err *e);

#endif
