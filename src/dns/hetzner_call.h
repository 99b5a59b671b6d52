/* Hetzner's Cloud API as hetzner.c uses it: calls, zones, and actions that are waited for. */
#ifndef DNS_HETZNER_CALL_H
#define DNS_HETZNER_CALL_H

#include "dns/rest.h"

struct hetzner {
	const char *api_token;
};

NODISCARD int hetzner_call(struct dns_session *s, const char *method, const char *path,
                           const json_t *body, bool creates, struct rest_answer *out,
                           struct err *e);
int hetzner_find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e);
int hetzner_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                       struct err *e);
/* Waits for one action, or (id NULL) until none of the zone's is under way. ERR_INPUT if the
 * service gave it up. */
NODISCARD int hetzner_await(struct dns_session *s, const struct dns_zone *z, const char *id,
                            struct err *e);

#endif
