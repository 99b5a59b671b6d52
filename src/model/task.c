/* The fields of a task: columns of `tasks`, and `jobs` of the REST API. */
#include "model/task.h"

const struct field task_fields[] = {
	FIELD(struct task, id, FT_INT, F_KEY, "number, rising"),
	FIELD(struct task, operation, FT_STRING, 0, "what was asked for: \"certificate_renew\""),
	FIELD(struct task, subject, FT_STRING, 0, "the certificate, or whatever it is about"),
	/* no column may be called user: to PostgreSQL that is a function */
	FIELD_NAMED(struct task, user, "asked_by", FT_STRING, 0, "who asked; null: the host"),
	FIELD(struct task, address, FT_STRING, F_HIDDEN, "from where"),
	FIELD(struct task, role, FT_STRING, F_HIDDEN, "with what rights at most"),
	FIELD_NAMED(struct task, scope.certificates, "certificates", FT_STRINGS, F_HIDDEN,
	            "to what the token that asked was narrowed"),
	FIELD_NAMED(struct task, scope.domains, "domains", FT_STRINGS, F_HIDDEN,
	            "to what the token that asked was narrowed"),
	FIELD(struct task, state, FT_STRING, 0, "queued, running, done or failed"),
	FIELD(struct task, input, FT_SECRET, F_HIDDEN, "the request, until it ended"),
	FIELD(struct task, if_match, FT_STRING, F_HIDDEN,
	      "the tag that it rests on, until it has begun"),
	FIELD(struct task, result, FT_JSON, 0, "done: what came of it"),
	FIELD(struct task, error, FT_JSON, 0, "failed: a problem document"),
	FIELD(struct task, created_at, FT_TIME, 0, "when it was asked for"),
	FIELD(struct task, started_at, FT_TIME, 0, "when it was begun"),
	FIELD(struct task, ended_at, FT_TIME, 0, "when it ended"),
	FIELD(struct task, lease, FT_STRING, F_HIDDEN, "which process works on it"),
	FIELD(struct task, lease_until, FT_INT, F_HIDDEN, "until when that counts elsewhere"),
	FIELD_END
};
