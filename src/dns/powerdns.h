/* PowerDNS's API as powerdns.c uses it: calls, zones, and what is in a set. */
#ifndef DNS_POWERDNS_H
#define DNS_POWERDNS_H

#include "dns/rest.h"
#include "dns/rrset.h"

struct powerdns {
	const char *api_key, *server_id;
};

/* path: below the server's zones. */
NODISCARD int powerdns_call(struct dns_session *s, const char *method, const char *path,
                            const json_t *body, struct rest_answer *out, struct err *e);
const char *powerdns_zone_path(struct dns_session *s, const struct dns_zone *z, const char *rest);
int powerdns_find_zone(struct dns_session *s, const char *name, struct dns_zone *out,
                       struct err *e);
int powerdns_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                        struct err *e);
/* For struct dns_rrset_how; set->raw is a struct strings: the contents that are disabled. */
int powerdns_read_set(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
                      struct err *e);
/* Whether the zone that was read has secondaries to be told. */
bool powerdns_is_primary(const struct dns_session *s);
/* What was read is not to be used again. */
void powerdns_forget(struct dns_session *s);

#endif
