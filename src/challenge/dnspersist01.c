/*
 * See dnspersist01.h. The solver itself only records: the person publishes once, and the record is
 * never taken away, since later renewals need it.
 */
#include "challenge/dnspersist01.h"

#include <string.h>

#include "acme/issued.h"
#include "challenge/solver_impl.h"

static const char *const types[] = { "dns-persist-01", NULL };

static const struct solver_acts acts = { 0 };

static const char *issuer_name(const struct acme_challenge *offered, const struct acme_directory *d)
{
	if (offered->issuer_domain_names.n > 0)
		return offered->issuer_domain_names.v[0];
	return d->issuer_domain_names.n > 0 ? d->issuer_domain_names.v[0] : NULL;
}

/* RFC 8659 4.2: a domain name; whatever else the CA sends must not become part of a record. */
static bool is_issuer_name(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	return n > 0 && n <= 253 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == n;
}

static struct acme_persist_spec spec_of(const struct challenge *c, const char *issuer,
                                        const struct dnspersist *how)
{
	return (struct acme_persist_spec){
		.domain = c->domain,
		.issuer = issuer,
		.account_url = how->account_url,
		.account_key = how->account_key,
		.account_hash_prefix = how->directory->account_hash_prefix,
		.wildcard = how->wildcard,
	};
}

bool dnspersist_is_there(const struct challenge *c, const struct acme_challenge *offered,
                         const struct dnspersist *how, const struct strings *found, int64_t now)
{
	struct acme_persist_spec spec = spec_of(c, issuer_name(offered, how->directory), how);

	for (size_t i = 0; i < found->n; i++)
		if (acme_persist_matches(found->v[i], &spec, now))
			return true;
	return false;
}

int dnspersist_fill(struct arena *a, struct challenge *c, const struct acme_challenge *offered,
                    const struct dnspersist *how, struct err *e)
{
	const char *prefix = how->directory->account_hash_prefix;
	const char *issuer = issuer_name(offered, how->directory);
	char *value;

	if (!is_issuer_name(issuer))
		return err_set(e, ERR_PROTOCOL,
		               "%s: the CA's dns-persist-01 challenge names no usable issuer",
		               c->domain);
	if (!prefix && offered->account_uri && strcmp(offered->account_uri, how->account_url) != 0)
		return err_set(e, ERR_PROTOCOL,
		               "%s: the CA's dns-persist-01 challenge is for another account (%s)",
		               c->domain, offered->account_uri);
	struct acme_persist_spec spec = spec_of(c, issuer, how);
	TRY(acme_persist_value(a, &spec, &value, e));
	c->token = NULL;
	c->value = value;
	c->location = arena_printf(a, "_validation-persist.%s", c->domain);
	return 0;
}

static int dns_persist_check(struct solve *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

static int dns_persist_publish(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_publish_with(&acts, s, v, n, e);
}

static int dns_persist_withdraw(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_withdraw_with(&acts, s, v, n, e);
}

const struct solver solver_dns_persist = {
	.method = "dns-persist",
	.types = types,
	.check = dns_persist_check,
	.publish = dns_persist_publish,
	.withdraw = dns_persist_withdraw,
	.waits_for_person = true,
};
