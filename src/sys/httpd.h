/*
 * An HTTP server for the API: libmicrohttpd behind one handler. Everything a client sends is
 * bounded: connections in all and from one address (of IPv6 its network: base/network.h), the head,
 * the body (by what the handler allows for the route, asked before a byte of it is read; all bodies
 * together), and the time until the request is whole. Handlers run on a few threads of their own,
 * several at once; what is quick is answered by the server's own threads, so that it is answered
 * however busy the others are.
 */
#ifndef SYS_HTTPD_H
#define SYS_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "sys/httpd_tls.h"

struct httpd;

struct httpd_request {
	const char *method, *path; /* the path as it was sent: not decoded, without the query */
	const char *peer;          /* address of the client, without its port */
	bool from_loopback, is_tls;
	const char *body; /* NUL-terminated; "" for none, and while its limit is asked for */
	size_t body_len;
	void *connection; /* of httpd.c */
};
/* A header, or a parameter of the query (decoded by nobody); NULL = not sent. Valid while the
 * handler runs. */
const char *httpd_header(const struct httpd_request *q, const char *name);
const char *httpd_query(const struct httpd_request *q, const char *name);
/* A header that is a list and may be sent more than once: all of it, in order; NULL = not sent. */
const char *httpd_header_all(struct arena *a, const struct httpd_request *q, const char *name);
/* Each parameter as it was sent ('+' is a blank already), until each returns false. */
void httpd_query_each(const struct httpd_request *q,
                      bool (*each)(void *ctx, const char *name, const char *value), void *ctx);

#define HTTPD_HEADERS 12
struct httpd_reply {
	unsigned status;  /* 200 unless set */
	const char *type; /* Content-Type */
	struct {
		const char *name, *value;
	} headers[HTTPD_HEADERS]; /* further ones; the first NULL name ends them */
	const char *body;         /* in the handler's arena; copied */
	size_t len;
	/* Instead of a body: called for one piece after another, with max bytes of room. Bytes
	 * written, 0 = the end, -1 = cut the connection, HTTPD_WAIT = nothing yet: httpd_sleep was
	 * called, and no thread waits until somebody calls httpd_wake. done is called once,
	 * whatever happens; the connection is not to be named after it. */
	ssize_t (*more)(void *ctx, char *out, size_t max);
	void (*done)(void *ctx);
	void *more_ctx;
};
#define HTTPD_WAIT (-2)
/* httpd_sleep within more, httpd_wake from any thread, once for each; under a lock of the caller's,
 * so that neither comes before the other. All that sleep are woken before httpd_stop. */
void httpd_sleep(void *connection);
void httpd_wake(void *connection);

struct httpd_handler {
	/* Bytes of body that this request may have, before any of it is read; 0 = none. */
	size_t (*body_limit)(void *ctx, const struct httpd_request *q);
	/* Fills the reply; what it points to lives in a. */
	void (*handle)(void *ctx, struct arena *a, const struct httpd_request *q,
	               struct httpd_reply *out);
	/* The reply to what is refused unasked: 413. */
	void (*refuse)(void *ctx, struct arena *a, unsigned status, struct httpd_reply *out);
	void *ctx;
	/* Whether the request is answered without waiting for anything. NULL = all are. */
	bool (*is_quick)(void *ctx, const struct httpd_request *q);
};

struct httpd_limits {
	unsigned connections, connections_per_address; /* of IPv6 its network */
	unsigned idle_s; /* nothing came or went for so long: closed */
	unsigned
	    request_s; /* from the connection, or the last reply, until a begun request is whole */
};
extern const struct httpd_limits httpd_limits_default;

/* address: "ADDR:PORT" or "[v6]:PORT". limits NULL = the default ones. tls NULL = without; else it
 * outlives the server. The handler is copied. ERR_USAGE for a malformed address, ERR_IO naming why
 * it cannot be listened on. */
NODISCARD int httpd_start(const char *address, const struct httpd_handler *handler,
                          const struct httpd_limits *limits, struct httpd_tls *tls,
                          struct httpd **out, struct err *e);
/* Closes every connection and waits for handlers that run. NULL is fine. */
void httpd_stop(struct httpd *h);

/* Whether a well-formed address is of this machine's loopback. ERR_USAGE. */
NODISCARD int httpd_is_loopback(const char *address, bool *loopback, struct err *e);

DEFINE_CLEANUP(httpd_cleanup, struct httpd, httpd_stop)

#endif
