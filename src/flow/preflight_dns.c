/*
 * dns-01 and its kin: where the record's name leads (aliases, its own delegation), whether it can
 * be asked for at all, and whether it validates (DNSSEC). The value itself is looked for at every
 * name server before the CA is asked (dns/settle.h).
 */
#include <string.h>

#include "flow/preflight_impl.h"

static const char *record_of(struct preflight *p, const char *name)
{
	bool persist = strcmp(p->cert->challenge, "dns-persist-01") == 0;

	return arena_printf(p->arena, "%s.%s", persist ? "_validation-persist" : "_acme-challenge",
	                    name);
}

/* dns-account-01 has a label of its own, which is the account's; below the same zone. */
void preflight_dns_want(struct preflight *p)
{
	for (size_t i = 0; i < p->names.n; i++)
		preflight_want(p, record_of(p, p->names.v[i]), DNS_TXT);
}

/* The aliases on the way, as the resolver followed them. */
static const char *way(struct preflight *p, const struct look_up *x)
{
	struct strings via = { 0 };

	for (size_t i = 0; i < x->q.answer.n_answer && via.n < 8; i++)
		if (x->q.answer.answer[i].type == DNS_CNAME)
			strings_add(p->arena, &via, x->q.answer.answer[i].text);
	return via.n
	           ? arena_printf(p->arena, " leads to %s and", strings_join(p->arena, &via, ", "))
	           : "";
}

static void look_at(struct preflight *p, const char *name)
{
	const char *record = record_of(p, name), *check = p->cert->challenge;
	const struct look_up *x = preflight_answer(p, record, DNS_TXT);

	if (x->how == ANSWERED)
		preflight_fine(p, name, check, "%s%s can be asked for%s", record, way(p, x),
		               x->q.answer.authenticated ? ", signed and valid" : "");
	else
		preflight_found(
		    p, name, check, preflight_weigh_answer(p, x), "dns",
		    x->how == ANSWERED_BOGUS
		        ? "mend the zone's DNSSEC: its DS records at the parent, or its "
		          "signatures"
		        : "mend the delegation, or the alias, of that name: its name "
		          "servers must answer for it",
		    "%s", preflight_said(p, x, record));
}

int preflight_dns(struct preflight *p, struct err *e)
{
	(void)e;
	for (size_t i = 0; i < p->names.n; i++)
		look_at(p, p->names.v[i]);
	return 0;
}
