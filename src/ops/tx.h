/* A transaction of ops: a change, and the event that says what was changed. */
#ifndef OPS_TX_H
#define OPS_TX_H

#include "base/err.h"

struct ops;
struct store;

/* Rolled back unless it was taken to ops_tx_commit. */
struct ops_tx {
	struct store *s;
};
NODISCARD int ops_tx_begin(struct ops *o, struct ops_tx *t, struct err *e);
NODISCARD int ops_tx_commit(struct ops_tx *t, struct err *e);
void ops_tx_done(struct ops_tx *t);

/* Adds the event and commits: the last step of a change that is about no certificate. */
NODISCARD int ops_tx_tell(struct ops_tx *t, const char *kind, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* What the next change of this thread rests on, see store_condition; holds NULL = nothing. */
void ops_condition(struct ops *o, int (*holds)(void *ctx, struct err *e),
                   int (*made)(void *ctx, struct err *e), void *ctx);

#endif
