/*
 * acme-dns: a small server for challenges alone. An account there may write one name, and keeps the
 * two values written last, so that nothing is ever removed; _acme-challenge of a domain is an alias
 * of that name. Writing one value twice would push the other one out: when nobody knows whether a
 * value was written, all are written again, in order.
 */
#include <string.h>

#include "dns/rest.h"
#include "dns/seen.h"
#include "dns/txt.h"

#define ATTEMPTS 3

struct acme_dns {
	const char *api_user, *api_key, *subdomain, *fulldomain;
};

static const struct field fields[] = {
	FIELD(struct acme_dns, api_user, FT_STRING, F_REQUIRED, "\"username\" of the registration"),
	FIELD(struct acme_dns, api_key, FT_SECRET, F_REQUIRED, "\"password\" of the registration"),
	FIELD(struct acme_dns, subdomain, FT_STRING, F_REQUIRED,
	      "\"subdomain\" of the registration"),
	FIELD(struct acme_dns, fulldomain, FT_STRING, F_REQUIRED,
	      "\"fulldomain\" of the registration: what _acme-challenge is an alias of"),
	FIELD_END
};

static int check(struct arena *a, const void *settings, const struct dns_common *common,
                 struct err *e)
{
	const struct acme_dns *d = settings;
	const char *full = zone_name(a, d->fulldomain);
	size_t n = strlen(d->subdomain);

	(void)common;
	if (strncasecmp(full, d->subdomain, n) != 0 || full[n] != '.')
		return err_set(e, ERR_CONFIG, "fulldomain must begin with subdomain and a dot");
	return 0;
}

static int write_one(struct dns_session *s, const struct dns_record *r, struct err *e)
{
	const struct acme_dns *d = s->settings;
	json_auto_t *body = json_pack("{ss ss}", "subdomain", d->subdomain, "txt", r->value);
	struct rest_call c = {
		.method = "POST",
		.path = "/update",
		.headers = { { "X-Api-User", d->api_user }, { "X-Api-Key", d->api_key } },
		.json = body,
		.creates = true,
	};
	struct rest_answer answer CLEANUP(rest_answer_done) = { 0 };
	const char *txt;

	if (rest_json(s, &c, &answer, e) < 0)
		return e->code == ERR_DENIED
		           ? err_ctx(e, "check api_user and api_key, and that the registration's "
		                        "\"allowfrom\" has this machine's address")
		           : -(int)e->code;
	txt = rest_text(s->arena, answer.json, "txt");
	if (!txt || strcmp(txt, r->value) != 0)
		return err_set(e, ERR_PROTOCOL, "the answer does not give the value back");
	return 0;
}

/* Whatever is not seen to be there is written; again: everything. */
static int write_all(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                     size_t n, bool again, struct err *e)
{
	struct dns_seen seen = dns_see(s, z, v[0].name);

	for (size_t i = 0; i < n; i++)
		if ((again && n > 1) || !strings_has(&seen.values, v[i].value))
			TRY(write_one(s, &v[i], e));
	return 0;
}

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	const struct acme_dns *d = s->settings;
	const char *full = zone_name(s->arena, d->fulldomain);
	struct err why = { 0 };

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, full) != 0)
			return err_set(e, ERR_INPUT,
			               "this account writes %s and nothing else; in the zone of %s "
			               "create the record: %s. CNAME %s.",
			               full, v[i].name, v[i].name, full);
	for (int i = 0; n > 0 && i < ATTEMPTS; i++) {
		if (write_all(s, z, v, n, i > 0, &why) == 0)
			return 0;
		if (why.code != ERR_AGAIN)
			break;
	}
	if (n == 0)
		return 0;
	*e = why;
	return -(int)e->code;
}

/* The service keeps the last two values, for good. */
static int remove_all(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	(void)s;
	(void)z;
	(void)v;
	(void)n;
	(void)e;
	return 0;
}

const struct dns_provider dns_acme_dns = {
	.name = "acme-dns",
	.title = "acme-dns",
	.site = "https://github.com/joohoi/acme-dns",
	.setup =
	    "Register once for each domain, at a server that is yours: curl -X POST "
	    "https://auth.example.org/register -d '{\"allowfrom\":[\"192.0.2.1/32\"]}' (allowfrom: "
	    "this machine's address; it may be left out). The answer's username, password, "
	    "subdomain "
	    "and fulldomain are api_user, api_key, subdomain and fulldomain here; give the "
	    "server's "
	    "address as base_url. Then, in the domain's own zone, create the record "
	    "_acme-challenge.DOMAIN CNAME FULLDOMAIN. Nothing else of any zone can be written with "
	    "this account.\n\n"
	    "The server keeps two values: enough for a name and its wildcard.",
	.verified = NULL,
	.fields = fields,
	.settings_size = sizeof(struct acme_dns),
	.base_url = "https://auth.acme-dns.io",
	.ttl_s = 1,
	.settle_s = 5,
	.max_values = 2,
	.flags = DNS_NO_ZONES | DNS_FIXED_NAME,
	.check = check,
	.add = add,
	.remove = remove_all,
};
