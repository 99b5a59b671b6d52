/*
 * What the files of the PostgreSQL driver share. It holds libpq's types and is included by
 * db_pgsql*.c alone.
 */
#ifndef SYS_DB_PGSQL_IMPL_H
#define SYS_DB_PGSQL_IMPL_H

#include <libpq-fe.h>

#include "sys/db_driver.h"

enum pg_tx {
	PG_TX_NONE,
	PG_TX_OPEN,
	PG_TX_LOST, /* the connection ended within it: nothing of it is kept */
};

struct pg {
	struct db base;
	PGconn *h; /* NULL = lost, made again when next needed */
	char *url;
	char place[200];     /* HOST/DATABASE, for messages */
	char who[33];        /* this connection's row of everleaf_commits */
	int64_t commits;     /* what that row says */
	bool marked;         /* the row is there */
	unsigned generation; /* of the connection; statements are prepared once for each */
	unsigned names;      /* of prepared statements, so far */
	enum pg_tx tx;
	int64_t changes;
};

/* Parses the URL and connects; what cannot get better by waiting fails at once. */
NODISCARD int pg_first(struct pg *p, struct err *e);
/* A connection is there afterwards: a lost one is made again, waited for as db_patience says. */
NODISCARD int pg_ready(struct pg *p, struct err *e);
/* Turns a failed result into an error and notes a lost connection: ERR_AGAIN, p->h NULL. r may be
 * NULL. */
int pg_fail(struct pg *p, const PGresult *r, struct err *e);
/* ERR_AGAIN: the connection ended within a transaction, or before it was kept. */
int pg_nothing_kept(const struct pg *p, struct err *e);
/* Runs plain text; *out (may be NULL) is the last result. */
NODISCARD int pg_exec(struct pg *p, const char *sql, PGresult **out, struct err *e);
static inline void pg_clear(PGresult **r)
{
	PQclear(*r);
}

/* Transactions (db_pgsql_tx.c). */
NODISCARD int pg_begin(struct db *d, bool beside, struct err *e);
NODISCARD int pg_commit(struct db *d, struct err *e);
void pg_rollback(struct db *d);
NODISCARD int pg_snapshot(struct db *d, struct err *e);
void pg_unmark(struct pg *p);

/* The dialect's types as PostgreSQL has them (db_pgsql_text.c). */
NODISCARD int pg_script_text(struct arena *a, const char *sql, const char **out, struct err *e);

#endif
