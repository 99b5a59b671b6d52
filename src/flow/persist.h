/*
 * dns-persist-01 for a fleet: the record that each name needs for each account, what the DNS has,
 * and putting it there.
 */
#ifndef FLOW_PERSIST_H
#define FLOW_PERSIST_H

#include "flow/run.h"
#include "model/persist.h"

struct persist_wish {
	struct strings names;    /* certificates' names or domains (a wildcard asks for its policy);
	                            none = all certificates that are    proved this way */
	struct strings accounts; /* only these; none = the certificate's own, or for a domain every
	                            account whose CA offers it */
	bool wildcard;           /* for domains: with the wildcard policy */
	int64_t until;           /* end of new records; 0 = none */
	int64_t soon_s;          /* "near its end" when less is left */
};
/* What ought to be there. ERR_NOT_FOUND: no account, or none at a CA that says it takes such
 * records. */
NODISCARD int persist_wanted(struct run *r, struct arena *a, const struct persist_wish *w,
                             struct persist **out, size_t *n, struct err *e);
/* The same, and what the DNS has. */
NODISCARD int persist_check(struct run *r, struct arena *a, const struct persist_wish *w,
                            struct persist **out, size_t *n, struct err *e);
/* Puts what is missing, wrong or near its end there through the DNS accounts (as --dns gives them),
 * waits until it is seen, and then takes away our own former values; nobody else's. */
NODISCARD int persist_publish(struct run *r, struct arena *a, const struct persist_wish *w,
                              const struct strings *dns, struct persist **out, size_t *n,
                              struct err *e);

#endif
