/*
 * A command asks for an operation (ops/operation.h): of the state folder, or of a daemon when
 * --server names one. The command fills `in` and prints `out`; it does not know which it was.
 */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "cli/command.h"
#include "ops/operation.h"

NODISCARD int ask(struct cli *c, enum operation_id op, void *in, void *out, struct err *e);
/* With an arena of the caller's, for who asks often. */
NODISCARD int ask_in(struct cli *c, struct arena *a, enum operation_id op, void *in, void *out,
                     struct err *e);
/* An OP_LIST, page after page: row for each item, which lives until it returns. */
NODISCARD int ask_each(struct cli *c, enum operation_id op, void *in,
                       int (*row)(void *ctx, const void *item, struct arena *a, struct err *e),
                       void *ctx, struct err *e);
/* The same of a list that stays short: all of it at once. */
NODISCARD int ask_all(struct cli *c, enum operation_id op, struct records *out, struct err *e);

#endif
