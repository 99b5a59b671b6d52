/*
 * PostgreSQL behind sys/db.h, by libpq: one connection, statements prepared on the server when they
 * are first stepped. A connection that ends is made again; a reading statement outside a
 * transaction is then asked again, a writing one has a transaction of its own, and within a
 * transaction ERR_AGAIN says that nothing of it was kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/codec.h"
#include "sys/db_pgsql_impl.h"

#define MAX_PARAMS 96
#define TYPE_BOOL 16
#define TYPE_INT8 20

struct pg_stmt {
	struct db_stmt base;
	struct pg *pg;
	char *sql;
	char name[24];
	unsigned generation; /* for which it is prepared; 0 = never */
	bool reads;
	bool no_memory;
	int n; /* the highest parameter bound */
	Oid types[MAX_PARAMS];
	char *values[MAX_PARAMS];
	PGresult *rows; /* NULL = not stepped */
	int row;
};

static void pg_close(struct db *d)
{
	struct pg *p = (struct pg *)d;

	pg_unmark(p);
	PQfinish(p->h);
	free(p->url);
	free(p);
}

static int name_itself(struct pg *p, struct err *e)
{
	unsigned char id[16];

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return err_set(e, ERR_IO, "no random number can be had");
	hex_write(p->who, id, sizeof(id));
	return 0;
}

static int pg_open(const char *rest, struct db **out, struct err *e)
{
	struct pg *p = calloc(1, sizeof(*p));
	int rc;

	if (!p || asprintf(&p->url, "postgresql:%s", rest) < 0) {
		free(p);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	snprintf(p->place, sizeof(p->place), "server");
	p->base.wait_ms = DB_PATIENCE_MS;
	rc = name_itself(p, e);
	if (!rc)
		rc = pg_first(p, e);
	if (rc < 0) {
		pg_close(&p->base);
		return rc;
	}
	*out = &p->base;
	return 0;
}

static int pg_script(struct db *d, const char *sql, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct pg *p = (struct pg *)d;
	const char *text = NULL;

	TRY(pg_script_text(a, sql, &text, e));
	if (p->tx == PG_TX_NONE)
		TRY(pg_ready(p, e));
	if (!p->h)
		return pg_commit(d, e); /* says that it was lost */
	return pg_exec(p, text, NULL, e);
}

/* What is prepared is known only with its parameters' types: the first step does it. */
static int pg_prepare(struct db *d, const char *sql, struct db_stmt **out, struct err *e)
{
	struct pg *p = (struct pg *)d;
	struct pg_stmt *s = calloc(1, sizeof(*s));

	if (!s || !(s->sql = strdup(sql))) {
		free(s);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	snprintf(s->name, sizeof(s->name), "s%u", ++p->names);
	s->reads = !strncmp(sql, "select", 6);
	s->pg = p;
	*out = &s->base;
	return 0;
}

static void pg_reset(struct db_stmt *base)
{
	struct pg_stmt *s = (struct pg_stmt *)base;

	PQclear(TAKE(s->rows));
	for (int i = 0; i < s->n; i++)
		free(TAKE(s->values[i]));
	s->n = 0;
	s->no_memory = false;
}

/* A transaction that has failed takes no statement but its end: what the server has then stays
 * until the connection ends. */
static void pg_forget(struct db_stmt *base)
{
	struct pg_stmt *s = (struct pg_stmt *)base;
	struct pg *p = s->pg;
	char text[40];

	if (!p->h || s->generation != p->generation)
		return;
	if (PQtransactionStatus(p->h) != PQTRANS_IDLE &&
	    PQtransactionStatus(p->h) != PQTRANS_INTRANS)
		return;
	snprintf(text, sizeof(text), "deallocate %s", s->name);
	PQclear(PQexec(p->h, text));
}

static void pg_finalize(struct db_stmt *base)
{
	struct pg_stmt *s = (struct pg_stmt *)base;

	pg_reset(base);
	free(s->sql);
	free(s);
}

static void bind(struct pg_stmt *s, int param, Oid type, char *value)
{
	if (param < 1 || param > MAX_PARAMS) {
		free(value);
		s->no_memory = true;
		return;
	}
	free(s->values[param - 1]);
	s->values[param - 1] = value;
	/* A statement is prepared once: NULL does not change what is known of a parameter. */
	if (value || !s->types[param - 1])
		s->types[param - 1] = type;
	s->n = param > s->n ? param : s->n;
}

static void pg_bind_int(struct db_stmt *base, int param, int64_t v)
{
	char *text = NULL;

	if (asprintf(&text, "%lld", (long long)v) < 0) {
		((struct pg_stmt *)base)->no_memory = true;
		return;
	}
	bind((struct pg_stmt *)base, param, TYPE_INT8, text);
}

static void pg_bind_text(struct db_stmt *base, int param, const char *v)
{
	char *copy = v ? strdup(v) : NULL;

	if (v && !copy)
		((struct pg_stmt *)base)->no_memory = true;
	else
		bind((struct pg_stmt *)base, param, 0, copy);
}

static bool is_fine(const PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static int make_ready(struct pg_stmt *s, struct err *e)
{
	struct pg *p = s->pg;
	PGresult *r CLEANUP(pg_clear) = NULL;

	if (s->generation == p->generation)
		return 0;
	r = PQprepare(p->h, s->name, s->sql, s->n, s->types);
	if (!is_fine(r))
		return pg_fail(p, r, e);
	s->generation = p->generation;
	return 0;
}

static int run_once(struct pg_stmt *s, struct err *e)
{
	struct pg *p = s->pg;
	PGresult *r CLEANUP(pg_clear) = NULL;

	TRY(make_ready(s, e));
	r = PQexecPrepared(p->h, s->name, s->n, (const char *const *)s->values, NULL, NULL, 0);
	if (!is_fine(r))
		return pg_fail(p, r, e);
	p->changes = strtoll(PQcmdTuples(r), NULL, 10);
	s->rows = TAKE(r);
	s->row = -1;
	return 0;
}

static int run_reading(struct pg_stmt *s, struct err *e)
{
	for (;;) {
		int rc;

		TRY(pg_ready(s->pg, e));
		rc = run_once(s, e);
		if (rc == 0 || s->pg->h || rc != -ERR_AGAIN)
			return rc;
	}
}

/* Within a transaction of its own, so that it is known whether it happened. */
static int run_writing(struct pg_stmt *s, struct err *e)
{
	struct db *d = &s->pg->base;
	int64_t changes;
	int rc;

	TRY(pg_begin(d, false, e));
	rc = run_once(s, e);
	changes = s->pg->changes;
	if (rc == 0)
		rc = pg_commit(d, e);
	if (rc < 0)
		pg_rollback(d);
	s->pg->changes = changes;
	return rc;
}

static int run(struct pg_stmt *s, struct err *e)
{
	if (s->pg->tx == PG_TX_NONE)
		return s->reads ? run_reading(s, e) : run_writing(s, e);
	if (s->pg->tx == PG_TX_OPEN)
		return run_once(s, e);
	return pg_nothing_kept(s->pg, e);
}

static int pg_step(struct db_stmt *base, struct err *e)
{
	struct pg_stmt *s = (struct pg_stmt *)base;

	if (s->no_memory)
		return err_set(e, ERR_DAMAGED, "a parameter of a statement does not fit");
	if (!s->rows)
		TRY(run(s, e));
	return ++s->row < PQntuples(s->rows);
}

static int64_t pg_column_int(struct db_stmt *base, int column)
{
	struct pg_stmt *s = (struct pg_stmt *)base;
	const char *text = PQgetvalue(s->rows, s->row, column);

	if (PQftype(s->rows, column) == TYPE_BOOL)
		return *text == 't';
	return strtoll(text, NULL, 10);
}

static const char *pg_column_text(struct db_stmt *base, int column, size_t *len)
{
	struct pg_stmt *s = (struct pg_stmt *)base;

	if (PQgetisnull(s->rows, s->row, column))
		return NULL;
	*len = (size_t)PQgetlength(s->rows, s->row, column);
	return PQgetvalue(s->rows, s->row, column);
}

static int pg_column_count(struct db_stmt *base)
{
	return PQnfields(((struct pg_stmt *)base)->rows);
}

static const char *pg_column_name(struct db_stmt *base, int column)
{
	return PQfname(((struct pg_stmt *)base)->rows, column);
}

static int64_t pg_changes(struct db *d)
{
	return ((struct pg *)d)->changes;
}

/* table: a word. */
static int pg_ids_follow(struct db *d, const char *table, struct err *e)
{
	char sql[300];

	snprintf(sql, sizeof(sql),
	         "select setval(pg_get_serial_sequence('%s', 'id'), (select coalesce(max(id), 0) + "
	         "1 from %s), false)",
	         table, table);
	return pg_script(d, sql, e);
}

const struct db_driver db_pgsql = {
	.scheme = "postgresql:",
	.open = pg_open,
	.close = pg_close,
	.script = pg_script,
	.prepare = pg_prepare,
	.forget = pg_forget,
	.finalize = pg_finalize,
	.reset = pg_reset,
	.bind_int = pg_bind_int,
	.bind_text = pg_bind_text,
	.step = pg_step,
	.column_int = pg_column_int,
	.column_text = pg_column_text,
	.column_count = pg_column_count,
	.column_name = pg_column_name,
	.changes = pg_changes,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.snapshot = pg_snapshot,
	.ids_follow = pg_ids_follow,
	.statements = 250,
	.tables_query = "select tablename from pg_tables where schemaname = current_schema() and "
	                "tablename <> 'everleaf_commits'",
	.table_query = "select 1 where to_regclass($1) is not null",
	.now_query = "select extract(epoch from clock_timestamp())::bigint",
};
