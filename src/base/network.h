/*
 * Whose an address is, for counting what one party does: an IPv4 address counts by itself, also
 * when it is written as one of IPv6 (::ffff:192.0.2.1); of IPv6 the network counts that one
 * customer of a provider has whole, its first 64 bits.
 */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct network {
	struct in6_addr first; /* IPv4 as it is written in IPv6 */
};

/* false: neither IPv4 nor IPv6. */
bool network_of(const struct sockaddr *address, struct network *out);
bool network_parse(const char *address, struct network *out);
bool network_is_same(const struct network *x, const struct network *y);
/* "192.0.2.1", "2001:db8:0:1::" */
void network_text(const struct network *n, char out[static INET6_ADDRSTRLEN]);

#endif
