/* limits, explain: what the CAs still allow, and why a certificate renews when it does. */
#ifndef OPS_OPS_LIMITS_H
#define OPS_OPS_LIMITS_H

#include "model/explanation.h"
#include "model/limit.h"
#include "ops/ops.h"

struct limits_ask {
	const char *ca;       /* NULL = every CA; for domains the default one */
	struct strings names; /* certificates or domains; none = all that is in use */
	bool unpaused;        /* a person had the CA resume these names */
};
/* As one array; for names what an order for each would touch. *more: over the network one answer
 * does not have all. */
NODISCARD int ops_limits(struct ops *o, struct arena *a, const struct limits_ask *ask,
                         struct limit_state **out, size_t *n, bool *more, struct err *e);
NODISCARD int ops_explain(struct ops *o, struct arena *a, const char *name, struct explanation *out,
                          struct err *e);

#endif
