/* The event log's chain, looked through. */
#ifndef OPS_OP_LOG_H
#define OPS_OP_LOG_H

#include "model/chain.h"
#include "ops/ops.h"

struct log_verify {
	const char *head; /* NUMBER:MAC as the daemon wrote it to the journal; NULL = none */
};
extern const struct field log_verify_fields[];

NODISCARD int ops_log_verify(struct ops *o, struct arena *a, const char *head,
                             struct chain_check *out, struct err *e);

#endif
