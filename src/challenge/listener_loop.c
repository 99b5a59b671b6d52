/*
 * The thread of one challenge listener: one poll over the listening sockets, the wake-up pipe and
 * at most LISTENER_CONNECTIONS connections. Nothing here blocks, every connection has a deadline,
 * and when all places are taken the deadline is shorter, so that slow clients cannot keep others
 * out.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "challenge/listener_impl.h"

struct loop {
	struct listener *l;
	struct conn *conns[LISTENER_CONNECTIONS];
	size_t n;
};

/* Reads what the client sent beyond its request: closing with unread bytes would reset the
 * connection, and the answer could be lost. */
static void conn_close(struct conn *c)
{
	char rest[1024];

	tls_conn_free(c->tls);
	(void)shutdown(c->fd, SHUT_WR);
	(void)recv(c->fd, rest, sizeof(rest), MSG_DONTWAIT);
	close(c->fd);
	free(c);
}

static void drop_conn(struct loop *p, size_t i)
{
	conn_close(p->conns[i]);
	p->conns[i] = p->conns[--p->n];
}

static bool conn_step(struct loop *p, struct conn *c)
{
	return p->l->kind == LISTENER_HTTP01 ? http_conn_step(p->l, c) : alpn_conn_step(p->l, c);
}

static int64_t deadline_ms(const struct loop *p)
{
	return p->n == LISTENER_CONNECTIONS ? LISTENER_DEADLINE_FULL_MS : LISTENER_DEADLINE_MS;
}

/* False when there is nobody more to accept. */
static bool accept_one(struct loop *p, int socket)
{
	int fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
		return true;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		(void)poll(NULL, 0, 20); /* else this would spin until somebody closes a file */
	if (fd < 0)
		return false;
	struct conn *c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return false;
	}
	c->fd = fd;
	c->since_ms = clock_monotonic_ms();
	c->want = POLLIN;
	p->conns[p->n++] = c;
	if (!conn_step(p, c)) /* its request is often there already */
		drop_conn(p, p->n - 1);
	return true;
}

/* Fills polls: the pipe, the connections, and while there is room the sockets. */
static nfds_t fill_polls(const struct loop *p, struct pollfd *polls)
{
	nfds_t n = 0;

	polls[n++] = (struct pollfd){ .fd = p->l->wake[0], .events = POLLIN };
	for (size_t i = 0; i < p->n; i++)
		polls[n++] = (struct pollfd){ .fd = p->conns[i]->again_ms ? -1 : p->conns[i]->fd,
			                      .events = p->conns[i]->want };
	for (size_t i = 0; p->n < LISTENER_CONNECTIONS && i < p->l->n_sockets; i++)
		polls[n++] = (struct pollfd){ .fd = p->l->sockets[i], .events = POLLIN };
	return n;
}

static int wait_ms(const struct loop *p)
{
	int64_t now = clock_monotonic_ms(), least = -1;

	for (size_t i = 0; i < p->n; i++) {
		int64_t left = p->conns[i]->since_ms + deadline_ms(p) - now;
		if (p->conns[i]->again_ms && p->conns[i]->again_ms - now < left)
			left = p->conns[i]->again_ms - now;
		left = left < 0 ? 0 : left + 1;
		if (least < 0 || left < least)
			least = left;
	}
	return (int)least;
}

static void serve_conns(struct loop *p, const struct pollfd *polls)
{
	int64_t now = clock_monotonic_ms(), limit = deadline_ms(p);

	/* From the end, since dropping one moves the last into its place. */
	for (size_t i = p->n; i-- > 0;) {
		struct conn *c = p->conns[i];
		bool ready = polls[i].revents != 0 || (c->again_ms && now >= c->again_ms);
		bool on = !ready || conn_step(p, c);
		if (!on || now - c->since_ms >= limit)
			drop_conn(p, i);
	}
}

static bool loop_once(struct loop *p)
{
	struct pollfd polls[1 + LISTENER_CONNECTIONS + LISTENER_SOCKETS];
	nfds_t n = fill_polls(p, polls);

	if (poll(polls, n, wait_ms(p)) < 0)
		return errno == EINTR;
	if (polls[0].revents)
		return false;
	serve_conns(p, polls + 1);
	for (size_t i = 0; i < p->l->n_sockets; i++)
		while (p->n < LISTENER_CONNECTIONS && accept_one(p, p->l->sockets[i]))
			continue;
	return true;
}

void *listener_thread(void *arg)
{
	struct loop p = { .l = arg };

	while (loop_once(&p))
		continue;
	while (p.n > 0)
		drop_conn(&p, p.n - 1);
	return NULL;
}
