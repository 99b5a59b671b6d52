/* The order of one certificate: resumed, or written down and then made. Part of issue.c's story. */
#ifndef FLOW_ORDER_H
#define FLOW_ORDER_H

#include "acme/authz.h"
#include "acme/order.h"
#include "flow/run.h"

/* *row and *order: the open order, its URL stored. A row from before a kill is taken up again when
 * it still asks for the same and the CA still knows its order; else it is closed and a new one
 * made. */
NODISCARD int order_resume_or_new(struct run *r, struct arena *a, struct acme *ca, struct cert *c,
                                  const struct account *account, struct order *row,
                                  struct acme_order *order, struct err *e);
/* Closes the row as "done" or "failed". With row->never_issued the CA's limits are charged with no
 * certificate for it. */
NODISCARD int order_close(struct run *r, struct arena *a, struct order *row, const char *state,
                          struct err *e);
/* The authorizations of an order that was answered and is invalid: one that failed ends the order
 * at once, and the CA goes on with the others, so these are waited for, for a few seconds. z: one
 * each. What failed and what passed is noted in the row. */
NODISCARD int order_authz_ended(struct run *r, struct arena *a, struct acme *ca, struct order *row,
                                const struct acme_order *order, struct acme_authz *z,
                                struct err *e);
/* The order is invalid: what failed in it counts, once. */
void order_count_failures(struct run *r, struct arena *a, struct acme *ca,
                          const struct account *account, struct order *row,
                          const struct acme_order *order);

#endif
