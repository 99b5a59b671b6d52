/*
 * OVHcloud. A change is published only by a refresh of the zone, which is therefore asked for after
 * a failure in between too, and when nothing was left to do (an earlier run may have ended before
 * its refresh).
 */
#include <string.h>

#include "dns/entries.h"
#include "dns/ovh_call.h"
#include "dns/txt.h"

#define READ "GET /domain/zone/*"

static const struct field fields[] = {
	FIELD(struct ovh, endpoint, FT_STRING, 0,
	      "ovh-eu (default), ovh-ca, ovh-us, kimsufi-eu, kimsufi-ca, soyoustart-eu or "
	      "soyoustart-ca"),
	FIELD(struct ovh, application_key, FT_STRING, 0, "the application's key"),
	FIELD(struct ovh, application_secret, FT_SECRET, 0, "the application's secret"),
	FIELD(struct ovh, consumer_key, FT_SECRET, 0, "the consumer key that was validated for it"),
	FIELD(struct ovh, client_id, FT_STRING, 0,
	      "a service account's client ID, in place of the three keys"),
	FIELD(struct ovh, client_secret, FT_SECRET, 0, "the service account's secret"),
	FIELD(struct ovh, token_url, FT_STRING, F_PEER,
	      "where the service account's tokens come from, in place of the endpoint's own"),
	FIELD_END
};

static int list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                      struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *names, *name;
	size_t i, found = 0;

	TRY(ovh_call(s, "GET", "/domain/zone/", NULL, "GET /domain/zone/", &r, e));
	TRY(rest_array(r.json, NULL, &names, e));
	json_array_foreach(names, i, name) if (json_is_string(name) && found < DNS_ZONES_MAX)
	    v[found++]
	        .name = zone_name(s->arena, json_string_value(name));
	*out = v;
	*n = found;
	*whole = true;
	return 0;
}

static const char *zone_path(struct dns_session *s, const struct dns_zone *z, const char *rest)
{
	return arena_printf(s->arena, "/domain/zone/%s%s", rest_escape(s->arena, z->name), rest);
}

/* One of the list, which has identifiers only. */
static int read_record(struct dns_session *s, const struct dns_zone *z, const char *id,
                       struct dns_entries *out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *name, *type, *value;

	if (ovh_call(s, "GET", zone_path(s, z, arena_printf(s->arena, "/record/%s", id)), NULL,
	             READ, &r, e) < 0)
		return e->code == ERR_NOT_FOUND ? 0 : -(int)e->code; /* gone since it was listed */
	name = rest_text(s->arena, r.json, "subDomain");
	type = rest_text(s->arena, r.json, "fieldType");
	value = rest_text(s->arena, r.json, "target");
	if (!name || !type || !value)
		return err_set(e, ERR_PROTOCOL, "record %s has no subDomain, fieldType or target",
		               id);
	if (strcmp(type, "TXT") == 0)
		entries_put(s->arena, out, z->name, id, name, value);
	return 0;
}

/* v NULL: of the whole zone. */
static int list(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                struct dns_entries *out, struct err *e)
{
	const char *query =
	    rest_form(s->arena, "fieldType", "TXT", "subDomain", v ? v->relative : NULL, NULL);
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *ids, *id;
	size_t i;

	TRY(ovh_call(s, "GET", zone_path(s, z, arena_printf(s->arena, "/record?%s", query)), NULL,
	             READ, &r, e));
	TRY(rest_array(r.json, NULL, &ids, e));
	json_array_foreach(ids, i, id)
	{
		struct err why;

		if (!json_is_integer(id))
			return err_set(e, ERR_PROTOCOL,
			               "the list of records has what is no number");
		if (read_record(s, z,
		                arena_printf(s->arena, "%lld", (long long)json_integer_value(id)),
		                out, &why) < 0) {
			*e = why;
			return -(int)e->code;
		}
	}
	return 0;
}

static int create(struct dns_session *s, const struct dns_zone *z, const struct dns_record *r,
                  struct err *e)
{
	struct rest_answer answer CLEANUP(rest_answer_done) = { 0 };
	json_auto_t *body =
	    json_pack("{ss ss ss sI}", "fieldType", "TXT", "subDomain", r->relative, "target",
	              txt_quote(s->arena, r->value), "ttl", (json_int_t)dns_ttl(s));

	return ovh_call(s, "POST", zone_path(s, z, "/record"), body, "POST /domain/zone/*", &answer,
	                e);
}

static int drop(struct dns_session *s, const struct dns_zone *z, const char *id, struct err *e)
{
	struct rest_answer answer CLEANUP(rest_answer_done) = { 0 };

	return ovh_call(s, "DELETE", zone_path(s, z, arena_printf(s->arena, "/record/%s", id)),
	                NULL, "DELETE /domain/zone/*", &answer, e);
}

static const struct dns_entries_how how = {
	.list = list, .create = create, .delete = drop, .look_first = true
};

/* rc and why: of what was done before; its failure goes first. */
static int refresh(struct dns_session *s, const struct dns_zone *z, int rc, const struct err *why,
                   struct err *e)
{
	struct rest_answer answer CLEANUP(rest_answer_done) = { 0 };
	struct err own;

	if (ovh_call(s, "POST", zone_path(s, z, "/refresh"), NULL, "POST /domain/zone/*", &answer,
	             &own) < 0 &&
	    rc == 0) {
		*e = own;
		return err_ctx(e, "the zone's refresh, without which no change is published");
	}
	if (rc < 0)
		*e = *why;
	return rc;
}

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	struct err why;
	int rc = entries_add(s, z, &how, v, n, &why);

	return refresh(s, z, rc, &why, e);
}

static int remove_all(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	struct err why;
	int rc = entries_remove(s, z, &how, v, n, &why);

	return refresh(s, z, rc, &why, e);
}

static int in_sync(struct dns_session *s, const struct dns_zone *z, bool *done, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };

	TRY(ovh_call(s, "GET", zone_path(s, z, "/status"), NULL, READ, &r, e));
	*done = json_is_true(json_object_get(r.json, "isDeployed"));
	return 0;
}

const struct dns_provider dns_ovh = {
	.name = "ovh",
	.title = "OVHcloud",
	.site = "https://api.ovh.com/console/",
	.setup =
	    "At https://eu.api.ovh.com/createToken/ (https://ca.api.ovh.com/createToken/ or "
	    "https://api.us.ovhcloud.com/createToken/ for the other endpoints) make an application "
	    "with these rights and no others, ZONE being the zone's name: GET /domain/zone/, GET "
	    "/domain/zone/ZONE/*, POST /domain/zone/ZONE/record, POST /domain/zone/ZONE/refresh, "
	    "DELETE /domain/zone/ZONE/record/*. Set the validity to Unlimited, and this machine's "
	    "address as the only allowed one. It answers with application_key, application_secret "
	    "and consumer_key.\n\n"
	    "Or make a service account (OAuth2, flow CLIENT_CREDENTIALS) and a policy for it with "
	    "dnsZone:apiovh:get, dnsZone:apiovh:record/get, dnsZone:apiovh:record/create, "
	    "dnsZone:apiovh:record/delete, dnsZone:apiovh:refresh and dnsZone:apiovh:status/get on "
	    "the zone, and give client_id and client_secret.",
	.verified = "the vendor's signature example; recorded traffic of 2018, whose replay "
	            "refuses any other request (without OAuth2)",
	.fields = fields,
	.settings_size = sizeof(struct ovh),
	.ttl_s = 60,
	.min_ttl_s = 60,
	.settle_s = 60,
	.check = ovh_check,
	.list_zones = list_zones,
	.add = add,
	.remove = remove_all,
	.in_sync = in_sync,
};
