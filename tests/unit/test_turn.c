/* base/turn: one at a time, in the order in which threads came, and not for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/turn.h"

#define N 6
#define NAME "/bin/one"

static char dir[] = "/tmp/everleaf-turn-XXXXXX", file[64];

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/lock", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(file);
	return rmdir(dir);
}

/* Somebody who comes while the turn is taken. */
struct comer {
	pthread_t thread;
	struct cancel cancel;
	atomic_bool waits;
	int64_t stuck_ms;
	bool crowded;
	int result;
	size_t place; /* which of all to get it */
};
static atomic_size_t n_served;

static void told(void *ctx, const char *name, bool waits)
{
	struct comer *c = ctx;

	if (waits)
		atomic_store(&c->waits, true);
}

static void *come(void *p)
{
	struct comer *c = p;
	const struct turns t = {
		.file = file, .cancel = &c->cancel, .stuck_ms = c->stuck_ms, .told = told, .ctx = c
	};
	int turn CLEANUP(turn_end) = -1;
	struct err e = { 0 };

	c->result = turn_take(&t, NAME, &turn, &e);
	c->crowded = err_is_crowded(&e);
	if (c->result == 0)
		c->place = atomic_fetch_add(&n_served, 1);
	return NULL;
}

static void start(struct comer *c)
{
	assert_int_equal(pthread_create(&c->thread, NULL, come, c), 0);
	while (!atomic_load(&c->waits))
		usleep(1000);
}

static void test_in_the_order_in_which_they_came(void **state)
{
	const struct turns t = { .file = file };
	int first CLEANUP(turn_end) = -1, other CLEANUP(turn_end) = -1;
	struct comer v[N] = { 0 };
	struct err e;

	atomic_store(&n_served, 0);
	assert_int_equal(turn_take(&t, NAME, &first, &e), 0);
	for (size_t i = 0; i < N; i++)
		start(&v[i]);
	assert_int_equal(turn_take(&t, "/bin/two", &other, &e), 0); /* theirs is another line */
	cancel_set(&v[1].cancel, -1);                               /* who leaves holds up nobody */
	pthread_join(v[1].thread, NULL);
	assert_int_equal(v[1].result, -ERR_CANCELLED);
	assert_int_equal(atomic_load(&n_served), 0);
	turn_end(&first);
	for (size_t i = 0; i < N; i++) {
		if (i == 1)
			continue;
		pthread_join(v[i].thread, NULL);
		assert_int_equal(v[i].result, 0);
		assert_int_equal(v[i].place, i == 0 ? 0 : i - 1);
	}
}

static void test_not_waited_for_for_ever(void **state)
{
	int first CLEANUP(turn_end) = -1, second CLEANUP(turn_end) = -1;
	const struct turns t = { .file = file, .patience_ms = 1100 };
	struct err e = { 0 };

	assert_int_equal(turn_take(&t, NAME, &first, &e), 0);
	assert_int_equal(turn_take(&t, NAME, &second, &e), -ERR_BUSY);
	assert_int_equal(second, -1);
	assert_string_equal(e.text,
	                    "waited 1 s for /bin/one, which others have still: `ps` shows whether "
	                    "one of them hangs and has to be ended; it is tried again");
	turn_end(&first);
	assert_int_equal(turn_take(&t, NAME, &second, &e), 0);
}

/* Those who came first go on waiting; who is one too many leaves as soon as the line is known to
 * stand still. */
static void test_not_by_too_many_where_nothing_moves(void **state)
{
	const struct turns t = { .file = file };
	int first CLEANUP(turn_end) = -1;
	struct comer v[N] = { 0 };
	struct err e;

	turn_crowd(2);
	atomic_store(&n_served, 0);
	assert_int_equal(turn_take(&t, NAME, &first, &e), 0);
	for (size_t i = 0; i < N; i++) {
		v[i].stuck_ms = 300;
		start(&v[i]);
	}
	for (size_t i = 2; i < N; i++) {
		pthread_join(v[i].thread, NULL);
		assert_int_equal(v[i].result, -ERR_BUSY);
		assert_true(v[i].crowded);
	}
	assert_int_equal(atomic_load(&n_served), 0);
	turn_end(&first);
	for (size_t i = 0; i < 2; i++) {
		pthread_join(v[i].thread, NULL);
		assert_int_equal(v[i].result, 0);
		assert_int_equal(v[i].place, i);
	}
	turn_crowd(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_the_order_in_which_they_came),
		cmocka_unit_test(test_not_waited_for_for_ever),
		cmocka_unit_test(test_not_by_too_many_where_nothing_moves),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
