/*
 * Tasks and their leases. A task is taken by changing its row from what it was seen to be, so of
 * several processes one gets it; whoever lost its lease meanwhile cannot end it any more. The input
 * may hold keys: it goes when the task ends.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/internal.h"
#include "store/lease.h"

#define KEEP_AT_ONCE 1000

int st_task_add(struct store *s, struct task *t, struct err *e)
{
	struct tx tx CLEANUP(tx_done) = { 0 };
	struct task row = *t;

	row.id = 0;
	row.state = "queued";
	row.created_at = clock_now();
	TRY(tx_open(s, &tx, e));
	TRY(record_put(s, T_TASKS, &row, &row.id, e));
	TRY(tx_commit(&tx, e));
	*t = row;
	return 0;
}

/* To take it: with its secrets, and locked, so that what is read is what is taken. */
static int task_find(struct store *s, struct arena *a, int64_t id, bool to_take, struct task *out,
                     struct err *e)
{
	const struct arg args[] = { ARG_INT(id) };
	const struct query q = { to_take ? "where id = $1 for update" : "where id = $1", args, 1,
		                 !to_take };
	bool found = false;

	TRY(record_get(s, a, T_TASKS, &q, out, &found, e));
	return found ? 0 : err_set(e, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
}

int st_task_get(struct store *s, struct arena *a, int64_t id, struct task *out, struct err *e)
{
	return task_find(s, a, id, false, out, e);
}

struct task_query {
	char tail[256];
	struct arg args[8];
	struct query q;
};

static void condition(struct task_query *tq, const char *text, struct arg value)
{
	size_t n = tq->q.n_args, len = strlen(tq->tail);

	tq->args[n] = value;
	snprintf(tq->tail + len, sizeof(tq->tail) - len, "%s %s $%zu", n ? " and" : "where", text,
	         n + 1);
	tq->q.n_args = n + 1;
}

int st_task_list(struct store *s, struct arena *a, const struct task_filter *f, struct task **out,
                 size_t *n, struct err *e)
{
	struct task_query tq = { 0 };
	void *rows = NULL;

	condition(&tq, "id <", (struct arg)ARG_INT(f->before_id ? f->before_id : INT64_MAX));
	if (f->state)
		condition(&tq, "state =", (struct arg)ARG_TEXT(f->state));
	if (f->subject)
		condition(&tq, "subject =", (struct arg)ARG_TEXT(f->subject));
	if (f->user)
		condition(&tq, "asked_by =", (struct arg)ARG_TEXT(f->user));
	if (f->scope) {
		condition(&tq, "certificates =",
		          (struct arg)ARG_TEXT(strings_text(a, &f->scope->certificates)));
		condition(&tq,
		          "domains =", (struct arg)ARG_TEXT(strings_text(a, &f->scope->domains)));
	}
	condition(&tq, "1 = 1 order by id desc limit", (struct arg)ARG_INT((int64_t)f->limit));
	tq.q.tail = tq.tail;
	tq.q.args = tq.args;
	tq.q.no_secrets = true;
	TRY(record_list(s, a, T_TASKS, &tq.q, &rows, n, e));
	*out = rows;
	return 0;
}

/* Queued, or of a process that died. On this host only the process counts, whatever its clock says;
 * elsewhere the lease's end does. */
static bool is_free(struct arena *a, const struct task *t, int64_t now)
{
	struct holder h;

	if (strcmp(t->state, "queued") == 0 || !t->lease || !holder_parse(a, t->lease, &h) ||
	    !holder_is_alive(&h))
		return true;
	return !holder_is_here(&h) && t->lease_until <= now;
}

/* Hundreds may wait, and each look is about all: no more of them is read than is looked at. Without
 * those that other hosts are at: however many these are, what waits comes into view. */
int st_task_look(struct store *s, struct arena *a, size_t limit, struct task **out, size_t *n,
                 struct err *e)
{
	struct task *v = ARENA_ARRAY(a, struct task, limit);
	struct db_stmt *st = NULL;
	struct holder self;
	size_t count = 0;
	int64_t now = 0;
	int rc;
	STORE_LOCK(s);

	holder_self(a, "", &self);
	TRY(db_now(s->db, &now, e));
	const struct arg args[] = { ARG_INT(now), ARG_TEXT(arena_printf(a, "%s|", self.host)),
		                    ARG_INT((int64_t)limit) };

	TRY(query_prepare(s,
	                  "select id, asked_by, state, lease, lease_until from tasks where "
	                  "ended_at = 0 and (lease is null or lease_until <= $1 or "
	                  "substr(lease, 1, length(cast($2 as text))) = cast($2 as text)) "
	                  "order by id limit $3",
	                  args, 3, &st, e));
	while ((rc = db_step(st, e)) == 1 && count < limit) {
		v[count] = (struct task){ .id = db_column_int(st, 0),
			                  .user = db_column_text(st, a, 1),
			                  .state = db_column_text(st, a, 2),
			                  .lease = db_column_text(st, a, 3),
			                  .lease_until = db_column_int(st, 4) };
		count += is_free(a, &v[count], now);
	}
	TRY(rc);
	*out = v;
	*n = count;
	return 0;
}

int st_task_take(struct store *s, struct arena *a, int64_t id, const char *what, int64_t seconds,
                 struct task *out, bool *taken, struct err *e)
{
	struct tx tx CLEANUP(tx_done) = { 0 };
	struct holder self;
	int64_t changed = 0, now = 0;
	struct task t;
	const char *lease;

	*taken = false;
	TRY(tx_open_beside(s, &tx, e));
	TRY(db_now(s->db, &now, e));
	TRY(task_find(s, a, id, true, &t, e));
	if (t.ended_at || !is_free(a, &t, now))
		return 0;
	holder_self(a, arena_printf(a, "%s, job %lld", what, (long long)id), &self);
	lease = holder_text(a, &self);
	TRY(RUN(s,
	        "update tasks set state = 'running', started_at = $1, lease = $2, lease_until = $3 "
	        "where id = $4 and ended_at = 0 and (lease is null or lease = $5)",
	        &changed, e, ARG_INT(now), ARG_TEXT(lease), ARG_INT(now + seconds), ARG_INT(id),
	        ARG_TEXT(t.lease)));
	TRY(tx_commit(&tx, e));
	t.state = "running";
	t.started_at = now;
	t.lease = lease;
	t.lease_until = now + seconds;
	*out = t;
	*taken = changed > 0;
	return 0;
}

/* Whose the lease is cannot be asked of the database; there are few at work. */
int st_task_keep_own(struct store *s, int64_t seconds, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct task_filter running = { .state = "running", .limit = KEEP_AT_ONCE };
	struct tx tx CLEANUP(tx_done) = { 0 };
	struct holder h;
	struct task *v;
	int64_t now = 0;
	size_t n;

	TRY(tx_open(s, &tx, e));
	TRY(db_now(s->db, &now, e));
	TRY(st_task_list(s, a, &running, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		if (v[i].lease && holder_parse(a, v[i].lease, &h) && holder_is_self(&h))
			TRY(RUN(s, "update tasks set lease_until = $1 where id = $2 and lease = $3",
			        NULL, e, ARG_INT(now + seconds), ARG_INT(v[i].id),
			        ARG_TEXT(v[i].lease)));
	return tx_commit(&tx, e);
}

static int lost(int64_t id, struct err *e)
{
	err_set(e, ERR_BUSY, "job %lld was taken over by another process meanwhile", (long long)id);
	snprintf(e->problem, sizeof(e->problem), "%s", PROBLEM_TAKEN_OVER);
	return -ERR_BUSY;
}

int st_task_begun(struct store *s, const struct task *t, struct err *e)
{
	struct tx tx CLEANUP(tx_done) = { 0 };
	int64_t changed = 0;

	TRY(tx_open(s, &tx, e));
	TRY(RUN(s, "update tasks set if_match = null where id = $1 and lease = $2", &changed, e,
	        ARG_INT(t->id), ARG_TEXT(t->lease)));
	TRY(tx_commit(&tx, e));
	return changed ? 0 : lost(t->id, e);
}

int st_task_park(struct store *s, const struct task *t, struct err *e)
{
	struct tx tx CLEANUP(tx_done) = { 0 };
	int64_t changed = 0;

	TRY(tx_open(s, &tx, e));
	TRY(RUN(s,
	        "update tasks set state = 'queued', lease = null, lease_until = 0, started_at = 0 "
	        "where id = $1 and lease = $2",
	        &changed, e, ARG_INT(t->id), ARG_TEXT(t->lease)));
	TRY(tx_commit(&tx, e));
	return changed ? 0 : lost(t->id, e);
}

int st_task_end(struct store *s, const struct task *t, struct err *e)
{
	struct tx tx CLEANUP(tx_done) = { 0 };
	int64_t changed = 0;

	TRY(tx_open(s, &tx, e));
	TRY(RUN(
	    s,
	    "update tasks set state = $1, result = $2, error = $3, ended_at = $4, input = null, "
	    "lease = null, lease_until = 0 where id = $5 and lease = $6",
	    &changed, e, ARG_TEXT(t->error ? "failed" : "done"), ARG_TEXT(t->result),
	    ARG_TEXT(t->error), ARG_INT(clock_now()), ARG_INT(t->id), ARG_TEXT(t->lease)));
	TRY(tx_commit(&tx, e));
	return changed ? 0 : lost(t->id, e);
}

int st_task_cancel(struct store *s, int64_t id, const char *error, struct err *e)
{
	struct tx tx CLEANUP(tx_done) = { 0 };
	int64_t changed = 0;

	TRY(tx_open(s, &tx, e));
	TRY(RUN(s,
	        "update tasks set state = 'failed', error = $1, ended_at = $2, input = null where "
	        "id = $3 and state = 'queued'",
	        &changed, e, ARG_TEXT(error), ARG_INT(clock_now()), ARG_INT(id)));
	TRY(tx_commit(&tx, e));
	return changed ? 0
	               : err_set(e, ERR_BUSY,
	                         "job %lld has been begun; only a queued one can be taken back",
	                         (long long)id);
}

int st_task_forget(struct store *s, int64_t before, struct err *e)
{
	struct tx tx CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &tx, e));
	TRY(RUN(s, "delete from tasks where ended_at > 0 and ended_at < $1", NULL, e,
	        ARG_INT(before)));
	return tx_commit(&tx, e);
}
