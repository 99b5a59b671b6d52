/*
 * A relational database behind one small interface: SQLite (db_sqlite.c) and PostgreSQL
 * (db_pgsql.c). The SQL is the dialect both share, parameters are $1, $2, … ; a "for update" or
 * "for update skip locked" at its end locks rows where there are row locks. A struct db may be used
 * by several threads: everything between db_lock and db_unlock belongs to one; it is never held
 * while waiting for another network than the database's own.
 */
#ifndef SYS_DB_H
#define SYS_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct db;
struct db_stmt;
struct cancel;

#define DB_PATIENCE_MS 15000 /* how long a server is waited for, unless db_patience says */

/* url: "sqlite:FILE" or "postgresql://USER@HOST:PORT/DATABASE" (all that libpq reads); its password
 * is never shown. SQLite: WAL, synchronous=FULL (but db_begin_beside), foreign keys, a 10 s busy
 * limit; the file is made 0600. Damage is told as ERR_DAMAGED with what to do; a full disk as such.
 */
NODISCARD int db_open(const char *url, struct db **out, struct err *e);
void db_close(struct db *d);
/* How long a server that went away is waited for, by whoever needs it, until cancel is set; wait_ms
 * negative: as long as it takes. Any thread, without the lock: who waits
 * already hears of it. */
void db_patience(struct db *d, int64_t wait_ms, const struct cancel *cancel);
/* What this thread asks from now on does not wait longer than that for a server that is away;
 * negative: as db_patience says. A commit whose answer was lost is found out all the same. */
void db_patience_here(int64_t wait_ms);
/* Whether one is being waited for now. Any thread, without the lock. */
bool db_is_away(struct db *d);

void db_lock(struct db *d);
void db_unlock(struct db *d);

/* Runs a script of statements without parameters. */
NODISCARD int db_script(struct db *d, const char *sql, struct err *e);
/* A prepared statement, cached by its text: reset and unbound. Valid until db_unlock. */
NODISCARD int db_prepare(struct db *d, const char *sql, struct db_stmt **out, struct err *e);
void db_bind_int(struct db_stmt *s, int param, int64_t v);      /* param from 1 */
void db_bind_text(struct db_stmt *s, int param, const char *v); /* NULL = SQL NULL; copied */
/* Steps: 1 = a row is there, 0 = done, negative = failed. */
NODISCARD int db_step(struct db_stmt *s, struct err *e);
int64_t db_column_int(struct db_stmt *s, int column); /* from 0; NULL reads as 0 */
const char *db_column_text(struct db_stmt *s, struct arena *a, int column); /* NULL = SQL NULL */
/* The same for a text that may be hostile: at most so many bytes of it, and NULs may be among them.
 * *len 0 for NULL. */
const char *db_column_bytes(struct db_stmt *s, struct arena *a, int column, size_t most,
                            size_t *len);
int db_column_count(struct db_stmt *s);
const char *db_column_name(struct db_stmt *s, int column);
int64_t db_changes(struct db *d); /* rows changed by the last statement */

/* Reading, several statements at one moment; ended by db_rollback. */
NODISCARD int db_snapshot(struct db *d, struct err *e);
/* A query for the names of its tables (without those of the driver's own). */
const char *db_tables_query(const struct db *d);
/* After rows with numbers of their own went into a table: new rows get higher ones. */
NODISCARD int db_ids_follow(struct db *d, const char *table, struct err *e);
NODISCARD int db_has_table(struct db *d, const char *name, bool *has, struct err *e);
/* Unix seconds by the clock that all who use the database share. */
NODISCARD int db_now(struct db *d, int64_t *now, struct err *e);

/* Write transactions, one after another; the store's callers hold the lock. commit passes
 * FAULT_COMMIT. A commit whose answer was lost is found out: ERR_AGAIN = nothing of it was kept. */
NODISCARD int db_begin(struct db *d, struct err *e);
/* One beside other writers, where the database can: it locks the rows it reads by itself. In a file
 * it is not yet on disk when it is committed; it is with the next of the others. */
NODISCARD int db_begin_beside(struct db *d, struct err *e);
NODISCARD int db_commit(struct db *d, struct err *e);
void db_rollback(struct db *d);

#endif
