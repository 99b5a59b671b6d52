/*
 * One mutex for the queue and the counts, never held while anything is worked on. Threads are made
 * when there is more to do than threads to do it, and end when there was nothing for a while: an
 * idle daemon has none. A slot that comes free wakes one thread, not all of them: first one that
 * slept and wants to go on, else one that is idle.
 */
#include "daemon/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/log.h"

#define IDLE_S 10
#define STACK_BYTES ((size_t)1 << 20)

struct item {
	struct item *next;
	char *subject, *group;
	bool running;
};

struct workers {
	struct workers_options o;
	pthread_mutex_t lock;
	pthread_cond_t work, slot, ended; /* for the idle, for those who slept, for workers_await */
	struct item *items;               /* queued and running, oldest first */
	unsigned threads, idle, active, sleeping, waking; /* waking: slept, and wait for a slot */
	bool stopping;
};

struct workers *workers_new(const struct workers_options *o)
{
	struct workers *w = calloc(1, sizeof(*w));
	pthread_cond_t *all[] = { &w->work, &w->slot, &w->ended };
	pthread_condattr_t attr;

	if (!w)
		out_of_memory();
	w->o = *o;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		pthread_cond_init(all[i], &attr);
	pthread_condattr_destroy(&attr);
	return w;
}

static void item_free(struct item *x)
{
	free(x->subject);
	free(x->group);
	free(x);
}

void workers_free(struct workers *w)
{
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->slot);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* the queue; the lock is held */

static unsigned running_of(const struct workers *w, const char *group)
{
	unsigned n = 0;

	for (const struct item *x = w->items; x; x = x->next)
		n += x->running && strcmp(x->group, group) == 0;
	return n;
}

/* The oldest of those whose group has the fewest at work. */
static struct item *next_item(struct workers *w)
{
	struct item *best = NULL;
	const char *counted = NULL;
	unsigned fewest = 0, n = 0;

	if (w->stopping || w->active + w->waking >= w->o.slots)
		return NULL;
	for (struct item *x = w->items; x; x = x->next) {
		if (x->running)
			continue;
		if (!counted || strcmp(counted, x->group) != 0) {
			counted = x->group;
			n = running_of(w, counted);
		}
		if (!best || n < fewest) {
			best = x;
			fewest = n;
		}
		if (fewest == 0)
			break;
	}
	return best;
}

static void item_remove(struct workers *w, struct item *item)
{
	struct item **at = &w->items;

	while (*at != item)
		at = &(*at)->next;
	*at = item->next;
	item_free(item);
}

static void *worker(void *arg);

static void thread_add(struct workers *w)
{
	pthread_attr_t attr;
	pthread_t id;
	int why;

	if (w->threads >= w->o.most)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	why = pthread_create(&id, &attr, worker, w);
	pthread_attr_destroy(&attr);
	if (why == 0)
		w->threads++;
	else if (w->threads == 0)
		log_error("no thread can be started: %s", strerror(why));
}

/* After any change of what there is to do or of who does it; the lock is held. Whoever is woken
 * calls it again when it has what it came for, so that one wake for several changes is enough. */
static void wake(struct workers *w)
{
	if (w->waking > 0 && w->active < w->o.slots)
		pthread_cond_signal(&w->slot);
	else if (!next_item(w))
		return;
	else if (w->idle > 0)
		pthread_cond_signal(&w->work);
	else
		thread_add(w);
}

/* threads */

static void on_sleep(void *ctx, bool sleeps)
{
	struct workers *w = ctx;

	pthread_mutex_lock(&w->lock);
	if (sleeps) {
		w->active--;
		w->sleeping++;
		wake(w);
	} else {
		w->waking++;
		while (w->active >= w->o.slots && !w->stopping)
			pthread_cond_wait(&w->slot, &w->lock);
		w->waking--;
		w->sleeping--;
		w->active++;
		wake(w);
	}
	pthread_mutex_unlock(&w->lock);
}

void workers_aside(struct workers *w, bool begins)
{
	if (begins)
		on_sleep(w, true);
	cancel_on_sleep(begins ? NULL : on_sleep, w);
	if (!begins)
		on_sleep(w, false);
}

/* With the lock; false after a while without work. */
static bool await_item(struct workers *w, struct item **out)
{
	struct timespec until;
	int why = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_S;
	w->idle++;
	while (!w->stopping && !(*out = next_item(w)) && why != ETIMEDOUT)
		why = pthread_cond_timedwait(&w->work, &w->lock, &until);
	w->idle--;
	return !w->stopping && *out;
}

static void work_item(struct workers *w, struct item *item)
{
	item->running = true;
	w->active++;
	wake(w);
	pthread_mutex_unlock(&w->lock);
	w->o.work(w->o.ctx, item->subject);
	pthread_mutex_lock(&w->lock);
	w->active--;
	item_remove(w, item);
	wake(w);
}

static void *worker(void *arg)
{
	struct workers *w = arg;
	struct item *item = NULL;

	cancel_on_sleep(on_sleep, w);
	pthread_mutex_lock(&w->lock);
	while (await_item(w, &item))
		work_item(w, item);
	if (--w->threads == 0)
		pthread_cond_broadcast(&w->ended);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* from outside */

static char *copy(const char *s)
{
	char *c = strdup(s);

	if (!c)
		out_of_memory();
	return c;
}

static void queue(struct workers *w, const char *subject, const char *group)
{
	struct item **at = &w->items, *x;

	for (; *at; at = &(*at)->next)
		if (strcmp((*at)->subject, subject) == 0)
			return;
	x = calloc(1, sizeof(*x));
	if (!x)
		out_of_memory();
	*x = (struct item){ .subject = copy(subject), .group = copy(group ? group : "") };
	*at = x;
}

void workers_offer(struct workers *w, const char *subject, const char *group)
{
	pthread_mutex_lock(&w->lock);
	if (!w->stopping) {
		queue(w, subject, group);
		wake(w); /* also for what is there already: no thread could be made for it, perhaps
		          */
	}
	pthread_mutex_unlock(&w->lock);
}

void workers_set_slots(struct workers *w, unsigned slots)
{
	pthread_mutex_lock(&w->lock);
	w->o.slots = slots;
	pthread_cond_broadcast(&w->slot);
	pthread_cond_broadcast(&w->work);
	wake(w);
	pthread_mutex_unlock(&w->lock);
}

void workers_load(struct workers *w, struct workers_load *out)
{
	pthread_mutex_lock(&w->lock);
	*out = (struct workers_load){ .sleeping = w->sleeping, .slots = w->o.slots };
	for (const struct item *x = w->items; x; x = x->next) {
		out->running += x->running;
		out->queued += !x->running;
	}
	pthread_mutex_unlock(&w->lock);
}

void workers_stop(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	for (struct item **at = &w->items; *at;) {
		struct item *x = *at;

		if (x->running) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		item_free(x);
	}
	pthread_cond_broadcast(&w->slot);
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
}

bool workers_await(struct workers *w, int64_t ms)
{
	struct timespec until;
	bool ended;
	int why = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&w->lock);
	while (w->threads > 0 && why != ETIMEDOUT)
		why = pthread_cond_timedwait(&w->ended, &w->lock, &until);
	ended = w->threads == 0;
	pthread_mutex_unlock(&w->lock);
	return ended;
}
