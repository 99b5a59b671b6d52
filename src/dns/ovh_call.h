/*
 * How OVHcloud knows who calls: its endpoints, its clock, signatures and tokens. ovh.c is what is
 * called.
 */
#ifndef DNS_OVH_CALL_H
#define DNS_OVH_CALL_H

#include "dns/rest.h"

struct ovh {
	const char *endpoint;
	const char *application_key, *application_secret, *consumer_key;
	const char *client_id, *client_secret;
	const char *token_url;
};

/* The keys of exactly one of the two ways, and an endpoint that is known. ERR_CONFIG. */
int ovh_check(struct arena *a, const void *settings, const struct dns_common *common,
              struct err *e);
/* right: what the key must be allowed to do for this call; said if it is not. */
NODISCARD int ovh_call(struct dns_session *s, const char *method, const char *path,
                       const json_t *body, const char *right, struct rest_answer *out,
                       struct err *e);

#endif
