/*
 * What was asked of the daemon and waits for the outside. The request is kept as it was decoded,
 * sealed; a worker decodes it again by the operation's table and does it with the rights that the
 * person has then. What is parked or was cut off is done anew: operations can be repeated.
 */
#include "ops/ops_task.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "ops/internal.h"
#include "ops/op_cert.h"
#include "ops/ops_auth.h"
#include "ops/ops_daemon.h"
#include "ops/ops_tag.h"
#include "ops/owner.h"
#include "ops/problem.h"
#include "ops/tx.h"

#define LEASE_S 300
#define KEPT_S (7 * 86400)
#define END_AGAIN_MS 5000

static const char *word_of(struct arena *a, enum operation_id op)
{
	char *word = arena_strdup(a, operations[op].id);

	for (char *p = word; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return word;
}

static const struct operation *operation_of(const char *word)
{
	for (size_t i = 0; i < N_OPERATIONS; i++)
		if (strcasecmp(operations[i].id, word) == 0 && operations[i].flags & OP_JOB)
			return &operations[i];
	return NULL;
}

static int decode_input(struct arena *a, const struct operation *op, const char *text, void *in,
                        struct err *e)
{
	json_auto_t *object = NULL;

	TRY(json_parse(text, strlen(text), &object, e));
	if (op->flags & OP_GIVEN)
		return json_decode_given(a, object, op->in, in, op->in_size, in, e);
	return json_decode(a, object, op->in, in, op->in_size, true, e);
}

/* A new certificate's stand-in is live before its request is answered, however much there is to do;
 * with a hook script, which is told of it, once the job begins. */
static int prepare(struct ops *o, struct arena *a, enum operation_id op, const char *input,
                   const char **subject, struct err *e)
{
	struct cert_in in = { 0 };

	if (op != OP_CERTIFICATE_CREATE)
		return 0;
	TRY(decode_input(a, &operations[op], input, &in, e));
	if (!*subject && in.c.domains.n)
		*subject = intake_cert_name(a, in.c.domains.v[0]);
	cert_prepare(o, a, &in);
	return 0;
}

int ops_task_add(struct ops *o, struct arena *a, enum operation_id op, struct task *t,
                 struct err *e)
{
	struct task row = *t;

	row.operation = word_of(a, op);
	TRY(prepare(o, a, op, row.input, &row.subject, e));
	if (o->who) {
		row.user = o->who->user;
		row.role = role_word(o->who->role);
		row.address = o->who->address;
		if (owner_scope(o))
			row.scope = *owner_scope(o);
	}
	TRY(st_task_add(o->run.store, &row, e));
	if (o->task_added)
		o->task_added(o->task_added_ctx);
	row.input = NULL;
	*t = row;
	return 0;
}

/* doing one */

/* No failure of what was asked for: the daemon ends, the database's connection was lost in the
 * middle, another node took over what this one had begun before it stood still, or too many wait
 * for a hook already. */
static bool is_cut_short(const struct ops *o, const struct err *e)
{
	return (e->code == ERR_CANCELLED && cancel_is_set(o->run.cancel)) ||
	       err_is_of_database(e) || err_is_taken_over(e) || err_is_crowded(e);
}

/* None of them failed but for the many that wait for its hook. */
static bool are_crowded(const struct issue_said *s)
{
	const struct failed_said *v = s->failed.v;

	for (size_t i = 0; i < s->failed.n; i++)
		if (!v[i].problem || strcmp(v[i].problem, PROBLEM_CROWDED) != 0)
			return false;
	return true;
}

/* Certificates that failed make the job fail; what came of the others is told all the same. One
 * that was only cut short is done anew with it, as are several when the daemon ends, or if too many
 * wait for their hooks; of several, one that lost its lease or the database is told as failed, and
 * comes again when its own job is due. What was issued for the job already is not issued again
 * (flow/work). */
static int note_failed(struct ops *o, struct arena *a, const struct operation *op, const void *out,
                       struct task *t, struct err *e)
{
	struct err failure;

	if (op->out != issue_said_fields || issue_said_error(a, out, &failure) == 0)
		return 0;
	if (cancel_is_set(o->run.cancel))
		return cancel_error(o->run.cancel, e);
	if (are_crowded(out)) { /* several, in one sentence */
		failure.code = ERR_BUSY;
		snprintf(failure.problem, sizeof(failure.problem), "%s", PROBLEM_CROWDED);
	}
	if (is_cut_short(o, &failure)) {
		*e = failure;
		return -(int)e->code;
	}
	problem_hide(&failure, ops_state_dir(o), t->operation);
	snprintf(failure.text, sizeof(failure.text), "%s",
	         cert_text_shown(o, a, arena_strdup(a, failure.text)));
	t->error = problem_text(a, &failure);
	return 0;
}

/* What a job rests on: the thing as whoever asked had seen it. */
struct rests {
	struct ops *o;
	struct arena *a;
	const struct operation *op;
	const struct task *task;
};

static int is_as_seen(void *ctx, struct err *e)
{
	const struct rests *x = ctx;
	const char *tag;

	TRY(ops_tag_by_input(x->o, x->a, x->op, x->task->input, &tag, e));
	return ops_tag_match(x->task->if_match, tag, e);
}

/* Done anew, it would find its own work. */
static int has_begun(void *ctx, struct err *e)
{
	const struct rests *x = ctx;

	return st_task_begun(x->o->run.store, x->task, e);
}

/* Looked at at once, and in the transaction that changes something, or once the lease is had. Cut
 * off before it has changed anything, it rests on it still when it is done anew. */
static int run_as_seen(struct ops *o, struct arena *a, const struct operation *op,
                       const struct task *t, void *in, void *out, struct err *e)
{
	struct rests x = { o, a, op, t };
	int result;

	if (!t->if_match)
		return op->run(o, a, in, out, e);
	TRY(is_as_seen(&x, e));
	ops_condition(o, is_as_seen, has_begun, &x);
	result = op->run(o, a, in, out, e);
	ops_condition(o, NULL, NULL, NULL);
	return result;
}

static int do_it(struct ops *o, struct arena *a, const struct operation *op, struct task *t,
                 struct err *e)
{
	void *in = arena_alloc(a, op->in_size), *out = arena_alloc(a, op->out_size);
	json_auto_t *object = NULL;

	TRY(decode_input(a, op, t->input, in, e));
	if (op->check)
		TRY(op->check(o, a, in, e));
	TRY(run_as_seen(o, a, op, t, in, out, e));
	object = json_encode(op->out, out);
	t->result = op->out->name ? cert_text_shown(o, a, json_text(a, object)) : NULL;
	return note_failed(o, a, op, out, t, e);
}

static int not_any_more(const struct task *t, struct err *e)
{
	return err_set(e, ERR_DENIED, "%s is not allowed to do this any more",
	               t->user ? t->user : "whoever asked");
}

/* Whoever asked, as they are now; with no more rights than they asked with. */
static int who_asks(struct ops *o, struct arena *a, const struct task *t, struct who *out,
                    struct err *e)
{
	if (!t->user || !t->role)
		return not_any_more(t, e);
	if (ops_auth_again(o, a, t->user, t->role, t->address, out, e) == 0) {
		out->scope = scope_is_narrow(&t->scope) ? &t->scope : NULL;
		return 0;
	}
	return e->code == ERR_UNKNOWN_CALLER ? not_any_more(t, e) : -(int)e->code;
}

static int do_task(struct ops_daemon *d, struct arena *a, struct task *t, struct err *e)
{
	const struct operation *op = operation_of(t->operation);
	struct who who;
	struct ops *o;
	int result;

	if (!op || !t->input)
		return err_set(e, ERR_INPUT, "this version cannot do \"%s\"", t->operation);
	TRY(who_asks(ops_daemon_ops(d), a, t, &who, e));
	if (operation_allowed(&who, op, e) < 0)
		return not_any_more(t, e);
	o = ops_daemon_for(d, a, &who);
	/* a number may come again once its row is gone, but not at that time */
	o->run.task = arena_printf(a, "%lld of %lld", (long long)t->id, (long long)t->created_at);
	result = do_it(o, a, op, t, e);
	if (result < 0)
		snprintf(e->text, sizeof(e->text), "%s",
		         cert_text_shown(o, a, arena_strdup(a, e->text)));
	ops_daemon_part(d, o);
	return result;
}

/* Before any turn: what was asked for of a certificate could not even be begun. Turns tell of
 * themselves. */
static void tell_failed(struct ops_daemon *d, const struct task *t, const struct err *e)
{
	const struct operation *op = operation_of(t->operation);
	const struct work_result failed = { .outcome = WORK_FAILED, .failure = *e, .begun = true };

	if (op && op->out == issue_said_fields && t->subject)
		ops_daemon_asked_turn(d, t->subject, &failed);
	else
		log_error("%s failed: %s", t->operation, e->text);
}

static int put_end(struct store *s, const struct task *t, bool parked, struct err *e)
{
	int result;

	do {
		result = parked ? st_task_park(s, t, e) : st_task_end(s, t, e);
	} while (result < 0 && err_is_of_database(e));
	return result;
}

/* As long as it takes, unless another process has it: this one would keep its lease for good. A
 * disk that is full is made room on. */
static void end_task(struct store *s, const struct cancel *cancel, const struct task *t,
                     bool parked)
{
	bool told = false;
	struct err e, cut;

	while (put_end(s, t, parked, &e) < 0) {
		if (!told)
			log_warn("job %lld: %s", (long long)t->id, e.text);
		told = true;
		if (err_is_taken_over(&e) || cancel_sleep_ms(cancel, END_AGAIN_MS, &cut) < 0)
			return;
	}
}

void ops_daemon_task(struct ops_daemon *d, int64_t id, bool *busy)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct log_context former = log_context_set("job %lld", (long long)id);
	struct store *s = ops_daemon_ops(d)->run.store;
	bool taken = false, parked = false;
	struct err e;
	struct task t;

	if (st_task_take(s, a, id, "everleaf serve", LEASE_S, &t, &taken, &e) == 0 && taken) {
		int result = do_task(d, a, &t, &e);

		parked = result < 0 && is_cut_short(ops_daemon_ops(d), &e);
		if (result < 0 && !parked) {
			tell_failed(d, &t, &e);
			problem_hide(&e, ops_state_dir(ops_daemon_ops(d)), t.operation);
			t.error = problem_text(a, &e);
		}
		log_detail("%s %s", t.operation, parked ? "parked" : t.error ? "failed" : "done");
		end_task(s, ops_daemon_ops(d)->run.cancel, &t, parked);
	}
	*busy = !taken || parked;
	log_context_restore(&former);
}

int ops_daemon_tasks(struct ops_daemon *d, struct arena *a, size_t limit, struct task **out,
                     size_t *n, struct err *e)
{
	return st_task_look(ops_daemon_ops(d)->run.store, a, limit, out, n, e);
}

void ops_daemon_tasks_keep(struct ops_daemon *d)
{
	struct store *s = ops_daemon_ops(d)->run.store;
	struct err e;

	if (st_task_keep_own(s, LEASE_S, &e) < 0 || st_task_forget(s, clock_now() - KEPT_S, &e) < 0)
		log_warn("jobs: %s", e.text);
}
