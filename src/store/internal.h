/*
 * What the files of the store share: the store itself, its transactions, and records by field
 * table. Everything here is called with the database locked (tx_open and store_lock do it), by one
 * thread at a time.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "store/people.h"
#include "store/store.h"
#include "sys/db.h"
#include "sys/seal.h"

enum table_id {
	T_CAS,
	T_ACCOUNTS,
	T_CERTS,
	T_JOBS,
	T_VERSIONS,
	T_ORDERS,
	T_CHALLENGES,
	T_EVENTS,
	T_DNS_ACCOUNTS,
	T_LIMITS,
	T_CHANNELS,
	T_OUTBOX,
	T_TASKS,
	T_USERS,
	T_USER_DOMAINS,
	T_TOKENS,
	T_SESSIONS,
	T_REPLIES,
	N_TABLES
};

struct chain;
struct store {
	struct arena *a; /* strings of the store's own life */
	struct db *db;
	const char *dir, *place; /* the state folder; the database's name in messages */
	const char *actor;
	const char *key_file, *key_next;
	struct seal *seal;   /* opened when first needed */
	char *seal_check;    /* what it was seen to open; another value in the database: there is
	                        another key */
	bool is_shared;      /* a server's, not a file */
	bool rotating;       /* the master key is being changed: keep to s->seal */
	unsigned depth;      /* 1: inside store_begin */
	struct chain *chain; /* of the event log; made when first needed */
	struct kept *kept;   /* counts over very many (kept.c) */
	const char *reply_holder; /* this process, in `replies`; made when first needed */
	const char *select[N_TABLES], *insert[N_TABLES],
	    *update[N_TABLES]; /* made when first needed */
};

/* Locks for as long as the variable lives. */
struct store_lock {
	struct store *s;
};
struct store_lock store_locked(struct store *s);
void store_unlock(struct store_lock *l);
#define STORE_LOCK(s) struct store_lock lock_ CLEANUP(store_unlock) UNUSED = store_locked(s)

/* A writing transaction, or a part of the one that store_begin has begun. Not committed, it is
 *rolled back: struct tx t CLEANUP(tx_done) = { 0 }; TRY(tx_open(s, &t, e)); … return tx_commit(&t,
 *e); */
struct tx {
	struct store *s;
	bool own, beside;
};
NODISCARD int tx_open(struct store *s, struct tx *t, struct err *e);
/* One that does not wait for other writers where the database can do without: it locks its rows,
 * and takes or keeps a lease rather than working under one. A power cut may take it away again. */
NODISCARD int tx_open_beside(struct store *s, struct tx *t, struct err *e);
NODISCARD int tx_commit(struct tx *t, struct err *e);
void tx_done(struct tx *t);

/* What this thread's change rests on (condition.c), within its transaction; met: it was made. */
NODISCARD int condition_ask(const struct store *s, struct err *e);
void condition_met(const struct store *s);

/* Leases of this process (fence.c). note, find, forget: this thread's. check: within a transaction,
 * ERR_BUSY if one of this thread's was lost. */
NODISCARD int fence_new(int64_t *number, struct err *e);
void fence_note(struct store *s, const char *subject, int64_t number, int64_t seconds);
bool fence_find(struct store *s, const char *subject, int64_t *number);
bool fence_is_held(struct store *s, const char *subject); /* by any thread of this process */
void fence_forget(struct store *s, const char *subject);
/* Its turn has ended, which could not be written: st_lease_keep_own does it later. */
void fence_leave(struct store *s, const char *subject);
void fence_forget_all(struct store *s);
/* Writes that the lease with this number has ended. */
NODISCARD int lease_end_row(struct store *s, const char *subject, int64_t fence, struct err *e);
NODISCARD int fence_check(struct store *s, struct err *e);

/* Makes or brings up to date the tables. ERR_NOT_FOUND if there are none and create is not set,
 * ERR_CONFIG for newer ones. */
NODISCARD int store_migrate(struct store *s, bool create, struct err *e);
/* A value of the table `meta`; NULL = not there. */
NODISCARD int meta_get(struct store *s, struct arena *a, const char *name, const char **value,
                       struct err *e);
NODISCARD int meta_put(struct store *s, const char *name, const char *value, struct err *e);

/* The master key. make: for a new database, in its transaction. current: s->seal opens what is in
 * the database now. finish: ends a change of the key that was cut short. */
NODISCARD int master_make(struct store *s, struct err *e);
NODISCARD int master_current(struct store *s, struct err *e);
NODISCARD int master_finish(struct store *s, struct err *e);

/* Parameters of a query, $1 first. */
struct arg {
	const char *text; /* unless is_int */
	int64_t number;
	bool is_int;
};
#define ARG_TEXT(v)                                                                                \
	{                                                                                          \
		.text = (v)                                                                        \
	}
#define ARG_INT(v)                                                                                 \
	{                                                                                          \
		.number = (v), .is_int = true                                                      \
	}
struct query {
	const char *tail; /* after "select … from TABLE": where, order by, limit */
	const struct arg *args;
	size_t n_args;
	bool no_secrets; /* leave them NULL */
};
/* { "where …", ARG_TEXT(x), … } */
#define QUERY(tail, ...)                                                                           \
	{                                                                                          \
		(tail), (const struct arg[]){ __VA_ARGS__ },                                       \
		    sizeof((const struct arg[]){ __VA_ARGS__ }) / sizeof(struct arg), false        \
	}

/* Counts that are kept for a while, by a name. put: began_ms is when they were begun, held of how
 * many certificates. */
bool kept_get(struct store *s, const char *name, void *out, size_t size);
void kept_put(struct store *s, const char *name, int64_t began_ms, int64_t held, const void *v,
              size_t size);
void kept_free(struct store *s);
/* Counts by status as stored, which is one of four; of some, or of all (NULL). *held: together. */
NODISCARD int count_by_status(struct store *s, const struct whose *w, struct status_count *out,
                              size_t room, int64_t *held, struct err *e);

/* A condition on rows of certs whose parameters are numbered from first on; args has room for
 * SCOPE_ARGS (and one more: whose_sql), *n = so many. NULL: the scope covers all. */
#define SCOPE_ARGS (2 * SCOPE_MOST)
#define SCOPE_SQL_MAX 6000
const char *scope_sql(struct arena *a, const struct scope *s, size_t first, struct arg *args,
                      size_t *n);
/* " and …", or nothing. */
const char *whose_sql(struct arena *a, const struct whose *w, size_t first, struct arg *args,
                      size_t *n);

/* Prepares and binds. */
NODISCARD int query_prepare(struct store *s, const char *sql, const struct arg *args, size_t n,
                            struct db_stmt **out, struct err *e);
/* Runs a statement that gives no rows; *changed (may be NULL) = rows changed. */
NODISCARD int query_run(struct store *s, const char *sql, const struct arg *args, size_t n,
                        int64_t *changed, struct err *e);
#define RUN(s, sql, changed, e, ...)                                                               \
	query_run((s), (sql), (const struct arg[]){ __VA_ARGS__ },                                 \
	          sizeof((const struct arg[]){ __VA_ARGS__ }) / sizeof(struct arg), (changed),     \
	          (e))
/* The first column of the only row, as an integer. */
NODISCARD int query_int(struct store *s, const char *sql, const struct arg *args, size_t n,
                        int64_t *out, struct err *e);
/* The first column of every row. */
NODISCARD int query_strings(struct store *s, struct arena *a, const char *sql,
                            const struct arg *args, size_t n, struct strings *out, struct err *e);

/* Inserts (id 0: *id is the new one) or updates; in a transaction. ERR_NOT_FOUND: the row to update
 * is gone. */
NODISCARD int record_put(struct store *s, enum table_id t, const void *record, int64_t *id,
                         struct err *e);
/* The first row; *found says whether there is one. */
NODISCARD int record_get(struct store *s, struct arena *a, enum table_id t, const struct query *q,
                         void *out, bool *found, struct err *e);
/* All rows, as an array of the table's struct. */
NODISCARD int record_list(struct store *s, struct arena *a, enum table_id t, const struct query *q,
                          void **out, size_t *n, struct err *e);
/* A list as its column holds it. */
char *strings_text(struct arena *a, const struct strings *list);
/* The rows of a certificate's domains (schema 0006), and those of all certificates. */
NODISCARD int cert_names_put(struct store *s, const char *cert, const struct strings *domains,
                             struct err *e);
NODISCARD int cert_names_fill(struct store *s, struct err *e);
bool table_has_secrets(enum table_id t);
const char *table_name(enum table_id t);
/* Reads the row of an id, secrets opened, and writes it back with s->seal: for a new master key. */
NODISCARD int record_reseal(struct store *s, enum table_id t, int64_t id, struct seal *from,
                            struct seal *to, struct err *e);

#endif
