/*
 * What was asked for becomes a record: everything is checked before anything is stored or sent.
 * Wrong usage is ERR_USAGE, a file or value that does not fit ERR_INPUT, ERR_IO or ERR_NOT_FOUND;
 * each names the name, file or option and the mend.
 */
#ifndef FLOW_INTAKE_H
#define FLOW_INTAKE_H

#include "flow/run.h"

#define INTAKE_MAX_NAMES 100

/* The certificate name that a name as typed would give; NULL if it is not one. */
const char *intake_cert_name(struct arena *a, const char *typed);

/* What whoever asks may have. meet is asked before the change (its domains normalized) meets what
 * is stored under the name (id 0: nothing is), and says the same of both to whom neither is for;
 * check is asked each time it has been merged, so that a record that somebody else changed
 * meanwhile is looked at too. wanted may be given an owner. */
struct intake_rule {
	int (*meet)(void *ctx, struct arena *a, const struct cert_change *change, const char *name,
	            const struct cert *stored, struct err *e);
	int (*check)(void *ctx, struct arena *a, const struct cert_change *change,
	             const struct cert *stored, struct cert *wanted, struct err *e);
	void *ctx;
};

/* A change merged into the record it is for. */
struct intake {
	const struct cert_change *change;
	struct cert stored; /* as it was then; id 0 = there was none */
	struct cert wanted;
};

/* Merges the change into the stored record of that name (or a new one with the defaults). The name
 * is change->values.name if given, else made from the first domain. Reads the files named. */
NODISCARD int intake(struct run *r, struct arena *a, const struct cert_change *change,
                     struct intake *out, struct err *e);
/* Stores what was taken in; the certificate's lease is held. If somebody changed the record
 * meanwhile, the change is merged anew. */
NODISCARD int intake_store(struct run *r, struct arena *a, struct intake *in, struct err *e);
/* The same for `set NAME`: the record must exist. */
NODISCARD int intake_set(struct run *r, struct arena *a, const char *name,
                         const struct cert_change *change, struct cert *out, struct err *e);

#endif
