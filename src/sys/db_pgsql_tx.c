/*
 * Transactions on PostgreSQL. Writers take turns under one advisory lock, as SQLite's do: what one
 * has read stays true until it has written, numbers and events are in the order in which others see
 * them, and nothing has to be given up because of another. Each transaction counts up its
 * connection's row in `everleaf_commits` first, so that after a commit whose answer was lost the
 * row says whether it happened: the row's lock waits for a server process that is still at it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sys/db_pgsql_impl.h"

#define WRITER_LOCK "7310868735422690661" /* "everleae" */
#define TRIES 3

/* The row, and those of connections that ended without taking theirs away. */
static int mark(struct pg *p, struct err *e)
{
	char sql[700];

	snprintf(sql, sizeof(sql),
	         "begin; select pg_advisory_xact_lock(" WRITER_LOCK "); "
	         "create table if not exists everleaf_commits (who text primary key, n bigint not "
	         "null, at timestamptz not null default now()); "
	         "delete from everleaf_commits where at < now() - interval '30 days'; "
	         "insert into everleaf_commits (who, n) values ('%s', %lld) on conflict (who) do "
	         "update set at = now(); commit",
	         p->who, (long long)p->commits);
	if (pg_exec(p, sql, NULL, e) < 0) {
		if (p->h)
			PQclear(PQexec(p->h, "rollback"));
		return -(int)e->code;
	}
	p->marked = true;
	return 0;
}

void pg_unmark(struct pg *p)
{
	char sql[120];

	if (!p->marked || !p->h)
		return;
	snprintf(sql, sizeof(sql), "delete from everleaf_commits where who = '%s'", p->who);
	PQclear(PQexec(p->h, sql));
}

static void count_text(const struct pg *p, const char *before, char *out, size_t size)
{
	snprintf(out, size,
	         "begin; %supdate everleaf_commits set n = %lld where who = '%s' and n = %lld",
	         before, (long long)p->commits + 1, p->who, (long long)p->commits);
}

/* *counted: the row was there and as it ought to be. The transaction is open afterwards. */
static int count(struct pg *p, const char *before, bool *counted, struct err *e)
{
	PGresult *r CLEANUP(pg_clear) = NULL;
	char sql[300];

	count_text(p, before, sql, sizeof(sql));
	TRY(pg_exec(p, sql, &r, e));
	*counted = !strcmp(PQcmdTuples(r), "1");
	return 0;
}

static int begin_once(struct pg *p, bool beside, bool *begun, struct err *e)
{
	const char *lock = beside ? "" : "select pg_advisory_xact_lock(" WRITER_LOCK "); ";

	if (!p->marked)
		TRY(mark(p, e));
	TRY(count(p, lock, begun, e));
	p->marked = *begun;
	return 0;
}

int pg_begin(struct db *d, bool beside, struct err *e)
{
	struct pg *p = (struct pg *)d;
	bool begun = false;

	for (int i = 0; i < TRIES; i++) {
		int rc;

		TRY(pg_ready(p, e));
		rc = begin_once(p, beside, &begun, e);

		if (rc == 0 && begun) {
			p->tx = PG_TX_OPEN;
			return 0;
		}
		if (p->h)
			PQclear(PQexec(p->h, "rollback"));
		/* nothing was asked for yet: a lost connection is made again */
		if (rc < 0 && (p->h || rc != -ERR_AGAIN))
			return rc;
		if (rc < 0 && p->base.wait_ms < 0)
			i = 0;
	}
	return begun ? 0
	             : err_set(e, ERR_AGAIN, "no transaction can be begun in the database %s",
	                       p->place);
}

static int commits_now(struct pg *p, int64_t *n, struct err *e)
{
	PGresult *r CLEANUP(pg_clear) = NULL;
	char sql[120];

	snprintf(sql, sizeof(sql), "select n from everleaf_commits where who = '%s'", p->who);
	TRY(pg_exec(p, sql, &r, e));
	*n = PQntuples(r) == 1 ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : -1;
	return 0;
}

/* ERR_BUSY: the server is still at it. */
static int find_out_once(struct pg *p, bool *committed, struct err *e)
{
	bool counted = false;
	int64_t n = 0;
	int rc;

	TRY(pg_ready(p, e));
	rc = count(p, "", &counted, e);
	if (p->h)
		PQclear(PQexec(p->h, "rollback"));
	TRY(rc);
	if (!counted)
		TRY(commits_now(p, &n, e));
	if (n < 0)
		return err_set(
		    e, ERR_IO,
		    "the database %s lost what says whether a transaction was kept: look "
		    "at `everleaf list` and the log",
		    p->place);
	*committed = !counted && n == p->commits + 1;
	return 0;
}

/* The answer to a commit was lost. */
static int find_out(struct pg *p, struct err *e)
{
	int64_t start = clock_monotonic_ms();
	bool committed = false;
	int rc;

	do {
		rc = find_out_once(p, &committed, e);
	} while ((rc == -ERR_AGAIN || rc == -ERR_BUSY) &&
	         (p->base.wait_ms < 0 || clock_monotonic_ms() - start < p->base.wait_ms));
	TRY(rc);
	if (committed)
		return 0;
	return pg_nothing_kept(p, e);
}

static int commit_now(struct pg *p, struct err *e)
{
	PGresult *r CLEANUP(pg_clear) = NULL;
	int rc = pg_exec(p, "commit", &r, e);

	if (rc == 0 && strcmp(PQcmdStatus(r), "COMMIT") != 0)
		return err_set(e, ERR_IO, "the database %s gave the transaction up after an error",
		               p->place);
	return rc < 0 && !p->h ? find_out(p, e) : rc;
}

int pg_commit(struct db *d, struct err *e)
{
	struct pg *p = (struct pg *)d;
	int rc;

	if (p->tx != PG_TX_OPEN) {
		p->tx = PG_TX_NONE;
		return pg_nothing_kept(p, e);
	}
	rc = commit_now(p, e);
	p->tx = PG_TX_NONE;
	if (rc == 0)
		p->commits++;
	return rc;
}

void pg_rollback(struct db *d)
{
	struct pg *p = (struct pg *)d;
	bool open = p->tx == PG_TX_OPEN;

	p->tx = PG_TX_NONE;
	if (open && p->h && PQtransactionStatus(p->h) != PQTRANS_IDLE)
		PQclear(PQexec(p->h, "rollback"));
}

int pg_snapshot(struct db *d, struct err *e)
{
	struct pg *p = (struct pg *)d;

	TRY(pg_ready(p, e));
	TRY(pg_exec(p, "begin isolation level repeatable read read only", NULL, e));
	p->tx = PG_TX_OPEN;
	return 0;
}
