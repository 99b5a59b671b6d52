/*
 * Signed requests (RFC 8555 6.2), several of one order side by side. One thread works a round off:
 * it sends what has a nonce and a place, asks for nonces while more calls wait than answers are
 * under way to bring one, and takes answers as they come. What each answer means for its call is
 * decided in call_answered() alone.
 */
#include "acme/session_impl.h"

#include <stdlib.h>
#include <string.h>

#include "acme/jws.h"
#include "acme/parse.h"
#include "base/clock.h"
#include "base/log.h"

#define PAUSE_MS 200
#define NONCE_FAILURES_MAX 3
#define LEAST_LIMIT_MS 500
#define BODY_DEFAULT ((size_t)1 << 20)

enum step { STEP_WAITING, STEP_SENT, STEP_DONE };

/* One call on its way. */
struct attempt {
	struct acme_call *call;
	enum step step;
	struct arena *text; /* the signed request, which libcurl reads from until it is answered */
	char *nonce; /* what a badNonce answer brought: the retry must use it (RFC 8555 6.5) */
	unsigned bad_nonces, repeats;
	uint32_t limited_s; /* how long it waited for rate limits */
	int64_t first_sent_ms, not_before_ms;
	struct err failure; /* the last one */
};

struct round {
	struct acme *ca;
	struct arena *a;
	const struct acme_directory *directory;
	const struct identity *identity;
	struct http_set *set;
	struct attempt *v;
	size_t n, n_done, n_sent,
	    n_asking; /* asking: newNonce requests under way, tagged n and up */
	int64_t since_ms;
	bool entered; /* holds a place among the orders */
	unsigned nonce_failures;
	uint32_t nonce_limited_s;
	struct err nonce_failure;
};

static size_t n_under_way(const struct round *r)
{
	return r->n_sent + r->n_asking;
}

static void round_done(struct round *r)
{
	http_set_free(r->set);
	for (size_t i = n_under_way(r); i > 0; i--)
		session_leave(r->ca, &r->ca->requests);
	for (size_t i = 0; i < r->n; i++) {
		arena_free(r->v[i].text);
		free(r->v[i].nonce);
	}
	if (r->entered)
		session_leave(r->ca, &r->ca->orders);
}

static void call_failed(struct round *r, struct attempt *t, const struct err *failure)
{
	t->call->failure = *failure;
	t->step = STEP_DONE;
	r->n_done++;
}

static bool is_one_of(const char *url, const char *x, const char *y, const char *z)
{
	return !strcmp(url, x) || !strcmp(url, y) || !strcmp(url, z);
}

/* Whether sending it twice does no more than sending it once. */
static bool is_harmless(const struct round *r, const struct acme_call *call)
{
	const struct acme_directory *d = r->directory;

	return !is_one_of(call->url, d->new_order, d->new_account, d->key_change);
}

static int64_t at_most(int64_t x, int64_t limit)
{
	return x < limit ? x : limit;
}

/* How long the next exchange may take; less than LEAST_LIMIT_MS = not worth sending. */
static int64_t time_left_ms(const struct round *r, const struct attempt *t)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t left = session_patience_until(r->ca, r->since_ms) - now_ms;

	if (t && t->first_sent_ms)
		left = at_most(left, t->first_sent_ms + PATIENCE_MS - now_ms);
	return at_most(left, EXCHANGE_LIMIT_MS);
}

static void no_time_left(struct round *r, struct attempt *t)
{
	struct err e;

	(void)session_give_up(r->ca, &e);
	call_failed(r, t, t->failure.code && t->failure.code != ERR_NETWORK ? &t->failure : &e);
}

static int sign(struct round *r, struct attempt *t, const char *nonce, char **out, struct err *e)
{
	const struct acme_call *call = t->call;
	const struct key *key = call->key ? call->key : r->identity ? r->identity->key : NULL;
	struct jws_header h = { .nonce = nonce, .url = call->url };

	if (!key || (!call->with_jwk && !r->identity))
		return err_set(e, ERR_USAGE, "there is no account yet at %s", r->ca->directory_url);
	if (!call->with_jwk)
		h.kid = r->identity->account_url;
	arena_free(t->text);
	t->text = arena_new(0);
	return jws_sign(t->text, key, &h, call->payload, out, e);
}

/* Sends one call with the nonce; the place is the caller's. */
static int post(struct round *r, struct attempt *t, const char *nonce, int64_t limit_ms,
                struct err *e)
{
	const struct http_header headers[] = { { "Content-Type", "application/jose+json" },
		                               { "Accept", t->call->accept } };
	struct http_request req = {
		.method = "POST",
		.url = t->call->url,
		.headers = headers,
		.n_headers = t->call->accept ? 2 : 1,
		.max_body = t->call->max_body ? t->call->max_body : BODY_DEFAULT,
		.limit_ms = (uint32_t)limit_ms,
	};
	char *body;

	TRY(sign(r, t, nonce, &body, e));
	req.body = body;
	req.body_len = strlen(body);
	TRY(http_set_add(r->set, &req, (size_t)(t - r->v), e));
	t->call->unknown = true;
	if (!t->first_sent_ms)
		t->first_sent_ms = clock_monotonic_ms();
	t->step = STEP_SENT;
	r->n_sent++;
	return 0;
}

static int ask_for_nonce(struct round *r, struct err *e)
{
	struct http_request req = { .method = "HEAD",
		                    .url = r->directory->new_nonce,
		                    .max_body = SMALL_BODY };
	int64_t limit_ms = time_left_ms(r, NULL);

	req.limit_ms = (uint32_t)(limit_ms < LEAST_LIMIT_MS ? LEAST_LIMIT_MS : limit_ms);
	TRY(http_set_add(r->set, &req, r->n, e));
	r->n_asking++;
	return 0;
}

static char *nonce_for(struct round *r, struct attempt *t)
{
	char *nonce;

	if (t->nonce)
		return TAKE(t->nonce);
	pthread_mutex_lock(&r->ca->lock);
	nonce = nonces_take(&r->ca->nonces, clock_monotonic_ms());
	pthread_mutex_unlock(&r->ca->lock);
	return nonce;
}

static void free_text(char **s)
{
	free(*s);
}

/* Sends the call, or a request for a nonce if more calls wait than nonces are under way; *used:
 * something was sent. */
static int send_or_ask(struct round *r, struct attempt *t, bool *used, struct err *e)
{
	int64_t limit_ms = time_left_ms(r, t);
	size_t n_waiting = r->n - r->n_done - r->n_sent;

	if (limit_ms < LEAST_LIMIT_MS) {
		no_time_left(r, t);
		return 0;
	}
	CLEANUP(free_text) char *nonce = nonce_for(r, t);
	if (nonce) {
		TRY(post(r, t, nonce, limit_ms, e));
		*used = true;
	} else if (n_waiting > n_under_way(r) && r->nonce_failures < NONCE_FAILURES_MAX) {
		TRY(ask_for_nonce(r, e));
		*used = true;
	}
	return 0;
}

/* A place for one more request. Whoever has something under way does not wait for a place: its own
 * answer comes first.
 */
static int find_place(struct round *r, bool *found, struct err *e)
{
	*found = true;
	if (!n_under_way(r))
		return session_enter(r->ca, &r->ca->requests, r->since_ms, e);
	*found = session_try_enter(r->ca, &r->ca->requests);
	return 0;
}

static int send_one(struct round *r, struct attempt *t, bool *used, struct err *e)
{
	bool found;
	int failed;

	*used = false;
	TRY(find_place(r, &found, e));
	if (!found)
		return 0;
	failed = send_or_ask(r, t, used, e);
	if (!*used)
		session_leave(r->ca, &r->ca->requests);
	return failed;
}

static int send_what_can_be(struct round *r, struct err *e)
{
	int64_t now_ms = clock_monotonic_ms();
	bool used = true;

	for (size_t i = 0; i < r->n && used; i++) {
		struct attempt *t = &r->v[i];
		if (t->step != STEP_WAITING || t->not_before_ms > now_ms)
			continue;
		TRY(send_one(r, t, &used, e));
		used = used || t->step == STEP_DONE;
	}
	return 0;
}

/* Nothing is under way: sleeps until a call may be repeated, or tells why there are no nonces. */
static int pause_round(struct round *r, struct err *e)
{
	int64_t now_ms = clock_monotonic_ms(), soonest = INT64_MAX;

	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].step == STEP_WAITING)
			soonest = at_most(soonest, r->v[i].not_before_ms);
	if (soonest > now_ms)
		return cancel_sleep_ms(r->ca->cancel, soonest - now_ms, e);
	if (r->nonce_failures < NONCE_FAILURES_MAX)
		return 0;
	*e = r->nonce_failure;
	return -(int)e->code;
}

static struct http_response response_dup(struct arena *a, const struct http_response *res)
{
	struct http_header *headers = ARENA_ARRAY(a, struct http_header, res->n_headers);
	char *body = arena_alloc(a, res->body_len + 1);

	for (size_t i = 0; i < res->n_headers; i++)
		headers[i] = (struct http_header){ arena_strdup(a, res->headers[i].name),
			                           arena_strdup(a, res->headers[i].value) };
	memcpy(body, res->body, res->body_len);
	return (struct http_response){ res->status, headers, res->n_headers, body, res->body_len };
}

/* Back in the queue, after a pause that grows. */
static void repeat_later(struct attempt *t, const struct err *failure)
{
	t->failure = *failure;
	t->step = STEP_WAITING;
	t->not_before_ms = clock_monotonic_ms() + ((int64_t)PAUSE_MS << (2 * t->repeats));
	t->repeats++;
	log_detail("%s; trying again", failure->text);
}

/* Nothing was done for a request that was limited: it is sent anew, whatever it is. */
static void send_after_limit(struct attempt *t, const struct err *failure)
{
	t->failure = *failure;
	t->step = STEP_WAITING;
	t->first_sent_ms = 0;
	t->not_before_ms = clock_monotonic_ms() + (int64_t)failure->retry_s * 1000;
}

static bool may_repeat(const struct round *r, const struct attempt *t)
{
	return t->repeats < REPEATS_MAX && is_harmless(r, t->call) &&
	       time_left_ms(r, t) > LEAST_LIMIT_MS + PAUSE_MS;
}

static void call_refused(struct round *r, struct attempt *t, const struct http_response *res,
                         struct arena *scratch)
{
	struct err failure = { 0 };
	bool bad_nonce;

	t->call->unknown = res->status >= 500;
	(void)acme_problem_from_response(scratch, res, t->call->url, clock_now(), &failure);
	bad_nonce = !strcmp(failure.problem, "badNonce") && t->bad_nonces < BAD_NONCES_MAX;
	session_heard(r->ca, res, !bad_nonce);
	if (bad_nonce) {
		t->nonce = nonce_of(res) ? strdup(nonce_of(res)) : NULL;
		t->bad_nonces++;
		t->step = STEP_WAITING;
		return;
	}
	if (session_waits(r->ca, &failure, &t->limited_s)) {
		send_after_limit(t, &failure);
		return;
	}
	if (failure.code == ERR_CA_UNAVAILABLE && !failure.retry_s && may_repeat(r, t)) {
		repeat_later(t, &failure);
		return;
	}
	t->call->res = response_dup(r->a, res);
	if (*failure.problem)
		t->call->problem_json = t->call->res.body;
	call_failed(r, t, &failure);
}

static void call_answered(struct round *r, struct attempt *t, const struct http_response *res,
                          struct arena *scratch)
{
	if (res->status < 200 || res->status > 299) {
		call_refused(r, t, res, scratch);
		return;
	}
	session_heard(r->ca, res, true);
	t->call->res = response_dup(r->a, res);
	t->step = STEP_DONE;
	r->n_done++;
}

static void call_not_answered(struct round *r, struct attempt *t, const struct err *failure)
{
	struct err ignored;

	t->call->unknown = !failure->unsent;
	if (failure->code == ERR_NETWORK && may_repeat(r, t)) {
		repeat_later(t, failure);
		return;
	}
	if (failure->code == ERR_NETWORK && time_left_ms(r, t) <= PATIENCE_MS - EXCHANGE_LIMIT_MS)
		(void)session_give_up(r->ca, &ignored); /* what comes after it waits less */
	call_failed(r, t, failure);
}

/* A newNonce request that brought none. The pause is taken only when nothing else may bring one. */
static int nonce_not_had(struct round *r, const struct err *failure, struct err *e)
{
	r->nonce_failure = *failure;
	if (session_waits(r->ca, failure, &r->nonce_limited_s))
		return cancel_sleep_ms(r->ca->cancel, (int64_t)failure->retry_s * 1000, e);
	r->nonce_failures++;
	if (failure->retry_s ||
	    (failure->code != ERR_NETWORK && failure->code != ERR_CA_UNAVAILABLE))
		r->nonce_failures = NONCE_FAILURES_MAX;
	if (n_under_way(r) || r->nonce_failures >= NONCE_FAILURES_MAX)
		return 0;
	return cancel_sleep_ms(r->ca->cancel, (int64_t)PAUSE_MS << r->nonce_failures, e);
}

static int nonce_answered(struct round *r, const struct http_response *res, struct arena *scratch,
                          struct err *e)
{
	struct err failure = { 0 };

	session_heard(r->ca, res, true);
	if (nonce_of(res))
		return 0;
	if (res->status == 404 && directory_refetch(r->ca))
		return acme_directory(r->ca, &r->directory, e);
	if (res->status < 300)
		err_set(&failure, ERR_PROTOCOL, "%s answers without a nonce",
		        r->directory->new_nonce);
	else
		(void)acme_problem_from_response(scratch, res, r->directory->new_nonce, clock_now(),
		                                 &failure);
	return nonce_not_had(r, &failure, e);
}

static int receive_one(struct round *r, struct err *e)
{
	CLEANUP(arena_cleanup) struct arena *scratch = arena_new(0);
	struct http_response res = { 0 };
	struct err failure = { 0 };
	size_t tag = 0;

	TRY(http_set_wait(r->set, scratch, r->ca->cancel, &tag, &res, &failure, e));
	session_leave(r->ca, &r->ca->requests);
	if (tag < r->n)
		r->n_sent--;
	else
		r->n_asking--;
	if (failure.code == ERR_CANCELLED) {
		*e = failure;
		return -ERR_CANCELLED;
	}
	if (tag >= r->n)
		return failure.code ? nonce_not_had(r, &failure, e)
		                    : nonce_answered(r, &res, scratch, e);
	if (failure.code)
		call_not_answered(r, &r->v[tag], &failure);
	else
		call_answered(r, &r->v[tag], &res, scratch);
	return 0;
}

/* Fresh outputs; a URL we must not ask is told at once. */
static void round_begin(struct round *r, struct acme_call *calls)
{
	struct err e;

	for (size_t i = 0; i < r->n; i++) {
		calls[i].res = (struct http_response){ 0 };
		calls[i].failure = (struct err){ 0 };
		calls[i].problem_json = NULL;
		calls[i].unknown = false;
		r->v[i].call = &calls[i];
		if (acme_url_is_ok(calls[i].url, r->ca->allow_http))
			continue;
		err_set(&e, ERR_PROTOCOL, "\"%.200s\" is not a URL that can be used", calls[i].url);
		call_failed(r, &r->v[i], &e);
	}
}

static int work_off(struct round *r, struct err *e)
{
	while (r->n_done < r->n) {
		TRY(send_what_can_be(r, e));
		if (n_under_way(r))
			TRY(receive_one(r, e));
		else if (r->n_done < r->n)
			TRY(pause_round(r, e));
	}
	return 0;
}

int acme_call_many(struct acme *ca, struct arena *a, struct acme_call *calls, size_t n,
                   struct err *e)
{
	struct round r CLEANUP(
	    round_done) = { .ca = ca, .a = a, .n = n, .since_ms = clock_monotonic_ms() };

	r.v = ARENA_ARRAY(a, struct attempt, n);
	round_begin(&r, calls);
	TRY(acme_directory(ca, &r.directory, e));
	TRY(session_enter(ca, &ca->orders, r.since_ms, e));
	r.entered = true;
	r.identity = session_identity(ca);
	r.set = http_set_new(ca->http);
	return work_off(&r, e);
}

int acme_call(struct acme *ca, struct arena *a, struct acme_call *call, struct err *e)
{
	TRY(acme_call_many(ca, a, call, 1, e));
	if (!call->failure.code)
		return 0;
	*e = call->failure;
	return -(int)e->code;
}
