/* The database's interface over SQLite: parameters, transactions, two connections, damage, a disk
 * that is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "sys/db.h"

struct place {
	struct arena *a;
	char dir[64], *file, *url;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	p->a = arena_new(0);
	strncpy(p->dir, "/tmp/everleaf-db-XXXXXX", sizeof(p->dir) - 1);
	if (!mkdtemp(p->dir))
		return -1;
	p->file = fs_join(p->a, p->dir, "x.db");
	p->url = arena_printf(p->a, "sqlite:%s", p->file);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	struct err e;

	if (fs_remove(p->dir, &e) < 0)
		return -1;
	arena_free(p->a);
	free(p);
	return 0;
}

static struct db *opened(struct place *p)
{
	struct db *d = NULL;
	struct err e;

	if (db_open(p->url, &d, &e) < 0)
		fail_msg("%s", e.text);
	return d;
}

static void script(struct db *d, const char *sql)
{
	struct err e;

	if (db_script(d, sql, &e) < 0)
		fail_msg("%s", e.text);
}

static int64_t number(struct db *d, const char *sql)
{
	struct db_stmt *s = NULL;
	struct err e;
	int64_t v = -1;

	db_lock(d);
	if (db_prepare(d, sql, &s, &e) < 0 || db_step(s, &e) < 0)
		fail_msg("%s", e.text);
	v = db_column_int(s, 0);
	db_unlock(d);
	return v;
}

static void test_parameters_by_number(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	struct db_stmt *s = NULL;
	struct err e;

	db_lock(d);
	assert_int_equal(db_prepare(d, "select $2 as second, $1 as first, $2, $3", &s, &e), 0);
	db_bind_text(s, 1, "one");
	db_bind_text(s, 2, "two");
	db_bind_text(s, 3, NULL);
	assert_int_equal(db_step(s, &e), 1);
	assert_int_equal(db_column_count(s), 4);
	assert_string_equal(db_column_name(s, 1), "first");
	assert_string_equal(db_column_text(s, p->a, 0), "two");
	assert_string_equal(db_column_text(s, p->a, 1), "one");
	assert_string_equal(db_column_text(s, p->a, 2), "two");
	assert_null(db_column_text(s, p->a, 3));
	assert_int_equal(db_step(s, &e), 0);
	db_bind_int(s, 4, 1);
	assert_int_equal(db_step(s, &e),
	                 -ERR_DAMAGED); /* a parameter that is not there: our own bug is told */
	db_unlock(d);
	db_close(d);
}

/* A statement in the middle of its rows is not disturbed by the same text; afterwards it is used
 * again, unbound. */
static void test_same_text_twice(void **state)
{
	struct db *d = opened(*state);
	const char *sql = "select v from t where v >= $1 order by v";
	struct db_stmt *outer = NULL, *inner = NULL, *again = NULL;
	struct err e;

	script(d, "create table t (v integer); insert into t values (1), (2), (3)");
	db_lock(d);
	assert_int_equal(db_prepare(d, sql, &outer, &e), 0);
	db_bind_int(outer, 1, 1);
	assert_int_equal(db_step(outer, &e), 1);
	assert_int_equal(db_prepare(d, sql, &inner, &e), 0);
	assert_ptr_not_equal(inner, outer);
	db_bind_int(inner, 1, 3);
	assert_int_equal(db_step(inner, &e), 1);
	assert_int_equal(db_column_int(inner, 0), 3);
	assert_int_equal(db_step(outer, &e), 1);
	assert_int_equal(db_column_int(outer, 0), 2);
	db_unlock(d);
	db_lock(d);
	assert_int_equal(db_prepare(d, sql, &again, &e), 0);
	assert_true(again == outer || again == inner);
	assert_int_equal(db_step(again, &e), 0); /* NULL is bound: no row */
	db_unlock(d);
	db_close(d);
}

static void test_transactions(void **state)
{
	struct db *d = opened(*state);
	struct err e;

	script(d, "create table t (v integer unique)");
	assert_int_equal(db_begin(d, &e), 0);
	script(d, "insert into t values (1)");
	db_rollback(d);
	assert_int_equal(number(d, "select count(*) from t"), 0);
	assert_int_equal(db_begin(d, &e), 0);
	script(d, "insert into t values (1)");
	assert_int_equal(db_commit(d, &e), 0);
	assert_int_equal(number(d, "select count(*) from t"), 1);
	assert_int_equal(db_changes(d), 1);
	assert_int_equal(db_script(d, "insert into t values (1)", &e), -ERR_EXISTS);
	assert_int_equal(db_script(d, "select * from missing", &e), -ERR_NOT_FOUND);
	assert_int_equal(db_commit(d, &e), -ERR_IO); /* nothing was begun */
	db_close(d);
}

static void test_settings(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	struct db_stmt *s = NULL;
	struct stat st;
	struct err e;

	assert_int_equal(stat(p->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(number(d, "pragma synchronous"), 2);
	assert_int_equal(number(d, "pragma foreign_keys"), 1);
	db_lock(d);
	assert_int_equal(db_prepare(d, "pragma journal_mode", &s, &e), 0);
	assert_int_equal(db_step(s, &e), 1);
	assert_string_equal(db_column_text(s, p->a, 0), "wal");
	db_unlock(d);
	db_close(d);
	assert_int_equal(db_open("mysql://u:geheim@h/d", &d, &e), -ERR_CONFIG);
	assert_null(strstr(e.text, "geheim"));
	assert_int_equal(db_open("sqlite:/nowhere/at/all.db", &d, &e), -ERR_IO);
	assert_non_null(strstr(e.text, "/nowhere/at/all.db"));
}

/* A second writer waits for the first, which is another process, and then goes on. */
/* 2 = each commit waits for the disk, 1 = it does not: only what takes a lease. */
static void test_what_waits_for_the_disk(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	struct err e;

	script(d, "create table t (a integer)");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(db_begin_beside(d, &e), 0);
		assert_int_equal(number(d, "pragma synchronous"), 1);
		script(d, "insert into t values (1)");
		if (i == 0)
			assert_int_equal(db_commit(d, &e), 0);
		else
			db_rollback(d);
		assert_int_equal(db_begin(d, &e), 0);
		assert_int_equal(number(d, "pragma synchronous"), 2);
		script(d, "insert into t values (2)");
		assert_int_equal(db_commit(d, &e), 0);
	}
	assert_int_equal(number(d, "select count(*) from t"), 3);
	db_close(d);
}

static void test_writers_take_turns(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	struct err e;
	pid_t child[4];

	script(d, "create table t (v integer); insert into t values (0)");
	db_close(d); /* a connection is not carried over a fork */
	for (size_t c = 0; c < ARRAY_LEN(child); c++) {
		child[c] = fork();
		if (child[c] == 0) {
			struct db *mine = NULL;

			if (db_open(p->url, &mine, &e) < 0)
				_exit(1);
			for (int i = 0; i < 50; i++) {
				/* Reading before writing: what was read must still hold when it is
				 * written. */
				if (db_begin(mine, &e) < 0 || number(mine, "select v from t") < 0 ||
				    db_script(mine, "update t set v = v + 1", &e) < 0 ||
				    db_commit(mine, &e) < 0)
					_exit(2);
			}
			db_close(mine);
			_exit(0);
		}
	}
	for (size_t c = 0; c < ARRAY_LEN(child); c++) {
		int status = -1;

		assert_int_equal(waitpid(child[c], &status, 0), child[c]);
		assert_int_equal(status, 0);
	}
	d = opened(p);
	assert_int_equal(number(d, "select v from t"), 200);
	db_close(d);
}

static void overwrite(const char *file, long from, size_t len)
{
	FILE *f = fopen(file, "r+");

	assert_non_null(f);
	assert_int_equal(fseek(f, from, SEEK_SET), 0);
	for (size_t i = 0; i < len; i++)
		fputc(0xa5, f);
	assert_int_equal(fclose(f), 0);
}

static void fill(struct db *d)
{
	script(d, "create table t (v text); with recursive n(i) as (select 1 union all select i + "
	          "1 from n where i < 500) "
	          "insert into t select hex(randomblob(200)) from n");
}

static void test_damage_is_told(void **state)
{
	struct place *p = *state;
	struct db *d = opened(p);
	struct db_stmt *s = NULL;
	struct err e = { 0 };
	int rc;

	fill(d);
	db_close(d);
	overwrite(p->file, 4096, 65536);
	d = opened(p);
	db_lock(d);
	rc = db_prepare(d, "select length(v) from t", &s, &e);
	while (rc >= 0 && (rc = db_step(s, &e)) == 1)
		;
	db_unlock(d);
	assert_int_equal(rc, -ERR_DAMAGED);
	assert_non_null(strstr(e.text, p->file));
	assert_non_null(strstr(e.text, "restore a backup"));
	db_close(d);
}

static void test_not_a_database(void **state)
{
	struct place *p = *state;
	struct db *d = NULL;
	struct err e;
	FILE *f = fopen(p->file, "w");

	for (int i = 0; i < 200; i++)
		fputs("this is not a database at all\n", f);
	fclose(f);
	assert_int_equal(db_open(p->url, &d, &e), -ERR_DAMAGED);
	assert_null(d);
	assert_non_null(strstr(e.text, "is damaged"));
}

/* Writes until the disk is full; what was committed before stays, and there is room again after. 0
 * = as it should be. */
static int write_until_full(const char *url, const char *words)
{
	struct db *d = NULL;
	struct err e = { 0 };
	int rc = 0;

	if (db_open(url, &d, &e) < 0 ||
	    db_script(d, "create table t (v text); insert into t values ('kept')", &e) < 0)
		return 1;
	for (int i = 0; i < 5000 && rc == 0; i++) {
		rc = db_begin(d, &e);
		if (!rc &&
		    (rc = db_script(d, "insert into t values (hex(randomblob(20000)))", &e)) < 0)
			db_rollback(d);
		else if (!rc)
			rc = db_commit(d, &e);
	}
	if (rc != -ERR_IO || (words && !strstr(e.text, words))) {
		fprintf(stderr, "got %d: %s\n", rc, e.text);
		return 2;
	}
	if (number(d, "select count(*) from t where v = 'kept'") != 1)
		return 3;
	db_close(d);
	return 0;
}

static void child_succeeds(pid_t child)
{
	int status = -1;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void test_file_size_limit(void **state)
{
	struct place *p = *state;
	pid_t child = fork();

	if (child == 0) {
		struct rlimit limit = { 1 << 20, 1 << 20 };

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit))
			_exit(9);
		_exit(write_until_full(p->url, NULL));
	}
	child_succeeds(child);
}

static void test_full_disk(void **state)
{
	struct place *p = *state;
	pid_t child = fork();

	if (child == 0) {
		if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("tmpfs", p->dir, "tmpfs", 0, "size=2m"))
			_exit(77); /* not allowed here */
		_exit(write_until_full(p->url, "the disk is full"));
	}
	child_succeeds(child);
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(test_parameters_by_number),
		ROW(test_same_text_twice),
		ROW(test_transactions),
		ROW(test_settings),
		ROW(test_what_waits_for_the_disk),
		ROW(test_writers_take_turns),
		ROW(test_damage_is_told),
		ROW(test_not_a_database),
		ROW(test_file_size_limit),
		ROW(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
