/*
 * libmicrohttpd behind sys/httpd.h: a few threads that poll, each with its share of the
 * connections. A request that may wait is handed to the crew, its connection suspended meanwhile.
 * The library's own limits cover memory and idle connections, but not what comes from the many
 * addresses of one party: connections are counted here, by network. A client that sends its request
 * a byte at a time is cut off by a thread of ours, which shuts the socket down while the list's
 * lock keeps the library from closing it.
 */
#include "sys/httpd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/network.h"
#include "sys/httpd_address.h"
#include "sys/httpd_crew.h"

#define THREADS 2
#define CREW 8
#define BODIES_BYTES ((size_t)48 << 20) /* of all requests that are being read or answered */
#define HEAD_BYTES (32 << 10)
/* A page of a thousand certificates of a hundred long names each takes half of it. */
#define ARENA_BYTES ((size_t)256 << 20)

const struct httpd_limits httpd_limits_default = {
	.connections = 1024, .connections_per_address = 768, .idle_s = 20, .request_s = 30
};

/* A connection, from its first byte to its last. */
struct link {
	struct link *next, **at;
	struct network from;
	int fd;
	int64_t since_ms; /* a request is being waited for or read since; 0 = it is answered */
	struct httpd_credentials *tls; /* NULL = none */
};

struct httpd {
	struct MHD_Daemon *mhd;
	struct httpd_handler handler;
	struct httpd_limits limits;
	struct httpd_tls *tls; /* NULL = none */
	pthread_mutex_t lock;  /* of links and stopping */
	pthread_cond_t wake;
	pthread_t reaper;
	bool reaping, stopping;
	struct link *links;
	struct crew *crew;
	atomic_size_t bodies;
};

/* A request, from its head to the end of its reply. */
struct exchange {
	struct crew_item item; /* first */
	struct httpd *h;
	struct arena *a;
	struct httpd_request q;
	struct buf body;
	struct httpd_reply reply;
	bool is_answered, is_handed_over; /* the reply is there; the library has it */
	char peer[INET6_ADDRSTRLEN];
};

const char *httpd_header(const struct httpd_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, name);
}

const char *httpd_query(const struct httpd_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct each {
	bool (*each)(void *ctx, const char *name, const char *value);
	void *ctx;
};

static enum MHD_Result on_parameter(void *cls, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
	struct each *x = cls;

	(void)kind;
	return x->each(x->ctx, name, value ? value : "") ? MHD_YES : MHD_NO;
}

struct gathered {
	struct arena *a;
	const char *name, *text; /* NULL = none yet */
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
	struct gathered *g = cls;

	(void)kind;
	if (strcasecmp(name, g->name) == 0)
		g->text = g->text ? arena_printf(g->a, "%s, %s", g->text, value ? value : "")
		                  : arena_strdup(g->a, value ? value : "");
	return MHD_YES;
}

const char *httpd_header_all(struct arena *a, const struct httpd_request *q, const char *name)
{
	struct gathered g = { a, name, NULL };

	MHD_get_connection_values(q->connection, MHD_HEADER_KIND, on_header, &g);
	return g.text;
}

void httpd_query_each(const struct httpd_request *q,
                      bool (*each)(void *ctx, const char *name, const char *value), void *ctx)
{
	struct each x = { each, ctx };

	MHD_get_connection_values(q->connection, MHD_GET_ARGUMENT_KIND, on_parameter, &x);
}

void httpd_sleep(void *connection)
{
	MHD_suspend_connection(connection);
}

void httpd_wake(void *connection)
{
	MHD_resume_connection(connection);
}

/* replies */

struct stream {
	ssize_t (*more)(void *ctx, char *out, size_t max);
	void (*done)(void *ctx);
	void *ctx;
};

static ssize_t stream_read(void *cls, uint64_t at, char *out, size_t max)
{
	struct stream *s = cls;
	ssize_t n = s->more(s->ctx, out, max);

	(void)at;
	if (n == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == HTTPD_WAIT)
		return 0;
	return n < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : n;
}

static void stream_free(void *cls)
{
	struct stream *s = cls;

	if (s->done)
		s->done(s->ctx);
	free(s);
}

static struct MHD_Response *response_new(const struct httpd_reply *r)
{
	struct MHD_Response *response;
	struct stream *s;

	if (!r->more)
		return MHD_create_response_from_buffer(r->len, (void *)r->body,
		                                       MHD_RESPMEM_MUST_COPY);
	s = calloc(1, sizeof(*s));
	if (!s)
		out_of_memory();
	*s = (struct stream){ r->more, r->done, r->more_ctx };
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16 << 10, stream_read, s,
	                                             stream_free);
	if (!response)
		stream_free(s);
	return response;
}

static enum MHD_Result reply_queue(struct MHD_Connection *c, const struct httpd_reply *r)
{
	struct MHD_Response *response = response_new(r);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	if (r->type)
		MHD_add_response_header(response, "Content-Type", r->type);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	for (size_t i = 0; i < HTTPD_HEADERS && r->headers[i].name; i++)
		MHD_add_response_header(response, r->headers[i].name, r->headers[i].value);
	result = MHD_queue_response(c, r->status ? r->status : 200, response);
	MHD_destroy_response(response);
	return result;
}

/* requests */

static void peer_of(struct exchange *x, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	union httpd_address at = { 0 };

	x->q.peer = x->peer;
	if (!info)
		return;
	if (info->client_addr->sa_family == AF_INET6) {
		memcpy(&at.v6, info->client_addr, sizeof(at.v6));
		inet_ntop(AF_INET6, &at.v6.sin6_addr, x->peer, sizeof(x->peer));
	} else {
		memcpy(&at.v4, info->client_addr, sizeof(at.v4));
		inet_ntop(AF_INET, &at.v4.sin_addr, x->peer, sizeof(x->peer));
	}
	x->q.from_loopback = httpd_address_is_loopback(&at);
}

static struct exchange *exchange_new(struct httpd *h, struct MHD_Connection *c, const char *method,
                                     const char *path)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		out_of_memory();
	x->h = h;
	x->a = arena_new(ARENA_BYTES);
	x->q = (struct httpd_request){ .method = arena_strdup(x->a, method),
		                       .path = arena_strdup(x->a, path),
		                       .body = "",
		                       .connection = c };
	x->q.is_tls = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION) != NULL;
	peer_of(x, c);
	return x;
}

static void exchange_free(struct exchange *x)
{
	/* the client went away while it was answered */
	if (!x->is_handed_over && x->reply.done)
		x->reply.done(x->reply.more_ctx);
	atomic_fetch_sub(&x->h->bodies, x->body.len);
	buf_done(&x->body);
	arena_free(x->a);
	free(x);
}

static enum MHD_Result refuse(struct httpd *h, struct exchange *x, unsigned status)
{
	struct httpd_reply r = { .status = status };

	h->handler.refuse(h->handler.ctx, x->a, status, &r);
	return reply_queue(x->q.connection, &r);
}

/* The head is here. A body announced longer than it may be is never read. */
static enum MHD_Result exchange_begin(struct httpd *h, struct exchange *x)
{
	const char *length = httpd_header(&x->q, "Content-Length");

	x->body.limit = h->handler.body_limit(h->handler.ctx, &x->q);
	if (length && strtoull(length, NULL, 10) > x->body.limit)
		return refuse(h, x, 413);
	return MHD_YES;
}

static struct link *link_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void link_mark(struct httpd *h, struct link *l, int64_t since_ms)
{
	if (!l)
		return;
	pthread_mutex_lock(&h->lock);
	l->since_ms = since_ms;
	pthread_mutex_unlock(&h->lock);
}

static void exchange_handle(struct exchange *x)
{
	x->h->handler.handle(x->h->handler.ctx, x->a, &x->q, &x->reply);
	x->is_answered = true;
}

static void on_turn(struct crew_item *item)
{
	struct exchange *x = (struct exchange *)item;
	struct MHD_Connection *c = x->q.connection;

	exchange_handle(x);
	MHD_resume_connection(c); /* from here on x is the library's again */
}

static enum MHD_Result exchange_reply(struct exchange *x)
{
	x->is_handed_over = true;
	return reply_queue(x->q.connection, &x->reply);
}

static enum MHD_Result exchange_answer(struct httpd *h, struct exchange *x)
{
	if (x->is_answered)
		return exchange_reply(x);
	link_mark(h, link_of(x->q.connection), 0);
	if (x->body.len > 0) {
		x->q.body = x->body.data;
		x->q.body_len = x->body.len;
	}
	if (!h->handler.is_quick || h->handler.is_quick(h->handler.ctx, &x->q)) {
		exchange_handle(x);
		return exchange_reply(x);
	}
	MHD_suspend_connection(x->q.connection);
	if (crew_add(h->crew, &x->item))
		return MHD_YES;
	MHD_resume_connection(x->q.connection);
	return MHD_NO;
}

/* A piece of a body whose length nobody announced, or that is not longer than that. */
static enum MHD_Result body_add(struct httpd *h, struct exchange *x, const char *data, size_t len)
{
	size_t all = atomic_fetch_add(&h->bodies, len) + len;
	struct err e;

	if (all <= BODIES_BYTES && buf_add(&x->body, data, len, &e) == 0)
		return MHD_YES;
	atomic_fetch_sub(&h->bodies, len);
	return MHD_NO;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
	struct exchange *x = *state;

	(void)version;
	if (!x) {
		*state = x = exchange_new(cls, c, method, url);
		return exchange_begin(cls, x);
	}
	if (*upload_len == 0)
		return exchange_answer(cls, x);
	if (body_add(cls, x, upload, *upload_len) == MHD_NO)
		return MHD_NO;
	*upload_len = 0;
	return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode why)
{
	(void)why;
	link_mark(cls, link_of(c), clock_monotonic_ms());
	if (*state)
		exchange_free(*state);
	*state = NULL;
}

/* connections */

static struct httpd_credentials *link_tls(struct httpd *h, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    h->tls ? MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION) : NULL;

	return info && info->tls_session ? httpd_tls_use(h->tls, info->tls_session) : NULL;
}

/* Whether one more may come from there. Threads that take connections at the same time may each
 * find room for the last one. */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t len)
{
	struct httpd *h = cls;
	struct network from;
	unsigned n = 0;

	(void)len;
	if (!network_of(address, &from))
		return MHD_NO;
	pthread_mutex_lock(&h->lock);
	for (const struct link *l = h->links; l; l = l->next)
		n += network_is_same(&l->from, &from);
	pthread_mutex_unlock(&h->lock);
	return n < h->limits.connections_per_address ? MHD_YES : MHD_NO;
}

static struct network link_from(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct network from = { 0 };

	if (info)
		(void)network_of(info->client_addr, &from);
	return from;
}

static void link_add(struct httpd *h, struct MHD_Connection *c, void **context)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		out_of_memory();
	l->fd = info ? info->connect_fd : -1;
	l->since_ms = clock_monotonic_ms();
	l->from = link_from(c);
	l->tls = link_tls(h, c);
	pthread_mutex_lock(&h->lock);
	l->next = h->links;
	l->at = &h->links;
	if (l->next)
		l->next->at = &l->next;
	h->links = l;
	pthread_mutex_unlock(&h->lock);
	*context = l;
}

static void link_drop(struct httpd *h, void **context)
{
	struct link *l = *context;

	if (!l)
		return;
	pthread_mutex_lock(&h->lock);
	*l->at = l->next;
	if (l->next)
		l->next->at = l->at;
	pthread_mutex_unlock(&h->lock);
	if (l->tls)
		httpd_tls_release(h->tls, l->tls);
	free(l);
	*context = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *c, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		link_add(cls, c, context);
	else
		link_drop(cls, context);
}

static void *reap(void *arg)
{
	struct httpd *h = arg;
	struct timespec until;

	pthread_mutex_lock(&h->lock);
	while (!h->stopping) {
		int64_t now = clock_monotonic_ms();

		for (struct link *l = h->links; l; l = l->next)
			if (l->since_ms && now - l->since_ms > (int64_t)h->limits.request_s * 1000)
				shutdown(l->fd, SHUT_RDWR);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&h->wake, &h->lock, &until);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* What the library complains of is what clients do. */
static PRINTF(2, 0) void on_log(void *cls, const char *fmt, va_list args)
{
	struct err words;
	char text[256];

	(void)cls;
	vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	(void)err_set(&words, ERR_IO, "%s", text);
	log_debug("http: %s", words.text);
}

/* Paths and parameters stay as they were sent: who routes them decides what they mean. */
static size_t keep_escapes(void *cls, struct MHD_Connection *c, char *text)
{
	(void)cls;
	(void)c;
	return strlen(text);
}

static int mhd_start(struct httpd *h, const char *address, int fd, struct err *e)
{
	const struct MHD_OptionItem with_tls[] = { { MHD_OPTION_HTTPS_PRIORITIES, 0,
		                                     (void *)httpd_tls_priorities },
		                                   { MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
		                                     httpd_tls_none },
		                                   { MHD_OPTION_END, 0, NULL } },
	                            without[] = { { MHD_OPTION_END, 0, NULL } };
	const unsigned flags = h->tls ? MHD_USE_TLS : 0;

	h->mhd = MHD_start_daemon(
	    flags | MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG |
	        MHD_ALLOW_SUSPEND_RESUME,
	    0, on_accept, h, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
	    MHD_OPTION_CONNECTION_LIMIT, h->limits.connections, MHD_OPTION_CONNECTION_TIMEOUT,
	    h->limits.idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_ARRAY,
	    h->tls ? with_tls : without, MHD_OPTION_END);
	if (h->mhd)
		return 0;
	close(fd);
	return err_set(e, ERR_IO, "the HTTP server cannot be started on %s", address);
}

static struct httpd *httpd_new(const struct httpd_handler *handler,
                               const struct httpd_limits *limits)
{
	struct httpd *h = calloc(1, sizeof(*h));
	pthread_condattr_t attr;

	if (!h)
		out_of_memory();
	h->handler = *handler;
	h->limits = limits ? *limits : httpd_limits_default;
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
	return h;
}

int httpd_start(const char *address, const struct httpd_handler *handler,
                const struct httpd_limits *limits, struct httpd_tls *tls, struct httpd **out,
                struct err *e)
{
	CLEANUP(httpd_cleanup) struct httpd *h = NULL;
	union httpd_address at;
	int fd, why;

	TRY(httpd_address_parse(address, &at, e));
	TRY(httpd_address_listen(address, &at, &fd, e));
	h = httpd_new(handler, limits);
	h->tls = tls;
	if (crew_start(CREW, on_turn, &h->crew, e) < 0) {
		close(fd);
		return -(int)e->code;
	}
	TRY(mhd_start(h, address, fd, e));
	why = pthread_create(&h->reaper, NULL, reap, h);
	if (why)
		return err_errno(e, ERR_IO, why, "cannot start a thread");
	h->reaping = true;
	*out = TAKE(h);
	return 0;
}

void httpd_stop(struct httpd *h)
{
	if (!h)
		return;
	crew_stop(h->crew);
	if (h->mhd)
		MHD_stop_daemon(h->mhd);
	pthread_mutex_lock(&h->lock);
	h->stopping = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	if (h->reaping)
		pthread_join(h->reaper, NULL);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
