/* base/cancel and base/pool: waits that end, items that all run, and no more threads than asked
 * for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"

static void test_sleep_ends(void **state)
{
	struct cancel c = { 0 };
	int64_t start = clock_monotonic_ms();
	struct err e;

	assert_int_equal(cancel_sleep_ms(&c, 60, &e), 0);
	assert_true(clock_monotonic_ms() - start >= 60);
	assert_int_equal(cancel_sleep_ms(NULL, 1, &e), 0);
	assert_int_equal(cancel_sleep_ms(&c, 0, &e), 0);
	assert_int_equal(cancel_sleep_ms(&c, -5, &e), 0);
}

static void test_set_before(void **state)
{
	static const struct {
		int why;
		const char *want;
	} rows[] = { { SIGINT, "interrupted" },
		     { SIGTERM, "stopped by signal 15 (Terminated)" },
		     { -1, "cancelled" } };
	struct err e;

	assert_false(cancel_is_set(NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cancel c = { 0 };

		assert_false(cancel_is_set(&c));
		cancel_set(&c, rows[i].why);
		cancel_set(&c, SIGHUP); /* the first reason stays */
		assert_true(cancel_is_set(&c));
		assert_int_equal(cancel_sleep_ms(&c, 60000, &e), -ERR_CANCELLED);
		assert_string_equal(e.text, rows[i].want);
	}
}

static void *set_it(void *p)
{
	cancel_set(p, -1);
	return NULL;
}

static void test_set_by_another_thread(void **state)
{
	int64_t start = clock_monotonic_ms();
	struct cancel c = { 0 };
	pthread_t id;
	struct err e;

	assert_int_equal(pthread_create(&id, NULL, set_it, &c), 0);
	assert_int_equal(cancel_sleep_ms(&c, 60000, &e), -ERR_CANCELLED);
	assert_true(clock_monotonic_ms() - start < 30000);
	pthread_join(id, NULL);
}

struct work {
	atomic_int runs[500];
	atomic_int at_once, most;
	bool wait_for_others;
	size_t threads;
	pthread_t caller;
	atomic_bool elsewhere;
};

static void one_item(void *ctx, size_t i)
{
	struct work *w = ctx;
	int now = atomic_fetch_add(&w->at_once, 1) + 1, most = atomic_load(&w->most);
	struct log_context inherited = log_context_set("item");

	assert_string_equal(inherited.text, "caller");
	log_context_restore(&inherited);
	while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now))
		;
	if (!pthread_equal(pthread_self(), w->caller))
		atomic_store(&w->elsewhere, true);
	/* Holds the first items until all threads are in one, which proves that they run side by
	 * side. */
	while (w->wait_for_others && (size_t)atomic_load(&w->most) < w->threads) {
		struct err e;

		assert_int_equal(cancel_sleep_ms(NULL, 1, &e), 0);
	}
	atomic_fetch_add(&w->runs[i], 1);
	atomic_fetch_sub(&w->at_once, 1);
}

static void test_every_item_once(void **state)
{
	static const struct {
		size_t threads, n;
	} rows[] = {
		{ 1, 500 }, { 0, 10 }, { 4, 500 }, { 8, 3 }, { 500, 500 }, { 4, 0 }, { 4, 1 }
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct work w = { .threads = rows[r].threads, .caller = pthread_self() };
		struct log_context former = log_context_set("caller");
		struct err e;

		assert_int_equal(pool_run(rows[r].threads, rows[r].n, one_item, &w, &e), 0);
		log_context_restore(&former);
		for (size_t i = 0; i < 500; i++)
			assert_int_equal(atomic_load(&w.runs[i]), i < rows[r].n ? 1 : 0);
		assert_true((size_t)atomic_load(&w.most) <=
		            (rows[r].threads ? rows[r].threads : 1));
		if (rows[r].threads <= 1 || rows[r].n <= 1)
			assert_false(atomic_load(&w.elsewhere));
	}
}

static void test_side_by_side(void **state)
{
	struct work w = { .threads = 4, .wait_for_others = true, .caller = pthread_self() };
	struct log_context former = log_context_set("caller");
	struct err e;

	assert_int_equal(pool_run(4, 100, one_item, &w, &e), 0);
	log_context_restore(&former);
	assert_int_equal(atomic_load(&w.most), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleep_ends),
		cmocka_unit_test(test_set_before),
		cmocka_unit_test(test_set_by_another_thread),
		cmocka_unit_test(test_every_item_once),
		cmocka_unit_test(test_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
