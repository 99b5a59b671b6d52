/*
 * The HTTP client (libcurl's multi interface). One struct http is one pool of connections with one
 * set of trust anchors: one background thread drives it, any thread hands exchanges to it and
 * waits. HTTP/2 over one connection where the server speaks it. https only unless allow_http; no
 * redirects are followed. Everything is bounded: answer body, header count and size, time to
 * connect (10 s), time of a whole exchange (30 s by default), and an answer that trickles.
 */
#ifndef SYS_HTTP_H
#define SYS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"

struct http_options {
	const char
	    *ca_bundle_file; /* PEM; NULL = the system's. Replaces the system's trust anchors */
	const char *ca_bundle_pem; /* the same as text; at most one of both */
	const char *proxy; /* URL; NULL = from the environment (https_proxy, all_proxy, no_proxy) */
	const char *user_agent; /* required */
	bool allow_http;        /* tests and http-01 checks only */
	bool unverified; /* the server's certificate is not looked at: as a CA follows redirects to
	                    https before there is a certificate */
	bool public_only; /* every request as if its own public_only were set */
};
struct http;
/* Makes no connection and starts no thread until the first exchange. ERR_INPUT if the bundle cannot
 * be read. */
NODISCARD int http_open(const struct http_options *o, struct http **out, struct err *e);
void http_close(struct http *h);

struct http_header {
	const char *name, *value;
};
struct http_request {
	const char *method; /* "GET", "HEAD", "POST", … */
	const char *url;    /* used byte for byte */
	const struct http_header *headers;
	size_t n_headers;
	const char *body; /* NULL = none; must stay until the exchange was waited for */
	size_t body_len;
	size_t max_body; /* of the answer; 0 = 1 MiB. More is ERR_PROTOCOL, or dropped if cut */
	bool cut;
	const char *connect_to; /* "ADDR:PORT" or "[v6]:PORT": connected to instead of what the URL
	                           names, without a proxy, for this one request; NULL = as the URL
	                           says */
	bool public_only;       /* straight, without a proxy, and never to a loopback, link-local or
	                           private       address, whatever the name leads to: ERR_DENIED before
	                           anything       is sent */
	uint32_t limit_ms;      /* of the whole exchange; 0 = 30,000 */
	bool once; /* on a connection of its own: on one that was used before, a request
	              that is cut before its answer would be sent again unseen */
};
struct http_response {
	int status;                        /* 100 .. 599 */
	const struct http_header *headers; /* names in lower case */
	size_t n_headers;
	const char *body; /* NUL-terminated */
	size_t body_len;
};
/* The first header of this (lower-case) name, or NULL. */
const char *http_header(const struct http_response *r, const char *name);

/* Asynchronous form: submit several, then wait for any. A set belongs to one thread. */
struct http_set;
struct http_set *http_set_new(struct http *h);
void http_set_free(struct http_set *s); /* aborts what is under way */
/* Starts an exchange; tag (any number >= 0) tells which it was. The request's strings are copied
 * but for the body. */
NODISCARD int http_set_add(struct http_set *s, const struct http_request *req, size_t tag,
                           struct err *e);
/* Waits until one is finished. Returns 0 with *tag, and *res (in the arena) if it was answered; a
 * transport failure is told in *failure (its code: ERR_NETWORK, ERR_TLS, ERR_PROTOCOL,
 * ERR_CANCELLED; ERR_NONE = answered). -ERR_NOT_FOUND if the set is empty. */
NODISCARD int http_set_wait(struct http_set *s, struct arena *a, const struct cancel *cancel,
                            size_t *tag, struct http_response *res, struct err *failure,
                            struct err *e);
/* One exchange, waited for. */
NODISCARD int http_do(struct http *h, struct arena *a, const struct http_request *req,
                      const struct cancel *cancel, struct http_response *res, struct err *e);

#endif
