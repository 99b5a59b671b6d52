/*
 * The TXT value of dns-persist-01 (draft-ietf-acme-dns-persist), in both wire formats in the field,
 * and its comparison with one found in the DNS. The value is an issue-value of RFC 8659 4.2: a
 * domain, then tag=value parameters set apart by ";".
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "acme/issued.h"
#include "acme/parse.h"
#include "sys/hash.h"

#define VALUE_MAX 4096
#define PARAMETERS_MAX 20

/* D (with its length before it), the thumbprint and the account URL, hashed (-02). */
int acme_persist_hash(struct arena *a, const char *domain, const char *thumbprint,
                      const char *account_url, char **out, struct err *e)
{
	size_t len = strlen(domain);
	unsigned char hash[HASH_MAX];
	char *text;

	if (len > 253)
		return err_set(e, ERR_INPUT, "the name is too long");
	text = arena_printf(a, "%c%s%s%s", (int)len, domain, thumbprint, account_url);
	TRY(hash_digest(HASH_SHA256, text, 1 + len + strlen(thumbprint) + strlen(account_url), hash,
	                e));
	*out = base64url_encode(a, hash, hash_len(HASH_SHA256));
	return 0;
}

/* The value of accounturi for a domain ("*" = one that is good below all domains). */
static int account_uri(struct arena *a, const struct acme_persist_spec *spec, const char *domain,
                       const char **out, struct err *e)
{
	char *thumbprint, *hash;

	if (!spec->account_hash_prefix) {
		*out = arena_strdup(a, spec->account_url);
		return 0;
	}
	TRY(key_thumbprint(a, spec->account_key, &thumbprint, e));
	TRY(acme_persist_hash(a, domain, thumbprint, spec->account_url, &hash, e));
	*out = arena_printf(a, "%ssha-256/%s", spec->account_hash_prefix, hash);
	return 0;
}

/* RFC 8659 4.2: what a parameter's value is made of. */
static bool is_value(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7f || *s == ';')
			return false;
	return true;
}

int acme_persist_value(struct arena *a, const struct acme_persist_spec *spec, char **out,
                       struct err *e)
{
	const char *uri;
	char *text;

	TRY(account_uri(a, spec, spec->domain, &uri, e));
	if (!*spec->issuer || !is_value(spec->issuer) || !*uri || !is_value(uri))
		return err_set(
		    e, ERR_INPUT,
		    "the CA's issuer name or account URL does not fit into a TXT record");
	text = arena_printf(a, "%s; accounturi=%s%s", spec->issuer, uri,
	                    spec->wildcard ? "; policy=wildcard" : "");
	if (spec->until)
		text = arena_printf(a, "%s; persistUntil=%lld", text, (long long)spec->until);
	*out = text;
	return 0;
}

struct parameter {
	const char *tag, *value;
};
struct issue_value {
	const char *issuer;
	struct parameter v[PARAMETERS_MAX];
	size_t n;
};

static char *trimmed(struct arena *a, const char *s, size_t len)
{
	while (len && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	return arena_strndup(a, s, len);
}

static const char *parameter(const struct issue_value *iv, const char *tag)
{
	for (size_t i = 0; i < iv->n; i++)
		if (!strcasecmp(iv->v[i].tag, tag))
			return iv->v[i].value;
	return NULL;
}

/* One parameter; a tag given twice is malformed. */
static bool add_parameter(struct arena *a, struct issue_value *iv, const char *s, size_t len)
{
	const char *equals = memchr(s, '=', len);
	struct parameter p;

	if (!equals || iv->n == PARAMETERS_MAX)
		return false;
	p.tag = trimmed(a, s, (size_t)(equals - s));
	p.value = trimmed(a, equals + 1, len - (size_t)(equals + 1 - s));
	if (!*p.tag || !is_value(p.tag) || !is_value(p.value) || parameter(iv, p.tag))
		return false;
	iv->v[iv->n++] = p;
	return true;
}

static bool parse_value(struct arena *a, const char *text, struct issue_value *out)
{
	size_t len = strcspn(text, ";");

	out->issuer = trimmed(a, text, len);
	while (text[len] == ';') {
		text += len + 1;
		len = strcspn(text, ";");
		if (!add_parameter(a, out, text, len))
			return false;
	}
	return *out->issuer != '\0';
}

/* Either the value for the domain, or the one for all domains. */
static bool is_account(struct arena *a, const struct acme_persist_spec *spec, const char *found)
{
	const char *domains[] = { spec->domain, "*" }, *uri;
	struct err ignored;

	for (size_t i = 0; found && i < ARRAY_LEN(domains); i++)
		if (account_uri(a, spec, domains[i], &uri, &ignored) >= 0 && !strcmp(uri, found))
			return true;
	return false;
}

/* Without a wish any end in the future will do; with one it must be that. */
static bool is_in_time(const struct acme_persist_spec *spec, const char *found, int64_t now)
{
	char *end;
	long long until;

	if (!found)
		return !spec->until;
	until = strtoll(found, &end, 10);
	if (*end || end == found || *found < '0' || *found > '9')
		return false;
	return until > now && (!spec->until || until == spec->until);
}

bool acme_persist_matches(const char *found, const struct acme_persist_spec *spec, int64_t now)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(1 << 20);
	struct issue_value iv = { 0 };
	const char *policy;

	if (strlen(found) > VALUE_MAX || !parse_value(a, found, &iv))
		return false;
	policy = parameter(&iv, "policy");
	return !strcasecmp(iv.issuer, spec->issuer) &&
	       is_account(a, spec, parameter(&iv, "accounturi")) &&
	       (!spec->wildcard || (policy && !strcasecmp(policy, "wildcard"))) &&
	       is_in_time(spec, parameter(&iv, "persistUntil"), now);
}

bool acme_persist_read(struct arena *a, const char *found, const struct acme_persist_spec *spec,
                       struct acme_persist_record *out)
{
	struct acme_persist_record r = { 0 };
	struct issue_value iv = { 0 };
	const char *policy, *until;
	char *end;

	if (strlen(found) > VALUE_MAX || !parse_value(a, found, &iv))
		return false;
	policy = parameter(&iv, "policy");
	until = parameter(&iv, "persistUntil");
	r.issuer = iv.issuer;
	r.account_uri = parameter(&iv, "accounturi");
	r.wildcard = policy && !strcasecmp(policy, "wildcard");
	r.has_until = until != NULL;
	if (until && *until >= '0' && *until <= '9') {
		r.until = strtoll(until, &end, 10);
		r.until = *end ? 0 : r.until;
	}
	r.ours = is_account(a, spec, r.account_uri);
	r.our_url =
	    spec->account_hash_prefix && r.account_uri && !strcmp(r.account_uri, spec->account_url);
	*out = r;
	return true;
}
