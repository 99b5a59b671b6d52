/*
 * Lists with tests, in an order, a page at a time. What stays short is read by one statement. Of
 * what may be millions (a source that says what is looked at), one test may be answered by its
 * index in the list's order; with more of them, those of the test that the fewest meet are looked
 * at if they are few, else so many as follow in the list's order: a page may then be short, and
 * says where to go on.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "store/internal.h"

#define FEW 5000
#define LOOKED "10000"
#define LAST_LOOKED "9999"
#define MOST_FEW "10000" /* some came since they were counted */
#define TAIL_MAX (3000 + SCOPE_SQL_MAX)
#define MOST_ARGS (40 + SCOPE_ARGS)
#define PATTERN_MAX 600

static const struct source {
	enum table_id table;
	const char *looked;     /* columns that tests look at; NULL = the list stays short */
	const char *indexed[6]; /* columns that have an index, in which the key follows */
	bool secrets;           /* read too: that there is one is told */
} sources[] = {
	[LISTED_USERS] = { T_USERS, .secrets = true },
	[LISTED_TOKENS] = { T_TOKENS },
	[LISTED_TASKS] = { T_TASKS,
	                   "id, operation, subject, asked_by, state, created_at, ended_at, "
	                   "certificates, domains",
	                   { "subject", "asked_by", "operation", "state", "ended_at" } },
	[LISTED_EVENTS] = { T_EVENTS,
	                    "id, at, cert, kind, text, actor",
	                    { "cert", "actor", "kind", "at" } },
};

struct list_sql {
	struct arena *a;
	const struct source *source;
	const struct list_ask *ask;
	struct buf tail;
	struct arg args[MOST_ARGS];
	size_t n;
	bool begun;     /* a condition stands there */
	bool is_shared; /* it is for PostgreSQL */
};

static void list_sql_done(struct list_sql *q)
{
	buf_done(&q->tail);
}

/* An empty one for the same list. */
static struct list_sql another(const struct list_sql *like)
{
	return (struct list_sql){ .a = like->a,
		                  .source = like->source,
		                  .ask = like->ask,
		                  .is_shared = like->is_shared,
		                  .tail = BUF_LIMIT(TAIL_MAX) };
}

static size_t arg_add(struct list_sql *q, const char *text, int64_t number)
{
	q->args[q->n++] = text ? (struct arg)ARG_TEXT(text) : (struct arg)ARG_INT(number);
	return q->n;
}

static int joint(struct list_sql *q, struct err *e)
{
	const char *text = q->begun ? " and " : " where ";

	q->begun = true;
	return buf_str(&q->tail, text, e);
}

/* conditions */

static const char *pattern_of(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, 2 * strlen(text) + 3), *p = out;

	*p++ = '%';
	for (; *text; text++) {
		if (strchr("%_!", *text))
			*p++ = '!';
		*p++ = (char)tolower((unsigned char)*text);
	}
	*p++ = '%';
	*p = '\0';
	return out;
}

static int put_has(struct list_sql *q, const struct list_test *t, struct err *e)
{
	size_t at = arg_add(q, pattern_of(q->a, t->text), 0);

	for (size_t i = 0; i < LIST_COLUMNS && t->columns[i]; i++)
		TRY(buf_printf(&q->tail, e, "%slower(%s) like $%zu escape '!'", i ? " or " : "(",
		               t->columns[i], at));
	return buf_str(&q->tail, ")", e);
}

static int put_test(struct list_sql *q, const struct list_test *t, struct err *e)
{
	static const char *const words[] = {
		[LIST_IS] = "=", [LIST_SINCE] = ">=", [LIST_BEFORE] = "<"
	};

	TRY(joint(q, e));
	if (t->how == LIST_HAS)
		return put_has(q, t, e);
	return buf_printf(&q->tail, e, "%s %s $%zu", t->columns[0], words[t->how],
	                  arg_add(q, t->how == LIST_IS ? t->text : NULL, t->number));
}

/* Of a person, or a narrowed token, all that is theirs alone exists. */
static bool is_limited(const struct list_ask *ask)
{
	return ask->owner || ask->scope;
}

/* Events of their certificates. */
static int put_certs(struct list_sql *q, struct err *e)
{
	size_t n;
	const char *sql;

	if (q->ask->owner) {
		TRY(joint(q, e));
		TRY(buf_printf(&q->tail, e, "cert in (select name from certs where owner = $%zu)",
		               arg_add(q, q->ask->owner, 0)));
	}
	sql = scope_sql(q->a, q->ask->scope, q->n + 1, q->args + q->n, &n);
	if (!sql)
		return 0;
	q->n += n;
	TRY(joint(q, e));
	return buf_printf(&q->tail, e, "cert in (select name from certs where %s)", sql);
}

static int put_narrowed(struct list_sql *q, struct err *e)
{
	const struct scope *s = q->ask->scope;

	TRY(joint(q, e));
	return buf_printf(&q->tail, e, "certificates = $%zu and domains = $%zu",
	                  arg_add(q, strings_text(q->a, &s->certificates), 0),
	                  arg_add(q, strings_text(q->a, &s->domains), 0));
}

/* A certificate of that name may have been another one before. certs: what is looked at may be of
 * others' certificates. */
static int put_limits(struct list_sql *q, bool certs, struct err *e)
{
	if (!is_limited(q->ask))
		return 0;
	if (q->source->table == T_TASKS)
		return put_narrowed(q, e);
	if (certs)
		TRY(put_certs(q, e));
	TRY(joint(q, e));
	TRY(buf_str(&q->tail,
	            "exists (select 1 from certs where certs.name = looked.cert and "
	            "certs.created_at <= looked.at",
	            e));
	if (q->ask->owner)
		TRY(buf_printf(&q->tail, e, " and certs.owner = $%zu",
		               arg_add(q, q->ask->owner, 0)));
	return buf_str(&q->tail, ")", e);
}

static bool by_key(const struct list_ask *ask)
{
	return strcmp(ask->sort, ask->key) == 0;
}

static int put_place(struct list_sql *q, struct err *e)
{
	const struct list_ask *ask = q->ask;
	const struct list_place *p = &ask->after;
	const char *way = ask->descending ? "<" : ">";
	size_t key;

	if (!p->is_there)
		return 0;
	TRY(joint(q, e));
	key = arg_add(q, p->key.text, p->key.number);
	if (by_key(ask))
		return buf_printf(&q->tail, e, "%s %s $%zu", ask->key, way, key);
	return buf_printf(&q->tail, e, "(%s, %s) %s ($%zu, $%zu)", ask->sort, ask->key, way,
	                  arg_add(q, p->value.text, p->value.number), key);
}

/* driver: alike in all of them; NULL = none. */
static int put_order(struct list_sql *q, const struct list_test *driver, struct err *e)
{
	const struct list_ask *ask = q->ask;
	const char *down = ask->descending ? " desc" : "";

	if (by_key(ask) && !(driver && q->is_shared))
		return buf_printf(&q->tail, e, " order by %s%s limit ", ask->key, down);
	return buf_printf(&q->tail, e, " order by %s%s, %s%s limit ",
	                  driver ? driver->columns[0] : ask->sort, down, ask->key, down);
}

static int put_limit(struct list_sql *q, const struct list_test *driver, struct err *e)
{
	TRY(put_order(q, driver, e));
	return buf_printf(&q->tail, e, "$%zu", arg_add(q, NULL, (int64_t)q->ask->limit));
}

/* what answers which test */

static bool is_indexed(const struct source *s, const struct list_test *t)
{
	if (t->how == LIST_HAS)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(s->indexed) && s->indexed[i]; i++)
		if (strcmp(s->indexed[i], t->columns[0]) == 0)
			return true;
	return false;
}

/* It bounds the list's own order. */
static bool is_range(const struct list_ask *ask, const struct list_test *t)
{
	return (t->how == LIST_SINCE || t->how == LIST_BEFORE) &&
	       strcmp(t->columns[0], ask->sort) == 0;
}

/* The test whose index has the list's order behind it; NULL = none. */
static const struct list_test *driver_of(const struct source *s, const struct list_ask *ask)
{
	for (size_t i = 0; by_key(ask) && i < ask->n_tests; i++)
		if (ask->tests[i].how == LIST_IS && is_indexed(s, &ask->tests[i]))
			return &ask->tests[i];
	return NULL;
}

/* All tests but one, and but those that bound the order unless these are wanted. */
static int put_tests(struct list_sql *q, const struct list_test *but, bool ranges, struct err *e)
{
	for (size_t i = 0; i < q->ask->n_tests; i++) {
		const struct list_test *t = &q->ask->tests[i];

		if (t != but && (ranges || !is_range(q->ask, t)))
			TRY(put_test(q, t, e));
	}
	return 0;
}

/* From where on the key goes; those of a range that go upwards may begin later. */
static int64_t begin_of(const struct list_ask *ask)
{
	int64_t first = ask->descending ? INT64_MAX : 0;

	if (ask->after.is_there)
		return ask->after.key.number;
	for (size_t i = 0; i < ask->n_tests && !ask->descending; i++)
		if (is_range(ask, &ask->tests[i]) && ask->tests[i].how == LIST_SINCE)
			first = ask->tests[i].number - 1;
	return first;
}

/* Those that one test finds, in the order of the key. PostgreSQL is asked for pairs, ordered as
 * such: else it would now and then read the whole table by its key, in the hope of soon finding
 * enough that meet the test. SQLite reads no further than to the pair's first by an index. */
static int put_driver(struct list_sql *q, const struct list_test *t, struct err *e)
{
	const struct list_ask *ask = q->ask;
	const char *column = t->columns[0], *key = ask->key;
	bool down = ask->descending;
	size_t value = arg_add(q, t->text, t->number), first = arg_add(q, NULL, begin_of(ask));

	TRY(joint(q, e));
	if (!q->is_shared)
		return buf_printf(&q->tail, e, "%s = $%zu and %s %s $%zu", column, value, key,
		                  down ? "<" : ">", first);
	return buf_printf(&q->tail, e, "(%s, %s) %s ($%zu, $%zu) and (%s, %s) %s ($%zu, $%zu)",
	                  column, key, down ? "<" : ">", value, first, column, key,
	                  down ? ">" : "<", value, arg_add(q, NULL, down ? 0 : INT64_MAX));
}

static bool is_plain(const struct list_ask *ask, const struct list_test *driver)
{
	for (size_t i = 0; i < ask->n_tests; i++)
		if (&ask->tests[i] != driver && !is_range(ask, &ask->tests[i]))
			return false;
	return !is_limited(ask);
}

/* An arm: those who meet one test, by its index. NULL: those of the certificates that there are for
 * who asks. */
static int put_arm(struct list_sql *q, const struct list_test *t, const char *most, struct err *e)
{
	TRY(buf_printf(&q->tail, e, "from %s", table_name(q->source->table)));
	q->begun = false;
	if (!t) {
		TRY(put_certs(q, e));
		return buf_printf(&q->tail, e, " limit %s", most);
	}
	if (t->how == LIST_IS) { /* as put_driver */
		size_t at = arg_add(q, t->text, t->number);

		TRY(joint(q, e));
		TRY(buf_printf(&q->tail, e, "%s >= $%zu and %s <= $%zu", t->columns[0], at,
		               t->columns[0], at));
	} else {
		TRY(put_test(q, t, e));
	}
	return buf_printf(&q->tail, e, " order by %s, %s limit %s", t->columns[0], q->ask->key,
	                  most);
}

static int count_arm(struct store *s, const struct list_sql *like, const struct list_test *t,
                     int64_t *n, struct err *e)
{
	struct list_sql q CLEANUP(list_sql_done) = another(like);
	char most[16];

	snprintf(most, sizeof(most), "%d", FEW + 1);
	TRY(buf_str(&q.tail, "select count(*) from (select 1 as one ", e));
	TRY(put_arm(&q, t, most, e));
	TRY(buf_str(&q.tail, ") as few", e));
	return query_int(s, q.tail.data, q.args, q.n, n, e);
}

/* *found: by this test (NULL = whose they are) there are few. */
static int fewest(struct store *s, const struct list_sql *like, const struct list_test **out,
                  bool *found, struct err *e)
{
	const struct list_ask *ask = like->ask;
	int64_t least = FEW + 1, n;

	*found = false;
	*out = NULL;
	if (is_limited(ask) && like->source->table == T_EVENTS) {
		TRY(count_arm(s, like, NULL, &n, e));
		*found = n < least;
		least = n;
	}
	for (size_t i = 0; i < ask->n_tests; i++) {
		const struct list_test *t = &ask->tests[i];

		if (!is_indexed(like->source, t) || is_range(ask, t))
			continue;
		TRY(count_arm(s, like, t, &n, e));
		if (n >= least)
			continue;
		least = n;
		*out = t;
		*found = true;
	}
	return 0;
}

/* the ways to a page */

/* Those in the list's order, from the place on, that one test or none finds. */
static int put_ordered(struct list_sql *q, const struct list_test *driver, struct err *e)
{
	q->begun = false;
	if (driver)
		TRY(put_driver(q, driver, e));
	for (size_t i = 0; i < q->ask->n_tests; i++)
		if (is_range(q->ask, &q->ask->tests[i]))
			TRY(put_test(q, &q->ask->tests[i], e));
	return driver ? 0 : put_place(q, e);
}

/* What is looked at: "from …". */
static int put_window(struct list_sql *q, const struct list_test *driver, struct err *e)
{
	TRY(buf_printf(&q->tail, e, "from %s", table_name(q->source->table)));
	TRY(put_ordered(q, driver, e));
	return put_order(q, driver, e);
}

/* The last one that will be looked at, if there are so many. Asked before they are read: what comes
 * meanwhile is not passed over. */
static int window_end(struct store *s, const struct list_sql *like, const struct list_test *driver,
                      struct list_place *out, struct err *e)
{
	struct list_sql q CLEANUP(list_sql_done) = another(like);
	struct db_stmt *st = NULL;
	int rc;

	TRY(buf_printf(&q.tail, e, "select %s, %s ", q.ask->sort, q.ask->key));
	TRY(put_window(&q, driver, e));
	TRY(buf_str(&q.tail, "1 offset " LAST_LOOKED, e));
	TRY(query_prepare(s, q.tail.data, q.args, q.n, &st, e));
	while ((rc = db_step(st, e)) == 1)
		*out = (struct list_place){ .is_there = true,
			                    .value.number = db_column_int(st, 0),
			                    .key.number = db_column_int(st, 1) };
	return rc;
}

/* Where few meet one test, they are all looked at, else a window is. */
static int put_looked(struct store *s, struct list_sql *q, const struct list_test *driver,
                      struct list_place *stopped, struct err *e)
{
	const struct list_test *arm;
	bool few;

	TRY(fewest(s, q, &arm, &few, e));
	if (!few)
		TRY(window_end(s, q, driver, stopped, e));
	TRY(buf_printf(&q->tail, e, "where id in (select id from (select %s ", q->source->looked));
	TRY(few ? put_arm(q, arm, MOST_FEW, e) : put_window(q, driver, e));
	TRY(buf_printf(&q->tail, e, "%s) as looked", few ? "" : LOOKED));
	q->begun = false;
	TRY(put_tests(q, few ? arm : driver, few, e));
	TRY(put_limits(q, !few || arm, e));
	if (few)
		TRY(put_place(q, e));
	TRY(put_limit(q, NULL, e));
	TRY(buf_str(&q->tail, ")", e));
	return put_limit(q, NULL, e);
}

static int put_page(struct store *s, struct list_sql *q, struct list_place *stopped, struct err *e)
{
	const struct list_test *driver = driver_of(q->source, q->ask);

	if (q->source->looked && !is_plain(q->ask, driver))
		return put_looked(s, q, driver, stopped, e);
	if (q->source->looked) {
		TRY(put_ordered(q, driver, e));
		return put_limit(q, driver, e);
	}
	TRY(put_tests(q, NULL, true, e));
	TRY(put_place(q, e));
	return put_limit(q, NULL, e);
}

int st_list(struct store *s, struct arena *a, enum list_of what, const struct list_ask *ask,
            void **out, size_t *n, struct list_place *stopped, struct err *e)
{
	struct list_sql q CLEANUP(list_sql_done) = { .a = a,
		                                     .source = &sources[what],
		                                     .ask = ask,
		                                     .tail = BUF_LIMIT(TAIL_MAX),
		                                     .is_shared = s->is_shared };
	struct list_place stop = { 0 };
	struct query made = { .no_secrets = !sources[what].secrets };
	STORE_LOCK(s);

	TRY(put_page(s, &q, &stop, e));
	made.tail = q.tail.data;
	made.args = q.args;
	made.n_args = q.n;
	TRY(record_list(s, a, sources[what].table, &made, out, n, e));
	*stopped = *n < ask->limit ? stop : (struct list_place){ 0 };
	return 0;
}

int st_event_newest(struct store *s, int64_t *id, struct err *e)
{
	return query_int(s, "select max(id) from events", NULL, 0, id, e);
}
