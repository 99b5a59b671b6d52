/*
 * Many questions on one thread: each has a socket of its own, connected, so that the kernel drops
 * what another host sends and chooses the port at random; one poll() waits for all. UDP is sent
 * three times; a truncated answer is asked for again over TCP. An answer counts only with our
 * number, our opcode and our question.
 */
#include "sys/dns_flight.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define AT_ONCE 128
#define SENDS 3
#define REFUSED_PAUSE_MS 50
#define DATAGRAM_MAX 4096 /* we ask for 512 at most; what is longer is asked for over TCP */
#define ANSWER_MAX 32768  /* of what is asked for here, nothing sane is larger */
#define DATAGRAMS_AT_ONCE 16
#define CANCEL_SLICE_MS 50
#define HEADER_LEN 12

enum step { STEP_UDP, STEP_CONNECT, STEP_SEND, STEP_RECEIVE };

struct slot {
	struct dns_flight *f; /* NULL = free */
	int fd;
	enum step step;
	unsigned sends;
	int64_t again_at, end_at;
	uint32_t budget_ms;
	unsigned char *bytes; /* TCP: with the length before, out or in */
	size_t done, len;
};

struct flying {
	struct arena *a;
	struct slot slots[AT_ONCE];
	bool full; /* the process has no more sockets just now */
	struct err *e;
};

static void slot_done(struct slot *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->f = NULL;
}

static void slot_fail(struct slot *s, int fault)
{
	s->f->fault = fault;
	if (fault == ETIMEDOUT)
		(void)err_set(&s->f->why, ERR_NETWORK, "%s does not answer", s->f->server);
	else
		(void)err_errno(&s->f->why, ERR_NETWORK, fault, "%s cannot be reached",
		                s->f->server);
	slot_done(s);
}

/* v lives in the arena. */
static void slot_land(struct slot *s, unsigned char *v, size_t n)
{
	s->f->answer.v = v;
	s->f->answer.n = n;
	s->f->why.code = ERR_NONE;
	slot_done(s);
}

static int address(const char *server, struct addrinfo **out, struct err *e)
{
	const char *colon = strrchr(server, ':');
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		                  .ai_socktype = SOCK_DGRAM };
	char host[128];
	size_t n = colon ? (size_t)(colon - server) : 0;
	const char *from = server;

	if (n > 2 && from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof host || !colon[1])
		return err_set(e, ERR_INPUT, "\"%s\" is not ADDR:PORT", server);
	memcpy(host, from, n);
	host[n] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, out) != 0)
		return err_set(e, ERR_INPUT, "\"%s\" is not ADDR:PORT", server);
	return 0;
}

/* A connected socket, or the slot has failed. ERR_IO: no sockets left. */
static int slot_connect(struct flying *w, struct slot *s, int type)
{
	struct addrinfo *to;
	int rc, fault;

	if (address(s->f->server, &to, &s->f->why) < 0) {
		slot_done(s);
		return 0;
	}
	s->fd = socket(to->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	fault = errno;
	if (s->fd < 0) {
		freeaddrinfo(to);
		w->full = fault == EMFILE || fault == ENFILE;
		if (!w->full && fault != EAFNOSUPPORT)
			return err_errno(w->e, ERR_IO, fault, "cannot open a socket");
		slot_fail(s, w->full ? fault : ENETUNREACH);
		return 0;
	}
	rc = connect(s->fd, to->ai_addr, to->ai_addrlen);
	fault = errno;
	freeaddrinfo(to);
	if (rc < 0 && fault != EINPROGRESS)
		slot_fail(s, fault == EADDRNOTAVAIL ? ENETUNREACH : fault);
	return 0;
}

/* Sent again after a seventh and after three sevenths of the time. */
static void udp_send(struct slot *s)
{
	int64_t now = clock_monotonic_ms();

	if (s->sends >= SENDS) {
		s->again_at = s->end_at;
		return;
	}
	s->again_at = now + (int64_t)s->budget_ms * (s->sends == 0 ? 1 : 2) / 7;
	s->sends++;
	/* what cannot be sent now is sent again; a refusal is seen when reading */
	(void)!send(s->fd, s->f->message.v, s->f->message.n, MSG_NOSIGNAL);
}

static int tcp_start(struct flying *w, struct slot *s)
{
	const struct bytes *m = &s->f->message;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->len = m->n + 2;
	s->done = 0;
	s->bytes = arena_alloc(w->a, s->len);
	s->bytes[0] = (unsigned char)(m->n >> 8);
	s->bytes[1] = (unsigned char)m->n;
	memcpy(s->bytes + 2, m->v, m->n);
	s->step = STEP_CONNECT;
	s->again_at = s->end_at;
	return slot_connect(w, s, SOCK_STREAM);
}

static int slot_start(struct flying *w, struct slot *s, struct dns_flight *f, uint32_t budget_ms)
{
	*s = (struct slot){ .f = f, .fd = -1, .budget_ms = budget_ms };
	s->end_at = clock_monotonic_ms() + budget_ms;
	if (f->tcp)
		return tcp_start(w, s);
	s->step = STEP_UDP;
	TRY(slot_connect(w, s, SOCK_DGRAM));
	if (s->f)
		udp_send(s);
	return 0;
}

/* A closed port may open in a moment (a server that restarts): asked again soon, and then no more.
 */
static void udp_refused(struct slot *s, int fault)
{
	if (s->sends >= SENDS || fault != ECONNREFUSED)
		slot_fail(s, fault);
	else
		s->again_at = clock_monotonic_ms() + REFUSED_PAUSE_MS;
}

static int udp_read(struct flying *w, struct slot *s)
{
	unsigned char v[DATAGRAM_MAX];

	for (int i = 0; i < DATAGRAMS_AT_ONCE && s->f; i++) {
		ssize_t n = recv(s->fd, v, sizeof v, MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0) {
			udp_refused(s, errno);
			return 0;
		}
		if (!dns_is_answer_to(&s->f->message, v,
		                      (size_t)n < sizeof v ? (size_t)n : sizeof v))
			continue;
		if ((v[2] & 0x02) || (size_t)n > sizeof v)
			return tcp_start(w, s);
		slot_land(s, arena_memdup(w->a, v, (size_t)n), (size_t)n);
	}
	return 0;
}

static void tcp_connected(struct slot *s)
{
	int fault = 0;
	socklen_t len = sizeof fault;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &fault, &len) < 0)
		fault = errno;
	if (fault)
		slot_fail(s, fault);
	else
		s->step = STEP_SEND;
}

static void tcp_write(struct slot *s)
{
	ssize_t n = send(s->fd, s->bytes + s->done, s->len - s->done, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		slot_fail(s, errno);
		return;
	}
	s->done += (size_t)n;
	if (s->done < s->len)
		return;
	s->step = STEP_RECEIVE;
	s->done = 0;
	s->len = 2; /* bytes has room: a message is longer */
}

static void tcp_read(struct flying *w, struct slot *s)
{
	ssize_t n = recv(s->fd, s->bytes + s->done, s->len - s->done, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		slot_fail(s, n < 0 ? errno : ECONNRESET);
		return;
	}
	s->done += (size_t)n;
	if (s->done < s->len)
		return;
	if (s->len == 2) {
		size_t len = (size_t)s->bytes[0] << 8 | s->bytes[1];
		if (len >= HEADER_LEN && len <= ANSWER_MAX) {
			s->bytes = arena_alloc(w->a, len + 2);
			s->len = len + 2;
			return;
		}
	}
	if (s->len > 2 && s->done == s->len &&
	    dns_is_answer_to(&s->f->message, s->bytes + 2, s->len - 2)) {
		slot_land(s, s->bytes + 2, s->len - 2);
		return;
	}
	(void)err_set(&s->f->why, ERR_PROTOCOL, "%s answers something else than was asked",
	              s->f->server);
	slot_done(s);
}

static int slot_ready(struct flying *w, struct slot *s)
{
	switch (s->step) {
	case STEP_UDP:
		return udp_read(w, s);
	case STEP_CONNECT:
		tcp_connected(s);
		return 0;
	case STEP_SEND:
		tcp_write(s);
		return 0;
	case STEP_RECEIVE:
		tcp_read(w, s);
		return 0;
	}
	return 0;
}

static void slot_late(struct slot *s, int64_t now)
{
	if (now >= s->end_at)
		slot_fail(s, ETIMEDOUT);
	else if (s->step == STEP_UDP && now >= s->again_at)
		udp_send(s);
}

/* What is waited for, compact: poll() takes no more entries than the process may have files. */
static nfds_t to_poll(struct flying *w, struct pollfd *polled, struct slot **of, int64_t *until)
{
	nfds_t n = 0;

	for (size_t i = 0; i < AT_ONCE; i++) {
		struct slot *s = &w->slots[i];

		if (!s->f)
			continue;
		polled[n].fd = s->fd;
		polled[n].events =
		    s->step == STEP_CONNECT || s->step == STEP_SEND ? POLLOUT : POLLIN;
		polled[n].revents = 0;
		of[n++] = s;
		if (s->again_at < *until)
			*until = s->again_at;
	}
	return n;
}

/* Waits for the next event of any slot and deals with all that have one. */
static int turn(struct flying *w, const struct cancel *cancel)
{
	struct pollfd polled[AT_ONCE];
	struct slot *of[AT_ONCE];
	int64_t now = clock_monotonic_ms(), until = now + CANCEL_SLICE_MS;
	nfds_t n = to_poll(w, polled, of, &until);

	if (poll(polled, n, until > now ? (int)(until - now) : 0) < 0 && errno != EINTR)
		return err_errno(w->e, ERR_IO, errno, "cannot wait for sockets");
	if (cancel_is_set(cancel))
		return cancel_error(cancel, w->e);
	now = clock_monotonic_ms();
	for (nfds_t i = 0; i < n; i++) {
		if (polled[i].revents)
			TRY(slot_ready(w, of[i]));
		if (of[i]->f)
			slot_late(of[i], now);
	}
	return 0;
}

static size_t n_under_way(const struct flying *w)
{
	size_t n = 0;

	for (size_t i = 0; i < AT_ONCE; i++)
		n += w->slots[i].f != NULL;
	return n;
}

/* Gives free slots to those that wait. Other threads may hold all sockets of the process: then what
 * is under way ends first. */
static int fill(struct flying *w, struct dns_flight *v, size_t n, size_t *next, uint32_t budget_ms)
{
	for (size_t i = 0; i < AT_ONCE; i++)
		while (!w->slots[i].f && *next < n) {
			struct dns_flight *f = &v[*next];

			w->full = false;
			TRY(slot_start(w, &w->slots[i], f, budget_ms));
			if (w->full && n_under_way(w) > 0) {
				f->why = (struct err){ 0 };
				f->fault = 0;
				return 0;
			}
			++*next;
		}
	return 0;
}

static int fly(struct flying *w, struct dns_flight *v, size_t n, uint32_t limit_ms,
               const struct cancel *cancel)
{
	size_t rounds = (n + AT_ONCE - 1) / AT_ONCE, next = 0;
	uint32_t budget_ms = limit_ms / (uint32_t)(rounds ? rounds : 1);

	for (;;) {
		TRY(fill(w, v, n, &next, budget_ms));
		if (n_under_way(w) == 0)
			return 0;
		TRY(turn(w, cancel));
	}
}

int dns_fly(struct arena *a, struct dns_flight *v, size_t n, uint32_t limit_ms,
            const struct cancel *cancel, struct err *e)
{
	struct flying w = { .a = a, .e = e };
	int rc;

	for (size_t i = 0; i < AT_ONCE; i++)
		w.slots[i].fd = -1;
	rc = fly(&w, v, n, limit_ms, cancel);
	for (size_t i = 0; i < AT_ONCE; i++)
		slot_done(&w.slots[i]);
	return rc;
}
