/*
 * The HTTP client's thread and the sets of exchanges that other threads hand to it. The thread
 * alone touches the multi handle; exchanges go to it through a queue and come back by their state,
 * both under the lock of struct http, which is never held while anything blocks. An exchange that
 * is given up is withdrawn: its owner waits until the thread has let go of it, which takes no
 * network.
 */
#include "sys/http_curl.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"

#define CONNECTIONS_PER_HOST 8L
#define IDLE_MS 60000
#define CANCEL_SLICE_MS 50

struct http {
	struct http_settings settings;
	pthread_mutex_t lock;
	/* Guarded by lock: */
	bool started, stopping;
	size_t n_withdrawn;
	struct http_exchange *queue, **queue_end; /* handed over, not yet taken */
	/* The thread's own once it runs: */
	CURLM *multi;
	struct http_exchange *running;
	pthread_t thread;
};

struct http_set {
	struct http *http;
	pthread_cond_t finished;
	struct http_exchange *first, **end;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void setup_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void settings_done(struct http_settings *s)
{
	http_trust_done(&s->trust);
	free(s->proxy);
	free(s->user_agent);
}

int http_open(const struct http_options *o, struct http **out, struct err *e)
{
	struct http_settings s = { .allow_http = o->allow_http, .unverified = o->unverified,
		                   .public_only = o->public_only };
	struct http *h;

	if (!o->unverified)
		TRY(http_trust_init(&s.trust, o, e));
	s.proxy = o->proxy ? strdup(o->proxy) : NULL;
	s.user_agent = strdup(o->user_agent);
	h = calloc(1, sizeof *h);
	if (!h || !s.user_agent || (o->proxy && !s.proxy)) {
		settings_done(&s);
		free(h);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	h->settings = s;
	h->queue_end = &h->queue;
	pthread_mutex_init(&h->lock, NULL);
	*out = h;
	return 0;
}

static void unlink_from(struct http_exchange **list, const struct http_exchange *x)
{
	while (*list != x)
		list = &(*list)->next_in_queue;
	*list = x->next_in_queue;
}

static void finish(struct http *h, struct http_exchange *x, CURLcode result)
{
	curl_multi_remove_handle(h->multi, x->easy);
	unlink_from(&h->running, x);
	pthread_mutex_lock(&h->lock);
	x->result = result;
	x->state = EXCHANGE_FINISHED;
	if (x->withdrawn)
		h->n_withdrawn--;
	pthread_cond_signal(&x->set->finished);
	pthread_mutex_unlock(&h->lock);
}

static void start(struct http *h, struct http_exchange *x)
{
	x->next_in_queue = h->running;
	h->running = x;
	if (curl_multi_add_handle(h->multi, x->easy) != CURLM_OK)
		finish(h, x, CURLE_OUT_OF_MEMORY);
}

/* Takes what was handed over. False when the thread is to end. */
static bool take_queue(struct http *h)
{
	struct http_exchange *x, *next;
	bool stopping;

	pthread_mutex_lock(&h->lock);
	stopping = h->stopping;
	x = h->queue;
	h->queue = NULL;
	h->queue_end = &h->queue;
	for (struct http_exchange *y = x; y; y = y->next_in_queue)
		y->state = EXCHANGE_RUNNING;
	pthread_mutex_unlock(&h->lock);
	for (; x; x = next) {
		next = x->next_in_queue;
		start(h, x);
	}
	return !stopping;
}

static struct http_exchange *find_withdrawn(struct http *h)
{
	struct http_exchange *x = NULL;

	pthread_mutex_lock(&h->lock);
	if (h->n_withdrawn)
		for (x = h->running; x && !x->withdrawn; x = x->next_in_queue)
			;
	pthread_mutex_unlock(&h->lock);
	return x;
}

static void drop_withdrawn(struct http *h)
{
	struct http_exchange *x;

	while ((x = find_withdrawn(h)))
		finish(h, x, CURLE_ABORTED_BY_CALLBACK);
}

static void collect_finished(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		char *x = NULL;
		CURLcode result = m->data.result;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		finish(h, (struct http_exchange *)(void *)x, result);
	}
}

static void *drive(void *ctx)
{
	struct http *h = ctx;
	int n_running;

	while (take_queue(h)) {
		drop_withdrawn(h);
		curl_multi_perform(h->multi, &n_running);
		collect_finished(h);
		curl_multi_poll(h->multi, NULL, 0, IDLE_MS, NULL);
	}
	return NULL;
}

/* Signals are for the threads that handle them. */
static int start_thread(struct http *h)
{
	sigset_t all, former;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &former);
	failed = pthread_create(&h->thread, NULL, drive, h);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	return failed;
}

/* With the lock held. */
static int start_once(struct http *h, struct err *e)
{
	int failed;

	if (h->started)
		return 0;
	if (!h->multi && !(h->multi = curl_multi_init()))
		return err_set(e, ERR_MEMORY, "out of memory");
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_PER_HOST);
	if ((failed = start_thread(h)))
		return err_errno(e, ERR_IO, failed, "cannot start a thread");
	h->started = true;
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	if (h->started) {
		pthread_mutex_lock(&h->lock);
		h->stopping = true;
		pthread_mutex_unlock(&h->lock);
		curl_multi_wakeup(h->multi);
		pthread_join(h->thread, NULL);
	}
	if (h->multi)
		curl_multi_cleanup(h->multi);
	pthread_mutex_destroy(&h->lock);
	settings_done(&h->settings);
	free(h);
}

struct http_set *http_set_new(struct http *h)
{
	struct http_set *s = calloc(1, sizeof *s);
	pthread_condattr_t attr;

	if (!s)
		out_of_memory();
	s->http = h;
	s->end = &s->first;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->finished, &attr);
	pthread_condattr_destroy(&attr);
	return s;
}

static void append(struct http_exchange ***end, struct http_exchange *x)
{
	**end = x;
	*end = &x->next_in_queue;
}

/* With the lock held. */
static int hand_over(struct http_set *s, struct http_exchange *x, struct err *e)
{
	TRY(start_once(s->http, e));
	append(&s->http->queue_end, x);
	return 0;
}

int http_set_add(struct http_set *s, const struct http_request *req, size_t tag, struct err *e)
{
	struct http_exchange *x;
	int failed;

	pthread_once(&curl_once, setup_curl);
	TRY(fault_point(FAULT_SEND, e));
	TRY(http_exchange_new(&s->http->settings, req, &x, e));
	x->set = s;
	x->tag = tag;
	pthread_mutex_lock(&s->http->lock);
	failed = hand_over(s, x, e);
	pthread_mutex_unlock(&s->http->lock);
	if (failed < 0) {
		http_exchange_free(x);
		return failed;
	}
	*s->end = x;
	s->end = &x->next_in_set;
	curl_multi_wakeup(s->http->multi);
	return 0;
}

/* With the lock held: removes it from the queue if nobody took it. */
static void withdraw_queued(struct http *h, struct http_exchange *x)
{
	unlink_from(&h->queue, x);
	h->queue_end = &h->queue;
	while (*h->queue_end)
		h->queue_end = &(*h->queue_end)->next_in_queue;
	x->state = EXCHANGE_FINISHED;
}

/* Afterwards nobody but the caller holds it. */
static void withdraw(struct http_set *s, struct http_exchange *x)
{
	struct http *h = s->http;

	pthread_mutex_lock(&h->lock);
	if (x->state == EXCHANGE_QUEUED)
		withdraw_queued(h, x);
	if (x->state == EXCHANGE_RUNNING) {
		x->withdrawn = true;
		h->n_withdrawn++;
		curl_multi_wakeup(h->multi);
	}
	while (x->state != EXCHANGE_FINISHED)
		pthread_cond_wait(&s->finished, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

void http_set_free(struct http_set *s)
{
	struct http_exchange *x, *next;

	if (!s)
		return;
	for (x = s->first; x; x = next) {
		next = x->next_in_set;
		withdraw(s, x);
		http_exchange_free(x);
	}
	pthread_cond_destroy(&s->finished);
	free(s);
}

/* With the lock held. */
static struct http_exchange *find_finished(const struct http_set *s)
{
	struct http_exchange *x = s->first;

	while (x && x->state != EXCHANGE_FINISHED)
		x = x->next_in_set;
	return x;
}

static void wait_slice(struct http_set *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += CANCEL_SLICE_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(&s->finished, &s->http->lock, &until);
}

/* Every exchange ends by itself when its time is over, so without a token there is nothing else to
 * wait for. NULL = cancelled. */
static struct http_exchange *await_finished(struct http_set *s, const struct cancel *cancel)
{
	struct http_exchange *x;

	pthread_mutex_lock(&s->http->lock);
	while (!(x = find_finished(s)) && !cancel_is_set(cancel)) {
		if (cancel)
			wait_slice(s);
		else
			pthread_cond_wait(&s->finished, &s->http->lock);
	}
	pthread_mutex_unlock(&s->http->lock);
	return x;
}

static void take_out(struct http_set *s, const struct http_exchange *x)
{
	struct http_exchange **at = &s->first;

	while (*at != x)
		at = &(*at)->next_in_set;
	*at = x->next_in_set;
	if (!*at)
		s->end = at;
}

int http_set_wait(struct http_set *s, struct arena *a, const struct cancel *cancel, size_t *tag,
                  struct http_response *res, struct err *failure, struct err *e)
{
	struct http_exchange *x;
	int faulted = 0;

	if (!s->first)
		return err_set(e, ERR_NOT_FOUND, "no exchange is under way");
	x = await_finished(s, cancel);
	if (x) {
		faulted = fault_point(FAULT_ANSWER, e);
		if (!faulted)
			http_exchange_result(x, a, res, failure);
	} else {
		x = s->first;
		withdraw(s, x);
		err_set(failure, ERR_CANCELLED, "cancelled");
	}
	*tag = x->tag;
	take_out(s, x);
	http_exchange_free(x);
	return faulted;
}

static void set_cleanup(struct http_set **s)
{
	http_set_free(*s);
}

int http_do(struct http *h, struct arena *a, const struct http_request *req,
            const struct cancel *cancel, struct http_response *res, struct err *e)
{
	CLEANUP(set_cleanup) struct http_set *s = http_set_new(h);
	struct err failure = { 0 };
	size_t tag;

	TRY(http_set_add(s, req, 0, e));
	TRY(http_set_wait(s, a, cancel, &tag, res, &failure, e));
	if (!failure.code)
		return 0;
	*e = failure;
	return -(int)failure.code;
}

const char *http_header(const struct http_response *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (!strcmp(r->headers[i].name, name))
			return r->headers[i].value;
	return NULL;
}
