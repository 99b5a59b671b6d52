/* The table of providers, and what every account may say whatever its provider. */
#include "dns/provider.h"

#include <string.h>

const struct dns_provider *const dns_providers[] = {
#define X(symbol) &dns_##symbol,
#include "dns/providers.def"
#undef X
	NULL
};

const struct field dns_common_fields[] = {
	FIELD(struct dns_common, base_url, FT_STRING, F_PEER,
	      "address of the service, in place of its own: for private clouds and laboratories"),
	FIELD(struct dns_common, zone, FT_STRING, 0, "the zone, where it is not to be looked for"),
	FIELD(struct dns_common, zone_id, FT_STRING, 0,
	      "the service's own identifier of that zone, where it has one"),
	FIELD_NAMED(struct dns_common, ttl_s, "ttl", FT_INT, 0,
	            "seconds resolvers may remember the record"),
	FIELD(struct dns_common, propagation, FT_STRING, 0,
	      "authoritative (default): ask every name server of the zone; recursive: these, and "
	      "then the resolver; provider: believe the service; none: do not look"),
	FIELD(struct dns_common, resolvers, FT_STRINGS, F_PEER,
	      "ADDR:PORT list: whom to ask instead of the system's resolver"),
	FIELD(struct dns_common, servers, FT_STRINGS, F_PEER,
	      "ADDR:PORT list: whom to ask instead of the zone's name servers"),
	FIELD_NAMED(struct dns_common, propagation_timeout_s, "propagation_timeout", FT_INT, 0,
	            "seconds to wait until all name servers have the record"),
	FIELD_NAMED(struct dns_common, propagation_wait_s, "propagation_wait", FT_INT, 0,
	            "seconds to wait before the first look, and with `none` instead of looking"),
	FIELD(struct dns_common, ca_bundle, FT_STRING, F_HOST,
	      "file with the trust anchors for base_url (PEM); the system's otherwise"),
	FIELD(struct dns_common, public_only, FT_BOOL, F_HOST,
	      "yes: what it names is not reached at loopback, link-local or private addresses, nor "
	      "at this machine's own; so for accounts made over the network unless allow_private "
	      "is configured"),
	FIELD_END
};

const struct dns_provider *dns_provider_find(const char *name)
{
	for (size_t i = 0; dns_providers[i]; i++)
		if (strcmp(dns_providers[i]->name, name) == 0)
			return dns_providers[i];
	return NULL;
}

int dns_ctx(struct err *e, const struct dns_session *s, const struct dns_zone *z)
{
	bool known = !(s->provider->flags & DNS_NO_ZONES) || s->common.zone;

	if (z && known)
		return err_ctx(e, "DNS account %s (%s), zone %s", s->account, s->provider->name,
		               z->name);
	return err_ctx(e, "DNS account %s (%s)", s->account, s->provider->name);
}

const char *dns_base_url(const struct dns_session *s)
{
	return s->common.base_url ? s->common.base_url : s->provider->base_url;
}

int64_t dns_ttl(const struct dns_session *s)
{
	int64_t ttl = s->common.ttl_s ? s->common.ttl_s : s->provider->ttl_s;

	if (ttl < s->provider->min_ttl_s)
		ttl = s->provider->min_ttl_s;
	return ttl > 0 ? ttl : 60;
}
