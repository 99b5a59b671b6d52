/* Operations on DNS accounts: thin, what they do is in ops_dns. */
#include "ops/op_dns.h"

#include <string.h>

#include "flow/dns.h"
#include "ops/internal.h"
#include "ops/op_fields.h"
#include "ops/operation.h"

const struct field dns_add_fields[] = {
	FIELD(struct dns_add, provider, FT_STRING, F_REQUIRED, "whose service it is at"),
	FIELD(struct dns_add, name, FT_STRING, F_REQUIRED, "what the account is called"),
	FIELD(struct dns_add, settings, FT_JSON, F_REQUIRED,
	      "what the provider needs (dns-providers/{name} lists it)"),
	FIELD(struct dns_add, zones, FT_STRINGS, 0, "only for names in these; none: any"),
	FIELD(struct dns_add, propagation, FT_STRING, 0,
	      "authoritative, recursive, provider or none, in place of what the settings say"),
	FIELD_END,
};
const struct field dns_change_fields[] = {
	FIELD(struct dns_change, name, FT_STRING, F_REQUIRED, "its name"),
	FIELD(struct dns_change, settings, FT_JSON, 0,
	      "those that change; what it does not name is kept, null takes one away"),
	FIELD(struct dns_change, zones, FT_STRINGS, 0, "instead of those so far; none: any"),
	FIELD(struct dns_change, propagation, FT_STRING, 0,
	      "authoritative, recursive, provider or none"),
	FIELD_END,
};
#define ACCOUNT(member, type, help)                                                                \
	FIELD_NAMED(struct dns_said, account.member, #member, type, 0, help)
const struct field dns_said_fields[] = {
	ACCOUNT(name, FT_STRING, "as people call it"),
	ACCOUNT(provider, FT_STRING, "whose service it is at"),
	ACCOUNT(enabled, FT_BOOL, "it may be used"),
	ACCOUNT(zones, FT_STRINGS, "only names in these; none: any"),
	ACCOUNT(last_test_at, FT_TIME, "when it was last tested"),
	ACCOUNT(last_error, FT_STRING, "what that test failed with"),
	ACCOUNT(created_at, FT_TIME, "when it was added"),
	ACCOUNT(updated_at, FT_TIME, "when its settings changed"),
	FIELD(struct dns_said, settings, FT_JSON, 0, "what may be shown of them"),
	FIELD(struct dns_said, certificates, FT_STRINGS, 0, "which use it"),
	FIELD_END,
};
const struct field dns_try_fields[] = {
	FIELD(struct dns_try, name, FT_STRING, F_REQUIRED, "the account's name"),
	FIELD(struct dns_try, domain, FT_STRING, F_REQUIRED, "the domain to try it with"),
	FIELD_END,
};
#define TEST(member, type, help) FIELD_NAMED(struct dns_tried, test.member, #member, type, 0, help)
#define PATH(member, type, help)                                                                   \
	FIELD_NAMED(struct dns_tried, test.path.member, #member, type, 0, help)
const struct field dns_tried_fields[] = {
	TEST(value, FT_STRING, "the value that was written"),
	TEST(written, FT_BOOL, "the service took it"),
	TEST(seen, FT_BOOL, "all name servers had it"),
	TEST(removed, FT_BOOL, "it was taken away again"),
	TEST(seconds, FT_INT, "how long it took until all had it"),
	{ "servers", FT_RECORDS, F_NOT_STORED, offsetof(struct dns_tried, test.servers),
	  "the name servers, as they were last seen", dns_seen_fields, sizeof(struct dns_seen) },
	FIELD(struct dns_tried, ok, FT_BOOL, 0, "it works"),
	FIELD(struct dns_tried, error, FT_STRING, 0, "what it failed at"),
	FIELD(struct dns_tried, code, FT_STRING, 0, "the kind of failure"),
	PATH(asked, FT_STRING, "the name that was meant"),
	PATH(name, FT_STRING, "where the record goes"),
	PATH(via, FT_STRINGS, "the aliases on the way"),
	PATH(account, FT_STRING, "the DNS account"),
	PATH(provider, FT_STRING, "its provider"),
	PATH(zone, FT_STRING, "the zone it is in"),
	PATH(values, FT_STRINGS, "what is published there"),
	FIELD_END,
};
const struct field dns_publish_fields[] = {
	FIELD(struct dns_publish, name, FT_STRING, F_REQUIRED, "the account's name"),
	FIELD(struct dns_publish, fqdn, FT_STRING, F_REQUIRED, "the record's whole name"),
	FIELD(struct dns_publish, values, FT_STRINGS, F_REQUIRED, "its TXT values"),
	FIELD_END,
};
const struct field dns_look_fields[] = {
	FIELD(struct dns_look, name, FT_STRING, F_REQUIRED, "a certificate or a domain"),
	FIELD(struct dns_look, values, FT_STRINGS, 0, "of a domain: what to look for"),
	FIELD(struct dns_look, account, FT_STRING, 0, "whose name servers are asked"),
	FIELD_END,
};
const struct field dns_looked_fields[] = {
	FIELD_RECORDS(struct dns_looked, servers, struct dns_seen, dns_seen_fields, 0,
	              "every name server that was asked"),
	FIELD(struct dns_looked, missing, FT_STRING, 0, "what is not everywhere yet"),
	FIELD_END,
};
const struct field dns_ask_fields[] = {
	LIST_ROWS(struct dns_ask, "name, provider, last_test_at, created_at or updated_at"),
	FIELD(struct dns_ask, q, FT_STRING, 0, "whose name, provider or zones have this in them"),
	FIELD(struct dns_ask, provider, FT_STRING, 0, "only at this service"),
	FIELD(struct dns_ask, enabled, FT_STRING, 0, "true or false"),
	FIELD_END,
};
static const struct list_filter dns_filters[] = {
	{ "q", LIST_HAS, { "name", "provider", "zones" }, NULL },
	{ "provider", LIST_IS, { "provider" }, NULL },
	{ "enabled", LIST_IS, { "enabled" }, list_yes_no },
};
static const struct list_rule dns_rule = {
	.ask = dns_ask_fields,
	.items = dns_account_fields,
	.size = sizeof(struct dns_account),
	.key = "name",
	.sorts = (const char *const[]){ "name", "provider", "last_test_at", "created_at",
	                                "updated_at", NULL },
	.filters = dns_filters,
	.n_filters = ARRAY_LEN(dns_filters),
};
const struct field dns_page_fields[] = LIST_FIELDS(struct dns_account, dns_account_fields);
const struct field provider_said_fields[] = {
	FIELD(struct provider_said, name, FT_STRING, 0, "its word here"),
	FIELD(struct provider_said, title, FT_STRING, 0, "what it calls itself"),
	FIELD(struct provider_said, site, FT_STRING, 0, "its API's documentation"),
	FIELD(struct provider_said, setup, FT_STRING, 0, "what to create there"),
	FIELD(struct provider_said, verified, FT_STRING, 0, "what it was held against"),
	FIELD(struct provider_said, base_url, FT_STRING, 0, "address of its API"),
	FIELD(struct provider_said, ttl, FT_INT, 0, "of records, seconds"),
	FIELD(struct provider_said, min_ttl, FT_INT, 0, "the least it takes"),
	FIELD(struct provider_said, settle, FT_INT, 0, "seconds until its servers have a value"),
	FIELD(struct provider_said, max_values, FT_INT, 0, "at one name; 0: no bound"),
	FIELD_RECORDS(struct provider_said, fields, struct field_said, field_said_fields, 0,
	              "settings of its own"),
	FIELD_RECORDS(struct provider_said, common, struct field_said, field_said_fields, 0,
	              "settings that every account may have"),
	FIELD_END,
};
const struct field provider_ask_fields[] = {
	LIST_ROWS(struct provider_ask, "name or title"),
	FIELD(struct provider_ask, q, FT_STRING, 0, "whose word or title has this in it"),
	FIELD_END,
};
static const struct list_filter provider_filters[] = {
	{ "q", LIST_HAS, { "name", "title" }, NULL },
};
static const struct list_rule provider_rule = {
	.ask = provider_ask_fields,
	.items = provider_said_fields,
	.size = sizeof(struct provider_said),
	.key = "name",
	.sorts = (const char *const[]){ "name", "title", NULL },
	.as_given = true,
	.filters = provider_filters,
	.n_filters = ARRAY_LEN(provider_filters),
};
const struct field provider_page_fields[] = LIST_FIELDS(struct provider_said, provider_said_fields);

static int check_provider(struct arena *a, const char *name, struct err *e)
{
	struct dns_service s;

	return ops_dns_service(a, name, &s, e) < 0 ? err_member(e, "provider") : 0;
}

int op_dns_list(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	struct dns_account *v = NULL;
	size_t n;

	if (((const struct dns_ask *)in)->provider)
		TRY(check_provider(a, ((const struct dns_ask *)in)->provider, e));
	TRY(ops_dns_list(o, a, &v, &n, e));
	return list_cut(a, &dns_rule, in, v, n, out, e);
}

int op_dns_show(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	json_auto_t *settings = NULL;
	struct dns_said said = { 0 };

	TRY(ops_dns_show(o, a, ((struct named *)in)->name, &said.account, &said.certificates,
	                 &settings, e));
	said.settings = settings ? json_text(a, settings) : NULL;
	*(struct dns_said *)out = said;
	return 0;
}

int op_dns_add(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return ops_dns_add(o, a, in, out, e);
}

int op_dns_update(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return ops_dns_update(o, a, in, out, e);
}

int op_dns_enable(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_dns_enable(o, a, ((struct named *)in)->name, true, e);
}

int op_dns_disable(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_dns_enable(o, a, ((struct named *)in)->name, false, e);
}

int op_dns_delete(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_dns_delete(o, a, ((struct named *)in)->name, e);
}

/* All that publish by hand: the account is there and may be used. */
int check_dns_use(struct ops *o, struct arena *a, void *in, struct err *e)
{
	struct dns_account x;

	return dns_account_enabled(&o->run, a, ((struct named *)in)->name, &x, e);
}

int op_dns_test(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct dns_try *x = in;
	struct dns_tried tried = { 0 };

	TRY(ops_dns_test(o, a, x->name, x->domain, &tried.test, e));
	tried.ok = tried.test.failure.code == ERR_NONE;
	if (!tried.ok) {
		tried.error = arena_strdup(a, tried.test.failure.text);
		tried.code = err_word(tried.test.failure.code);
	}
	*(struct dns_tried *)out = tried;
	return 0;
}

int op_dns_present(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct dns_publish *x = in;

	return ops_dns_present(o, a, x->name, x->fqdn, &x->values, out, e);
}

int op_dns_cleanup(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct dns_publish *x = in;

	return ops_dns_cleanup(o, a, x->name, x->fqdn, &x->values, out, e);
}

struct keeping {
	struct arena *arena;
	struct dns_looked *out;
};

static void keep_look(void *ctx, const struct dns_seen *v, size_t n)
{
	struct keeping *k = ctx;
	struct dns_seen *copy = arena_memdup(k->arena, v, n * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		FIELD_EACH (f, dns_seen_fields)
			if (f->type == FT_STRING)
				FIELD_STRING(f, &copy[i]) =
				    arena_strdup(k->arena, FIELD_STRING(f, &copy[i]));
	k->out->servers = (struct records){ copy, n };
}

int op_dns_look(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct dns_look *x = in;
	struct dns_looked looked = { 0 };
	struct keeping keeping = { a, &looked };
	const struct dns_watching w = { .name = x->name,
		                        .values = x->values,
		                        .account = x->account,
		                        .once = true,
		                        .look = keep_look,
		                        .ctx = &keeping };

	if (ops_dns_watch(o, a, &w, e) < 0) {
		if (e->code != ERR_VALIDATION || looked.servers.n == 0)
			return -(int)e->code;
		looked.missing = arena_strdup(a, e->text);
	}
	*(struct dns_looked *)out = looked;
	return 0;
}

static struct provider_said provider_say(struct arena *a, const struct dns_service *s)
{
	return (struct provider_said){
		.name = s->name,
		.title = s->title,
		.site = s->site,
		.setup = s->setup,
		.verified = s->verified,
		.base_url = s->base_url,
		.ttl = s->ttl_s,
		.min_ttl = s->min_ttl_s,
		.settle = s->settle_s,
		.max_values = s->max_values,
		.fields = fields_say(a, s->fields),
		.common = fields_say(a, ops_dns_common()),
	};
}

int op_provider_list(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct dns_service *services;
	struct provider_said *v;
	size_t n;

	(void)o;
	services = ops_dns_services(a, &n);
	v = ARENA_ARRAY(a, struct provider_said, n + 1);
	for (size_t i = 0; i < n; i++)
		v[i] = provider_say(a, &services[i]);
	return list_cut(a, &provider_rule, in, v, n, out, e);
}

int op_provider_show(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	struct dns_service s;

	(void)o;
	if (ops_dns_service(a, ((struct named *)in)->name, &s, e) < 0) {
		e->code = ERR_NOT_FOUND;
		return -(int)e->code;
	}
	*(struct provider_said *)out = provider_say(a, &s);
	return 0;
}
