/*
 * The counted hook of the kill test: every send, answer, commit, fsync, rename, bind and spawn
 * passes fault_point(). In the shipped build it is nothing. A build with -Dfault_points=true reads
 * EVERLEAF_FAULT: "count:FILE" writes how many points were passed to FILE at exit; "exit:N" ends
 * the process at once (_exit(137)) at the n-th; "fail:N" makes the n-th point fail with ERR_IO,
 * once.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/err.h"

enum fault_kind {
	FAULT_SEND,
	FAULT_ANSWER,
	FAULT_COMMIT,
	FAULT_FSYNC,
	FAULT_RENAME,
	FAULT_BIND,
	FAULT_SPAWN
};

#ifdef EVERLEAF_FAULT_POINTS
NODISCARD int fault_point(enum fault_kind kind, struct err *e);
#else
static inline int fault_point(enum fault_kind kind, struct err *e)
{
	(void)kind;
	(void)e;
	return 0;
}
#endif

#endif
