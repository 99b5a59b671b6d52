/*
 * STATE/live on a node beside others: what went live on another one is put in place here too.
 * Hooks run where the turn was.
 */
#ifndef FLOW_FOLLOW_H
#define FLOW_FOLLOW_H

#include "flow/run.h"

/* Looks at what went live since the last call, at the first (*after negative) at all there is. One
 * thread at a time. Does nothing where the database is this host's alone. */
NODISCARD int follow_live(struct run *r, int64_t *after, struct err *e);

#endif
