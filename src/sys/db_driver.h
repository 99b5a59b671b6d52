/*
 * What a database driver brings, behind sys/db.h: one const struct db_driver per engine, a row in
 * db.c. A driver's own struct starts with struct db, its statement with struct db_stmt. Called with
 * the lock held, but for open and close.
 */
#ifndef SYS_DB_DRIVER_H
#define SYS_DB_DRIVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "sys/db.h"

struct db_driver {
	const char *scheme; /* of the URL, with its colon */
	int (*open)(const char *rest, struct db **out,
	            struct err *e);  /* rest: the URL after the scheme */
	void (*close)(struct db *d); /* frees; all statements were finalized before */
	int (*script)(struct db *d, const char *sql, struct err *e);
	int (*prepare)(struct db *d, const char *sql, struct db_stmt **out, struct err *e);
	void (*forget)(struct db_stmt *s); /* before finalize, if the connection goes on; NULL =
	                                    * that is enough */
	void (*finalize)(struct db_stmt *s);
	void (*reset)(struct db_stmt *s); /* back to before its first step; unbound */
	void (*bind_int)(struct db_stmt *s, int param, int64_t v);
	void (*bind_text)(struct db_stmt *s, int param, const char *v);
	int (*step)(struct db_stmt *s, struct err *e);
	int64_t (*column_int)(struct db_stmt *s, int column);
	const char *(*column_text)(struct db_stmt *s, int column,
	                           size_t *len); /* valid until the next step */
	int (*column_count)(struct db_stmt *s);
	const char *(*column_name)(struct db_stmt *s, int column);
	int64_t (*changes)(struct db *d);
	int (*begin)(struct db *d, bool beside, struct err *e);
	int (*commit)(struct db *d, struct err *e);
	void (*rollback)(struct db *d); /* nothing to roll back is fine */
	int (*snapshot)(struct db *d, struct err *e);
	int (*ids_follow)(struct db *d, const char *table,
	                  struct err *e); /* NULL = they do by themselves */
	size_t statements;                /* kept at most */
	const char *tables_query;
	const char *table_query; /* a row if there is a table named $1 */
	const char *now_query;   /* Unix seconds by its own clock; NULL = ours is its */
};

struct db {
	const struct db_driver *driver;
	pthread_mutex_t mutex;
	unsigned depth;        /* how often the holder has locked */
	struct db_stmt *cache; /* every statement of this connection, the last used first */
	size_t cached;
	/* see db_patience; read without the lock */
	_Atomic int64_t wait_ms;
	_Atomic(const struct cancel *) cancel;
	atomic_bool away;
};

struct db_stmt {
	struct db *db;
	struct db_stmt *next;
	char *sql;
	uint32_t hash;
	bool busy; /* stepped to a row, and neither to its end nor reset */
};

/* How long this thread waits for a server; negative = as long as it takes. */
int64_t db_wait_ms(struct db *d);

extern const struct db_driver db_sqlite, db_pgsql;

#endif
