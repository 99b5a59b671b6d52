/*
 * Every row of every table, as it stands, out of one database and into another: for a backup, and
 * for moving to another engine. Sealed values stay sealed. The tables are written down in the order
 * in which they refer to each other; one that is in the database and not here is a failure, so that
 * none is ever left out.
 */
#include "store/copy.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/chain.h"
#include "store/internal.h"
#include "sys/hash.h"

#define AT_ONCE 500
#define SQL_MAX 8192

static const char *const tables[] = { "meta",         "cas",          "accounts", "users",
	                              "user_domains", "tokens",       "sessions", "logins",
	                              "certs",        "jobs",         "orders",   "versions",
	                              "challenges",   "blocked_keys", "events",   "locks",
	                              "limits",       "outbox",       "channels", "tasks",
	                              "cert_names",   "dns_accounts", "replies",  "issued_sets" };

/* What refers to what: these come first when rows go in, in this order. */
static const char *const first[] = { "meta", "cas", "accounts", "users", "certs", "channels" };

static bool is_first(const char *table)
{
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		if (strcmp(first[i], table) == 0)
			return true;
	}
	return false;
}

size_t store_tables(const char *out[STORE_TABLES_MOST])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		out[n++] = first[i];
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (!is_first(tables[i]))
			out[n++] = tables[i];
	}
	return n;
}

static bool is_known(const char *table)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (strcmp(tables[i], table) == 0)
			return true;
	}
	return false;
}

static int check_tables(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct strings have = { 0 };

	TRY(query_strings(s, a, db_tables_query(s->db), NULL, 0, &have, e));
	for (size_t i = 0; i < have.n; i++) {
		if (!is_known(have.v[i]))
			return err_set(e, ERR_CONFIG,
			               "the database %s has a table %s that this Everleaf does not "
			               "know",
			               s->place, have.v[i]);
	}
	return 0;
}

/* reading */

struct reading {
	struct store *s;
	store_row_fn *row;
	void *ctx;
};

/* One portion of a table with numbered rows, or all of one without. */
static int read_portion(const struct reading *r, const char *table, bool numbered, int64_t *after,
                        size_t *n, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct arg args[] = { ARG_INT(*after), ARG_INT(AT_ONCE) };
	const char *sql =
	    numbered ? arena_printf(a, "select * from %s where id > $1 order by id limit $2", table)
	             : arena_printf(a, "select * from %s", table);
	struct db_stmt *st = NULL;
	int rc;

	*n = 0;
	TRY(query_prepare(r->s, sql, args, numbered ? 2 : 0, &st, e));
	while ((rc = db_step(st, e)) == 1) {
		struct arena *row_a CLEANUP(arena_cleanup) = arena_new(0);
		struct store_row row = { .table = table, .n = (size_t)db_column_count(st) };

		row.columns = ARENA_ARRAY(row_a, const char *, row.n);
		row.values = ARENA_ARRAY(row_a, const char *, row.n);
		for (size_t i = 0; i < row.n; i++) {
			row.columns[i] = arena_strdup(row_a, db_column_name(st, (int)i));
			row.values[i] = db_column_text(st, row_a, (int)i);
			if (numbered && strcmp(row.columns[i], "id") == 0)
				*after = db_column_int(st, (int)i);
		}
		TRY(r->row(r->ctx, &row, e));
		++*n;
	}
	return rc;
}

static bool is_numbered(const char *table)
{
	static const char *const plain[] = { "meta", "blocked_keys", "locks", "cert_names",
		                             "logins" };

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (strcmp(plain[i], table) == 0)
			return false;
	}
	return true;
}

static int read_table(const struct reading *r, const char *table, struct err *e)
{
	bool numbered = is_numbered(table);
	int64_t after = 0;
	size_t n;

	do {
		TRY(read_portion(r, table, numbered, &after, &n, e));
	} while (numbered && n == AT_ONCE);
	return 0;
}

int store_each_row(struct store *s, store_row_fn *row, void *ctx, struct err *e)
{
	const struct reading r = { s, row, ctx };
	const char *names[STORE_TABLES_MOST];
	size_t n = store_tables(names);
	STORE_LOCK(s);
	int rc;

	TRY(check_tables(s, e));
	TRY(db_snapshot(s->db, e));
	rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = read_table(&r, names[i], e);
	db_rollback(s->db);
	return rc;
}

int store_schema(struct store *s, int64_t *version, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *value = NULL;
	STORE_LOCK(s);

	TRY(meta_get(s, a, "schema", &value, e));
	*version = value ? strtoll(value, NULL, 10) : 0;
	return 0;
}

/* writing */

static int is_empty(struct store *s, bool *empty, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	*empty = true;
	for (size_t i = 0; i < ARRAY_LEN(tables) && *empty; i++) {
		int64_t n = 0;

		if (strcmp(tables[i], "meta") == 0)
			continue;
		TRY(query_int(
		    s,
		    arena_printf(a, "select count(*) from (select 1 from %s limit 1) x", tables[i]),
		    NULL, 0, &n, e));
		*empty = n == 0;
	}
	return 0;
}

static int clear(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *names[STORE_TABLES_MOST];

	for (size_t i = store_tables(names); i-- > 0;)
		TRY(query_run(s, arena_printf(a, "delete from %s", names[i]), NULL, 0, NULL, e));
	return 0;
}

int store_load_begin(struct store *s, bool replace, struct err *e)
{
	bool empty = false;
	int rc;

	TRY(store_begin(s, e));
	rc = check_tables(s, e);
	if (!rc)
		rc = is_empty(s, &empty, e);
	if (!rc && !empty && !replace)
		rc = err_set(e, ERR_EXISTS, "the database %s is not empty", s->place);
	if (!rc)
		rc = clear(s, e);
	if (rc < 0)
		store_rollback(s);
	return rc;
}

static bool is_word(const char *s)
{
	for (const char *p = s; *p; p++) {
		if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '_')
			return false;
	}
	return *s != '\0';
}

static int row_text(const struct store_row *row, struct buf *b, struct err *e)
{
	TRY(buf_printf(b, e, "insert into %s (", row->table));
	for (size_t i = 0; i < row->n; i++)
		TRY(buf_printf(b, e, "%s%s", i ? ", " : "", row->columns[i]));
	TRY(buf_str(b, ") values (", e));
	for (size_t i = 0; i < row->n; i++)
		TRY(buf_printf(b, e, "%s$%zu", i ? ", " : "", i + 1));
	return buf_str(b, ")", e);
}

int store_load_row(struct store *s, const struct store_row *row, struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(SQL_MAX);
	struct db_stmt *st = NULL;

	if (!is_known(row->table))
		return err_set(e, ERR_INPUT, "there is no table of that name here");
	for (size_t i = 0; i < row->n; i++) {
		if (!is_word(row->columns[i]))
			return err_set(e, ERR_INPUT, "a column of %s has no proper name",
			               row->table);
	}
	TRY(row_text(row, &b, e));
	TRY(db_prepare(s->db, b.data, &st, e));
	for (size_t i = 0; i < row->n; i++)
		db_bind_text(st, (int)i + 1, row->values[i]);
	if (db_step(st, e) < 0)
		return err_ctx(e, "a row of %s", row->table);
	return 0;
}

/* Nobody works there yet, and new rows get numbers of their own. */
static int settle(struct store *s, struct err *e)
{
	TRY(RUN(s, "update jobs set lease = null, lease_until = $1", NULL, e, ARG_INT(0)));
	TRY(RUN(s, "update tasks set lease = null, lease_until = $1", NULL, e, ARG_INT(0)));
	TRY(query_run(s, "delete from locks", NULL, 0, NULL, e));
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (is_numbered(tables[i]))
			TRY(db_ids_follow(s->db, tables[i], e));
	}
	return 0;
}

static int finish(struct store *s, const char *kind, const char *text, struct err *e)
{
	TRY(settle(s, e));
	TRY(master_current(s, e));
	chain_forget(s);
	return st_event_add(s, NULL, kind, e, "%s", text);
}

int store_load_end(struct store *s, const char *kind, const char *text, struct err *e)
{
	if (finish(s, kind, text, e) < 0) {
		store_rollback(s);
		return -(int)e->code;
	}
	return store_commit(s, e);
}

int store_digest(unsigned char digest[STORE_DIGEST_BYTES], const char *text, size_t len,
                 struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char *all = arena_alloc(a, STORE_DIGEST_BYTES + len);

	memcpy(all, digest, STORE_DIGEST_BYTES);
	memcpy(all + STORE_DIGEST_BYTES, text, len);
	return hash_digest(HASH_SHA256, all, STORE_DIGEST_BYTES + len, digest, e);
}
