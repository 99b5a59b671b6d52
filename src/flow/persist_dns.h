/* The DNS's side of persist.c: looking what is there, and putting it there. */
#ifndef FLOW_PERSIST_DNS_H
#define FLOW_PERSIST_DNS_H

#include "acme/issued.h"
#include "flow/persist.h"

struct persist_row {
	struct persist p;
	struct acme_persist_spec spec;
	const char *resolver;     /* NULL = the system's */
	bool public_only;         /* its name servers are not asked at addresses inside */
	struct strings strangers; /* values found that are for no account of ours */
	struct strings ours;      /* for this one, whatever is wrong with them */
};
NODISCARD int persist_rows(struct run *r, struct arena *a, const struct persist_wish *w,
                           struct persist_row **out, size_t *n, struct err *e);
/* Asks for all at once and judges each. */
NODISCARD int persist_look(struct run *r, struct arena *a, struct persist_row *v, size_t n,
                           int64_t soon_s, struct err *e);
NODISCARD int persist_put(struct run *r, struct arena *a, struct persist_row *v, size_t n,
                          const struct strings *dns, struct err *e);

#endif
