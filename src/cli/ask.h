/*
 * A command asks for an operation (ops/operation.h): of the state folder, or of a daemon when
 * --server names one. The command fills `in` and prints `out`; it does not know which it was.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/command.h"
#include "ops/operation.h"

NODISCARD int ask(struct cli *c, enum operation_id op, void *in, void *out, struct err *e);

#endif
