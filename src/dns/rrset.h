/*
 * For services that have only whole sets of values (Azure, Route 53, Google, deSEC, Gandi, PowerDNS
 * …): read, change, write back, again when the service's guard says that somebody else was faster.
 * A provider gives read and write.
 */
#ifndef DNS_RRSET_H
#define DNS_RRSET_H

#include "dns/provider.h"

struct dns_rrset {
	const char *name, *relative;
	bool exists;
	struct strings values; /* in the service's own form, whatever that is */
	int64_t ttl_s;
	const char *guard; /* ETag or the like; NULL = none */
	void *raw;         /* the provider's own, from read to write */
};
struct dns_rrset_how {
	int (*read)(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
	            struct err *e);
	/* No values left: the set is deleted. before: as it was read. ERR_BUSY: the guard did not
	 * hold, read again. */
	int (*write)(struct dns_session *s, const struct dns_zone *z,
	             const struct dns_rrset *before, const struct dns_rrset *set, struct err *e);
	/* Several sets in one call (Route 53's and Google's change batches, deSEC's bulk PATCH);
	 * NULL = one at a time with write. */
	int (*write_all)(struct dns_session *s, const struct dns_zone *z,
	                 const struct dns_rrset *before, const struct dns_rrset *sets, size_t n,
	                 struct err *e);
	const char *(*form)(
	    struct arena *a,
	    const char *value); /* the service's form of a new value; NULL = as it is */
	bool (*same)(const char *form, const char *value); /* NULL = txt_is */
};
/* Adds or removes all of v. Sets that are already as wanted are not written. */
NODISCARD int rrset_add(struct dns_session *s, const struct dns_zone *z,
                        const struct dns_rrset_how *how, const struct dns_record *v, size_t n,
                        struct err *e);
NODISCARD int rrset_remove(struct dns_session *s, const struct dns_zone *z,
                           const struct dns_rrset_how *how, const struct dns_record *v, size_t n,
                           struct err *e);

#endif
