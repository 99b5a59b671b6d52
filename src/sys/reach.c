/*
 * Connections that are tried, and what kind of address an address is. Sockets are closed as soon as
 * it is known whether they connect.
 */
#include "sys/reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define AT_ONCE 128
#define CANCEL_SLICE_MS 50

union any_address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool parse(const char *address, uint16_t port, union any_address *out, socklen_t *len)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		*len = sizeof(out->v4);
		return true;
	}
	if (inet_pton(AF_INET6, address, &out->v6.sin6_addr) != 1)
		return false;
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(port);
	*len = sizeof(out->v6);
	return true;
}

/* A socket that connects, -1 when it is known already how that ended (fault), -2: no sockets. */
static int begin(struct reach *r, struct err *e)
{
	union any_address to;
	socklen_t len;
	int fd;

	r->fault = EINVAL;
	if (!parse(r->address, r->port, &to, &len))
		return -1;
	fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno != EAFNOSUPPORT) {
		(void)err_errno(e, ERR_IO, errno, "cannot open a socket");
		return -2;
	}
	r->fault = ENETUNREACH;
	if (fd < 0)
		return -1;
	r->fault = connect(fd, &to.sa, len) == 0 ? 0 : errno;
	if (r->fault == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
}

static void finish(struct reach *r, struct pollfd *slot)
{
	socklen_t len = sizeof(r->fault);

	if (getsockopt(slot->fd, SOL_SOCKET, SO_ERROR, &r->fault, &len) < 0)
		r->fault = errno;
	close(slot->fd);
	slot->fd = -1;
}

static int wait_some(struct pollfd *slots, size_t n, int64_t end, const struct cancel *cancel,
                     struct err *e)
{
	int64_t left = end - clock_monotonic_ms();

	if (cancel_is_set(cancel))
		return cancel_error(cancel, e);
	if (left > CANCEL_SLICE_MS)
		left = CANCEL_SLICE_MS;
	if (poll(slots, n, left > 0 ? (int)left : 0) < 0 && errno != EINTR)
		return err_errno(e, ERR_IO, errno, "cannot wait for sockets");
	return 0;
}

/* At most AT_ONCE of them. */
static int reach_some(struct reach *v, struct pollfd *slots, size_t n, uint32_t limit_ms,
                      const struct cancel *cancel, struct err *e)
{
	int64_t end = clock_monotonic_ms() + limit_ms;
	size_t open = 0;

	for (size_t i = 0; i < n; i++) {
		slots[i] = (struct pollfd){ .fd = begin(&v[i], e), .events = POLLOUT };
		if (slots[i].fd == -2)
			return -(int)e->code;
		open += slots[i].fd >= 0;
	}
	while (open && clock_monotonic_ms() < end) {
		TRY(wait_some(slots, n, end, cancel, e));
		for (size_t i = 0; i < n; i++)
			if (slots[i].fd >= 0 && slots[i].revents) {
				finish(&v[i], &slots[i]);
				open--;
			}
	}
	for (size_t i = 0; i < n; i++)
		if (slots[i].fd >= 0)
			v[i].fault = ETIMEDOUT;
	return 0;
}

int reach_all(struct reach *v, size_t n, uint32_t limit_ms, const struct cancel *cancel,
              struct err *e)
{
	size_t rounds = (n + AT_ONCE - 1) / AT_ONCE;
	int result = 0;

	for (size_t at = 0; at < n && result == 0; at += AT_ONCE) {
		struct pollfd slots[AT_ONCE];
		size_t some = n - at < AT_ONCE ? n - at : AT_ONCE;

		for (size_t i = 0; i < some; i++)
			slots[i].fd = -1;
		result = reach_some(v + at, slots, some, limit_ms / (uint32_t)rounds, cancel, e);
		for (size_t i = 0; i < some; i++)
			if (slots[i].fd >= 0)
				close(slots[i].fd);
	}
	return result;
}

/* kinds of addresses */

struct block {
	unsigned char bytes[16];
	unsigned bits;
};

static bool is_in(const unsigned char *address, const struct block *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned whole = v[i].bits / 8, rest = v[i].bits % 8;
		unsigned char mask = (unsigned char)(0xff00 >> rest);

		if (memcmp(address, v[i].bytes, whole) == 0 &&
		    (rest == 0 || (address[whole] & mask) == (v[i].bytes[whole] & mask)))
			return true;
	}
	return false;
}

/* By IANA's registries of special-purpose addresses (RFC 6890) what is not reached from the
 * Internet, with multicast, the relays of 6to4 (192.88.99.0/24, gone since RFC 7526), and the few
 * anycast addresses in 192.0.0.0/24, where nobody has a server. */
static bool is_private_v4(const unsigned char *address)
{
	static const struct block blocks[] = {
		{ { 0 }, 8 },
		{ { 10 }, 8 },
		{ { 100, 64 }, 10 },
		{ { 127 }, 8 },
		{ { 169, 254 }, 16 },
		{ { 172, 16 }, 12 },
		{ { 192, 0, 0 }, 24 },
		{ { 192, 0, 2 }, 24 },
		{ { 192, 88, 99 }, 24 },
		{ { 192, 168 }, 16 },
		{ { 198, 18 }, 15 },
		{ { 198, 51, 100 }, 24 },
		{ { 203, 0, 113 }, 24 },
		{ { 224 }, 3 },
	};

	return is_in(address, blocks, ARRAY_LEN(blocks));
}

/* The IPv4 address that stands in this one and is led to; NULL = none. */
static const unsigned char *embedded_v4(const unsigned char *address)
{
	static const struct block mapped[] = { { { [10] = 0xff, [11] = 0xff }, 96 } };
	static const struct block nat64[] = { { { 0x00, 0x64, 0xff, 0x9b }, 96 } };
	static const struct block six_to_four[] = { { { 0x20, 0x02 }, 16 } };

	if (is_in(address, mapped, 1) || is_in(address, nat64, 1))
		return address + 12;
	return is_in(address, six_to_four, 1) ? address + 2 : NULL;
}

/* All but 2000::/3 (so 64:ff9b:1::/48, 100::/64, 5f00::/16, fc00::/7, fe80::/10 and the rest), and
 * in it the IETF's own 2001::/23 (Teredo, benchmarks, ORCHID: no servers, or an IPv4 address that
 * is hidden in it) and the documentation's two. */
static bool is_private_v6(const unsigned char *address)
{
	static const struct block global[] = { { { 0x20 }, 3 } };
	static const struct block not_global[] = { { { 0x20, 0x01 }, 23 },
		                                   { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },
		                                   { { 0x3f, 0xff }, 20 } };
	const unsigned char *v4 = embedded_v4(address);

	if (v4)
		return is_private_v4(v4);
	return !is_in(address, global, 1) || is_in(address, not_global, ARRAY_LEN(not_global));
}

static bool is_private(const union any_address *x)
{
	if (x->sa.sa_family == AF_INET)
		return is_private_v4((const unsigned char *)&x->v4.sin_addr);
	return is_private_v6((const unsigned char *)&x->v6.sin6_addr);
}

bool reach_is_private(const char *address)
{
	union any_address x;
	socklen_t len;

	return !parse(address, 0, &x, &len) || is_private(&x);
}

bool reach_is_v6(const char *address)
{
	return strchr(address, ':') != NULL;
}

/* The address of an interface; false if it is of another family. */
static bool interface_address(const struct ifaddrs *i, union any_address *out)
{
	sa_family_t family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;

	if (family != AF_INET && family != AF_INET6)
		return false;
	memset(out, 0, sizeof(*out));
	memcpy(out, i->ifa_addr, family == AF_INET ? sizeof(out->v4) : sizeof(out->v6));
	return true;
}

static bool is_same(const union any_address *x, const union any_address *y)
{
	if (x->sa.sa_family != y->sa.sa_family)
		return false;
	if (x->sa.sa_family == AF_INET)
		return x->v4.sin_addr.s_addr == y->v4.sin_addr.s_addr;
	return memcmp(&x->v6.sin6_addr, &y->v6.sin6_addr, sizeof(x->v6.sin6_addr)) == 0;
}

/* The same, or the IPv4 address that an IPv6 one leads to. */
static bool leads_to(const union any_address *x, const union any_address *y)
{
	const unsigned char *v4 = x->sa.sa_family == AF_INET6
	                              ? embedded_v4((const unsigned char *)&x->v6.sin6_addr)
	                              : NULL;

	return is_same(x, y) || (v4 && y->sa.sa_family == AF_INET &&
	                         memcmp(v4, &y->v4.sin_addr, sizeof(y->v4.sin_addr)) == 0);
}

bool reach_is_inside(const char *address)
{
	union any_address x, mine;
	struct ifaddrs *list;
	bool found = false;
	socklen_t len;

	if (!parse(address, 0, &x, &len) || is_private(&x) || getifaddrs(&list) < 0)
		return true;
	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next)
		found = interface_address(i, &mine) && leads_to(&x, &mine);
	freeifaddrs(list);
	return found;
}

bool reach_has_public(bool v6)
{
	union any_address mine;
	struct ifaddrs *list;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next)
		found = interface_address(i, &mine) &&
		        mine.sa.sa_family == (v6 ? AF_INET6 : AF_INET) && !is_private(&mine);
	freeifaddrs(list);
	return found;
}
