/*
 * STATE/live on a node beside others: what went live on another one is put in place here too, and
 * what was deleted there is taken away here. Hooks run where the turn was. A certificate that is
 * not in the database is no reason to take anything away: that it was deleted stands in the log.
 */
#ifndef FLOW_FOLLOW_H
#define FLOW_FOLLOW_H

#include "flow/run.h"

struct follow;

struct follow *follow_new(void);
void follow_free(struct follow *f); /* NULL is fine */
/* Looks at what happened since the last call, at the first at all there is. What fails (a full
 * disk) is tried again at the next one. One thread at a time. Does nothing where the database is
 * this host's alone. */
NODISCARD int follow_look(struct follow *f, struct run *r, struct err *e);

#endif
