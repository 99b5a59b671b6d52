/*
 * What somebody asked the daemon to do that waits for the outside: `jobs` of the REST API. A task
 * is a row, so that a daemon that died goes on with it; its input is sealed, since it may hold
 * keys.
 */
#ifndef OPS_OPS_TASK_H
#define OPS_OPS_TASK_H

#include "model/task.h"
#include "ops/operation.h"

/* A job of certificates of which some failed is "failed" and has a result too: whoever waited for
 * it prints that, as a command that did it here would. */
/* Keeps the request for o's actor: input (JSON of operations[op].in), subject (the certificate or
 * whatever it is about; NULL = none) and if_match (NULL = none) are set; then *t is as `jobs` shows
 * it. */
NODISCARD int ops_task_add(struct ops *o, struct arena *a, enum operation_id op, struct task *t,
                           struct err *e);

#endif
