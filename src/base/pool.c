/*
 * Items worked off by a few threads that live as long as the call. The only state they share is the
 * counter of the next item. Fewer threads than asked for are enough; what the threads do is the
 * caller's affair.
 */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"

struct pool {
	atomic_size_t next;
	size_t n;
	void (*work)(void *ctx, size_t i);
	void *ctx;
	struct log_context log; /* the caller's, which its threads inherit */
};

static void *run(void *p)
{
	struct pool *pool = p;
	size_t i;

	log_context_restore(&pool->log);
	while ((i = atomic_fetch_add(&pool->next, 1)) < pool->n)
		pool->work(pool->ctx, i);
	return NULL;
}

int pool_run(size_t threads, size_t n, void (*work)(void *ctx, size_t i), void *ctx, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = NULL;
	struct pool pool = { .n = n, .work = work, .ctx = ctx };
	size_t started = 0;
	pthread_t *ids;
	int error = 0;

	if (threads > n)
		threads = n;
	if (threads <= 1) {
		for (size_t i = 0; i < n; i++)
			work(ctx, i);
		return 0;
	}
	pool.log = log_context_set("%s", "");
	log_context_restore(&pool.log);
	a = arena_new(0);
	ids = ARENA_ARRAY(a, pthread_t, threads);
	while (started < threads && (error = pthread_create(&ids[started], NULL, run, &pool)) == 0)
		started++;
	for (size_t i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	return started ? 0 : err_errno(e, ERR_IO, error, "cannot start a thread");
}
