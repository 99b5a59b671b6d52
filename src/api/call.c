/*
 * An operation asked for over HTTP, from the top to the bottom: how much, who, may they, what, is
 * it still as they saw it, was it asked before; then the operation, and its answer.
 */
#include <string.h>
#include <strings.h>

#include "api/request.h"
#include "api/route.h"
#include "ops/ops_task.h"

static enum operation_id id_of(const struct operation *op)
{
	return (enum operation_id)(op - operations);
}

static bool collect(void *ctx, const char *name, const char *value)
{
	struct api_call *c = ctx;
	struct query_pairs *pairs = c->in; /* lent until it is decoded */

	strings_add(c->a, &pairs->names, name);
	strings_add(c->a, &pairs->values, value);
	return true;
}

/* "application/json", with or without parameters. */
static bool is_json(const char *type)
{
	size_t n = type ? strcspn(type, "; ") : 0;

	return n == strlen("application/json") && strncasecmp(type, "application/json", n) == 0;
}

static bool decode(struct api_call *c)
{
	struct query_pairs pairs = { 0 };
	struct err e;

	if (c->q->body_len > 0 && !is_json(httpd_header(c->q, "Content-Type"))) {
		reply_problem(c, 415, "the body must be application/json");
		return false;
	}
	c->in = &pairs;
	httpd_query_each(c->q, collect, c);
	c->in = NULL;
	if (request_decode(c->a, c->op, &c->parts, &pairs, c->q->body, c->q->body_len, &c->in,
	                   &c->text, &e) < 0) {
		reply_error(c, &e);
		return false;
	}
	return true;
}

/* What a job is about: its input's "name", if there is one. */
static const char *subject_of(const struct api_call *c)
{
	const struct field *f = field_find(c->op->in, "name");

	return f && f->type == FT_STRING ? FIELD_STRING(f, c->in) : NULL;
}

static int run_checked(struct api_call *c, struct err *e)
{
	void *out = arena_alloc(c->a, c->op->out_size);
	struct task task = { 0 };

	TRY(guard_match(c, e));
	if (c->op->check)
		TRY(c->op->check(c->o, c->a, c->in, e));
	if (c->op->flags & OP_JOB) {
		task = (struct task){ .subject = subject_of(c),
			              .input = c->text,
			              .if_match = guard_if_match(c) };
		TRY(ops_task_add(c->o, c->a, id_of(c->op), &task, e));
		answer_job(c, &task);
		return 0;
	}
	TRY(c->op->run(c->o, c->a, c->in, out, e));
	answer(c, out);
	return 0;
}

/* Changes of one thing one after another: of two that come at once the second waits, and is not
 * told that the first is at it. Signing in takes its time, and changes nothing that has a tag. */
static int run(struct api_call *c, struct err *e)
{
	pthread_mutex_t *alone = c->op->flags & OP_SESSION ? NULL : guard_lock_of(c);
	int rc;

	if (alone)
		pthread_mutex_lock(alone);
	rc = run_checked(c, e);
	guard_match_end(c);
	if (alone)
		pthread_mutex_unlock(alone);
	return rc;
}

static void run_kept(struct api_call *c)
{
	const char *key = NULL;
	uint32_t retry_s;
	struct err e;

	if (guard_kept(c, &key))
		return;
	if (run(c, &e) < 0) {
		if (e.code == ERR_UNKNOWN_CALLER)
			(void)rate_take(c->api->rate, RATE_FAILURE, c->address, &retry_s);
		reply_error(c, &e);
	}
	guard_keep(c, key);
}

/* What is not known is answered at once, but not any number of times. */
static bool is_known(struct api_call *c)
{
	uint32_t retry_s = 0;
	struct err e;

	if (auth_who(c, &e) == 0)
		return true;
	if (e.code == ERR_UNKNOWN_CALLER &&
	    !rate_take(c->api->rate, RATE_FAILURE, c->address, &retry_s))
		reply_too_many(c, retry_s);
	else
		reply_error(c, &e);
	return false;
}

/* What a customer has the daemon send to whomever they name. */
static bool is_mail(const struct api_call *c)
{
	return id_of(c->op) == OP_CERTIFICATE_SEND && c->who.role == ROLE_USER;
}

static bool is_in_bounds(struct api_call *c)
{
	bool reads = strcmp(c->op->method, "GET") == 0;
	uint32_t retry_s = 0;

	if ((is_mail(c) && !rate_take(c->api->rate, RATE_MAIL, c->who.user, &retry_s)) ||
	    (c->op->roles == ROLES_ANYBODY &&
	     !rate_has(c->api->rate, RATE_FAILURE, c->address, &retry_s)) ||
	    (!reads && c->who.user &&
	     !rate_take(c->api->rate, RATE_CHANGE, c->who.user, &retry_s))) {
		reply_too_many(c, retry_s);
		return false;
	}
	return true;
}

static bool wants_stream(const struct api_call *c)
{
	const char *accept = httpd_header(c->q, "Accept");

	return c->op->flags & OP_OPEN && accept && strstr(accept, "text/event-stream") &&
	       strcmp(c->q->method, "GET") == 0;
}

void call_operation(struct api_call *c)
{
	struct err e;

	if (!is_known(c))
		return;
	if (auth_allows(c, c->op, &e) < 0)
		reply_error(c, &e);
	else if (is_in_bounds(c) && decode(c)) {
		if (wants_stream(c))
			stream_open(c);
		else
			run_kept(c);
	}
	auth_part(c);
}
