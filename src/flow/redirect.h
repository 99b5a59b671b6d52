/* The rules by which CAs follow redirects of http-01 (RFC 8555 8.3; Let's Encrypt's: ten of them,
 * http and https, ports 80 and 443, no addresses). Pure. */
#ifndef FLOW_REDIRECT_H
#define FLOW_REDIRECT_H

#include <stdbool.h>

#include "sys/url.h"

#define REDIRECTS_MAX 10

struct redirect_rules {
	bool laboratory;             /* its ports are allowed too, and addresses */
	int64_t http_port, tls_port; /* 0 = 80, 443 */
};
struct hop {
	struct url url;      /* where it is now */
	struct strings seen; /* where it was before */
};
/* Follows location. false: a CA would not, *why says so in words. */
bool redirect_follow(struct arena *a, const struct redirect_rules *rules, struct hop *h,
                     const char *location, const char **why);

/* Whether the answer is the token's: status 200, and the value with nothing but white space behind
 * it, within the first 128 bytes. Otherwise *said says what it is. */
bool redirect_is_token(struct arena *a, int status, const char *body, size_t len, const char *value,
                       const char **said);

#endif
