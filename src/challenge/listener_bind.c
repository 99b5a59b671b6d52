/*
 * Listening sockets of the challenge listeners. Given only a port, one for IPv6 and one for IPv4; a
 * machine that lacks one of the families gets the other. SO_REUSEADDR so that a run right after
 * another can bind; never SO_REUSEPORT, which would hide that somebody else has the port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "challenge/listener_impl.h"

#define BACKLOG 1024

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct bind_plan {
	union socket_address v[LISTENER_SOCKETS];
	size_t n;
};

static int bad_address(const char *address, struct err *e)
{
	return err_set(e, ERR_USAGE, "cannot listen on \"%s\": not ADDR:PORT, [v6]:PORT or :PORT",
	               address);
}

static bool parse_port(const char *s, in_port_t *port)
{
	uint32_t n = 0;
	size_t len = strspn(s, "0123456789");

	if (len == 0 || len > 5 || s[len])
		return false;
	for (size_t i = 0; i < len; i++)
		n = n * 10 + (uint32_t)(s[i] - '0');
	*port = htons((uint16_t)n);
	return n >= 1 && n <= 65535;
}

static bool parse_host(const char *host, in_port_t port, struct bind_plan *p)
{
	union socket_address v6 = {
		.v6 = { .sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = in6addr_any }
	};
	union socket_address v4 = {
		.v4 = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = INADDR_ANY }
	};
	size_t len = strlen(host);
	char inner[64];

	if (len == 0) {
		*p = (struct bind_plan){ .v = { v6, v4 }, .n = 2 };
		return true;
	}
	if (host[0] == '[' && host[len - 1] == ']') {
		memcpy(inner, host + 1, len - 2);
		inner[len - 2] = '\0';
		*p = (struct bind_plan){ .v = { v6 }, .n = 1 };
		return inet_pton(AF_INET6, inner, &p->v[0].v6.sin6_addr) == 1;
	}
	*p = (struct bind_plan){ .v = { v4 }, .n = 1 };
	return inet_pton(AF_INET, host, &p->v[0].v4.sin_addr) == 1;
}

static int plan_parse(const char *address, struct bind_plan *p, struct err *e)
{
	const char *colon = strrchr(address, ':');
	in_port_t port;
	char host[64];

	if (!colon || (size_t)(colon - address) >= sizeof(host) || !parse_port(colon + 1, &port))
		return bad_address(address, e);
	memcpy(host, address, (size_t)(colon - address));
	host[colon - address] = '\0';
	return parse_host(host, port, p) ? 0 : bad_address(address, e);
}

static int bind_error(const char *address, int why, struct err *e)
{
	switch (why) {
	case EADDRINUSE:
		return err_set(
		    e, ERR_IO,
		    "cannot listen on %s: another program has the port (a web server? then use "
		    "--webroot DIR, or "
		    "--standalone on another port that your web server or firewall forwards to)",
		    address);
	case EACCES:
	case EPERM:
		return err_set(
		    e, ERR_IO,
		    "cannot listen on %s: a port below 1024 needs root or CAP_NET_BIND_SERVICE",
		    address);
	case EADDRNOTAVAIL:
		return err_set(e, ERR_IO, "cannot listen on %s: this machine has no such address",
		               address);
	}
	return err_errno(e, ERR_IO, why, "cannot listen on %s", address);
}

static bool is_missing_family(int why)
{
	return why == EAFNOSUPPORT || why == EADDRNOTAVAIL || why == EPROTONOSUPPORT;
}

/* The socket, or -1 with errno. */
static int listening_socket(const union socket_address *at)
{
	int one = 1;
	socklen_t len = at->any.sa_family == AF_INET6 ? sizeof(at->v6) : sizeof(at->v4);
	int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->any.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, &at->any, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

static int bind_all(const char *address, const struct bind_plan *p, int sockets[LISTENER_SOCKETS],
                    size_t *n, struct err *e)
{
	int why = EAFNOSUPPORT;

	for (size_t i = 0; i < p->n; i++) {
		TRY(fault_point(FAULT_BIND, e));
		int fd = listening_socket(&p->v[i]);
		if (fd >= 0)
			sockets[(*n)++] = fd;
		else if (!is_missing_family(errno))
			return bind_error(address, errno, e);
		else
			why = errno;
	}
	return *n > 0 ? 0 : bind_error(address, why, e);
}

int listener_bind(const char *address, int sockets[LISTENER_SOCKETS], size_t *n_sockets,
                  struct err *e)
{
	struct bind_plan plan;
	int opened[LISTENER_SOCKETS];
	size_t n = 0;

	TRY(plan_parse(address, &plan, e));
	int r = bind_all(address, &plan, opened, &n, e);
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			sockets[i] = opened[i];
		else
			close(opened[i]);
	}
	if (r == 0)
		*n_sockets = n;
	return r;
}
