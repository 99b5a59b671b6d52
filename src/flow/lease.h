/*
 * Who works on what: a certificate by its name, an account as "account/NAME". Whoever reads a row,
 * waits for the network and writes the row holds its lease meanwhile.
 */
#ifndef FLOW_LEASE_H
#define FLOW_LEASE_H

#include "flow/run.h"

/* Waits up to a minute for another process (the daemon does not): then ERR_BUSY says who holds it.
 */
NODISCARD int lease_take(struct run *r, const char *subject, struct err *e);
void lease_drop(struct run *r, const char *subject);
/* Before each act outside that a transaction does not go before at once: this thread still has its
 * leases. ERR_BUSY: it stood still past the end of one, and another process took it. */
NODISCARD int lease_look(struct run *r, struct err *e);
/* The subject of an account's lease. A certificate's name holds no slash, so the two never meet. */
const char *lease_of_account(struct arena *a, const char *account_name);

#endif
