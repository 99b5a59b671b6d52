/* What Cloudflare's files share. */
#ifndef DNS_CLOUDFLARE_H
#define DNS_CLOUDFLARE_H

#include "dns/rest.h"

struct cloudflare {
	const char *api_token, *zone_token, *email, *api_key, *comment;
};

/* Rights, as its errors name them. */
#define CLOUDFLARE_READ_ZONES "Zone:Read (Zone, Zone, Read), or zone and zone_id in the account"
#define CLOUDFLARE_EDIT_DNS "DNS:Edit (Zone, DNS, Edit) for this zone"

/* right: what the call needs; reading zones is done with zone_token if there is one. */
NODISCARD int cloudflare_call(struct dns_session *s, struct rest_call *c, const char *right,
                              struct rest_answer *out, struct err *e);
/* How many pages there are is said by most answers; a short page is the last one anyhow. */
bool cloudflare_is_last(struct dns_session *s, const json_t *answer, int page, size_t per_page);

/* Fills e from an answer that is no success: ERR_EXISTS for an identical record, ERR_NOT_FOUND,
 * ERR_DENIED (key: what was not accepted; right: what may be missing), ERR_INPUT, ERR_PROTOCOL. */
int cloudflare_failure(struct arena *a, const struct rest_answer *r, const char *key,
                       const char *right, struct err *e);

NODISCARD int cloudflare_add(struct dns_session *s, const struct dns_zone *z,
                             const struct dns_record *v, size_t n, struct err *e);
NODISCARD int cloudflare_remove(struct dns_session *s, const struct dns_zone *z,
                                const struct dns_record *v, size_t n, struct err *e);

#endif
