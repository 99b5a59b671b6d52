/*
 * Where a record must go, and getting it there: aliases followed, the account and zone found, locks
 * taken, values added and removed. The rules that keep a zone from harm are here, once, for all
 * providers.
 */
#ifndef DNS_PLACE_H
#define DNS_PLACE_H

#include "dns/provider.h"

/* An account that an order may use. */
struct dns_choice {
	struct dns_session *session;
	struct strings zones; /* bound to these: only names in them; empty = any */
	const char *domain;   /* this one was named for this name (without "*."); NULL = for all */
};
struct dns_view {                 /* whom to ask when the account does not say */
	struct strings resolvers; /* as the CA sees the world; empty = the system's */
	bool public_only; /* name servers that the DNS gives are no loopback, link-local or private
	                     addresses, or are not asked */
};

struct dns_placement {
	const char *asked; /* "_acme-challenge.www.example.org" */
	const char *value;
	/* out */
	struct strings
	    via; /* the aliases (CNAME, DNAME) on the way from asked to name, both ends left out */
	const char *name; /* where the record goes */
	struct dns_session *session;
	struct dns_zone zone;
};

/* Follows CNAME and DNAME from v[i].asked, at most 16 steps, and sets v[i].name and v[i].via.
 * servers are asked first and believed when they speak with authority, then the name servers of the
 * zones, which the view's resolvers lead to, then the resolvers themselves. An answer
 * that is a failure is no error but told in the log: the name is taken as it is. ERR_INPUT for a
 * loop, naming it. */
NODISCARD int place_follow(struct arena *a, const struct strings *servers,
                           const struct dns_view *view, struct dns_placement *v, size_t n,
                           const struct cancel *cancel, struct err *e);
/* Finds name, session and zone of each: the account named for the domain, else the one whose zone
 * fits longest. Nothing is written. domains[i] is what v[i] proves, for the choice by name. */
NODISCARD int place_find(struct arena *a, const struct dns_choice *choices, size_t n_choices,
                         const struct dns_view *view, const char *const *domains,
                         struct dns_placement *v, size_t n, const struct cancel *cancel,
                         struct err *e);
/* Adds all; under one lock per provider, zone and name. After a failure some may be there. */
NODISCARD int place_add(struct arena *a, struct dns_placement *v, size_t n, struct err *e);
/* Removes all, goes on after a failure and returns the first one; failed[i] (may be NULL) says
 * which are still there. */
NODISCARD int place_remove(struct arena *a, struct dns_placement *v, size_t n, bool *failed,
                           struct err *e);

#endif
