/* The challenges of one order: chosen, published, answered, taken away (RFC 8555 7.5.1, 8). Part of
 * issue.c's story. */
#ifndef FLOW_SOLVE_H
#define FLOW_SOLVE_H

#include "acme/order.h"
#include "flow/run.h"

/* What the certificate's solver is given. */
struct solve;
struct solve *solve_new(struct run *r, struct arena *a, const struct cert *c);
/* The same, with what it publishes written down in another store, where c has a row too. */
struct solve *solve_new_in(struct run *r, struct run *journal, struct arena *a,
                           const struct cert *c);
/* Before an order is made: fails for what can be seen now; listeners are bound. solve_done undoes
 * it. */
NODISCARD int solve_check(struct run *r, const struct cert *c, struct solve *s, struct err *e);
/* Both at once: whether it could be done now. */
NODISCARD int solve_try(struct run *r, struct arena *a, const struct cert *c, struct err *e);
void solve_done(const struct cert *c, struct solve *s);

/* Makes every authorization of a pending order valid: on success the order is no longer pending.
 * *waits = true: a person has to publish something first, it is recorded, nothing was answered.
 * ERR_VALIDATION names each name that failed. Always cleans up. */
NODISCARD int solve_all(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                        struct solve *s, struct order *row, struct acme_order *order,
                        bool person_is_ready, bool *waits, struct err *e);

#endif
