/*
 * Job rows and their leases. A lease is taken in one writing transaction, so of several processes
 * one gets it. The row of a name that has no certificate yet is made by the lease: a first issue
 * holds its name before it writes anything.
 */
#include "base/clock.h"
#include "base/log.h"
#include "store/internal.h"
#include "store/lease.h"

int st_job_due(struct store *s, struct arena *a, int64_t now, size_t limit,
               struct strings *subjects, struct err *e)
{
	const struct arg args[] = { ARG_INT(now), ARG_INT(limit ? (int64_t)limit : INT64_MAX) };

	return query_strings(s, a,
	                     "select subject from jobs where run_at > 0 and run_at <= $1 order by "
	                     "run_at, id limit $2",
	                     args, 2, subjects, e);
}

static int due_rows(struct store *s, struct arena *a, int64_t now, size_t limit, struct job_due *v,
                    size_t *n, struct err *e)
{
	const struct arg args[] = { ARG_INT(now), ARG_INT((int64_t)limit) };
	struct db_stmt *st = NULL;
	size_t count = 0;
	int rc;

	TRY(query_prepare(s,
	                  "select jobs.subject, certs.ca from jobs left join certs on certs.name = "
	                  "jobs.subject where jobs.run_at > 0 and jobs.run_at <= $1 order by "
	                  "jobs.run_at, jobs.id limit $2",
	                  args, 2, &st, e));
	while ((rc = db_step(st, e)) == 1 && count < limit) {
		v[count] = (struct job_due){ db_column_text(st, a, 0), db_column_text(st, a, 1) };
		count += !fence_is_held(s, v[count].subject);
	}
	TRY(rc);
	*n = count;
	return 0;
}

int st_job_look(struct store *s, struct arena *a, int64_t now, size_t limit, struct job_due **out,
                size_t *n, int64_t *next_at, struct err *e)
{
	const struct arg args[] = { ARG_INT(now) };
	struct job_due *v = ARENA_ARRAY(a, struct job_due, limit);
	size_t count;
	STORE_LOCK(s);

	TRY(due_rows(s, a, now, limit, v, &count, e));
	TRY(query_int(s, "select min(run_at) from jobs where run_at > 0 and run_at > $1", args, 1,
	              next_at, e));
	*out = v;
	*n = count;
	return 0;
}

int st_job_set(struct store *s, const char *subject, int64_t run_at, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s,
	        "insert into jobs (subject, kind, run_at) values ($1, 'cert', $2) "
	        "on conflict (subject) do update set run_at = excluded.run_at",
	        NULL, e, ARG_TEXT(subject), ARG_INT(run_at)));
	return tx_commit(&t, e);
}

/* The row, locked, made if there is none. ERR_BUSY: another process is at it this moment. */
static int job_lock(struct store *s, struct arena *a, const char *subject, struct job *out,
                    struct err *e)
{
	const struct query q =
	    QUERY("where subject = $1 for update skip locked", ARG_TEXT(subject));
	bool found = false;

	TRY(RUN(s,
	        "insert into jobs (subject, kind) values ($1, 'cert') on conflict (subject) do "
	        "nothing",
	        NULL, e, ARG_TEXT(subject)));
	TRY(record_get(s, a, T_JOBS, &q, out, &found, e));
	return found ? 0
	             : err_set(e, ERR_BUSY,
	                       "%s is being taken up by another process; try again later", subject);
}

/* ERR_BUSY if somebody living has it. On this host only the process counts, whatever its clock
 * says; elsewhere the lease's end does, by the database's. */
static int lease_check(struct arena *a, const struct job *job, int64_t now, struct err *e)
{
	struct holder h;

	if (!job->lease || !holder_parse(a, job->lease, &h) || !holder_is_alive(&h))
		return 0;
	if (!holder_is_here(&h) && job->lease_until <= now)
		return 0;
	return err_set(e, ERR_BUSY, "%s is being worked on by %s; wait for it or try again later",
	               job->subject, holder_words(a, &h));
}

static int lease_write(struct store *s, const char *subject, const char *lease, int64_t until,
                       int64_t fence, struct err *e)
{
	return RUN(s,
	           "update jobs set attempt = attempt + 1, lease = $2, lease_until = $3, fence = "
	           "$4 where subject = $1",
	           NULL, e, ARG_TEXT(subject), ARG_TEXT(lease), ARG_INT(until), ARG_INT(fence));
}

int st_job_lease(struct store *s, const char *subject, const char *what, int64_t seconds,
                 struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct tx t CLEANUP(tx_done) = { 0 };
	struct job job = { .subject = subject };
	int64_t now = 0, fence = 0;
	struct holder self;

	TRY(fence_new(&fence, e));
	TRY(tx_open_beside(s, &t, e));
	TRY(db_now(s->db, &now, e));
	TRY(job_lock(s, a, subject, &job, e));
	TRY(lease_check(a, &job, now, e));
	holder_self(a, what, &self);
	TRY(lease_write(s, subject, holder_text(a, &self), now + seconds, fence, e));
	TRY(tx_commit(&t, e));
	fence_note(s, subject, fence, seconds);
	return 0;
}

int lease_end_row(struct store *s, const char *subject, int64_t fence, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open_beside(s, &t, e));
	TRY(RUN(s,
	        "update jobs set lease = null, lease_until = 0 where subject = $1 and fence = $2 "
	        "and lease is not null", /* it may have gone with what was done under it */
	        NULL, e, ARG_TEXT(subject), ARG_INT(fence)));
	/* A name that was held and never became a certificate leaves nothing. */
	TRY(RUN(s,
	        "delete from jobs where subject = $1 and fence = $2 and run_at = 0 and not exists "
	        "(select 1 from certs where certs.name = jobs.subject)",
	        NULL, e, ARG_TEXT(subject), ARG_INT(fence)));
	return tx_commit(&t, e);
}

int st_job_lease_end(struct store *s, const char *subject, struct err *e)
{
	int64_t fence = 0;

	return fence_find(s, subject, &fence) ? lease_end_row(s, subject, fence, e) : 0;
}

void st_job_release(struct store *s, const char *subject)
{
	struct err e;

	if (st_job_lease_end(s, subject, &e) < 0) {
		log_warn("the lease on %s is not released yet: %s", subject, e.text);
		fence_leave(s, subject);
	}
	fence_forget(s, subject);
}
