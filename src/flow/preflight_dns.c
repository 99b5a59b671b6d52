/*
 * dns-01 and its kin: whether the zone that the challenge's record goes into answers and validates
 * (DNSSEC). Resolvers are never asked for the record's own name: they would remember that it is not
 * there, and one of them may be the CA's. The value itself is looked for at every name server
 * before the CA is asked (dns/settle.h), aliases and delegations followed.
 */
#include <string.h>

#include "flow/preflight_impl.h"

void preflight_dns_want(struct preflight *p)
{
	for (size_t i = 0; i < p->names.n; i++)
		preflight_want(p, p->names.v[i], DNS_SOA);
}

/* The zone that a name is in: whose SOA record came, in either section. */
static const char *zone_of(const struct look_up *x)
{
	const struct dns_answer *r = &x->q.answer;

	for (size_t i = 0; i < r->n_answer; i++)
		if (r->answer[i].type == DNS_SOA)
			return r->answer[i].name;
	for (size_t i = 0; i < r->n_authority; i++)
		if (r->authority[i].type == DNS_SOA)
			return r->authority[i].name;
	return NULL;
}

static void look_at(struct preflight *p, const char *name)
{
	const struct look_up *x = preflight_answer(p, name, DNS_SOA);
	const char *check = p->cert->challenge, *zone;

	if (x->how != ANSWERED) {
		preflight_found(p, name, check, preflight_weigh_answer(p, x), "dns",
		                x->how == ANSWERED_BOGUS
		                    ? x->mend
		                    : "mend the zone's delegation: its name servers must answer",
		                "%s", preflight_said(p, x, name));
		return;
	}
	zone = zone_of(x);
	preflight_fine(p, name, check, "the zone %s answers%s", zone && *zone ? zone : "it is in",
	               x->q.answer.authenticated ? ", signed and valid" : "");
}

int preflight_dns(struct preflight *p, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < p->names.n; i++)
		look_at(p, p->names.v[i]);
	return 0;
}
