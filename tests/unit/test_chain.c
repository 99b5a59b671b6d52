/* The event log's chain: every way to change it behind its back is found, and named. */
#include "store_place.h"

#include <pthread.h>

#include "store/migrate.h"

#define N 6

static void add(struct place *p, int n)
{
	for (int i = 1; i <= n; i++)
		OK(st_event_add(p->s, i % 2 ? "a" : NULL, i % 3 ? "order" : "issued", E, "event %d",
		                i));
}

static struct chain_check look(struct place *p, const char *noted)
{
	struct chain_check found;

	OK(st_chain_verify(p->s, p->a, noted, NULL, &found, E));
	return found;
}

static const char *head_of(struct place *p)
{
	const char *head = NULL;

	OK(st_chain_head(p->s, p->a, &head, E));
	return head;
}

static void test_untouched(void **state)
{
	struct place *p = *state;
	struct chain_check c = look(p, NULL);
	const char *early, *empty = head_of(p);
	struct event *v = NULL;
	size_t n;

	assert_true(c.fine);
	assert_int_equal(c.records, 0);
	add(p, N);
	early = head_of(p);
	store_act_as("user:eve", "192.0.2.7");
	add(p, 600); /* more than are read at once */
	store_act_as(NULL, NULL);
	reopen(p);
	c = look(p, early);
	assert_true(c.fine);
	assert_int_equal(c.records, N + 600);
	assert_string_equal(c.head, head_of(p));
	assert_true(look(p, empty).fine);
	OK(st_event_list(p->s, p->a, NULL, N - 1, 2, &v, &n, E));
	assert_int_equal(v[0].id, N);
	assert_string_equal(v[0].actor, "cli:tester");
	assert_null(v[0].address);
	assert_string_equal(v[1].actor, "user:eve");
	assert_string_equal(v[1].address, "192.0.2.7");
}

/* What is rolled back was never there; what is added in a transaction goes with it. */
static void test_transactions(void **state)
{
	struct place *p = *state;

	OK(store_begin(p->s, E));
	add(p, 3);
	store_rollback(p->s);
	assert_int_equal(look(p, NULL).records, 0);
	OK(store_begin(p->s, E));
	add(p, 2);
	OK(store_commit(p->s, E));
	add(p, 1);
	assert_true(look(p, NULL).fine);
	assert_int_equal(look(p, NULL).records, 3);
}

static void test_tampering(void **state)
{
	static const struct {
		const char *sql, *found;
		int64_t number;
		bool sqlite_only; /* PostgreSQL keeps no zero byte in a text */
	} cases[] = {
		{ "update events set text = 'nothing' where id = 3", "changed", 3 },
		{ "update events set text = text || char(0) || 'x' where id = 3", "changed", 3,
		  true },
		{ "update events set at = at + 1 where id = 1", "changed", 1 },
		{ "update events set at = at + 0.5 where id = 1", "changed", 1 },
		{ "update events set cert = '' where id = 2", "changed", 2 },
		{ "update events set cert = null where id = 1", "changed", 1 },
		{ "update events set kind = 'hook' where id = 6", "changed", 6 },
		{ "update events set actor = 'cli:root' where id = 4", "changed", 4 },
		{ "update events set address = '192.0.2.1' where id = 5", "changed", 5 },
		{ "update events set mac = '' where id = 5", "changed", 5 },
		{ "update events set mac = (select mac from events where id = 4) where id = 5",
		  "changed", 5 },
		{ "delete from events where id = 1", "removed", 1 },
		{ "delete from events where id = 4", "removed", 4 },
		{ "delete from events where id in (3, 4)", "removed", 3 },
		{ "delete from events where id = 3; update events set id = id + 100 where id > 3; "
		  "update events set id = id - 101 where id > 100",
		  "changed", 3 },
		{ "update events set id = 99 where id = 2; update events set id = 2 where id = 5; "
		  "update events set id = 5 where id = 99",
		  "changed", 2 },
		{ "delete from events where id = 6", "cut off", 6 },
		{ "delete from events where id > 2", "cut off", 3 },
		{ "delete from events", "cut off", 1 },
		{ "insert into events (id, at, kind, text, actor, mac) select 7, at, kind, text, "
		  "actor, mac from events where id = 6",
		  "put in", 7 },
		{ "insert into events (id, at, kind, text, actor, mac) select 0, at, kind, text, "
		  "actor, mac from events where id = 6",
		  "put in", 0 },
		{ "update events set id = id + 100 where id > 3; update events set id = id - 99 "
		  "where "
		  "id > 100; insert into events (id, at, kind, text, actor, mac) select 4, at, "
		  "kind, "
		  "text, actor, mac from events where id = 3",
		  "changed", 4 },
		{ "delete from meta where name = 'chain_head'", "head", 7 },
		{ "update meta set value = replace(value, '6:', '5:') where name = 'chain_head'",
		  "head", 7 },
		{ "delete from events where id = 6; update meta set value = '5:' || (select mac "
		  "from "
		  "events where id = 5) || ':' || (select mac from events where id = 4) where name "
		  "= "
		  "'chain_head'",
		  "head", 6 },
	};
	struct place *p = *state;

	add(p, N);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct chain_check c;

		if (cases[i].sqlite_only && p->server)
			continue;
		sql(p, "create table kept as select * from events; create table head as select * "
		       "from meta where name = 'chain_head'");
		sql(p, cases[i].sql);
		c = look(p, NULL);
		if (c.fine || strcmp(c.found, cases[i].found) || c.number != cases[i].number)
			fail_msg("%s: found %s at %lld (%s)", cases[i].sql,
			         c.found ? c.found : "nothing", (long long)c.number,
			         c.why ? c.why : "");
		assert_non_null(c.why);
		sql(p,
		    "delete from events; insert into events select * from kept; drop table kept; "
		    "insert into meta select * from head where true on conflict (name) do update "
		    "set value = excluded.value; drop table head");
		assert_true(look(p, NULL).fine);
	}
}

/* A copy of the database from earlier is fine by itself; the head in the journal knows better. */
static void test_noted_head(void **state)
{
	struct place *p = *state;
	const char *noted;
	struct chain_check c;

	add(p, 2);
	sql(p, "create table kept as select * from meta where name = 'chain_head'");
	add(p, 3);
	noted = head_of(p);
	sql(p, "delete from events where id > 2; update meta set value = (select value from kept) "
	       "where name = 'chain_head'");
	assert_true(look(p, NULL).fine);
	c = look(p, noted);
	assert_string_equal(c.found, "cut off");
	assert_int_equal(c.number, 3);
	OK(st_event_add(p->s, NULL, "order", E, "another"));
	add(p, 2);
	c = look(p, noted);
	assert_string_equal(c.found, "changed");
	assert_int_equal(c.number, 5);
	FAILS(ERR_USAGE, st_chain_verify(p->s, p->a, "5:abc", NULL, &c, E));
	FAILS(ERR_USAGE,
	      st_chain_verify(p->s, p->a, arena_printf(p->a, "%s0", noted), NULL, &c, E));
}

/* Nothing is added to a chain whose head is somebody else's. */
static void test_forged_head_stops(void **state)
{
	struct place *p = *state;

	add(p, 2);
	sql(p, "update meta set value = '9' || value where name = 'chain_head'");
	FAILS(ERR_DAMAGED, st_event_add(p->s, NULL, "x", E, "y"));
	assert_string_equal(look(p, NULL).found, "head");
}

static void test_rotated_key(void **state)
{
	struct place *p = *state;
	const char *before;

	add(p, 2);
	before = head_of(p);
	OK(store_rotate_master_key(p->s, E));
	add(p, 2);
	assert_true(look(p, before).fine);
	reopen(p);
	add(p, 2);
	assert_true(look(p, before).fine);
	assert_int_equal(look(p, NULL).records, 6);
}

/* Nothing is in it any more, not even tables. */
static const char *emptied(struct place *p)
{
	const char *file = arena_printf(p->a, "%s/everleaf.db", p->dir);

	if (p->server) {
		sql(p, arena_printf(p->a, "drop schema %s cascade; create schema %s", p->schema,
		                    p->schema));
		return p->url;
	}
	OK(fs_remove(file, E));
	return arena_printf(p->a, "sqlite:%s", file);
}

static const char *seal_check(struct place *p)
{
	const char *url = p->url ? p->url : arena_printf(p->a, "sqlite:%s/everleaf.db", p->dir);
	struct db_stmt *st = NULL;
	struct db *d = NULL;
	const char *check;

	OK(db_open(url, &d, E));
	db_lock(d);
	OK(db_prepare(d, "select value from meta where name = 'seal_check'", &st, E));
	assert_int_equal(db_step(st, E), 1);
	check = db_column_text(st, p->a, 0);
	db_unlock(d);
	db_close(d);
	return check;
}

/* The database of a program from before the chain, sealed with the key of this one. */
static void older_database(struct place *p)
{
	const char *check = seal_check(p);
	struct db *d = NULL;

	OK(db_open(emptied(p), &d, E));
	for (const struct migration *m = store_migrations; m->version < 9; m++)
		OK(db_script(d, m->sql, E));
	OK(db_script(
	    d,
	    arena_printf(p->a,
	                 "insert into meta values ('schema', '8'), ('seal_check', '%s'); "
	                 "insert into events values (1, 9, 'a', 'order', 'x', 'y'), (3, 9, "
	                 "null, 'order', 'x', 'y'), (4, 9, 'a', 'order', 'x', 'y')",
	                 check),
	    E));
	db_close(d);
}

/* All its records are chained, and numbered anew. */
static void test_older_state(void **state)
{
	struct place *p = *state;

	store_close(TAKE(p->s));
	older_database(p);
	OK(open_as(p, true, &p->s, E));
	assert_true(look(p, NULL).fine);
	assert_int_equal(look(p, NULL).records, 3);
	add(p, 1);
	assert_true(look(p, NULL).fine);
	sql(p, "update events set text = 'z' where id = 1");
	assert_int_equal(look(p, NULL).number, 1);
}

struct writer {
	struct place *p;
	struct store *own;
};

static void *write_many(void *ctx)
{
	struct writer *w = ctx;
	struct err e;

	for (int i = 0; i < 50; i++)
		if (st_event_add(w->own ? w->own : w->p->s, "a", "order", &e, "%d", i) < 0)
			return w;
	return NULL;
}

/* Threads of one store, and stores of their own as other processes have them. */
static void test_writers(void **state)
{
	struct place *p = *state;
	struct writer w[4] = { { p, NULL }, { p, NULL }, { p, NULL }, { p, NULL } };
	pthread_t thread[4];

	for (int i = 0; i < 4; i++) {
		if (i > 1)
			OK(open_as(p, false, &w[i].own, E));
		assert_int_equal(pthread_create(&thread[i], NULL, write_many, &w[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		void *failed = NULL;

		pthread_join(thread[i], &failed);
		assert_null(failed);
		store_close(w[i].own);
	}
	assert_true(look(p, NULL).fine);
	assert_int_equal(look(p, NULL).records, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_untouched),   ROW(test_transactions),      ROW(test_tampering),
		ROW(test_noted_head),  ROW(test_forged_head_stops), ROW(test_rotated_key),
		ROW(test_older_state), ROW(test_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
