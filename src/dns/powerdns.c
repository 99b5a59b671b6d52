/*
 * PowerDNS authoritative server, by its HTTP API. It has whole sets only and no guard: they are
 * changed under our own lock, records that are disabled stay so. A zone that this server only
 * copies from another is refused, since the next transfer would undo the change.
 */
#include <string.h>

#include "base/log.h"
#include "dns/rest.h"
#include "dns/rrset.h"
#include "dns/txt.h"

struct powerdns {
	const char *api_key, *server_id;
};

static const struct field fields[] = {
	FIELD(struct powerdns, api_key, FT_SECRET, F_REQUIRED, "the server's api-key"),
	FIELD(struct powerdns, server_id, FT_STRING, 0, "the server's name in its API (localhost)"),
	FIELD_END
};

static int check(struct arena *a, const void *settings, const struct dns_common *common,
                 struct err *e)
{
	(void)a;
	(void)settings;
	if (!common->base_url)
		return err_set(e, ERR_CONFIG,
		               "base_url is missing: the address of the server's API, such as "
		               "https://ns.example.org:8081");
	return 0;
}

static int call(struct dns_session *s, const char *method, const char *rest, const json_t *body,
                struct rest_answer *out, struct err *e)
{
	const struct powerdns *p = s->settings;
	const char *server = p->server_id ? p->server_id : "localhost";
	struct rest_call c = {
		.method = method,
		.path = arena_printf(s->arena, "/api/v1/servers/%s/zones%s",
		                     rest_escape(s->arena, server), rest),
		.headers = { { "X-API-Key", p->api_key } },
		.json = body,
	};

	return rest_do(s, &c, out, e);
}

static const char *zone_path(struct dns_session *s, const struct dns_zone *z, const char *rest)
{
	const char *id = z->id ? z->id : arena_printf(s->arena, "%s.", z->name);

	return arena_printf(s->arena, "/%s%s", rest_escape(s->arena, id), rest);
}

static int zones(struct dns_session *s, const char *query, struct dns_zone **out, size_t *n,
                 struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *list, *zone;
	struct dns_zone *v;
	size_t i, found = 0;

	TRY(call(s, "GET", query, NULL, &r, e));
	TRY(rest_array(r.json, NULL, &list, e));
	v = ARENA_ARRAY(s->arena, struct dns_zone, json_array_size(list) + 1);
	json_array_foreach(list, i, zone)
	{
		const char *name = rest_text(s->arena, zone, "name");

		if (name)
			v[found++] = (struct dns_zone){ .name = zone_name(s->arena, name),
				                        .id = rest_text(s->arena, zone, "id") };
	}
	*out = v;
	*n = found;
	return 0;
}

static int find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	const char *query =
	    arena_printf(s->arena, "?zone=%s.&dnssec=false", rest_escape(s->arena, name));
	struct dns_zone *v = NULL;
	size_t n = 0;

	TRY(zones(s, query, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0) {
			*out = v[i];
			return 0;
		}
	return err_set(e, ERR_NOT_FOUND, "the server has no zone %s", name);
}

/* A server with very many zones is asked for each candidate instead. */
static int list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                      struct err *e)
{
	struct dns_zone *v = NULL;
	struct err why;
	size_t found = 0;
	bool all = true;

	if (zones(s, "?dnssec=false", &v, &found, &why) < 0) {
		if (why.code != ERR_PROTOCOL) {
			*e = why;
			return -(int)e->code;
		}
		log_debug("%s; asking for single zones", why.text);
		all = false;
	}
	*out = v;
	*n = found > DNS_ZONES_MAX ? DNS_ZONES_MAX : found;
	*whole = all && found <= DNS_ZONES_MAX;
	return 0;
}

static bool is_kind(const char *kind, const char *const *kinds)
{
	for (; *kinds; kinds++)
		if (kind && strcasecmp(kind, *kinds) == 0)
			return true;
	return false;
}

static int check_kind(struct dns_session *s, const json_t *zone, struct err *e)
{
	static const char *const copies[] = { "Slave", "Secondary", "Consumer", NULL };
	const char *kind = rest_text(s->arena, zone, "kind");

	if (is_kind(kind, copies))
		return err_set(e, ERR_DENIED,
		               "this server only copies the zone from another (kind %s): give the "
		               "address of its primary",
		               kind);
	s->state = (void *)kind; /* of the zone that is being changed: add and remove have one */
	return 0;
}

/* set->raw: the contents that are disabled. */
static void read_records(struct dns_session *s, const json_t *rrset, struct dns_rrset *set)
{
	struct strings *disabled = ARENA_NEW(s->arena, struct strings);
	const json_t *record;
	size_t i;

	json_array_foreach(json_object_get(rrset, "records"), i, record)
	{
		const char *content = rest_text(s->arena, record, "content");

		if (content)
			strings_add(s->arena,
			            json_is_true(json_object_get(record, "disabled"))
			                ? disabled
			                : &set->values,
			            content);
	}
	set->exists = true;
	set->ttl_s = json_integer_value(json_object_get(rrset, "ttl"));
	set->raw = disabled;
}

static int read_set(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
                    struct err *e)
{
	const char *query = arena_printf(s->arena, "?rrset_name=%s.&rrset_type=TXT",
	                                 rest_escape(s->arena, set->name));
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *rrsets, *rrset;
	size_t i;

	TRY(call(s, "GET", zone_path(s, z, query), NULL, &r, e));
	TRY(check_kind(s, r.json, e));
	TRY(rest_array(r.json, "rrsets", &rrsets, e));
	json_array_foreach(rrsets, i, rrset)
	{ /* an older server gives the whole zone */
		const char *name = rest_text(s->arena, rrset, "name");
		const char *type = rest_text(s->arena, rrset, "type");

		if (name && type && strcmp(type, "TXT") == 0 &&
		    strcmp(zone_name(s->arena, name), set->name) == 0)
			read_records(s, rrset, set);
	}
	return 0;
}

static json_t *rrset_of(struct dns_session *s, const struct dns_rrset *set)
{
	const struct strings *disabled = set->raw;
	json_t *records = json_array();

	for (size_t i = 0; i < set->values.n; i++)
		json_array_append_new(
		    records, json_pack("{ss sb}", "content", set->values.v[i], "disabled", 0));
	for (size_t i = 0; disabled && i < disabled->n; i++)
		if (!strings_has(&set->values, disabled->v[i]))
			json_array_append_new(records, json_pack("{ss sb}", "content",
			                                         disabled->v[i], "disabled", 1));
	return json_pack("{so ss ss sI so}", "name",
	                 json_string(arena_printf(s->arena, "%s.", set->name)), "type", "TXT",
	                 "changetype", "REPLACE", "ttl", (json_int_t)set->ttl_s, "records",
	                 records);
}

/* Secondaries hear of a change within a minute by themselves; so a failure here is only told. */
static void notify(struct dns_session *s, const struct dns_zone *z)
{
	static const char *const primaries[] = { "Master", "Primary", "Producer", NULL };
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct err why;

	if (is_kind(s->state, primaries) &&
	    call(s, "PUT", zone_path(s, z, "/notify"), NULL, &r, &why) < 0)
		log_warn("DNS account %s: its secondaries could not be told: %s", s->account,
		         why.text);
}

static int write_all(struct dns_session *s, const struct dns_zone *z,
                     const struct dns_rrset *before, const struct dns_rrset *sets, size_t n,
                     struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	json_t *rrsets = json_array();
	json_auto_t *body = json_pack("{so}", "rrsets", rrsets);

	(void)before;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(rrsets, rrset_of(s, &sets[i]));
	TRY(call(s, "PATCH", zone_path(s, z, ""), body, &r, e));
	notify(s, z);
	return 0;
}

static const char *form(struct arena *a, const char *value)
{
	return txt_quote(a, value);
}

static const struct dns_rrset_how how = { .read = read_set, .write_all = write_all, .form = form };

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

const struct dns_provider dns_powerdns = {
	.name = "powerdns",
	.title = "PowerDNS",
	.site = "https://doc.powerdns.com/authoritative/http-api/",
	.setup = "On the server, in pdns.conf: api=yes, api-key=SECRET, webserver-address and "
	         "webserver-allow-from so that this machine reaches it, best behind an HTTPS "
	         "proxy. Give "
	         "its address as base_url. The key may change every zone of the server: where that "
	         "is too "
	         "much, use the provider rfc2136 with a TSIG key that may write only the "
	         "_acme-challenge "
	         "names (dnsupdate=yes).",
	.verified = NULL,
	.fields = fields,
	.settings_size = sizeof(struct powerdns),
	.ttl_s = 60,
	.min_ttl_s = 1,
	.settle_s = 10,
	.flags = DNS_READS_FIRST,
	.check = check,
	.list_zones = list_zones,
	.find_zone = find_zone,
	.add = add,
	.remove = remove_all,
};
