/*
 * The session itself: opened, closed, and what all its threads share - the account in use, the
 * gates that bound what is under way, and the last time the server showed life. A thread that waits
 * here looks at the cancel token every 50 ms.
 */
#include "acme/session_impl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "acme/parse.h"
#include "base/clock.h"
#include "base/log.h"

#define IN_FLIGHT 8
#define ORDERS 4
#define SLICE_NS (50 * 1000000L)

static void init_cond(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static void init_gate(struct gate *g, unsigned max)
{
	g->max = max;
	init_cond(&g->freed);
}

int acme_open(const struct acme_options *o, struct acme **out, struct err *e)
{
	struct acme *ca;

	if (!acme_url_is_ok(o->directory_url, true))
		return err_set(e, ERR_INPUT,
		               "\"%.200s\" is not the URL of an ACME directory; it looks like "
		               "https://host/path",
		               o->directory_url);
	ca = calloc(1, sizeof *ca);
	if (!ca || !(ca->directory_url = strdup(o->directory_url))) {
		free(ca);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	ca->http = o->http;
	ca->issuers = x509_issuers_new();
	ca->cancel = o->cancel;
	ca->allow_http = !strncasecmp(o->directory_url, "http:", 5);
	pthread_mutex_init(&ca->lock, NULL);
	init_cond(&ca->fetched);
	init_gate(&ca->requests, o->max_in_flight ? o->max_in_flight : IN_FLIGHT);
	init_gate(&ca->orders, o->max_orders ? o->max_orders : ORDERS);
	init_gate(&ca->new_orders, ca->orders.max > ORDERS ? ca->orders.max / ORDERS : 1);
	*out = ca;
	return 0;
}

void acme_close(struct acme *ca)
{
	struct identity *former;

	if (!ca)
		return;
	for (; ca->identity; ca->identity = former) {
		former = ca->identity->former;
		key_free(ca->identity->key);
		free(ca->identity->account_url);
		free(ca->identity);
	}
	nonces_clear(&ca->nonces);
	x509_issuers_free(ca->issuers);
	for (size_t i = 0; i < ca->n_directories; i++)
		arena_free(ca->directories[i]);
	pthread_cond_destroy(&ca->requests.freed);
	pthread_cond_destroy(&ca->orders.freed);
	pthread_cond_destroy(&ca->new_orders.freed);
	pthread_cond_destroy(&ca->fetched);
	pthread_mutex_destroy(&ca->lock);
	free(ca->directory_url);
	free(ca);
}

const char *acme_directory_url(const struct acme *ca)
{
	return ca->directory_url;
}

void acme_use_account(struct acme *ca, const struct key *key, const char *account_url)
{
	struct identity *i = calloc(1, sizeof *i);

	if (!i || !(i->account_url = strdup(account_url)))
		out_of_memory();
	i->key = key_ref(key);
	pthread_mutex_lock(&ca->lock);
	i->former = ca->identity;
	ca->identity = i;
	pthread_mutex_unlock(&ca->lock);
}

const struct identity *session_identity(struct acme *ca)
{
	const struct identity *i;

	pthread_mutex_lock(&ca->lock);
	i = ca->identity;
	pthread_mutex_unlock(&ca->lock);
	return i;
}

/* The lock is no part of what const promises. */
const char *acme_account_url(const struct acme *ca)
{
	const struct identity *i = session_identity((struct acme *)ca);

	return i ? i->account_url : NULL;
}

const struct key *acme_account_key(const struct acme *ca)
{
	const struct identity *i = session_identity((struct acme *)ca);

	return i ? i->key : NULL;
}

void session_wait_slice(struct acme *ca, pthread_cond_t *what)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += SLICE_NS;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(what, &ca->lock, &until);
}

static int64_t patience_until(const struct acme *ca, int64_t since_ms)
{
	if (ca->silent)
		return since_ms + PATIENCE_LATER_MS;
	return (ca->last_answer_ms > since_ms ? ca->last_answer_ms : since_ms) + PATIENCE_MS;
}

int64_t session_patience_until(struct acme *ca, int64_t since_ms)
{
	int64_t until;

	pthread_mutex_lock(&ca->lock);
	until = patience_until(ca, since_ms);
	pthread_mutex_unlock(&ca->lock);
	return until;
}

bool session_waits(struct acme *ca, const struct err *refusal, uint32_t *waited_s)
{
	int64_t until_ms = clock_monotonic_ms() + (int64_t)refusal->retry_s * 1000;

	if (refusal->code != ERR_RATE_LIMITED || refusal->retry_s == 0 ||
	    refusal->retry_s > LIMITED_MOST_S - *waited_s)
		return false;
	*waited_s += refusal->retry_s;
	pthread_mutex_lock(&ca->lock);
	if (ca->last_answer_ms < until_ms)
		ca->last_answer_ms = until_ms;
	pthread_mutex_unlock(&ca->lock);
	log_info("waiting %u s, as the CA wishes: %s", refusal->retry_s, refusal->text);
	return true;
}

int session_give_up(struct acme *ca, struct err *e)
{
	pthread_mutex_lock(&ca->lock);
	ca->silent = true;
	pthread_mutex_unlock(&ca->lock);
	return err_set(e, ERR_NETWORK,
	               "%s does not answer; is the CA up, and is the way to it open?",
	               ca->directory_url);
}

/* With the lock held. */
static int wait_at(struct acme *ca, struct gate *g, int64_t since_ms, struct err *e)
{
	while (g->used >= g->max) {
		if (cancel_is_set(ca->cancel))
			return err_set(e, ERR_CANCELLED, "cancelled");
		if (clock_monotonic_ms() > patience_until(ca, since_ms))
			return err_set(
			    e, ERR_NETWORK,
			    "%s does not answer; is the CA up, and is the way to it open?",
			    ca->directory_url);
		session_wait_slice(ca, &g->freed);
	}
	return 0;
}

int session_enter(struct acme *ca, struct gate *g, int64_t since_ms, struct err *e)
{
	int failed;

	pthread_mutex_lock(&ca->lock);
	failed = wait_at(ca, g, since_ms, e);
	if (!failed)
		g->used++;
	pthread_mutex_unlock(&ca->lock);
	return failed;
}

bool session_try_enter(struct acme *ca, struct gate *g)
{
	bool entered;

	pthread_mutex_lock(&ca->lock);
	entered = g->used < g->max;
	if (entered)
		g->used++;
	pthread_mutex_unlock(&ca->lock);
	return entered;
}

void session_leave(struct acme *ca, struct gate *g)
{
	pthread_mutex_lock(&ca->lock);
	g->used--;
	pthread_cond_signal(&g->freed);
	pthread_mutex_unlock(&ca->lock);
}

void session_heard(struct acme *ca, const struct http_response *res, bool keep_nonce)
{
	const char *nonce = keep_nonce ? nonce_of(res) : NULL;
	int64_t now_ms = clock_monotonic_ms();

	pthread_mutex_lock(&ca->lock);
	if (ca->last_answer_ms < now_ms)
		ca->last_answer_ms = now_ms;
	ca->silent = false;
	if (nonce)
		nonces_put(&ca->nonces, nonce, now_ms);
	pthread_mutex_unlock(&ca->lock);
}
