/* Leases: held, run out, taken over from the dead; many processes and many threads at once. */
#include "store_place.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "store/replies.h"

static void test_lease_is_held(void **state)
{
	struct place *p = *state;
	struct cert got;

	clock_set(1795305600);
	OK(st_job_lease(p->s, "example.org", "everleaf renew", 60, E));
	FAILS(ERR_BUSY, st_job_lease(p->s, "example.org", "everleaf issue", 60, E));
	assert_string_equal(
	    err.text,
	    arena_printf(p->a,
	                 "example.org is being worked on by process %d (everleaf renew) since "
	                 "2026-11-22T00:00:00Z; wait for it or try again later",
	                 getpid()));
	OK(st_job_lease(p->s, "other.org", "everleaf issue", 60, E));
	st_job_release(p->s, "example.org");
	OK(st_job_lease(p->s, "example.org", "a|b\n", 60, E));
	FAILS(ERR_BUSY, st_job_lease(p->s, "example.org", "x", 60, E));
	assert_non_null(strstr(err.text, "(a-b-)"));
	clock_set(1795305600 + 100); /* its time is over, but its process lives on this host */
	FAILS(ERR_BUSY, st_job_lease(p->s, "example.org", "everleaf issue", 60, E));
	st_job_release(p->s, "example.org");
	OK(st_job_lease(p->s, "example.org", "everleaf issue", 60, E));
	FAILS(ERR_NOT_FOUND, st_cert_get(p->s, p->a, "example.org", &got, E));
}

/* Children that report through their exit status what became of their lease. */
static pid_t lease_child(struct place *p, const int *hold)
{
	pid_t child = fork();
	struct store *mine = NULL;
	struct err e;
	char byte;
	int rc;

	if (child != 0)
		return child;
	if (hold)
		close(hold[1]);
	if (open_as(p, true, &mine, &e) < 0)
		_exit(99);
	rc = st_job_lease(mine, "example.org", "everleaf renew", 3600, &e);
	/* Who holds it stays alive until all have tried. */
	if (rc == 0 && hold && read(hold[0], &byte, 1) != 0)
		_exit(98);
	_exit(-rc);
}

static void test_one_of_many_processes_leases(void **state)
{
	struct place *p = *state;
	int hold[2], status;

	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	store_close(TAKE(p->s)); /* a connection is not carried over a fork */
	for (int i = 0; i < 6; i++)
		assert_true(lease_child(p, hold) > 0);
	for (int i = 0; i < 5; i++) { /* all but the holder end */
		assert_true(wait(&status) > 0 && WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), ERR_BUSY);
	}
	close(hold[1]);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	close(hold[0]);
	/* The holder ended without releasing: it is dead. */
	OK(open_as(p, true, &p->s, E));
	OK(st_job_lease(p->s, "example.org", "everleaf issue", 60, E));
}

static void test_zombie_is_dead(void **state)
{
	struct place *p = *state;
	siginfo_t info;
	pid_t child;

	store_close(TAKE(p->s));
	child = lease_child(p, NULL);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(info.si_status, 0);
	OK(open_as(p, true, &p->s, E));
	OK(st_job_lease(p->s, "example.org", "everleaf issue", 60, E));
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_foreign_holders(void **state)
{
	struct place *p = *state;

	clock_set(1795305600);
	OK(st_job_set(p->s, "a", 0, E));
	/* Another host: only the time counts, by the database's clock. */
	sql(p, "update jobs set lease = 'elsewhere|b|1|1|everleaf serve|1795305000', lease_until = "
	       "1999999999");
	FAILS(ERR_BUSY, st_job_lease(p->s, "a", "x", 60, E));
	assert_non_null(
	    strstr(err.text, "process 1 (everleaf serve) on elsewhere since 2026-11-21T23:50:00Z"));
	sql(p, "update jobs set lease_until = 1700000000");
	OK(st_job_lease(p->s, "a", "x", 60, E));
	/* This process in another boot, and with another start: dead both. */
	sql(p, "update jobs set lease = replace(lease, '|', '|0'), lease_until = 1999999999");
	OK(st_job_lease(p->s, "a", "x", 60, E));
	sql(p, "update jobs set lease = 'nonsense', lease_until = 1999999999");
	OK(st_job_lease(p->s, "a", "x", 60, E));
}

/* Who works on a request: here whoever lives, however long it takes; elsewhere for its time. */
static void test_holders_of_replies(void **state)
{
	static const struct {
		const char *change;
		int64_t later_s;
		enum reply_state want;
	} rows[] = {
		{ "holder_until = holder_until", 0, REPLY_UNDER_WAY },
		{ "holder_until = holder_until", 7200, REPLY_UNDER_WAY },
		{ "holder = replace(holder, '|', '|0')", 0, REPLY_LOST }, /* another boot */
		{ "holder = 'elsewhere|b|1|1|a request|1795305600'", 0, REPLY_UNDER_WAY },
		{ "holder = 'elsewhere|b|1|1|a request|1795305600'", 7200, REPLY_LOST },
		{ "holder = 'nonsense'", 0, REPLY_UNDER_WAY },
		{ "holder = 'nonsense'", 7200, REPLY_LOST },
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *name = arena_printf(p->a, "r%zu", i);
		enum reply_state got;
		struct reply r;

		clock_set(1795305600);
		OK(st_reply_claim(p->s, p->a, name, "print", &r, &got, E));
		assert_int_equal(got, REPLY_NEW);
		sql(p, arena_printf(p->a, "update replies set %s where name = '%s'", rows[i].change,
		                    name));
		clock_set(1795305600 + rows[i].later_s);
		OK(st_reply_claim(p->s, p->a, name, "print", &r, &got, E));
		if (got != rows[i].want)
			fail_msg("row %zu: %d", i, got);
	}
}

struct racer {
	struct place *p;
	int rc;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct err e;

	r->rc = st_job_lease(r->p->s, "a", "x", 60, &e);
	return NULL;
}

static void test_one_of_many_threads_leases(void **state)
{
	struct place *p = *state;
	struct racer r[8];
	pthread_t t[8];
	int won = 0;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		r[i] = (struct racer){ p, 1 };
		assert_int_equal(pthread_create(&t[i], NULL, race, &r[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		pthread_join(t[i], NULL);
		assert_true(r[i].rc == 0 || r[i].rc == -ERR_BUSY);
		won += r[i].rc == 0;
	}
	assert_int_equal(won, 1);
}

#define TAKE_AWAY                                                                                  \
	"update jobs set lease = 'elsewhere|b|1|1|everleaf serve|1795305000', lease_until = "      \
	"1999999999, fence = 7"

/* Another process takes a lease over: nothing can be written under it any more, and its end takes
 * nothing away. */
static void test_lost_lease_writes_nothing(void **state)
{
	struct place *p = *state;
	struct cert c = { .name = "a", .status = "pending" };
	int64_t next_at;
	struct job_due *due;
	size_t n;

	OK(st_job_lease(p->s, "a", "x", 60, E));
	OK(st_cert_put(p->s, &c, E));
	OK(st_lease_look(p->s, E));
	sql(p, TAKE_AWAY);
	FAILS(ERR_BUSY, st_job_set(p->s, "a", 5, E));
	assert_non_null(strstr(err.text, "taken over"));
	FAILS(ERR_BUSY, st_cert_put(p->s, &c, E));
	FAILS(ERR_BUSY, store_begin(p->s, E));
	OK(st_job_look(p->s, p->a, 10, 5, &due, &n, &next_at, E)); /* reading goes on */
	assert_int_equal(n, 0);
	st_job_release(p->s, "a");
	OK(st_job_set(p->s, "a", 5, E)); /* this thread has no lease to lose */
	FAILS(ERR_BUSY, st_job_lease(p->s, "a", "x", 60, E));
	assert_non_null(strstr(err.text, "elsewhere"));
}

/* A lease that may have run out is prolonged, unless another has it. */
static void test_look_prolongs(void **state)
{
	struct place *p = *state;
	struct strings due = { 0 };

	OK(st_job_lease(p->s, "a", "x", 0, E));
	OK(st_job_lease(p->s, "b", "x", 3600, E));
	OK(st_job_set(p->s, "a", 1, E));
	sql(p, "update jobs set lease_until = 1");
	OK(st_lease_look(p->s, E));
	sql(p, "update jobs set run_at = lease_until");
	OK(st_job_due(p->s, p->a, 5, 5, &due, E));
	assert_int_equal(due.n, 1); /* b has half an hour yet: it was not asked about */
	assert_string_equal(due.v[0], "b");
	OK(st_lease_keep_own(p->s, E));
	sql(p, TAKE_AWAY);
	FAILS(ERR_BUSY, st_lease_look(p->s, E));
	assert_non_null(strstr(err.text, "a was taken over"));
}

/* A lease whose end could not be written is ended later: its process may live on for months. */
static void test_end_that_fails_comes_later(void **state)
{
	struct place *p = *state;

	OK(st_job_lease(p->s, "a", "x", 60, E));
	sql(p, "alter table jobs rename to jobs_away");
	st_job_release(p->s, "a");
	sql(p, "alter table jobs_away rename to jobs");
	FAILS(ERR_BUSY, st_job_lease(p->s, "a", "x", 60, E));
	OK(st_lease_keep_own(p->s, E));
	OK(st_job_lease(p->s, "a", "x", 60, E));
	OK(st_lease_keep_own(p->s, E)); /* what is held is not ended */
	FAILS(ERR_BUSY, st_job_lease(p->s, "a", "x", 60, E));
}

static void *look_at_due(void *arg)
{
	struct place *p = arg;
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct job_due *due;
	int64_t next_at;
	struct err e;
	size_t n = 99;

	if (st_job_look(p->s, a, 10, 5, &due, &n, &next_at, &e) < 0)
		return (void *)98;
	return (void *)n;
}

/* The daemon's scheduler would give a worker what another worker is at. */
static void test_due_leaves_out_what_is_at_work_here(void **state)
{
	struct place *p = *state;
	pthread_t id;
	void *n;

	OK(st_job_set(p->s, "a", 5, E));
	OK(st_job_set(p->s, "b", 6, E));
	assert_int_equal((intptr_t)look_at_due(p), 2);
	OK(st_job_lease(p->s, "a", "everleaf serve", 60, E));
	assert_int_equal(pthread_create(&id, NULL, look_at_due, p), 0);
	pthread_join(id, &n);
	assert_int_equal((intptr_t)n, 1);
	st_job_release(p->s, "a");
	assert_int_equal((intptr_t)look_at_due(p), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_lease_is_held),
		ROW(test_one_of_many_processes_leases),
		ROW(test_zombie_is_dead),
		ROW(test_foreign_holders),
		ROW(test_holders_of_replies),
		ROW(test_lost_lease_writes_nothing),
		ROW(test_look_prolongs),
		ROW(test_due_leaves_out_what_is_at_work_here),
		ROW(test_end_that_fails_comes_later),
		ROW(test_one_of_many_threads_leases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
