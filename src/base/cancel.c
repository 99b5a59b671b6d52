/*
 * The cancel token. A signal handler may set it, so setting is one atomic store; the first reason
 * stays.
 */
#include "base/cancel.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define SLICE_MS 50
#define LONG_MS 500

static _Thread_local struct {
	void (*told)(void *ctx, bool sleeps);
	void *ctx;
} on_sleep;

void cancel_set(struct cancel *c, int why)
{
	int none = 0;

	atomic_compare_exchange_strong(&c->signal, &none, why ? why : -1);
}

bool cancel_is_set(const struct cancel *c)
{
	return c && atomic_load(&c->signal) != 0;
}

int cancel_error(const struct cancel *c, struct err *e)
{
	int why = atomic_load(&c->signal);

	if (why == SIGINT)
		return err_set(e, ERR_CANCELLED, "interrupted");
	if (why > 0)
		return err_set(e, ERR_CANCELLED, "stopped by signal %d (%s)", why, strsignal(why));
	return err_set(e, ERR_CANCELLED, "cancelled");
}

void cancel_on_sleep(void (*told)(void *ctx, bool sleeps), void *ctx)
{
	on_sleep.told = told;
	on_sleep.ctx = ctx;
}

static int sleep_ms(const struct cancel *c, int64_t ms, struct err *e)
{
	int64_t end = clock_monotonic_ms() + ms;

	for (;;) {
		int64_t left = end - clock_monotonic_ms();
		struct timespec slice = { 0 };

		if (cancel_is_set(c))
			return cancel_error(c, e);
		if (left <= 0)
			return 0;
		slice.tv_nsec = (left < SLICE_MS ? left : SLICE_MS) * 1000000;
		nanosleep(&slice,
		          NULL); /* an interrupting signal is what the token is looked at for */
	}
}

void cancel_tell_sleep(bool sleeps)
{
	if (on_sleep.told)
		on_sleep.told(on_sleep.ctx, sleeps);
}

int cancel_sleep_ms(const struct cancel *c, int64_t ms, struct err *e)
{
	bool is_long = ms >= LONG_MS;
	int result;

	if (is_long)
		cancel_tell_sleep(true);
	result = sleep_ms(c, ms, e);
	if (is_long)
		cancel_tell_sleep(false);
	return result;
}
