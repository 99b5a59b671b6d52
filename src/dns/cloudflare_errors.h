/* What Cloudflare's error answers mean, for cloudflare.c alone. */
#ifndef DNS_CLOUDFLARE_ERRORS_H
#define DNS_CLOUDFLARE_ERRORS_H

#include "dns/rest.h"

/* Fills e from an answer that is no success: ERR_EXISTS for an identical record, ERR_NOT_FOUND,
 * ERR_DENIED (key: what was not accepted; right: what may be missing), ERR_INPUT, ERR_PROTOCOL. */
int cloudflare_failure(struct arena *a, const struct rest_answer *r, const char *key,
                       const char *right, struct err *e);

#endif
