/* URLs taken apart and put together (libcurl's parser). Hostile input: nothing longer than 2000
 * bytes, no user in it. */
#ifndef SYS_URL_H
#define SYS_URL_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct url {
	const char *text;   /* the whole, normalized */
	const char *scheme; /* lower case */
	const char *host;   /* lower case, an IPv6 address without brackets */
	uint16_t port;      /* the scheme's default if it names none; 0 = neither */
};
/* reference, as a Location header has it, seen from base (RFC 3986 5); base NULL: absolute ones
 * only. ERR_INPUT. */
NODISCARD int url_join(struct arena *a, const char *base, const char *reference, struct url *out,
                       struct err *e);

#endif
