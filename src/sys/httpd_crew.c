/* A queue, and the threads that work it off: see sys/httpd_crew.h. */
#include "sys/httpd_crew.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"

struct crew {
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	struct crew_item *first, **last;
	bool stopping;
	void (*work)(struct crew_item *item);
	unsigned n_threads;
	pthread_t threads[];
};

static struct crew_item *take(struct crew *c)
{
	struct crew_item *item;

	pthread_mutex_lock(&c->lock);
	while (!c->first && !c->stopping)
		pthread_cond_wait(&c->wake, &c->lock);
	item = c->first;
	if (item) {
		c->first = item->next;
		if (!c->first)
			c->last = &c->first;
	}
	pthread_mutex_unlock(&c->lock);
	return item;
}

static void *work_off(void *arg)
{
	struct crew *c = arg;
	struct crew_item *item;

	while ((item = take(c)))
		c->work(item);
	return NULL;
}

bool crew_add(struct crew *c, struct crew_item *item)
{
	bool taken;

	item->next = NULL;
	pthread_mutex_lock(&c->lock);
	taken = !c->stopping;
	if (taken) {
		*c->last = item;
		c->last = &item->next;
		pthread_cond_signal(&c->wake);
	}
	pthread_mutex_unlock(&c->lock);
	return taken;
}

int crew_start(unsigned threads, void (*work)(struct crew_item *item), struct crew **out,
               struct err *e)
{
	CLEANUP(crew_cleanup)
	struct crew *c = calloc(1, sizeof(*c) + threads * sizeof(c->threads[0]));
	int why = 0;

	if (!c)
		out_of_memory();
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	c->last = &c->first;
	c->work = work;
	while (c->n_threads < threads && why == 0) {
		why = pthread_create(&c->threads[c->n_threads], NULL, work_off, c);
		c->n_threads += why == 0;
	}
	if (why)
		return err_errno(e, ERR_IO, why, "cannot start a thread");
	*out = TAKE(c);
	return 0;
}

void crew_stop(struct crew *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_broadcast(&c->wake);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; i < c->n_threads; i++)
		pthread_join(c->threads[i], NULL);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
