/*
 * Where the HTTP server listens: one address, given whole, so that nothing is opened to more of the
 * world than was said.
 */
#include "sys/httpd_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "sys/httpd.h"

#define BACKLOG 512

static int malformed(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE, "cannot listen on \"%s\": not ADDR:PORT or [v6]:PORT", text);
}

static bool parse_port(const char *s, in_port_t *port)
{
	size_t len = strspn(s, "0123456789");
	unsigned long n = len >= 1 && len <= 5 && !s[len] ? strtoul(s, NULL, 10) : 0;

	*port = htons((uint16_t)n);
	return n >= 1 && n <= 65535;
}

int httpd_address_parse(const char *text, union httpd_address *out, struct err *e)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	union httpd_address at = { 0 };
	in_port_t port;
	char host[64];

	if (len == 0 || len >= sizeof(host) || !parse_port(colon + 1, &port))
		return malformed(text, e);
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		at.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port };
		if (inet_pton(AF_INET6, host + 1, &at.v6.sin6_addr) != 1)
			return malformed(text, e);
	} else {
		at.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
		if (inet_pton(AF_INET, host, &at.v4.sin_addr) != 1)
			return malformed(text, e);
	}
	*out = at;
	return 0;
}

bool httpd_address_is_loopback(const union httpd_address *at)
{
	if (at->any.sa_family == AF_INET)
		return ntohl(at->v4.sin_addr.s_addr) >> 24 == 127;
	if (at->any.sa_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&at->v6.sin6_addr))
		return at->v6.sin6_addr.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&at->v6.sin6_addr);
}

int httpd_is_loopback(const char *address, bool *loopback, struct err *e)
{
	union httpd_address at;

	TRY(httpd_address_parse(address, &at, e));
	*loopback = httpd_address_is_loopback(&at);
	return 0;
}

int httpd_address_listen(const char *text, const union httpd_address *at, int *out, struct err *e)
{
	socklen_t len = at->any.sa_family == AF_INET6 ? sizeof(at->v6) : sizeof(at->v4);
	int one = 1, fd, why;

	TRY(fault_point(FAULT_BIND, e));
	fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, ERR_IO, errno, "cannot listen on %s", text);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->any.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, &at->any, len) == 0 && listen(fd, BACKLOG) == 0) {
		*out = fd;
		return 0;
	}
	why = errno;
	close(fd);
	return err_errno(e, ERR_IO, why, "cannot listen on %s", text);
}
