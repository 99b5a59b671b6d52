/*
 * A loopback HTTP server that gives the answers a test dictates: one thread, one request a
 * connection. For what no real server does on purpose: half an answer, silence, a nonce that is
 * never good.
 */
#ifndef TEST_STUB_SERVER_H
#define TEST_STUB_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STUB_REQUEST_MAX 65536
#define STUB_HELD_MAX 64

/* Returns the whole answer, or NULL to say nothing and leave the connection open. The text must
 * stay until the next call. */
typedef const char *stub_answer(void *ctx, const char *request);

struct stub_server {
	int listener, port;
	pthread_t thread;
	stub_answer *answer;
	void *ctx;
	int held[STUB_HELD_MAX];
	size_t n_held;
	char request[STUB_REQUEST_MAX];
};

static inline bool stub_is_whole(const char *request)
{
	const char *end = strstr(request, "\r\n\r\n"),
	           *length = strcasestr(request, "\r\ncontent-length:");

	if (request[0] == 0x16) /* a TLS handshake, which is not going to end that way */
		return true;
	return end &&
	       (!length || length > end || strlen(end + 4) >= strtoul(length + 17, NULL, 10));
}

static inline void stub_read(struct stub_server *s, int fd)
{
	size_t len = 0;
	ssize_t got;

	s->request[0] = '\0';
	while (!stub_is_whole(s->request) && len < sizeof s->request - 1 &&
	       (got = read(fd, s->request + len, sizeof s->request - 1 - len)) > 0) {
		len += (size_t)got;
		s->request[len] = '\0';
	}
}

static inline void *stub_run(void *ctx)
{
	struct stub_server *s = ctx;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		stub_read(s, fd);
		const char *text = s->answer(s->ctx, s->request);
		if (!text && s->n_held < STUB_HELD_MAX) {
			s->held[s->n_held++] = fd;
			continue;
		}
		if (text && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
			perror("send");
		close(fd);
	}
	return NULL;
}

static inline void stub_start(struct stub_server *s, stub_answer *answer, void *ctx)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;

	*s = (struct stub_server){ .answer = answer, .ctx = ctx };
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->listener, (struct sockaddr *)&at, len) || listen(s->listener, 64) ||
	    getsockname(s->listener, (struct sockaddr *)&at, &len))
		abort();
	s->port = ntohs(at.sin_port);
	if (pthread_create(&s->thread, NULL, stub_run, s))
		abort();
}

static inline void stub_stop(struct stub_server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	for (size_t i = 0; i < s->n_held; i++)
		close(s->held[i]);
}

#endif
