/*
 * What of an order the CA does not hold it to: it replaces the newest version inside the CA's
 * window (RFC 9773 5), or it is for the same names again. The CA looks at the names alone: whoever
 * ordered them, for whichever certificate, revoked or deleted since.
 */
#include <string.h>

#include "base/clock.h"
#include "flow/identity.h"
#include "flow/limits_impl.h"
#include "sys/x509.h"

static bool shares_a_name(const struct strings *x, const struct strings *y)
{
	for (size_t i = 0; i < x->n; i++)
		if (strings_has(y, x->v[i]))
			return true;
	return false;
}

static bool is_within(const struct strings *x, const struct strings *y)
{
	for (size_t i = 0; i < x->n; i++)
		if (!strings_has(y, x->v[i]))
			return false;
	return true;
}

/* Names in common, and all the same: of what the newest version is for. */
static int compare(struct arena *a, const struct cert *c, const struct version *v, bool *shares,
                   bool *same, struct err *e)
{
	const char *identity, *leaf_pem, *chain_pem;
	struct x509_info leaf;

	TRY(cert_identity(a, c, &identity, e));
	*shares = *same = c->issued_identity && strcmp(identity, c->issued_identity) == 0;
	if (*same)
		return 0;
	TRY(x509_chain_split(a, v->fullchain, &leaf_pem, &chain_pem, e));
	TRY(x509_parse(a, leaf_pem, strlen(leaf_pem), &leaf, e));
	*shares = shares_a_name(&c->domains, &leaf.names);
	*same = v->ca && c->ca && strcmp(v->ca, c->ca) == 0 &&
	        is_within(&c->domains, &leaf.names) && is_within(&leaf.names, &c->domains);
	return 0;
}

static const char *set_name(struct arena *a, const char *ca_url, const struct strings *domains)
{
	return limits_buckets(a, LIMIT_EXACT_SET, ca_url, NULL, domains).v[0];
}

int limits_set_is_known(struct run *r, struct arena *a, const char *ca_url,
                        const struct strings *domains, bool *known, struct err *e)
{
	int64_t at;

	TRY(st_limit_set_get(r->store, a, set_name(a, ca_url, domains), &at, e));
	*known = at > clock_now() - RENEWAL_OF_SET_S;
	return 0;
}

int limits_set_issued(struct run *r, struct arena *a, const struct order *row, struct err *e)
{
	int64_t now = clock_now();
	struct account account;
	struct err no_account;
	int result = st_account_get(r->store, a, row->account, &account, &no_account);

	if (result == -ERR_NOT_FOUND)
		return 0;
	if (result < 0) {
		*e = no_account;
		return result;
	}
	return st_limit_set_issued(r->store, set_name(a, account.directory_url, &row->domains), now,
	                           now - RENEWAL_OF_SET_S, e);
}

int limits_exemption(struct run *r, struct arena *a, const struct cert *c,
                     const struct account *account, const char **replaces,
                     enum limits_exempt *exempt, struct err *e)
{
	int64_t now = clock_now();
	bool shares, same, known;
	struct version v;
	struct err err;
	int result;

	*replaces = NULL;
	TRY(limits_set_is_known(r, a, account->directory_url, &c->domains, &known, e));
	*exempt = known ? EXEMPT_SAME_SET : EXEMPT_NOTHING;
	if (c->not_after == 0)
		return 0;
	result = st_version_get(r->store, a, c->name, 0, &v, &err);
	if (result == -ERR_NOT_FOUND)
		return 0;
	if (result < 0) {
		*e = err;
		return result;
	}
	if (v.self_signed)
		return 0;
	TRY(compare(a, c, &v, &shares, &same, e));
	/* from before sets were written down, too */
	if (same && v.issued_at > now - RENEWAL_OF_SET_S)
		*exempt |= EXEMPT_SAME_SET;
	if (!c->ari_id || v.revoked_at || !shares || !v.account ||
	    strcmp(v.account, account->name) != 0)
		return 0;
	*replaces = c->ari_id;
	if (c->ari_start <= now && now < c->ari_end)
		*exempt |= EXEMPT_IN_TIME;
	return 0;
}
