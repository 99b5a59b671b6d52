/*
 * A job row: one for each certificate; run_at is when something about it is next due, the lease
 * says who works on it. Finding what is due reads what is due, by the index on run_at.
 */
#ifndef MODEL_JOB_H
#define MODEL_JOB_H

#include "base/field.h"

struct job {
	int64_t id;
	const char *subject; /* the certificate's name */
	const char *kind;    /* "cert" */
	int64_t run_at;      /* 0 = nothing due (manual, revoked) */
	int64_t attempt;
	const char *lease; /* "HOST:BOOT:PID:START command since"; NULL = nobody */
	int64_t lease_until;
	int64_t fence; /* of the lease: another number each time it is taken */
};
extern const struct field job_fields[];

#endif
