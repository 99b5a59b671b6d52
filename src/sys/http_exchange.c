/*
 * One request as a libcurl handle, and what became of it: limits while the answer comes in, and
 * afterwards either a response in an arena or a failure in plain words. Made and read by the thread
 * that asks; libcurl's callbacks run on the thread of http.c, between http_set_add and the end of
 * the exchange.
 */
#include "sys/http_curl.h"
#include "sys/reach.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 8192
#define HEADERS_MAX 100
#define HEADER_BYTES_MAX ((size_t)64 << 10)
#define BODY_MAX ((size_t)1 << 20)
#define LIMIT_MS 30000
#define ADDRESS_MAX 128
#define CONNECT_MS 10000L
#define SLOW_BYTES_PER_S 50L
#define SLOW_S 30L

DEFINE_CLEANUP(exchange_cleanup, struct http_exchange, http_exchange_free)
DEFINE_CLEANUP(url_cleanup, CURLU, curl_url_cleanup)
DEFINE_CLEANUP(curl_text_cleanup, char, curl_free)

static int no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "out of memory");
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct http_exchange *x = ctx;
	size_t room = x->max_body - x->body.len, len = size * n;
	struct err e;

	if (buf_add(&x->body, data, x->cut && len > room ? room : len, &e) >= 0)
		return len;
	err_set(&x->refused, ERR_PROTOCOL, "the answer of %s is larger than %zu bytes", x->host,
	        x->max_body);
	return 0;
}

static bool is_status_line(const char *line, size_t len)
{
	return len >= 5 && !memcmp(line, "HTTP/", 5);
}

/* Keeps the raw lines of the last header block: a block before it was an interim answer (1xx). */
static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct http_exchange *x = ctx;
	size_t len = size * n;
	struct err e;

	if (is_status_line(line, len)) {
		x->headers.len = 0;
		x->n_headers = 0;
		return len;
	}
	if (x->n_headers < HEADERS_MAX && buf_add(&x->headers, line, len, &e) >= 0) {
		x->n_headers++;
		return len;
	}
	err_set(&x->refused, ERR_PROTOCOL, "the answer of %s has more headers than anybody needs",
	        x->host);
	return 0;
}

static int name_host(struct http_exchange *x, CURLU *url, struct err *e)
{
	CLEANUP(curl_text_cleanup) char *host = NULL, *port = NULL;

	if (curl_url_get(url, CURLUPART_HOST, &host, 0) ||
	    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		return err_set(e, ERR_INPUT, "the URL names no host");
	if (asprintf(&x->host, "%s:%s", host, port) < 0) {
		x->host = NULL;
		return no_memory(e);
	}
	return 0;
}

/* Control characters, blanks and backslashes are what a URL that is used byte for byte must not
 * have. */
static bool has_clean_text(const char *url)
{
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '\\')
			return false;
	return strlen(url) <= URL_MAX;
}

static int take_url(struct http_exchange *x, const struct http_settings *s, const char *url,
                    struct err *e)
{
	CLEANUP(url_cleanup) CURLU *u = curl_url();
	CLEANUP(curl_text_cleanup) char *scheme = NULL;

	if (!u)
		return no_memory(e);
	if (!has_clean_text(url) ||
	    curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER | CURLU_PATH_AS_IS) ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0))
		return err_set(e, ERR_INPUT,
		               "\"%.200s\" is not a URL; it looks like https://host/path", url);
	if (strcmp(scheme, "https") && !(s->allow_http && !strcmp(scheme, "http")))
		return err_set(e, ERR_INPUT, "\"%.200s\" is not an https:// URL", url);
	TRY(name_host(x, u, e));
	return curl_easy_setopt(x->easy, CURLOPT_URL, url) ? no_memory(e) : 0;
}

static int add_header(struct http_exchange *x, const char *line, struct err *e)
{
	struct curl_slist *longer = curl_slist_append(x->sent_headers, line);

	if (!longer)
		return no_memory(e);
	x->sent_headers = longer;
	return 0;
}

static int take_headers(struct http_exchange *x, const struct http_request *req, struct err *e)
{
	TRY(add_header(x, "Expect:", e)); /* no pause for a 100 before a body */
	for (size_t i = 0; i < req->n_headers; i++) {
		CLEANUP(buf_done) struct buf line = BUF_LIMIT(HEADER_BYTES_MAX);
		TRY(buf_printf(&line, e, "%s: %s", req->headers[i].name, req->headers[i].value));
		if (strpbrk(line.data, "\r\n"))
			return err_set(e, ERR_INPUT, "a header of the request has a line break");
		TRY(add_header(x, line.data, e));
	}
	curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->sent_headers);
	return 0;
}

static void take_method(struct http_exchange *x, const struct http_request *req)
{
	if (req->body) {
		curl_easy_setopt(x->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, req->body);
		curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
	}
	if (!strcmp(req->method, "HEAD"))
		curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
	else if (strcmp(req->method, req->body ? "POST" : "GET"))
		curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, req->method);
	if (req->once)
		curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L);
}

static void set_limits(struct http_exchange *x, const struct http_request *req)
{
	x->limit_ms = req->limit_ms ? req->limit_ms : LIMIT_MS;
	x->max_body = req->max_body ? req->max_body : BODY_MAX;
	x->headers = (struct buf)BUF_LIMIT(HEADER_BYTES_MAX);
	x->body = (struct buf)BUF_LIMIT(x->max_body);
	x->cut = req->cut;
	curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)x->limit_ms);
	curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES_PER_S);
	curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, SLOW_S);
}

static void set_connection(CURL *easy, const struct http_settings *s)
{
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, s->allow_http ? "http,https" : "https");
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT,
	                 1L); /* a name that does not resolve must not hold a cancelled exchange */
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(
	    easy, CURLOPT_UPLOAD_BUFFERSIZE,
	    16384L); /* requests are small; 64 KiB each make malloc tidy up each time */
	curl_easy_setopt(easy, CURLOPT_USERAGENT, s->user_agent);
	if (s->proxy)
		curl_easy_setopt(easy, CURLOPT_PROXY, s->proxy);
	if (s->unverified) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	} else {
		http_trust_apply(&s->trust, easy);
	}
}

/* Any host and port of the URL; the name in it stays what the server is asked for. */
static int set_address(struct http_exchange *x, const struct http_request *req, struct err *e)
{
	CLEANUP(buf_done) struct buf line = BUF_LIMIT(ADDRESS_MAX);

	if (!req->connect_to)
		return 0;
	TRY(buf_printf(&line, e, "::%s", req->connect_to));
	x->connect_to = curl_slist_append(NULL, line.data);
	if (!x->connect_to)
		return no_memory(e);
	curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, x->connect_to);
	curl_easy_setopt(x->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, 1L);
	return 0;
}

/* The address that the connection has now is what counts, also of one that was made for somebody
 * who may reach it: what a name leads to may change between any look at it and the connection. */
static int on_connected(void *ctx, char *peer, char *own, int peer_port, int own_port)
{
	struct http_exchange *x = ctx;

	(void)own;
	(void)peer_port;
	(void)own_port;
	if (!reach_is_inside(peer))
		return CURL_PREREQFUNC_OK;
	x->places = (struct http_places){ .inside = true };
	return CURL_PREREQFUNC_ABORT;
}

static void set_public_only(struct http_exchange *x, const struct http_settings *s,
                            const struct http_request *req)
{
	if (!s->public_only && !req->public_only)
		return;
	http_public_apply(x->easy, &x->places);
	curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x);
}

static void set_callbacks(struct http_exchange *x)
{
	curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
	curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->curl_text);
	curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
}

int http_exchange_new(const struct http_settings *s, const struct http_request *req,
                      struct http_exchange **out, struct err *e)
{
	CLEANUP(exchange_cleanup) struct http_exchange *x = calloc(1, sizeof *x);

	if (!x || !(x->easy = curl_easy_init()))
		return no_memory(e);
	set_callbacks(x);
	set_connection(x->easy, s);
	set_limits(x, req);
	TRY(take_url(x, s, req->url, e));
	TRY(take_headers(x, req, e));
	TRY(set_address(x, req, e));
	set_public_only(x, s, req);
	take_method(x, req);
	*out = TAKE(x);
	return 0;
}

void http_exchange_free(struct http_exchange *x)
{
	if (!x)
		return;
	if (x->easy)
		curl_easy_cleanup(x->easy);
	curl_slist_free_all(x->sent_headers);
	curl_slist_free_all(x->connect_to);
	buf_done(&x->headers);
	buf_done(&x->body);
	free(x->host);
	free(x);
}

/* "Name: value\r\n" of len bytes; false for anything else (the empty last line, a folded line). */
static bool split_header(struct arena *a, const char *line, size_t len, struct http_header *out)
{
	const char *colon = memchr(line, ':', len), *end = line + len;

	if (!colon || colon == line || isspace((unsigned char)*line))
		return false;
	char *name = arena_strndup(a, line, (size_t)(colon - line));
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (colon++; colon < end && isspace((unsigned char)*colon); colon++)
		;
	while (end > colon && isspace((unsigned char)end[-1]))
		end--;
	*out = (struct http_header){ name, arena_strndup(a, colon, (size_t)(end - colon)) };
	return true;
}

static void read_headers(const struct http_exchange *x, struct arena *a, struct http_response *res)
{
	struct http_header *v = ARENA_ARRAY(a, struct http_header, x->n_headers + 1);
	const char *p = x->headers.data ? x->headers.data : "", *end = p + x->headers.len;

	for (size_t i = 0; p < end && i < x->n_headers; i++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = newline ? (size_t)(newline - p) : (size_t)(end - p);
		if (split_header(a, p, len, &v[res->n_headers]))
			res->n_headers++;
		p += len + 1;
	}
	res->headers = v;
}

/* It may hold NULs, so its length counts. */
static void read_body(const struct http_exchange *x, struct arena *a, struct http_response *res)
{
	char *body = arena_alloc(a, x->body.len + 1);

	if (x->body.len)
		memcpy(body, x->body.data, x->body.len);
	res->body = body;
	res->body_len = x->body.len;
}

static const char *reason(const struct http_exchange *x)
{
	static const char *const noise[] = { "SSL certificate problem: ", "SSL: " };

	for (size_t i = 0; i < ARRAY_LEN(noise); i++)
		if (!strncmp(x->curl_text, noise[i], strlen(noise[i])))
			return x->curl_text + strlen(noise[i]);
	return *x->curl_text ? x->curl_text : curl_easy_strerror(x->result);
}

/* Why a connection was not made, as the system says it: "connection refused". */
static void connect_reason(const struct http_exchange *x, char *out, size_t size)
{
	char text[128];
	long saved_errno = 0;

	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &saved_errno);
	snprintf(out, size, "%s",
	         saved_errno ? strerror_r((int)saved_errno, text, sizeof text) : reason(x));
	*out = (char)tolower((unsigned char)*out);
}

static void failed_connect(const struct http_exchange *x, struct err *e)
{
	char why[CURL_ERROR_SIZE];

	connect_reason(x, why, sizeof why);
	err_set(e, ERR_NETWORK, "cannot connect to %s: %s; is the server up, and is the URL right?",
	        x->host, why);
}

static void failed_in_time(const struct http_exchange *x, struct err *e)
{
	bool connecting =
	    strstr(x->curl_text, "onnection time") || strstr(x->curl_text, "esolving time");

	if (!connecting)
		err_set(e, ERR_NETWORK, "no answer from %s within %u seconds", x->host,
		        (x->limit_ms + 999) / 1000);
	else
		err_set(e, ERR_NETWORK,
		        "cannot connect to %s: no answer in time; is the server up, and does a "
		        "firewall drop it?",
		        x->host);
}

/* Another bundle helps only where the issuer is not known, not against a wrong name or date. */
static void failed_verification(const struct http_exchange *x, struct err *e)
{
	bool issuer = strstr(reason(x), "issuer") || strstr(reason(x), "self-signed") ||
	              strstr(reason(x), "self signed");

	err_set(e, ERR_TLS, "the certificate of %s does not verify: %s%s", x->host, reason(x),
	        issuer ? "; for a private CA give --ca-bundle FILE" : "");
}

/* A cut in the middle of the handshake is the network's fault, anything else there is the peer's.
 */
static void failed_handshake(const struct http_exchange *x, struct err *e)
{
	if (strstr(x->curl_text, "SYSCALL") || strstr(x->curl_text, "reset") ||
	    strstr(x->curl_text, "unexpected eof"))
		err_set(e, ERR_NETWORK, "the connection to %s was cut while TLS was being set up",
		        x->host);
	else
		err_set(e, ERR_PROTOCOL, "cannot set up TLS with %s: %s; is it an https port?",
		        x->host, reason(x));
}

static void failed_later(const struct http_exchange *x, struct err *e)
{
	if (strstr(x->curl_text, "CONNECT tunnel failed") || strstr(x->curl_text, "from proxy"))
		err_set(e, ERR_NETWORK, "the proxy does not connect to %s: %s", x->host, reason(x));
	else
		err_set(e, ERR_NETWORK, "the connection to %s was cut: %s", x->host, reason(x));
}

static void failed(const struct http_exchange *x, struct err *e)
{
	switch ((int)x->result) {
	case CURLE_COULDNT_CONNECT:
		failed_connect(x, e);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		failed_in_time(x, e);
		break;
	case CURLE_SSL_CONNECT_ERROR:
		failed_handshake(x, e);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		failed_verification(x, e);
		break;
	case CURLE_SSL_CACERT_BADFILE:
		err_set(e, ERR_TLS, "cannot load the trust anchors for %s: %s", x->host, reason(x));
		break;
	case CURLE_COULDNT_RESOLVE_HOST:
		err_set(e, ERR_NETWORK,
		        "cannot find the address of %s: is the name right, and does DNS work here?",
		        x->host);
		break;
	case CURLE_COULDNT_RESOLVE_PROXY:
		err_set(e, ERR_NETWORK, "cannot find the address of the proxy for %s", x->host);
		break;
	case CURLE_GOT_NOTHING:
		err_set(e, ERR_NETWORK, "%s closed the connection without an answer", x->host);
		break;
	case CURLE_PARTIAL_FILE:
		err_set(e, ERR_NETWORK, "%s broke off in the middle of its answer", x->host);
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		err_set(e, ERR_PROTOCOL, "%s does not speak HTTP: %s", x->host, reason(x));
		break;
	default:
		failed_later(x, e);
	}
}

void http_exchange_result(const struct http_exchange *x, struct arena *a, struct http_response *res,
                          struct err *failure)
{
	struct http_response got = { 0 };
	long status = 0;

	*failure = (struct err){ 0 };
	if (x->refused.code) {
		*failure = x->refused;
		return;
	}
	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	if (x->result == CURLE_OK && (status < 100 || status > 599))
		err_set(failure, ERR_PROTOCOL,
		        "%s answers with status %ld, which HTTP does not have", x->host, status);
	else if (x->result != CURLE_OK && http_public_refused(&x->places))
		err_set(failure, ERR_DENIED,
		        "%s is a loopback, link-local or private address, or one of this machine's "
		        "own, where nothing is sent unless that is allowed",
		        x->host);
	else if (x->result != CURLE_OK)
		failed(x, failure);
	if (failure->code) {
		long sent = 0; /* on all connections that were tried for it */

		curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &sent);
		failure->unsent = sent == 0;
		return;
	}
	got.status = (int)status;
	read_headers(x, a, &got);
	read_body(x, a, &got);
	*res = got;
}
