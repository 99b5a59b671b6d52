/*
 * One certificate's turn: leased, swept, delivered, decided, issued, recorded. The command line,
 * and later the daemon's workers, call this and nothing else.
 */
#ifndef FLOW_WORK_H
#define FLOW_WORK_H

#include "flow/intake.h"
#include "flow/run.h"

enum work_outcome { WORK_UNCHANGED, WORK_ISSUED, WORK_RENEWED, WORK_PENDING, WORK_FAILED };

struct work_options {
	bool force;
	bool named; /* asked for by name: the CA's renewal information is asked afresh, waits after
	               failures do not count */
	int days;   /* due when it ends within so many days; 0 = not given */
	bool person_is_ready; /* verify */
	bool new_challenge;   /* verify --new */
	bool only_stand_in;   /* the record, and the files of what stands in at first; the rest,
	                         its hooks among it, is to follow */
	bool only_renew;      /* `renew`: a changed record alone does not re-issue */
	bool patient;         /* somebody waits for this one: a limit that is over within a minute
	                         is waited for; a daemon comes again instead */
};

struct work_result {
	enum work_outcome outcome;
	const char *why;    /* unchanged: one line */
	struct err failure; /* failed; or issued, and a deploy hook failed (code is not ERR_NONE) */
	struct challenge *challenges; /* pending: what to publish */
	size_t n_challenges;
	bool begun; /* false: somebody else is at it, or the database is away */
};

/* change: what was taken in for it (`issue`), stored once the lease is held; NULL = as it stands.
 * Never fails itself: everything is in the result. Results live in a. Waits up to a minute for
 * another process that works on the same certificate. */
void work_on(struct run *r, struct arena *a, const char *cert_name, struct intake *change,
             const struct work_options *opt, struct work_result *out);

#endif
