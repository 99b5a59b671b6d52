/*
 * Each stream has what is still to be sent, and the number of the last event in it. The lock guards
 * the list and what is in it; the operation is asked without the lock, on copies, and what it gave
 * is thrown away when the stream has gone meanwhile.
 */
#include "api/stream.h"

#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

#define STREAMS 128
#define STREAMS_OF_ONE 8
#define PAGE 500
#define LOOK_S 1
#define HEARTBEAT_MS 15000
#define AGAIN_MS 10000 /* who it is, is looked up again so often */
#define BUFFER_BYTES ((size_t)1 << 20)

struct stream {
	struct stream *next;
	struct streams *all;
	struct arena *a; /* of what follows */
	const struct operation *op;
	void *in;
	struct who who;
	struct auth_means means;
	void *connection;
	int64_t after, sent_ms, checked_ms;
	struct buf waiting; /* to be sent */
	size_t taken;       /* of it */
	unsigned pass;      /* the thread looked at it in */
	bool is_over, is_asleep;
	bool is_asked, is_gone; /* the thread looks at it without the lock; its connection is not
	                           any more */
};

struct streams {
	struct api *api;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool running, stopping;
	struct stream *first;
	unsigned n;
};

struct streams *streams_new(struct api *api)
{
	struct streams *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		out_of_memory();
	s->api = api;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	return s;
}

static void stream_free(struct stream *x)
{
	buf_done(&x->waiting);
	arena_free(x->a);
	free(x);
}

/* what the connection asks; the server's threads */

static ssize_t on_more(void *ctx, char *out, size_t max)
{
	struct stream *x = ctx;
	size_t left;
	ssize_t n;

	pthread_mutex_lock(&x->all->lock);
	left = x->waiting.len - x->taken;
	if (left > 0) {
		n = (ssize_t)(left < max ? left : max);
		memcpy(out, x->waiting.data + x->taken, (size_t)n);
		x->taken += (size_t)n;
		if (x->taken == x->waiting.len)
			x->waiting.len = x->taken = 0;
	} else if (x->is_over) {
		n = 0;
	} else {
		httpd_sleep(x->connection);
		x->is_asleep = true;
		n = HTTPD_WAIT;
	}
	pthread_mutex_unlock(&x->all->lock);
	return n;
}

static void unlink_stream(struct stream *x)
{
	struct stream **at = &x->all->first;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	x->all->n--;
}

static void on_done(void *ctx)
{
	struct stream *x = ctx;
	struct streams *all = x->all;
	bool is_free;

	pthread_mutex_lock(&all->lock);
	unlink_stream(x);
	x->is_gone = true;
	is_free = !x->is_asked;
	pthread_mutex_unlock(&all->lock);
	if (is_free)
		stream_free(x);
}

/* what the operation gives; the thread */

static int event_write(struct buf *b, const struct field *f, const void *item, int64_t id,
                       struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct field *kind = field_find(f, "kind");
	json_auto_t *value = json_encode(f, item);
	const char *word = kind ? FIELD_STRING(kind, item) : NULL;

	return buf_printf(b, e, "id: %lld\nevent: %s\ndata: %s\n\n", (long long)id,
	                  word ? word : "message", json_text(a, value));
}

/* The items after *after, oldest first, as events; *after = the last one of them. */
static int page_write(const struct operation *op, const struct list_page *page, struct buf *b,
                      int64_t *after, struct err *e)
{
	const struct field *items = field_find(op->out, "items"), *id = field_find(items->of, "id");

	size_t n = page->items.n;
	bool falls = false;

	for (size_t i = 0; i < n; i++) {
		const char *v = page->items.v, *item = v + i * items->of_size;

		if (i == 0 && n > 1)
			falls = FIELD_INT(id, v) > FIELD_INT(id, v + items->of_size);
		if (falls)
			item = v + (n - 1 - i) * items->of_size;
		if (FIELD_INT(id, item) <= *after)
			continue;
		TRY(event_write(b, items->of, item, FIELD_INT(id, item), e));
		*after = FIELD_INT(id, item);
	}
	return 0;
}

static int ask(struct ops *o, struct arena *a, const struct operation *op, const void *in,
               int64_t after, int64_t limit, struct list_page *page, struct err *e)
{
	void *copy = arena_memdup(a, in, op->in_size);

	FIELD_INT(field_find(op->in, "after"), copy) = after;
	FIELD_INT(field_find(op->in, "limit"), copy) = limit;
	return op->run(o, a, copy, page, e);
}

/* Who it is may have changed; a token taken back ends the stream. */
static int who_again(struct streams *s, struct stream *x, struct arena *a, struct err *e)
{
	struct who who = { 0 };

	if (clock_monotonic_ms() - x->checked_ms < AGAIN_MS)
		return 0;
	TRY(auth_again(s->api, a, &x->means, &who, e));
	x->who.role = who.role;
	x->checked_ms = clock_monotonic_ms();
	return 0;
}

static int stream_ask(struct streams *s, struct stream *x, struct buf *b, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct list_page page = { 0 };
	struct ops *o;
	int rc;

	TRY(who_again(s, x, a, e));
	TRY(operation_allowed(&x->who, x->op, e));
	o = ops_daemon_for(s->api->ops, a, &x->who);
	rc = ask(o, a, x->op, x->in, x->after, PAGE, &page, e);
	if (rc == 0)
		rc = page_write(x->op, &page, b, &x->after, e);
	if (rc == 0 && page.upto > x->after)
		x->after = page.upto; /* nothing of it was asked for */
	ops_daemon_part(s->api->ops, o);
	return rc;
}

static void stream_wake(struct stream *x)
{
	if (!x->is_asleep)
		return;
	x->is_asleep = false;
	httpd_wake(x->connection);
}

/* Under the lock: what was found is to be sent, or that all is well. */
static void stream_take(struct stream *x, struct buf *b)
{
	int64_t now = clock_monotonic_ms();
	struct err e;

	if (b->len == 0 && now - x->sent_ms >= HEARTBEAT_MS &&
	    buf_str(b, ": all is well\n\n", &e) < 0)
		return;
	if (b->len > 0) {
		if (buf_add(&x->waiting, b->data, b->len, &e) < 0)
			x->is_over = true;
		x->sent_ms = now;
	}
	if (b->len > 0 || x->is_over)
		stream_wake(x);
}

static bool is_final(const struct err *e)
{
	return e->code == ERR_UNKNOWN_CALLER || e->code == ERR_DENIED || e->code == ERR_NOT_FOUND;
}

/* Leaves the lock while it asks. */
static void stream_look(struct streams *s, struct stream *x)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(BUFFER_BYTES);
	struct err e;
	int rc;

	x->is_asked = true;
	pthread_mutex_unlock(&s->lock);
	rc = stream_ask(s, x, &b, &e);
	pthread_mutex_lock(&s->lock);
	x->is_asked = false;
	if (x->is_gone) {
		stream_free(x);
		return;
	}
	if (rc < 0 && is_final(&e))
		x->is_over = true;
	stream_take(x, &b);
}

/* The next one that this pass has not looked at. A client that does not read is asked nothing for.
 */
static struct stream *stream_next(struct streams *s, unsigned pass)
{
	for (struct stream *x = s->first; x; x = x->next)
		if (x->pass != pass) {
			x->pass = pass;
			if (!x->is_over && x->waiting.len == 0)
				return x;
		}
	return NULL;
}

static void *watch(void *arg)
{
	struct streams *s = arg;
	struct timespec until;
	struct stream *x;

	pthread_mutex_lock(&s->lock);
	for (unsigned pass = 1; !s->stopping; pass++) {
		while (!s->stopping && (x = stream_next(s, pass)))
			stream_look(s, x);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += LOOK_S;
		if (!s->stopping && s->first)
			pthread_cond_timedwait(&s->wake, &s->lock, &until);
		else if (!s->stopping)
			pthread_cond_wait(&s->wake, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* opening and ending */

/* Where it begins: after what the client has seen, or with what is to come. */
static int begin_after(struct api_call *c, int64_t *after, struct err *e)
{
	const char *seen = httpd_header(c->q, "Last-Event-ID");
	struct list_page page = { 0 };

	*after = FIELD_INT(field_find(c->op->in, "after"), c->in);
	if (seen) {
		const struct field f = { .name = "Last-Event-ID", .type = FT_INT };

		TRY(json_decode_text(c->a, &f, seen, after, e));
	} else if (!*after) {
		TRY(ask(c->o, c->a, c->op, c->in, 0, 1, &page, e));
		*after = page.upto;
	}
	/* what cannot be asked for after a number is refused at once */
	return ask(c->o, c->a, c->op, c->in, *after, 1, &page, e);
}

static struct stream *stream_new(struct api_call *c, int64_t after)
{
	struct stream *x = calloc(1, sizeof(*x));
	struct err e;

	if (!x)
		out_of_memory();
	x->a = arena_new(0);
	x->all = c->api->streams;
	x->op = c->op;
	x->in = arena_alloc(x->a, c->op->in_size);
	x->who = (struct who){ .user = arena_strdup(x->a, c->who.user),
		               .role = c->who.role,
		               .address = arena_strdup(x->a, c->who.address),
		               .token = arena_strdup(x->a, c->who.token),
		               .session = arena_strdup(x->a, c->who.session),
		               .scope = scope_dup(x->a, c->who.scope) };
	x->means = auth_means(c, x->a);
	x->connection = c->q->connection;
	x->after = after;
	x->sent_ms = x->checked_ms = clock_monotonic_ms();
	x->waiting.limit = BUFFER_BYTES;
	if (buf_str(&x->waiting, "retry: 3000\n\n", &e) < 0)
		x->is_over = true;
	return x;
}

/* Under the lock. */
static bool has_room(const struct streams *s, const char *user)
{
	unsigned own = 0;

	for (const struct stream *x = s->first; x; x = x->next)
		own += strcmp(x->who.user, user) == 0;
	return !s->stopping && s->n < STREAMS && own < STREAMS_OF_ONE;
}

static bool thread_runs(struct streams *s)
{
	if (!s->running)
		s->running = pthread_create(&s->thread, NULL, watch, s) == 0;
	return s->running;
}

static bool stream_add(struct streams *s, struct stream *x)
{
	bool added;

	pthread_mutex_lock(&s->lock);
	added = has_room(s, x->who.user) && thread_runs(s);
	if (added) {
		x->next = s->first;
		s->first = x;
		s->n++;
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	return added;
}

/* What the request selects must be selected again later: it is decoded into the stream's memory. */
void stream_open(struct api_call *c)
{
	json_auto_t *object = NULL;
	struct stream *x;
	int64_t after = 0;
	struct err e;

	if (begin_after(c, &after, &e) < 0) {
		reply_error(c, &e);
		return;
	}
	x = stream_new(c, after);
	if (json_parse(c->text, strlen(c->text), &object, &e) < 0 ||
	    json_decode(x->a, object, c->op->in, x->in, c->op->in_size, true, &e) < 0) {
		stream_free(x);
		reply_error(c, &e);
	} else if (!stream_add(c->api->streams, x)) {
		stream_free(x);
		reply_too_many(c, 10);
	} else {
		c->reply->status = 200;
		c->reply->type = "text/event-stream";
		c->reply->more = on_more;
		c->reply->done = on_done;
		c->reply->more_ctx = x;
		reply_header(c, "X-Accel-Buffering", "no");
	}
}

void streams_stop(struct streams *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	for (struct stream *x = s->first; x; x = x->next) {
		x->is_over = true;
		stream_wake(x);
	}
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->running)
		pthread_join(s->thread, NULL);
	s->running = false;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	streams_stop(s);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
