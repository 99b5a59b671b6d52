/*
 * What the solvers share: the order of record, act, record. A solver gives the acts;
 * solver_publish_with and solver_withdraw_with tell the journal before and after, and take back
 * what was published when one act fails.
 */
#ifndef CHALLENGE_SOLVER_IMPL_H
#define CHALLENGE_SOLVER_IMPL_H

#include "challenge/solver.h"

struct solver_acts {
	/* Sets place (and made_dirs) of one row before it is recorded, so that a kill right after
	 * can be cleaned up. NULL = there is no place. */
	void (*place)(struct solve *s, struct challenge *c);
	/* How many of the n rows at v go into one put or drop; NULL = one. */
	size_t (*batch)(const struct solve *s, const struct challenge *v, size_t n);
	/* Publishes a batch. NULL = nothing to do. */
	int (*put)(struct solve *s, struct challenge *v, size_t n, struct err *e);
	/* Takes a batch away; what is not there is fine. NULL = nothing to do. */
	int (*drop)(struct solve *s, struct challenge *v, size_t n, struct err *e);
};

NODISCARD int solver_publish_with(const struct solver_acts *acts, struct solve *s,
                                  struct challenge *v, size_t n, struct err *e);
NODISCARD int solver_withdraw_with(const struct solver_acts *acts, struct solve *s,
                                   struct challenge *v, size_t n, struct err *e);

#endif
