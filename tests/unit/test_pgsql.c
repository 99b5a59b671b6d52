/* The database's interface over PostgreSQL: parameters, types, transactions, errors, connections
 * that end at the worst moment. */
#include "store_place.h"

#include <pthread.h>
#include <unistd.h>

#include "base/cancel.h"

static struct db *opened(struct place *p)
{
	struct db *d = NULL;

	OK(db_open(p->url, &d, E));
	return d;
}

static int64_t number(struct db *d, const char *text)
{
	struct db_stmt *s = NULL;
	int64_t v;

	db_lock(d);
	OK(db_prepare(d, text, &s, E));
	OK(db_step(s, E));
	v = db_column_int(s, 0);
	db_unlock(d);
	return v;
}

static void script(struct db *d, const char *text)
{
	OK(db_script(d, text, E));
}

static void test_parameters(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	struct db_stmt *s = NULL;

	script(d, "create table t (v bigint, w text)");
	db_lock(d);
	OK(db_prepare(d, "insert into t (w, v) values ($2, $1) returning v, w, $3::text as third",
	              &s, E));
	db_bind_int(s, 1, INT64_MAX);
	db_bind_text(s, 2, "\"\xc3\xa9\" '\\n'");
	db_bind_text(s, 3, NULL);
	assert_int_equal(db_step(s, E), 1);
	assert_int_equal(db_column_count(s), 3);
	assert_string_equal(db_column_name(s, 2), "third");
	assert_true(db_column_int(s, 0) == INT64_MAX);
	assert_string_equal(db_column_text(s, p->a, 1), "\"\xc3\xa9\" '\\n'");
	assert_null(db_column_text(s, p->a, 2));
	assert_int_equal(db_step(s, E), 0);
	assert_int_equal(db_changes(d), 1);
	OK(db_prepare(d, "select count(*) > 0 from t where v > $1", &s, E));
	db_bind_int(s, 1, INT64_MAX - 1);
	assert_int_equal(db_step(s, E), 1);
	assert_int_equal(db_column_int(s, 0), 1);
	db_bind_int(s, 97, 1);
	db_unlock(d);
	db_close(d);
}

/* Bytes decide the order, not the database's language; numbers come by themselves. */
static void test_dialect(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	struct db_stmt *s = NULL;
	bool has = true;

	db_lock(d);
	OK(db_has_table(d, "t", &has, E));
	assert_false(has);
	script(d,
	       "create table t ( -- text, in a remark\n\tid integer primary key,\n\ttext text not "
	       "null default 'text text',\n\tn bigint);\nalter table t add column more text;\n"
	       "insert into t (text) values ('b'), ('B'), ('a'), ('_')");
	OK(db_has_table(d, "t", &has, E));
	assert_true(has);
	assert_int_equal(number(d, "select max(id) from t"), 4);
	assert_int_equal(number(d, "select count(*) from information_schema.columns where "
	                           "table_schema = current_schema() and collation_name = 'C'"),
	                 2);
	OK(db_prepare(d, "select text from t order by text", &s, E));
	for (const char *want = "B_ab"; *want; want++) {
		assert_int_equal(db_step(s, E), 1);
		assert_int_equal(*db_column_text(s, p->a, 0), *want);
	}
	db_unlock(d);
	db_close(d);
}

static void test_errors(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	static const struct {
		const char *sql;
		enum err_code want;
	} rows[] = {
		{ "insert into t values (1)", ERR_EXISTS },
		{ "insert into u values (7)", ERR_NOT_FOUND },
		{ "insert into t values (null)", ERR_INPUT },
		{ "insert into t values ('x')", ERR_INPUT },
		{ "select * from missing", ERR_NOT_FOUND },
		{ "select missing from t", ERR_DAMAGED },
		{ "do $$ begin raise exception using errcode = '53100', message = 'm'; end $$",
		  ERR_IO },
		{ "do $$ begin raise exception using errcode = 'XX001', message = 'm'; end $$",
		  ERR_DAMAGED },
		{ "do $$ begin raise exception using errcode = '42501', message = 'm'; end $$",
		  ERR_DENIED },
		{ "do $$ begin raise exception using errcode = '40P01', message = 'm'; end $$",
		  ERR_BUSY },
	};

	script(d, "create table t (v bigint primary key); create table u (v bigint references t); "
	          "insert into t values (1)");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (db_script(d, rows[i].sql, E) != -(int)rows[i].want)
			fail_msg("%s: %s", rows[i].sql, err.text);
		assert_null(strchr(err.text, '\n'));
	}
	db_close(d);
	FAILS(ERR_CONFIG, db_open("postgresql://u:geh%eim@h/d", &d, E));
	assert_null(strstr(err.text, "geh"));
	FAILS(ERR_CONFIG,
	      db_open(arena_printf(p->a, "%s&dbname=missing&password=geheim", p->server), &d, E));
	assert_null(strstr(err.text, "geheim"));
	assert_non_null(strstr(err.text, "missing"));
}

static void test_transactions(void **state)
{
	struct db *d = opened(*state);

	script(d, "create table t (v bigint unique)");
	OK(db_begin(d, E));
	script(d, "insert into t values (1)");
	db_rollback(d);
	assert_int_equal(number(d, "select count(*) from t"), 0);
	OK(db_begin(d, E));
	script(d, "insert into t values (1)");
	OK(db_commit(d, E));
	assert_int_equal(number(d, "select count(*) from t"), 1);
	OK(db_begin(d, E));
	FAILS(ERR_EXISTS, db_script(d, "insert into t values (1)", E));
	FAILS(ERR_IO, db_commit(d, E)); /* it was given up */
	OK(db_begin(d, E));
	db_rollback(d);
	assert_int_equal(number(d, "select count(*) from everleaf_commits"), 1);
	db_close(d);
}

struct writer {
	struct place *p;
	int rc;
};

static void *write_turns(void *arg)
{
	struct writer *w = arg;
	struct db *d = NULL;
	struct err e;

	w->rc = db_open(w->p->url, &d, &e);
	for (int i = 0; i < 50 && w->rc == 0; i++) {
		w->rc = db_begin(d, &e);
		if (w->rc == 0) {
			int64_t v = number(d, "select v from t");
			char text[80];

			snprintf(text, sizeof(text), "update t set v = %lld", (long long)v + 1);
			w->rc = db_script(d, text, &e);
		}
		if (w->rc == 0)
			w->rc = db_commit(d, &e);
	}
	if (w->rc < 0)
		fprintf(stderr, "%s\n", e.text);
	db_close(d);
	return NULL;
}

static void test_writers_take_turns(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	struct writer w[4];
	pthread_t thread[4];

	script(d, "create table t (v bigint); insert into t values (0)");
	for (int i = 0; i < 4; i++) {
		w[i] = (struct writer){ .p = p };
		pthread_create(&thread[i], NULL, write_turns, &w[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(w[i].rc, 0);
	}
	assert_int_equal(number(d, "select v from t"), 200);
	db_close(d);
}

#define CUT                                                                                        \
	"select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "    \
	"and "                                                                                     \
	"backend_type = 'client backend' and application_name = 'cut me'"

static struct db *cuttable(struct place *p)
{
	struct db *d = NULL;

	OK(db_open(arena_printf(p->a, "%s&application_name=cut%%20me", p->url), &d, E));
	return d;
}

static void test_connection_ends(void **state)
{
	struct place *p = *state;
	struct db *d = cuttable(p), *other = opened(p);
	struct db_stmt *s = NULL;

	script(d, "create table t (v bigint)");
	script(other, CUT);
	assert_int_equal(number(d, "select count(*) from t"), 0); /* asked again */
	script(other, CUT);
	OK(db_begin(d, E)); /* nothing was lost yet */
	script(d, "insert into t values (1)");
	script(other, CUT);
	db_lock(d);
	OK(db_prepare(d, "insert into t values (2)", &s, E));
	FAILS(ERR_AGAIN, db_step(s, E));
	FAILS(ERR_AGAIN, db_step(s, E)); /* not outside of the transaction, unseen */
	db_unlock(d);
	FAILS(ERR_AGAIN, db_commit(d, E));
	assert_int_equal(number(d, "select count(*) from t"), 0);
	db_lock(d);
	script(other, CUT);
	OK(db_prepare(d, "insert into t values (3)", &s, E));
	OK(db_step(s, E)); /* one statement is a transaction of its own */
	db_unlock(d);
	assert_int_equal(number(d, "select v from t"), 3);
	db_close(d);
	db_close(other);
}

/* The server ends the connection while it commits: nothing was kept, and that is found out. */
static void test_commit_that_fails_unanswered(void **state)
{
	struct db *d = opened(*state);

	script(d,
	       "create table t (v bigint); create function die() returns trigger language plpgsql "
	       "as $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$; "
	       "create constraint trigger die after insert on t deferrable initially deferred "
	       "for each row execute function die()");
	OK(db_begin(d, E));
	script(d, "insert into t values (1)");
	FAILS(ERR_AGAIN, db_commit(d, E));
	assert_non_null(strstr(err.text, "nothing of it was"));
	assert_int_equal(number(d, "select count(*) from t"), 0);
	script(d, "drop trigger die on t");
	OK(db_begin(d, E));
	script(d, "insert into t values (2)");
	OK(db_commit(d, E));
	assert_int_equal(number(d, "select v from t"), 2);
	db_close(d);
}

static void *cut_waiting_commit(void *arg)
{
	struct db *d = opened(arg);

	while (number(d, "select count(*) from pg_stat_activity where wait_event = 'SyncRep'") == 0)
		usleep(2000);
	script(d, CUT);
	script(d, "alter system reset synchronous_standby_names");
	script(d, "select pg_reload_conf()");
	db_close(d);
	return NULL;
}

/* A commit that waits for a standby that there is none of is kept, and its answer never comes. */
static void test_commit_that_succeeds_unanswered(void **state)
{
	struct place *p = *state;
	struct db *d = cuttable(p);
	pthread_t thread;

	script(d, "create table t (v bigint)");
	OK(db_begin(d, E));
	script(d, "insert into t values (1)");
	db_rollback(d);
	script(d, "alter system set synchronous_standby_names = 'nobody'");
	script(d, "select pg_reload_conf()");
	while (
	    number(d,
	           "select count(*) from pg_settings where name = 'synchronous_standby_names' and "
	           "setting = 'nobody'") == 0)
		usleep(2000);
	usleep(100000); /* the processes hear of it one by one */
	OK(db_begin(d, E));
	script(d, "insert into t values (1)");
	pthread_create(&thread, NULL, cut_waiting_commit, p);
	OK(db_commit(d, E));
	pthread_join(thread, NULL);
	assert_int_equal(number(d, "select count(*) from t"), 1);
	OK(db_begin(d, E));
	script(d, "insert into t values (2)");
	OK(db_commit(d, E));
	assert_int_equal(number(d, "select count(*) from t"), 2);
	db_close(d);
}

static void test_waiting_ends(void **state)
{
	struct cancel cancel = { 0 };
	struct place *p = *state;
	struct db *d = NULL, *first = opened(p);

	script(first, "create role going login");
	OK(db_open(arena_printf(p->a, "%s&user=going&application_name=cut%%20me", p->url), &d, E));
	script(first, "alter role going nologin");
	script(first, CUT);
	db_patience(d, 100, NULL);
	FAILS(ERR_CONFIG, db_begin(d, E)); /* the server is there and says no */
	cancel_set(&cancel, -1);
	db_patience(d, -1, &cancel);
	FAILS(ERR_CANCELLED, db_begin(d, E));
	assert_true(db_is_away(d));
	script(first, "alter role going login");
	script(first, arena_printf(p->a, "grant all on schema %s to going", p->schema));
	db_patience(d, -1, NULL);
	OK(db_begin(d, E));
	db_rollback(d);
	assert_false(db_is_away(d));
	db_close(d);
	db_close(first);
	sql(p, "drop owned by going; drop role going");
}

#define KEPT_MOST 250

static int64_t prepared(struct db *d)
{
	return number(d, "select count(*) from pg_prepared_statements");
}

/* The oldest goes from the server too: within a transaction and outside, not once that has failed,
 * and what a connection that ended had is nobody's. */
static void test_statements_are_bounded(void **state)
{
	struct place *p = *state;
	struct db *d = cuttable(p), *other = opened(p);
	struct db_stmt *s = NULL;

	for (int i = 0; i < 2 * KEPT_MOST; i++) {
		if (i == KEPT_MOST)
			OK(db_begin(d, E));
		assert_int_equal(number(d, arena_printf(p->a, "select %d", i)), i);
	}
	assert_in_range(prepared(d), 2, KEPT_MOST + 1);
	FAILS(ERR_NOT_FOUND, db_script(d, "select * from missing", E));
	db_lock(d);
	OK(db_prepare(d, "select -1", &s, E));
	FAILS(ERR_IO, db_step(s, E));
	db_unlock(d);
	db_rollback(d);
	assert_int_equal(number(d, "select -1"), -1);
	script(other, CUT);
	for (int i = 0; i < 2 * KEPT_MOST; i++)
		assert_int_equal(number(d, arena_printf(p->a, "select %d", i)), i);
	assert_in_range(prepared(d), 2, KEPT_MOST + 1);
	db_close(d);
	db_close(other);
}

/* One that is in the middle of its rows stays however many come after it. */
static void test_a_statement_in_use_stays(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	struct db_stmt *s = NULL;

	db_lock(d);
	OK(db_prepare(d, "select generate_series(1, 2)", &s, E));
	assert_int_equal(db_step(s, E), 1);
	for (int i = 0; i < 2 * KEPT_MOST; i++)
		assert_int_equal(number(d, arena_printf(p->a, "select %d", i)), i);
	assert_int_equal(db_step(s, E), 1);
	assert_int_equal(db_column_int(s, 0), 2);
	assert_int_equal(db_step(s, E), 0);
	db_unlock(d);
	db_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EMPTY(test_parameters),
		EMPTY(test_dialect),
		EMPTY(test_errors),
		EMPTY(test_transactions),
		EMPTY(test_writers_take_turns),
		EMPTY(test_connection_ends),
		EMPTY(test_commit_that_fails_unanswered),
		EMPTY(test_commit_that_succeeds_unanswered),
		EMPTY(test_waiting_ends),
		EMPTY(test_statements_are_bounded),
		EMPTY(test_a_statement_in_use_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
