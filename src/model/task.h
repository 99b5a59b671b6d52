/*
 * What somebody asked the daemon to do that waits for the outside: a row until some time after it
 * ended, shown as a job of the REST API. A daemon that died left its lease; another goes on.
 */
#ifndef MODEL_TASK_H
#define MODEL_TASK_H

#include "model/scope.h"

struct task {
	int64_t id;
	const char *operation; /* identifier of the operation: "certificate_renew" */
	const char *subject;   /* the certificate, or whatever it is about; NULL = none */
	const char *user;      /* who asked */
	const char *address;   /* from where */
	const char *role;      /* with what rights at most: that of the token */
	struct scope scope;    /* to what the token was narrowed; it may change things */
	const char *state;     /* "queued", "running", "done", "failed" */
	const char *input;     /* secret: JSON of the operation's input */
	const char *if_match; /* what it is about must still be so (If-Match); NULL = however it is,
	                         or it has changed something itself */
	const char *result;   /* done: JSON of its output */
	const char *error;    /* failed: a problem document */
	int64_t created_at, started_at, ended_at;
	const char *lease;
	int64_t lease_until;
};
extern const struct field task_fields[];

#endif
