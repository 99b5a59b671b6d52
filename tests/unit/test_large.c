/*
 * What is read of a large state, counted by SQLite itself: the steps of all statements that a call
 * makes are few, whatever is held; and what is found is what a plain query finds.
 */
#include <sqlite3.h>

#include "store_place.h"

#define HELD 60000
#define DUE 100
#define FEW_STEPS 120000 /* a look at each of the held takes several times as many */
#define NOW 1000000
#define STATEMENTS_MOST 260
#define FAR 2100000

static uint64_t steps;
static sqlite3 *stores; /* the store's own connection */

static int on_profile(unsigned kind, void *ctx, void *stmt, void *x)
{
	(void)kind;
	(void)ctx;
	(void)x;
	steps += (uint64_t)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
	return 0;
}

static int on_open(sqlite3 *db, char **why, const void *api)
{
	(void)why;
	(void)api;
	stores = db;
	return sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, on_profile, NULL);
}

/* One in ten is of "big" and another CA, one in 997 of each domain. Ends rise with the number. */
#define NAME "'h' || i || '.c' || (i % 997) || '.example.org'"
#define NUMBERS "with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) "

static void fill(struct place *p)
{
	sql(p, "pragma synchronous = off; begin;" NUMBERS
	       "insert into certs (name, status, domains, owner, ca, account, deploy_hooks, "
	       "not_after, renew_at, created_at, updated_at) select " NAME
	       ", case when i % 4000 = 0 then 'failed' else 'issued' end, '[]', case when i % 10 = "
	       "0 then 'big' else 'o' || (i % 100) end, case when i % 10 = 0 then 'other' else "
	       "'one' end, 'a' || (i % 2), '[]', 2000000 + i * 7, 1500000 + i * 7, i, i from "
	       "n;" NUMBERS "insert into cert_names (cert, domain, whole) select " NAME ", " NAME
	       ", 0 from n;" NUMBERS "insert into cert_names (cert, domain, whole) select " NAME
	       ", 'c' || (i % 997) || '.example.org', 0 from n;" NUMBERS
	       "insert into cert_names (cert, domain, whole) select " NAME ", 'example.org', 0 "
	       "from n;" NUMBERS "insert into jobs (subject, kind, run_at) select " NAME
	       ", 'cert', case when i <= 100 then 1 else 1500000 + i * 7 end from n;" NUMBERS
	       "insert into events (at, cert, kind, text, actor) select i, " NAME
	       ", case when i = 7 then 'rare' else 'live' end, 'x', 'cli' from n;" NUMBERS
	       "insert into tasks (operation, state, created_at, ended_at) select 'x', case when i "
	       "= 9 then 'failed' else 'done' end, i, i from n; commit");
}

static const char *order_by(struct arena *a, const struct cert_page *q)
{
	static const char *const columns[] = { [CERT_BY_NAME] = "name",
		                               [CERT_BY_END] = "not_after",
		                               [CERT_BY_RENEWAL] = "renew_at",
		                               [CERT_BY_AGE] = "created_at" };
	const char *way = q->descending ? " desc" : "";

	return arena_printf(a, "%s%s, name%s", columns[q->order], way, way);
}

/* The names of a page that begins at its start or behind its first part. */
static void expect(struct place *p, struct cert_page *q, const char *where, size_t from)
{
	char file[128];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	struct cert *v = NULL;
	size_t n = 0, i = 0;

	steps = 0;
	OK(st_cert_page(p->s, p->a, q, &v, &n, E));
	if (steps > FEW_STEPS)
		fail_msg("%s, %s: %llu steps", where, order_by(p->a, q), (unsigned long long)steps);
	snprintf(file, sizeof(file), "%s/everleaf.db", p->dir);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db,
	                       arena_printf(p->a,
	                                    "select name from certs where %s order by %s limit "
	                                    "%zu offset %zu",
	                                    where, order_by(p->a, q), q->limit, from),
	                       -1, &st, NULL),
	    SQLITE_OK);
	for (; sqlite3_step(st) == SQLITE_ROW; i++) {
		const char *want = (const char *)sqlite3_column_text(st, 0);

		if (i >= n || strcmp(v[i].name, want) != 0)
			fail_msg("%s, %s: %s, not %s", where, order_by(p->a, q),
			         i < n ? v[i].name : "nothing", want);
	}
	assert_int_equal(n, i);
	sqlite3_finalize(st);
	sqlite3_close(db);
	if (n == 0)
		return;
	q->after_name = v[n - 1].name;
	q->after_value = q->order == CERT_BY_END       ? v[n - 1].not_after
	                 : q->order == CERT_BY_RENEWAL ? v[n - 1].renew_at
	                                               : v[n - 1].created_at;
}

#define SEARCH(q)                                                                                  \
	"(substr(name, 1, length('" q "')) = '" q "' or name in (select cert from cert_names "     \
	"where domain = '" q "'))"

static const struct {
	struct cert_page q;
	const char *where;
} asked[] = {
	{ { 0 }, "1" },
	{ { .search = "h77" }, SEARCH("h77") },
	{ { .search = "h7777." }, SEARCH("h7777.") },
	{ { .search = "h" }, SEARCH("h") },
	{ { .search = "nothing" }, "0" },
	{ { .search = "c5.example.org" }, SEARCH("c5.example.org") },
	{ { .search = "example.org" }, SEARCH("example.org") },
	{ { .status = "issued" }, "status = 'issued'" },
	{ { .status = "failed" }, "status = 'failed'" },
	{ { .status = "expired" }, "0" },
	{ { .status = "pending" }, "0" },
	{ { .status = "failed", .search = "example.org" }, "status = 'failed'" },
	{ { .status = "issued", .search = "h7" }, "status = 'issued' and " SEARCH("h7") },
	{ { .owner = "big" }, "owner = 'big'" },
	{ { .owner = "o7" }, "owner = 'o7'" },
	{ { .owner = "big", .search = "example.org" }, "owner = 'big'" },
	{ { .owner = "big", .search = "h77" }, "owner = 'big' and " SEARCH("h77") },
	{ { .owner = "big", .search = "c10.example.org" },
	  "owner = 'big' and " SEARCH("c10.example.org") },
	{ { .owner = "big", .status = "failed" }, "owner = 'big' and status = 'failed'" },
	{ { .ca = "other" }, "ca = 'other'" },
	{ { .ca = "one", .account = "a1" }, "ca = 'one' and account = 'a1'" },
	{ { .ca = "other", .search = "example.org" }, "ca = 'other'" },
	{ { .expires_before = 2000700 }, "not_after < 2000700" },
	{ { .expires_before = 2300000 }, "not_after < 2300000" },
};

static size_t statements_kept(sqlite3 *db)
{
	size_t n = 0;

	for (sqlite3_stmt *st = sqlite3_next_stmt(db, NULL); st; st = sqlite3_next_stmt(db, st))
		n++;
	return n;
}

static void test_pages_of_many(void **state)
{
	struct place *p = *state;
	sqlite3 *own = stores;

	fill(p);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++)
		for (int way = 0; way < 8; way++) {
			struct cert_page q = asked[i].q;

			q.order = (enum cert_order)(way / 2);
			q.descending = way % 2;
			q.limit = 50;
			q.now = NOW;
			/* Many ends in an order that goes with them: read until the first. */
			if (q.expires_before > FAR && q.order != CERT_BY_NAME &&
			    q.order != CERT_BY_END)
				continue;
			expect(p, &q, asked[i].where, 0);
			expect(p, &q, asked[i].where, 50);
		}
	if (statements_kept(own) > STATEMENTS_MOST)
		fail_msg("%zu statements are kept", statements_kept(own));
}

/* A look of the scheduler, and everything else that it asks in passing. */
static void test_a_pass_reads_what_is_due(void **state)
{
	struct place *p = *state;
	struct job_due *due;
	struct strings names = { 0 };
	struct task *tasks;
	size_t n, n_tasks;
	int64_t next_at = 0;

	fill(p);
	steps = 0;
	OK(st_job_look(p->s, p->a, NOW, 500, &due, &n, &next_at, E));
	OK(st_task_look(p->s, p->a, 200, &tasks, &n_tasks, E));
	OK(st_task_keep_own(p->s, 60, E));
	OK(st_tell_due(p->s, p->a, NOW, 1000, &names, E));
	OK(st_lease_keep_own(p->s, E));
	assert_int_equal(n, DUE);
	assert_int_equal(n_tasks, 0);
	assert_int_equal(next_at, 1500000 + 101 * 7);
	if (steps > DUE * 60)
		fail_msg("%llu steps", (unsigned long long)steps);
}

static void test_lists_of_many(void **state)
{
	static const struct event_page events[] = {
		{ .newest_first = true },
		{ .newest_first = true, .kind = "rare" },
		{ .newest_first = true, .cert = "h7.c7.example.org" },
		{ .newest_first = true, .since = HELD - 20 },
		{ .newest_first = true, .since = 5 },
		{ .after_id = 5, .kind = "live" },
	};
	static const struct task_filter filters[] = {
		{ .state = "failed" }, { .state = "running" }, { .state = "done" }, { 0 }
	};
	struct place *p = *state;
	struct event *v;
	struct task *t;
	size_t n;

	fill(p);
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct event_page q = events[i];

		q.limit = 50;
		steps = 0;
		OK(st_event_page(p->s, p->a, &q, &v, &n, E));
		if (steps > FEW_STEPS)
			fail_msg("events %zu: %llu steps", i, (unsigned long long)steps);
	}
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		struct task_filter f = filters[i];

		f.limit = 50;
		steps = 0;
		OK(st_task_list(p->s, p->a, &f, &t, &n, E));
		if (steps > FEW_STEPS / 10)
			fail_msg("tasks %zu: %llu steps", i, (unsigned long long)steps);
	}
}

/* Two tests of which neither finds few, or one that no index answers: so many are looked at. */
#define IS(column, v)                                                                              \
	{                                                                                          \
		.how = LIST_IS, .columns = { column }, .text = (v)                                 \
	}
#define BY(h, column, v)                                                                           \
	{                                                                                          \
		.how = (h), .columns = { column }, .number = (v)                                   \
	}
#define HAS(column, v)                                                                             \
	{                                                                                          \
		.how = LIST_HAS, .columns = { column }, .text = (v)                                \
	}
#define LOOK_STEPS 450000
#define AT_ONCE 1000
static const struct {
	enum list_of what;
	struct list_ask ask;
	const char *where;
} looks[] = {
	{ LISTED_EVENTS, { .sort = "id" }, "1" },
	{ LISTED_EVENTS, { { HAS("cert", "H77") }, 1, .sort = "id" }, "cert like '%h77%'" },
	{ LISTED_EVENTS,
	  { { HAS("cert", "C5.EXAMPLE") }, 1, .sort = "at" },
	  "cert like '%c5.example%'" },
	{ LISTED_EVENTS,
	  { { IS("kind", "live"), IS("actor", "cli") }, 2, .sort = "id" },
	  "id <> 7" },
	{ LISTED_EVENTS,
	  { { IS("kind", "rare"), IS("actor", "cli") }, 2, .sort = "id" },
	  "id = 7" },
	{ LISTED_EVENTS, { { IS("kind", "rare") }, 1, .sort = "at" }, "id = 7" },
	{ LISTED_EVENTS, { { IS("kind", "none"), HAS("cert", "h") }, 2, .sort = "id" }, "0" },
	{ LISTED_EVENTS,
	  { { BY(LIST_SINCE, "at", 30000), BY(LIST_BEFORE, "at", 30100) }, 2, .sort = "at" },
	  "at >= 30000 and at < 30100" },
	{ LISTED_EVENTS,
	  { { BY(LIST_SINCE, "at", 20000), BY(LIST_BEFORE, "at", 40000) }, 2, .sort = "id" },
	  "at >= 20000 and at < 40000" },
	{ LISTED_EVENTS,
	  { { BY(LIST_SINCE, "at", 59000), IS("kind", "live") }, 2, .sort = "id" },
	  "at >= 59000" },
	{ LISTED_EVENTS,
	  { .owner = "big", .sort = "id" },
	  "cert in (select name from certs where owner = 'big')" },
	{ LISTED_EVENTS,
	  { { IS("kind", "live"), HAS("cert", "h1") }, 2, .owner = "o7", .sort = "at" },
	  "kind = 'live' and cert like '%h1%' and cert in (select name from certs where owner = "
	  "'o7')" },
	{ LISTED_TASKS,
	  { { IS("state", "done"), IS("operation", "x") }, 2, .sort = "id" },
	  "id <> 9" },
	{ LISTED_TASKS, { { IS("state", "failed") }, 1, .sort = "ended_at" }, "id = 9" },
	{ LISTED_TASKS,
	  { { HAS("operation", "X"), BY(LIST_SINCE, "created_at", 55000) }, 2, .sort = "ended_at" },
	  "created_at >= 55000" },
};

static int64_t number_in(struct place *p, const char *text)
{
	char file[128];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n;

	snprintf(file, sizeof(file), "%s/everleaf.db", p->dir);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

/* Both tables' numbers and times rise together. */
static int64_t id_of(size_t i, const void *rows, size_t k, int64_t *value)
{
	const struct event *events = rows;
	const struct task *tasks = rows;
	bool is_event = looks[i].what == LISTED_EVENTS;
	int64_t id = is_event ? events[k].id : tasks[k].id;

	*value = strcmp(looks[i].ask.sort, "id") == 0 ? id
	         : is_event                           ? events[k].at
	                                              : tasks[k].ended_at;
	return id;
}

static void look_through(struct place *p, size_t i, bool descending)
{
	const char *table = looks[i].what == LISTED_EVENTS ? "events" : "tasks";
	struct list_ask ask = looks[i].ask;
	int64_t found = 0, sum = 0, last = 0, rounds = 0;
	struct list_place stopped = { 0 };
	size_t n = 0;

	ask.key = "id";
	ask.descending = descending;
	ask.limit = AT_ONCE;
	do {
		struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
		void *rows;

		steps = 0;
		OK(st_list(p->s, a, looks[i].what, &ask, &rows, &n, &stopped, E));
		if (steps > LOOK_STEPS)
			fail_msg("look %zu: %llu steps", i, (unsigned long long)steps);
		for (size_t k = 0; k < n; k++) {
			int64_t id = id_of(i, rows, k, &ask.after.value.number);

			assert_true(!last || (descending ? id < last : id > last));
			ask.after.is_there = true;
			ask.after.key.number = last = id;
			sum += id;
		}
		found += (int64_t)n;
		if (stopped.is_there)
			ask.after = stopped;
		assert_true(++rounds < 100);
	} while (n == AT_ONCE || stopped.is_there);
	if (found != number_in(p, arena_printf(p->a, "select count(*) from %s where %s", table,
	                                       looks[i].where)) ||
	    sum != number_in(p, arena_printf(p->a, "select coalesce(sum(id), 0) from %s where %s",
	                                     table, looks[i].where)))
		fail_msg("look %zu found %lld", i, (long long)found);
}

static void test_looks_through_many(void **state)
{
	struct place *p = *state;

	fill(p);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		look_through(p, i, false);
		look_through(p, i, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_pages_of_many),
		ROW(test_a_pass_reads_what_is_due),
		ROW(test_lists_of_many),
		ROW(test_looks_through_many),
	};

	unsetenv("EVERLEAF_TEST_POSTGRES");
	sqlite3_auto_extension((void (*)(void))on_open);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
