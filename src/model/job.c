/* The fields of a job row: columns of `jobs`. */
#include "model/job.h"

const struct field job_fields[] = {
	FIELD(struct job, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct job, subject, FT_STRING, 0, "the certificate's name"),
	FIELD(struct job, kind, FT_STRING, 0, "what is to be done"),
	FIELD(struct job, run_at, FT_TIME, 0, "when it is due; null: not"),
	FIELD(struct job, attempt, FT_INT, 0, "how often it was taken up"),
	FIELD(struct job, lease, FT_STRING, F_HIDDEN, "who works on it"),
	FIELD(struct job, lease_until, FT_TIME, F_HIDDEN, "until when, at most"),
	FIELD(struct job, fence, FT_INT, F_HIDDEN, "the lease's number"),
	FIELD_END
};
