/* Addresses cut to what one party has: see base/network.h. */
#include "base/network.h"

#include <arpa/inet.h>
#include <string.h>

#define HOST_FROM 8 /* the bytes from here on are the customer's own choice */

static struct network of_v6(const struct in6_addr *address)
{
	struct network n = { *address };

	if (!IN6_IS_ADDR_V4MAPPED(address))
		memset(n.first.s6_addr + HOST_FROM, 0, sizeof(n.first.s6_addr) - HOST_FROM);
	return n;
}

static struct network of_v4(const struct in_addr *address)
{
	struct network n = { .first = { .s6_addr = { [10] = 0xff, [11] = 0xff } } };

	memcpy(n.first.s6_addr + 12, address, sizeof(*address));
	return n;
}

bool network_of(const struct sockaddr *address, struct network *out)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		*out = of_v6(&v6.sin6_addr);
		return true;
	}
	if (address->sa_family != AF_INET)
		return false;
	memcpy(&v4, address, sizeof(v4));
	*out = of_v4(&v4.sin_addr);
	return true;
}

bool network_parse(const char *address, struct network *out)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, address, &v4) == 1)
		*out = of_v4(&v4);
	else if (inet_pton(AF_INET6, address, &v6) == 1)
		*out = of_v6(&v6);
	else
		return false;
	return true;
}

bool network_is_same(const struct network *x, const struct network *y)
{
	return memcmp(&x->first, &y->first, sizeof(x->first)) == 0;
}

void network_text(const struct network *n, char out[static INET6_ADDRSTRLEN])
{
	const unsigned char *bytes = n->first.s6_addr;

	if (IN6_IS_ADDR_V4MAPPED(&n->first))
		(void)inet_ntop(AF_INET, bytes + 12, out, INET6_ADDRSTRLEN);
	else
		(void)inet_ntop(AF_INET6, bytes, out, INET6_ADDRSTRLEN);
}
