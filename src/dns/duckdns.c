/*
 * DuckDNS. It keeps one TXT value for a domain and all names below it, and knows no way but an
 * address with the token in it: so no error here shows an address. It does not tell the value it
 * has; its name servers do. A value that is no challenge's is not overwritten, and one that is seen
 * not to be ours is not cleared.
 */
#include <ctype.h>
#include <string.h>

#include "dns/rest.h"
#include "dns/seen.h"
#include "dns/txt.h"

#define PARENT "duckdns.org"
#define CHALLENGE_LEN 43 /* base64url of SHA-256, RFC 8555 8.4 */

struct duckdns {
	const char *token;
};

static const struct field fields[] = {
	FIELD(struct duckdns, token, FT_SECRET, F_REQUIRED, "the account's token"), FIELD_END
};

/* Else an address that is none would be shown, with the token in it. */
static int check(struct arena *a, const void *settings, const struct dns_common *common,
                 struct err *e)
{
	const char *url = common->base_url;

	(void)a;
	(void)settings;
	if (url && strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return err_set(e, ERR_CONFIG, "base_url must begin with https://");
	return 0;
}

static int list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                      struct err *e)
{
	(void)e;
	*out = ARENA_NEW(s->arena, struct dns_zone);
	(*out)->name = PARENT;
	*n = 1;
	*whole = true;
	return 0;
}

/* The label below duckdns.org. ERR_INPUT for duckdns.org itself. */
static int domain_of(struct dns_session *s, const struct dns_record *r, const char **out,
                     struct err *e)
{
	const char *dot = strrchr(r->relative, '.'), *domain = dot ? dot + 1 : r->relative;

	if (!*domain || *domain == '_')
		return err_set(e, ERR_INPUT, "%s is not below a domain of yours at " PARENT,
		               r->name);
	*out = arena_strdup(s->arena, domain);
	return 0;
}

static void hide(char *text, const char *secret)
{
	size_t n = strlen(secret);

	for (char *p = text; n > 0 && (p = strstr(p, secret)); p += n)
		memset(p, '*', n);
}

/* Everything that comes back is looked through for the token before anybody sees it. */
static int call(struct dns_session *s, const char *domain, const char *txt, bool clear,
                struct err *e)
{
	const struct duckdns *d = s->settings;
	const char *query = rest_form(s->arena, "domains", domain, "token", d->token, "txt", txt,
	                              "clear", clear ? "true" : NULL, "verbose", "true", NULL);
	struct rest_call c = {
		.method = "GET",
		.path = arena_printf(s->arena, "/update?%s", query),
		.headers = { { "Accept", "text/plain" } },
	};
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };

	if (rest_do(s, &c, &r, e) < 0) {
		hide(e->text, d->token);
		hide(e->text, rest_escape(s->arena, d->token));
		return -(int)e->code;
	}
	if (strncmp(r.text, "KO", 2) == 0)
		return err_set(e, ERR_DENIED,
		               "the service says KO: the token is wrong, or %s." PARENT
		               " is not a domain of its account",
		               domain);
	if (strncmp(r.text, "OK", 2) != 0)
		return err_set(e, ERR_PROTOCOL, "the service says neither OK nor KO");
	return 0;
}

static bool is_challenge(const char *value)
{
	if (strlen(value) != CHALLENGE_LEN)
		return false;
	for (const char *p = value; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			return false;
	return true;
}

static int add_one(struct dns_session *s, const struct dns_zone *z, const struct dns_record *r,
                   struct err *e)
{
	struct dns_seen seen;
	const char *domain;

	TRY(domain_of(s, r, &domain, e));
	seen = dns_see(s, z, r->name);
	for (size_t i = 0; i < seen.values.n; i++)
		if (strcmp(seen.values.v[i], r->value) != 0 && !is_challenge(seen.values.v[i]))
			return err_set(e, ERR_EXISTS,
			               "%s." PARENT " has a TXT value that is no challenge's, and "
			               "the service keeps only one: clear it first",
			               domain);
	return call(s, domain, r->value, false, e);
}

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		TRY(add_one(s, z, &v[i], e));
	return 0;
}

static int remove_all(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct dns_seen seen = dns_see(s, z, v[i].name);
		const char *domain;

		TRY(domain_of(s, &v[i], &domain, e));
		if (seen.values.n == 0 || strings_has(&seen.values, v[i].value))
			TRY(call(s, domain, "", true, e));
	}
	return 0;
}

const struct dns_provider dns_duckdns = {
	.name = "duckdns",
	.title = "DuckDNS",
	.site = "https://www.duckdns.org/spec.jsp",
	.setup =
	    "The token is at the top of https://www.duckdns.org after signing in. It may change "
	    "all "
	    "domains of its account, addresses included: there is none with fewer rights.\n\n"
	    "DuckDNS keeps one TXT value for a domain: a name and its wildcard go into two "
	    "certificates. It has no way of calling it but with the token in the address: whoever "
	    "keeps a log of addresses on the way (a proxy that opens TLS) has the token.",
	.verified =
	    "recorded traffic, whose replay refuses any other request (the token is cut out of it)",
	.fields = fields,
	.settings_size = sizeof(struct duckdns),
	.base_url = "https://www.duckdns.org",
	.ttl_s = 60,
	.settle_s = 60,
	.max_values = 1,
	.flags = DNS_FIXED_NAME,
	.check = check,
	.list_zones = list_zones,
	.add = add,
	.remove = remove_all,
};
