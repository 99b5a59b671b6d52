/*
 * SQLite behind sys/db.h: one connection, write-ahead log, synchronous=FULL but for what takes a
 * lease (every write is in a transaction, which sets it as it begins). Opening does no more
 * than it must; damage is found where it is met, and told with the file's name and what to do.
 * Writers start with BEGIN IMMEDIATE, so that a transaction never has to be given up in its middle
 * because another process wrote.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/db_driver.h"

#define BUSY_LIMIT_MS 10000
#define MAX_PARAMS 96

struct lite {
	struct db base;
	sqlite3 *h;
	char *file;
	sqlite3_stmt *begin, *commit; /* made when first needed */
	bool syncs;                   /* a commit waits for the disk */
};

struct lite_stmt {
	struct db_stmt base;
	struct lite *lite;
	sqlite3_stmt *h;
	int bind_rc; /* the first failure of a bind, told by the step */
	int index[MAX_PARAMS +
	          1]; /* of $1, $2, … : SQLite numbers names by their first appearance */
};

static int io_fail(struct lite *l, const char *why, struct err *e)
{
	int number = sqlite3_system_errno(l->h);

	if (number)
		return err_errno(e, ERR_IO, number, "the database %s (%s)", l->file, why);
	return err_set(e, ERR_IO, "the database %s: %s", l->file, why);
}

static int constraint_fail(struct lite *l, int rc, const char *why, struct err *e)
{
	if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
		return err_set(e, ERR_EXISTS, "it is there already (%s)", why);
	if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
		return err_set(e, ERR_NOT_FOUND, "what it belongs to is not there (any more)");
	return err_set(e, ERR_INPUT, "the database %s does not take it: %s", l->file, why);
}

/* Turns SQLite's result code into ours. */
static int lite_fail(struct lite *l, int rc, struct err *e)
{
	const char *why = l->h ? sqlite3_errmsg(l->h) : sqlite3_errstr(rc);

	if (rc == SQLITE_IOERR_CORRUPTFS)
		rc = SQLITE_CORRUPT;
	switch (rc & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(e, ERR_DAMAGED,
		               "the database %s is damaged (%s): restore a backup, or save what "
		               "can still be read with "
		               "`sqlite3 FILE .recover` into a new file",
		               l->file, why);
	case SQLITE_FULL:
		return err_set(e, ERR_IO, "the database %s cannot grow: the disk is full", l->file);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(
		    e, ERR_BUSY,
		    "the database %s is being written by another process for more than %d s: "
		    "try again later",
		    l->file, BUSY_LIMIT_MS / 1000);
	case SQLITE_CONSTRAINT:
		return constraint_fail(l, rc, why, e);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return err_set(e, ERR_DENIED, "the database %s cannot be written by this user (%s)",
		               l->file, why);
	case SQLITE_NOMEM:
		return err_set(e, ERR_MEMORY, "out of memory in the database");
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return io_fail(l, why, e);
	default:
		if (!strncmp(why, "no such table", 13))
			return err_set(e, ERR_NOT_FOUND, "the database %s has %s", l->file, why);
		return err_set(e, ERR_DAMAGED,
		               "the database %s is not as it was made (%s): restore a backup",
		               l->file, why);
	}
}

/* SQLite makes files by the umask; a new one is made here with 0600. One that is there is not
 * opened: closing a descriptor of it would drop this process's locks on it. */
static int file_make(const char *file, struct err *e)
{
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return err_errno(e, ERR_IO, errno, "the database %s cannot be made", file);
	if (fd >= 0)
		close(fd);
	return 0;
}

/* Turning a new file over to the log needs it alone, and SQLite does not wait for that by itself.
 */
static int log_mode(struct lite *l, struct err *e)
{
	int64_t until = clock_monotonic_ms() + BUSY_LIMIT_MS;
	int rc;

	for (;;) {
		rc = sqlite3_exec(l->h, "pragma journal_mode = wal", NULL, NULL, NULL);
		if ((rc & 0xff) != SQLITE_BUSY || clock_monotonic_ms() > until)
			break;
		usleep(2000);
	}
	return rc ? lite_fail(l, rc, e) : 0;
}

/* Whether the next transactions are on disk when they are committed. */
static int set_syncs(struct lite *l, bool syncs, struct err *e)
{
	int rc;

	if (l->syncs == syncs)
		return 0;
	rc = sqlite3_exec(l->h, syncs ? "pragma synchronous = full" : "pragma synchronous = normal",
	                  NULL, NULL, NULL);
	if (rc)
		return lite_fail(l, rc, e);
	l->syncs = syncs;
	return 0;
}

static int connect_file(struct lite *l, struct err *e)
{
	int rc = sqlite3_open_v2(
	    l->file, &l->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);

	if (rc)
		return lite_fail(l, rc, e);
	sqlite3_busy_timeout(l->h, BUSY_LIMIT_MS);
	sqlite3_db_config(l->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(l->h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	TRY(log_mode(l, e));
	rc = sqlite3_exec(l->h, "pragma foreign_keys = on; pragma temp_store = memory", NULL, NULL,
	                  NULL);
	return rc ? lite_fail(l, rc, e) : set_syncs(l, true, e);
}

static void lite_close(struct db *d)
{
	struct lite *l = (struct lite *)d;

	sqlite3_finalize(l->begin);
	sqlite3_finalize(l->commit);
	sqlite3_close(l->h);
	free(l->file);
	free(l);
}

static int lite_open(const char *file, struct db **out, struct err *e)
{
	struct lite *l = calloc(1, sizeof(*l));
	int rc;

	if (!l || !(l->file = strdup(file))) {
		free(l);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	rc = file_make(file, e);
	if (!rc)
		rc = connect_file(l, e);
	if (rc < 0) {
		lite_close(&l->base);
		return rc;
	}
	*out = &l->base;
	return 0;
}

static int lite_script(struct db *d, const char *sql, struct err *e)
{
	struct lite *l = (struct lite *)d;
	int rc = sqlite3_exec(l->h, sql, NULL, NULL, NULL);

	return rc ? lite_fail(l, rc, e) : 0;
}

static void params_map(struct lite_stmt *s)
{
	int n = sqlite3_bind_parameter_count(s->h);

	for (int i = 1; i <= n; i++) {
		const char *name = sqlite3_bind_parameter_name(s->h, i);
		long param = name ? strtol(name + 1, NULL, 10) : 0;

		if (param >= 1 && param <= MAX_PARAMS)
			s->index[param] = i;
	}
}

/* SQLite locks the whole file: words that lock rows are left out. */
static int text_len(const char *sql)
{
	static const char *const ends[] = { " for update", " for update skip locked" };
	size_t len = strlen(sql);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len > n && !strcmp(sql + len - n, ends[i]))
			return (int)(len - n);
	}
	return (int)len;
}

static int lite_prepare(struct db *d, const char *sql, struct db_stmt **out, struct err *e)
{
	struct lite *l = (struct lite *)d;
	struct lite_stmt *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_set(e, ERR_MEMORY, "out of memory");
	rc = sqlite3_prepare_v3(l->h, sql, text_len(sql), SQLITE_PREPARE_PERSISTENT, &s->h, NULL);
	if (rc) {
		free(s);
		return lite_fail(l, rc, e);
	}
	s->lite = l;
	params_map(s);
	*out = &s->base;
	return 0;
}

static void lite_finalize(struct db_stmt *base)
{
	struct lite_stmt *s = (struct lite_stmt *)base;

	sqlite3_finalize(s->h);
	free(s);
}

static void lite_reset(struct db_stmt *base)
{
	struct lite_stmt *s = (struct lite_stmt *)base;

	sqlite3_reset(s->h);
	sqlite3_clear_bindings(s->h);
	s->bind_rc = 0;
}

static int param_index(struct lite_stmt *s, int param)
{
	return param >= 1 && param <= MAX_PARAMS ? s->index[param] : 0;
}

static void bind_done(struct lite_stmt *s, int rc)
{
	if (rc && !s->bind_rc)
		s->bind_rc = rc;
}

static void lite_bind_int(struct db_stmt *base, int param, int64_t v)
{
	struct lite_stmt *s = (struct lite_stmt *)base;

	bind_done(s, sqlite3_bind_int64(s->h, param_index(s, param), v));
}

static void lite_bind_text(struct db_stmt *base, int param, const char *v)
{
	struct lite_stmt *s = (struct lite_stmt *)base;
	int i = param_index(s, param);

	bind_done(s, v ? sqlite3_bind_text(s->h, i, v, -1, SQLITE_TRANSIENT)
	               : sqlite3_bind_null(s->h, i));
}

static int lite_step(struct db_stmt *base, struct err *e)
{
	struct lite_stmt *s = (struct lite_stmt *)base;
	int rc = s->bind_rc;

	if (!rc)
		rc = sqlite3_step(s->h);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : lite_fail(s->lite, rc, e);
}

static int64_t lite_column_int(struct db_stmt *s, int column)
{
	return sqlite3_column_int64(((struct lite_stmt *)s)->h, column);
}

static const char *lite_column_text(struct db_stmt *base, int column, size_t *len)
{
	struct lite_stmt *s = (struct lite_stmt *)base;
	const char *text = (const char *)sqlite3_column_text(s->h, column);

	*len = text ? (size_t)sqlite3_column_bytes(s->h, column) : 0;
	return text;
}

static int lite_column_count(struct db_stmt *s)
{
	return sqlite3_column_count(((struct lite_stmt *)s)->h);
}

static const char *lite_column_name(struct db_stmt *s, int column)
{
	return sqlite3_column_name(((struct lite_stmt *)s)->h, column);
}

static int64_t lite_changes(struct db *d)
{
	return sqlite3_changes64(((struct lite *)d)->h);
}

/* Every transaction has these: reading their text took as long as beginning did. */
static int run_kept(struct lite *l, sqlite3_stmt **kept, const char *sql, struct err *e)
{
	int rc = *kept ? SQLITE_OK
	               : sqlite3_prepare_v3(l->h, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
	int failed = 0;

	if (!rc)
		rc = sqlite3_step(*kept);
	if (rc != SQLITE_DONE)
		failed = lite_fail(l, rc, e);
	sqlite3_reset(*kept);
	return failed;
}

/* A lease is worth nothing after a power cut, so one taken beside others is not waited for: it
 * reaches the disk with the next transaction that is, before it in the log. */
static int lite_begin(struct db *d, bool beside, struct err *e)
{
	struct lite *l = (struct lite *)d;

	TRY(set_syncs(l, !beside, e));
	return run_kept(l, &l->begin, "begin immediate", e);
}

static int lite_commit(struct db *d, struct err *e)
{
	struct lite *l = (struct lite *)d;

	/* A full disk has rolled back already. */
	if (sqlite3_get_autocommit(l->h))
		return err_set(e, ERR_IO, "the database %s gave the transaction up after an error",
		               l->file);
	return run_kept(l, &l->commit, "commit", e);
}

static void lite_rollback(struct db *d)
{
	struct lite *l = (struct lite *)d;

	if (!sqlite3_get_autocommit(l->h))
		sqlite3_exec(l->h, "rollback", NULL, NULL, NULL);
}

static int lite_snapshot(struct db *d, struct err *e)
{
	return lite_script(d, "begin", e);
}

const struct db_driver db_sqlite = {
	.scheme = "sqlite:",
	.open = lite_open,
	.close = lite_close,
	.script = lite_script,
	.prepare = lite_prepare,
	.finalize = lite_finalize,
	.reset = lite_reset,
	.bind_int = lite_bind_int,
	.bind_text = lite_bind_text,
	.step = lite_step,
	.column_int = lite_column_int,
	.column_text = lite_column_text,
	.column_count = lite_column_count,
	.column_name = lite_column_name,
	.changes = lite_changes,
	.begin = lite_begin,
	.commit = lite_commit,
	.rollback = lite_rollback,
	.snapshot = lite_snapshot,
	.statements = 250,
	.tables_query = "select name from sqlite_schema where type = 'table' and name not like "
	                "'sqlite%'",
	.table_query = "select 1 from sqlite_schema where type = 'table' and name = $1",
};
