/* dns-persist-01 records for a fleet (draft-ietf-acme-dns-persist). */
#ifndef OPS_OPS_PERSIST_H
#define OPS_OPS_PERSIST_H

#include "model/persist.h"
#include "ops/ops.h"

struct persist_ask {
	struct strings names; /* certificates or domains; none = all certificates proved this way */
	struct strings accounts; /* at CAs; none = as the names have them */
	struct strings dns; /* publish: DNS accounts, "ACCOUNT" or "DOMAIN=ACCOUNT"; none = every
	                       enabled one */
	bool wildcard;
	const char *until; /* "365d" or "2027-06-30" or RFC 3339; NULL = no end */
	int64_t days;      /* "near its end" when fewer are left; 0 = 30 */
};
NODISCARD int ops_persist_show(struct ops *o, struct arena *a, const struct persist_ask *p,
                               struct persist **out, size_t *n, struct err *e);
NODISCARD int ops_persist_check(struct ops *o, struct arena *a, const struct persist_ask *p,
                                struct persist **out, size_t *n, struct err *e);
NODISCARD int ops_persist_publish(struct ops *o, struct arena *a, const struct persist_ask *p,
                                  struct persist **out, size_t *n, struct err *e);

#endif
