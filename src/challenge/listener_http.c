/*
 * The http-01 side of a challenge listener (RFC 8555 8.3): reads one bounded request head, answers
 * it from the table, and closes. Whatever is not a GET or HEAD of a token that is held is 404, so
 * that nothing is to be learnt here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/codec.h"
#include "challenge/listener_impl.h"

#define PREFIX "/.well-known/acme-challenge/"

struct request {
	bool is_head;
	char token[129];
};

/* The request line is exactly "GET|HEAD /.well-known/acme-challenge/TOKEN HTTP/1.x". */
static bool request_parse(const char *head, struct request *r)
{
	size_t method = strncmp(head, "GET ", 4) == 0 ? 4 : strncmp(head, "HEAD ", 5) == 0 ? 5 : 0;
	const char *path = head + method;

	if (method == 0 || strncmp(path, PREFIX, strlen(PREFIX)) != 0)
		return false;
	const char *token = path + strlen(PREFIX);
	size_t len = strcspn(token, " \r\n");
	if (len >= sizeof(r->token) || strncmp(token + len, " HTTP/1.", 8) != 0)
		return false;
	memcpy(r->token, token, len);
	r->token[len] = '\0';
	r->is_head = method == 5;
	return is_acme_token(r->token);
}

static void answer(struct conn *c, const char *status, const char *type, const char *body,
                   bool is_head)
{
	int n = snprintf(
	    c->out, sizeof(c->out),
	    "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
	    status, type, strlen(body), is_head ? "" : body);

	c->out_len = n > 0 && (size_t)n < sizeof(c->out) ? (size_t)n : 0;
}

/* false: who may know the token cannot be asked now. */
static bool answer_request(struct listener *l, struct conn *c)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(16 << 10);
	struct request r;
	const char *value = NULL;
	bool is_one = request_parse(c->in, &r);

	if (is_one && (table_get(l->table, a, r.token, &value, NULL) ||
	               elsewhere_find(l, a, "http-01", r.token, &value)))
		answer(c, "200 OK", "application/octet-stream", value, r.is_head);
	else if (is_one && elsewhere_later(l, c))
		return false;
	else
		answer(c, "404 Not Found", "text/plain", "not found\n",
		       strncmp(c->in, "HEAD ", 5) == 0);
	return true;
}

/* 1 = the head is complete, 0 = more is to come, -1 = closed or failed. */
static int read_head(struct conn *c)
{
	while (c->in_len < LISTENER_REQUEST_BYTES) {
		ssize_t n = recv(c->fd, c->in + c->in_len, LISTENER_REQUEST_BYTES - c->in_len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return -1;
		c->in_len += (size_t)n;
		c->in[c->in_len] = '\0';
		if (memmem(c->in, c->in_len, "\r\n\r\n", 4) || memmem(c->in, c->in_len, "\n\n", 2))
			return 1;
	}
	return 1; /* too large a head: refused by the caller, the rest is never read */
}

/* False when all is written or it failed. */
static bool write_answer(struct conn *c)
{
	while (c->out_done < c->out_len) {
		ssize_t n =
		    send(c->fd, c->out + c->out_done, c->out_len - c->out_done, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0)
			return false;
		c->out_done += (size_t)n;
	}
	return false;
}

bool http_conn_step(struct listener *l, struct conn *c)
{
	if (c->out_len == 0) {
		int got = c->again_ms ? 1 : read_head(c);
		if (got <= 0)
			return got == 0;
		if (c->in_len >= LISTENER_REQUEST_BYTES)
			answer(c, "431 Request Header Fields Too Large", "text/plain",
			       "too large\n", false);
		else if (!answer_request(l, c))
			return true;
		c->again_ms = 0;
		c->want = POLLOUT;
	}
	return write_answer(c);
}
