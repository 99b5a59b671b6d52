/*
 * Gandi LiveDNS. The service has whole sets only and no guard: they are changed under our own lock.
 * A set is created with POST, which is refused when somebody else was faster, and changed with PUT;
 * a PUT without a TTL would set it to three hours, so the set's own goes along.
 */
#include <ctype.h>
#include <string.h>

#include "dns/rest.h"
#include "dns/rrset.h"
#include "dns/txt.h"

#define PER_PAGE 100

struct gandi {
	const char *personal_access_token, *api_key;
};

static const struct field fields[] = {
	FIELD(struct gandi, personal_access_token, FT_SECRET, 0,
	      "personal access token with \"Manage domain name technical configurations\""),
	FIELD(struct gandi, api_key, FT_SECRET, 0,
	      "API key, which Gandi has given up in favour of tokens"),
	FIELD_END
};

static int check(struct arena *a, const void *settings, const struct dns_common *common,
                 struct err *e)
{
	const struct gandi *g = settings;

	(void)a;
	(void)common;
	if (!g->personal_access_token == !g->api_key)
		return err_set(e, ERR_CONFIG,
		               "give personal_access_token, or an old api_key; not both");
	return 0;
}

static int call(struct dns_session *s, const char *method, const char *path, const json_t *body,
                bool creates, int fine, struct rest_answer *out, struct err *e)
{
	const struct gandi *g = s->settings;
	const char *who = g->api_key
	                      ? arena_printf(s->arena, "Apikey %s", g->api_key)
	                      : arena_printf(s->arena, "Bearer %s", g->personal_access_token);
	struct rest_call c = {
		.method = method,
		.path = path,
		.headers = { { "Authorization", who } },
		.json = body,
		.creates = creates,
		.fine = { fine },
	};

	if (rest_do(s, &c, out, e) == 0)
		return 0;
	if (e->code == ERR_DENIED)
		return err_ctx(e, "the token needs \"Manage domain name technical configurations\" "
		                  "for this domain");
	return -(int)e->code;
}

static int find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *found;

	TRY(call(s, "GET", arena_printf(s->arena, "/domains/%s", rest_escape(s->arena, name)), NULL,
	         false, 0, &r, e));
	found = rest_text(s->arena, r.json, "fqdn");
	if (!found || strcmp(zone_name(s->arena, found), name) != 0)
		return err_set(e, ERR_PROTOCOL, "the answer about zone %s is about another", name);
	*out = (struct dns_zone){ .name = zone_name(s->arena, found) };
	return 0;
}

static int zones_page(struct dns_session *s, int page, struct dns_zone *v, size_t *n, bool *more,
                      struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *zones, *zone;
	size_t i;

	TRY(call(s, "GET", arena_printf(s->arena, "/domains?page=%d&per_page=%d", page, PER_PAGE),
	         NULL, false, 0, &r, e));
	TRY(rest_array(r.json, NULL, &zones, e));
	json_array_foreach(zones, i, zone)
	{
		const char *name = rest_text(s->arena, zone, "fqdn");

		if (name && *n < DNS_ZONES_MAX)
			v[(*n)++].name = zone_name(s->arena, name);
	}
	*more = json_array_size(zones) >= PER_PAGE;
	return 0;
}

static int list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                      struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	bool more = true;
	size_t found = 0;

	for (int page = 1; more && found < DNS_ZONES_MAX; page++)
		TRY(zones_page(s, page, v, &found, &more, e));
	*out = v;
	*n = found;
	*whole = !more;
	return 0;
}

static const char *set_path(struct dns_session *s, const struct dns_zone *z,
                            const struct dns_rrset *set)
{
	return arena_printf(s->arena, "/domains/%s/records/%s/TXT", rest_escape(s->arena, z->name),
	                    set->relative[0] ? rest_escape(s->arena, set->relative) : "@");
}

static int read_set(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
                    struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct strings values = { 0 };
	const json_t *list, *value;
	size_t i;

	TRY(call(s, "GET", set_path(s, z, set), NULL, false, 404, &r, e));
	if (r.status == 404)
		return 0;
	TRY(rest_array(r.json, "rrset_values", &list, e));
	json_array_foreach(list, i, value)
	{
		if (!json_is_string(value))
			return err_set(e, ERR_PROTOCOL, "a value of %s is no text", set->name);
		strings_add(s->arena, &values, json_string_value(value));
	}
	set->exists = true;
	set->values = values;
	set->ttl_s = json_integer_value(json_object_get(r.json, "rrset_ttl"));
	return 0;
}

static int write_set(struct dns_session *s, const struct dns_zone *z,
                     const struct dns_rrset *before, const struct dns_rrset *set, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	json_auto_t *body = NULL;
	json_t *values;

	if (set->values.n == 0)
		return call(s, "DELETE", set_path(s, z, set), NULL, false, 404, &r, e);
	values = json_array();
	for (size_t i = 0; i < set->values.n; i++)
		json_array_append_new(values, json_string(set->values.v[i]));
	body = json_pack("{so sI}", "rrset_values", values, "rrset_ttl",
	                 (json_int_t)(set->ttl_s ? set->ttl_s : dns_ttl(s)));
	if (before->exists)
		return call(s, "PUT", set_path(s, z, set), body, false, 0, &r, e);
	return call(s, "POST", set_path(s, z, set), body, true, 0, &r, e);
}

/* As it is, as long as it cannot be taken for several strings. */
static const char *form(struct arena *a, const char *value)
{
	for (const char *p = value; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.=", *p))
			return txt_quote(a, value);
	return strlen(value) > 255 ? txt_quote(a, value) : value;
}

static const struct dns_rrset_how how = { .read = read_set, .write = write_set, .form = form };

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	return rrset_add(s, z, &how, v, n, e);
}

static int remove_all(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	return rrset_remove(s, z, &how, v, n, e);
}

const struct dns_provider dns_gandi = {
	.name = "gandi",
	.title = "Gandi",
	.site = "https://api.gandi.net/docs/livedns/",
	.setup =
	    "At https://admin.gandi.net, under Organizations, Manage, Personal access tokens, make "
	    "a token that is limited to the domains that need certificates and has the permission "
	    "\"Manage domain name technical configurations\" (\"See and renew domain names\" comes "
	    "with it). It has an end date: put a new one into the account before that.\n\n"
	    "The domains must use LiveDNS (Gandi's own name servers).",
	.verified = "recorded traffic of the REST API, whose replay refuses any other request",
	.fields = fields,
	.settings_size = sizeof(struct gandi),
	.base_url = "https://api.gandi.net/v5/livedns",
	.ttl_s = 300,
	.min_ttl_s = 300,
	.settle_s = 60,
	.flags = DNS_READS_FIRST,
	.check = check,
	.list_zones = list_zones,
	.find_zone = find_zone,
	.add = add,
	.remove = remove_all,
};
