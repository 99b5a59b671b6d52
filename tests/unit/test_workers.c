/* daemon/workers: slots, sleepers, fairness among groups; and daemon/holdback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cancel.h"
#include "daemon/holdback.h"
#include "daemon/workers.h"

#define MANY 32

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned now, most, done, sleepers, open;
	char order[MANY + 1];
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void reset(void)
{
	seen.now = seen.most = seen.done = seen.sleepers = seen.open = 0;
	memset(seen.order, 0, sizeof(seen.order));
}

static void enter(const char *subject)
{
	pthread_mutex_lock(&seen.lock);
	seen.order[seen.done + seen.now] = subject[0];
	seen.now++;
	if (seen.now > seen.most)
		seen.most = seen.now;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

static void leave(void)
{
	pthread_mutex_lock(&seen.lock);
	seen.now--;
	seen.done++;
	pthread_mutex_unlock(&seen.lock);
}

#define SLOTS 3

/* Nobody goes before so many are there. */
static void work(void *ctx, const char *subject)
{
	(void)ctx;
	enter(subject);
	pthread_mutex_lock(&seen.lock);
	while (seen.most < SLOTS)
		pthread_cond_wait(&seen.changed, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
	usleep(2000);
	leave();
}

static void finish(struct workers *w, unsigned n)
{
	struct workers_load load;

	do {
		usleep(1000);
		workers_load(w, &load);
	} while (load.running + load.queued > 0);
	workers_stop(w);
	assert_true(workers_await(w, 5000));
	workers_free(w);
	assert_int_equal(seen.done, n);
}

static void no_more_than_slots(void **state)
{
	const struct workers_options o = { .slots = SLOTS, .most = 24, .work = work };
	struct workers *w = workers_new(&o);
	char name[16];

	(void)state;
	reset();
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		workers_offer(w, name, NULL);
		workers_offer(w, name, NULL); /* already there */
	}
	finish(w, MANY);
	assert_int_equal(seen.most, SLOTS);
}

/* All of them are in the sleep before one may leave it. */
static void sleep_together(void *ctx, const char *subject)
{
	struct err e;

	(void)ctx;
	enter(subject);
	pthread_mutex_lock(&seen.lock);
	seen.sleepers++;
	pthread_mutex_unlock(&seen.lock);
	assert_int_equal(cancel_sleep_ms(NULL, 600, &e), 0);
	leave();
}

static void sleepers_let_others_work(void **state)
{
	const struct workers_options o = { .slots = 1, .most = 8, .work = sleep_together };
	struct workers *w = workers_new(&o);
	char name[16];

	(void)state;
	reset();
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "%d", i);
		workers_offer(w, name, NULL);
	}
	finish(w, 8);
	assert_int_equal(seen.most, 8);
}

static void await_entered(unsigned n)
{
	pthread_mutex_lock(&seen.lock);
	while (seen.now < n)
		pthread_cond_wait(&seen.changed, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
}

static void wait_at_gate(void *ctx, const char *subject)
{
	(void)ctx;
	enter(subject);
	pthread_mutex_lock(&seen.lock);
	while (!seen.open)
		pthread_cond_wait(&seen.changed, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
	leave();
}

/* The second place goes to the other group, although many of the first are older. */
static void groups_take_turns(void **state)
{
	struct workers *w =
	    workers_new(&(struct workers_options){ .slots = 1, .most = 2, .work = wait_at_gate });
	char name[16];

	(void)state;
	reset();
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		workers_offer(w, name, "A");
	}
	await_entered(1);
	workers_offer(w, "b", "B");
	workers_set_slots(w, 2);
	await_entered(2);
	pthread_mutex_lock(&seen.lock);
	assert_string_equal(seen.order, "ab");
	seen.open = 1;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
	finish(w, 11);
}

static void stop_forgets_what_is_queued(void **state)
{
	struct workers *w =
	    workers_new(&(struct workers_options){ .slots = 1, .most = 1, .work = wait_at_gate });

	(void)state;
	reset();
	workers_offer(w, "a", NULL);
	workers_offer(w, "b", NULL);
	await_entered(1);
	workers_stop(w);
	assert_false(workers_await(w, 20));
	pthread_mutex_lock(&seen.lock);
	seen.open = 1;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
	finish(w, 1);
}

static void holding_back(void **state)
{
	struct holdback h = { 0 };

	(void)state;
	assert_false(holdback_has(&h, "a", 0));
	holdback_add(&h, "a", 0, 1000);
	assert_true(holdback_has(&h, "a", 999));
	assert_false(holdback_has(&h, "a", 1000));
	assert_false(holdback_has(&h, "b", 0));
	holdback_add(&h, "a", 2000, 1000); /* soon after: twice as long */
	assert_true(holdback_has(&h, "a", 3999));
	assert_false(holdback_has(&h, "a", 4000));
	for (int i = 0; i < 20; i++)
		holdback_add(&h, "a", 5000, 1000);
	assert_true(holdback_has(&h, "a", 5000 + 299999));
	assert_false(holdback_has(&h, "a", 5000 + 300000));
	assert_false(holdback_has(&h, "a", 5000 + 300000 + 60001));
	assert_int_equal(h.n, 0); /* forgotten */
	holdback_add(&h, "c", 0, 1000);
	holdback_done(&h);
	assert_int_equal(h.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_more_than_slots), cmocka_unit_test(sleepers_let_others_work),
		cmocka_unit_test(groups_take_turns),  cmocka_unit_test(stop_forgets_what_is_queued),
		cmocka_unit_test(holding_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
