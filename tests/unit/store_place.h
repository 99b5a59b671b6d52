/* A state folder of its own for each test of the store, with the store open in it; gone afterwards.
 * With EVERLEAF_TEST_POSTGRES (tests/postgres sets it) the database is a schema of its own there.
 */
#ifndef TESTS_UNIT_STORE_PLACE_H
#define TESTS_UNIT_STORE_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "store/store.h"
#include "sys/db.h"

struct place {
	struct arena *a;
	char top[64], schema[64], *dir;
	const char *server, *url; /* server: PostgreSQL's URL; NULL = SQLite */
	struct store *s;
};

static inline int open_as(struct place *p, bool create, struct store **out, struct err *e)
{
	const struct store_options o = {
		.state_dir = p->dir, .database_url = p->url, .actor = "cli:tester", .create = create
	};

	return store_open(&o, out, e);
}

/* On the server itself, or in this test's database. */
static inline int run_sql(const char *url, const char *text)
{
	struct db *d = NULL;
	struct err e;
	int rc = db_open(url, &d, &e);

	if (rc == 0)
		rc = db_script(d, text, &e);
	if (rc < 0)
		fprintf(stderr, "%s\n", e.text);
	db_close(d);
	return rc;
}

static inline int make_schema(struct place *p)
{
	static int count;

	p->server = getenv("EVERLEAF_TEST_POSTGRES");
	if (!p->server)
		return 0;
	snprintf(p->schema, sizeof(p->schema), "t%d_%d", getpid(), ++count);
	p->url = arena_printf(p->a, "%s&options=-csearch_path%%3D%s", p->server, p->schema);
	return run_sql(p->server, arena_printf(p->a, "create schema %s", p->schema));
}

static inline int setup_empty(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	p->a = arena_new(0);
	strncpy(p->top, "/tmp/everleaf-store-XXXXXX", sizeof(p->top) - 1);
	if (!mkdtemp(p->top))
		return -1;
	p->dir = fs_join(p->a, p->top, "state");
	*state = p;
	return make_schema(p);
}

static inline int setup(void **state)
{
	struct place *p;
	struct err e;

	if (setup_empty(state) < 0)
		return -1;
	p = *state;
	if (open_as(p, true, &p->s, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	return 0;
}

static inline int teardown(void **state)
{
	struct place *p = *state;
	struct err e;

	store_close(p->s);
	unsetenv("EVERLEAF_MASTER_KEY_FILE");
	clock_set(0);
	if (p->server &&
	    run_sql(p->server, arena_printf(p->a, "drop schema %s cascade", p->schema)) < 0)
		return -1;
	if (fs_remove(p->top, &e) < 0)
		return -1;
	arena_free(p->a);
	free(p);
	return 0;
}

static struct err err; /* the last failure */
#define E (&err)
#define OK(call)                                                                                   \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("line %d: %s", __LINE__, err.text);                               \
	} while (0)
#define FAILS(want, call) assert_int_equal((call), -(want))

static inline void reopen(struct place *p)
{
	store_close(TAKE(p->s));
	OK(open_as(p, true, &p->s, E));
}

static inline void put_cert(struct place *p, const char *name)
{
	struct cert c = { .name = name, .status = "pending" };

	OK(st_cert_put(p->s, &c, E));
}

/* Every column of a record gets a value of its own. */
static inline void put_account(struct place *p, const char *name)
{
	struct account x = { .name = name, .ca = "c", .status = "valid", .key = "SECRET" };

	OK(st_account_put(p->s, &x, E));
}

static inline void sql(struct place *p, const char *text)
{
	const char *url = p->url ? p->url : arena_printf(p->a, "sqlite:%s/everleaf.db", p->dir);

	assert_int_equal(run_sql(url, text), 0);
}

/* What is about the file itself. */
#define SQLITE_ONLY(p)                                                                             \
	do {                                                                                       \
		if ((p)->server)                                                                   \
			skip();                                                                    \
	} while (0)

#define ROW(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define EMPTY(fn) cmocka_unit_test_setup_teardown(fn, setup_empty, teardown)

#endif
