/* What GoDaddy's two files share. */
#ifndef DNS_GODADDY_H
#define DNS_GODADDY_H

#include "dns/rest.h"

struct godaddy {
	const char *api_key, *api_secret, *shopper_id;
};

/* Signed in; an answer to GET must be JSON. A refusal says why GoDaddy may have refused. */
NODISCARD int godaddy_call(struct dns_session *s, struct rest_call *c, struct rest_answer *out,
                           struct err *e);
NODISCARD int godaddy_add(struct dns_session *s, const struct dns_zone *z,
                          const struct dns_record *v, size_t n, struct err *e);
NODISCARD int godaddy_remove(struct dns_session *s, const struct dns_zone *z,
                             const struct dns_record *v, size_t n, struct err *e);

#endif
