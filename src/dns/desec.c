/*
 * deSEC. Whole sets, no guard but that a set cannot be created twice; several names are written in
 * one call that is done whole or not at all, since the service allows few writes a minute. A set
 * without records is deleted. It publishes by itself, within a minute.
 */
#include <string.h>

#include "dns/rest.h"
#include "dns/rrset.h"
#include "dns/txt.h"

#define USUAL_MINIMUM_S 3600

struct desec {
	const char *token;
};

static const struct field fields[] = {
	FIELD(struct desec, token, FT_SECRET, F_REQUIRED, "API token"), FIELD_END
};

static int call(struct dns_session *s, const char *method, const char *path, const json_t *body,
                int fine, struct rest_answer *out, struct err *e)
{
	const struct desec *d = s->settings;
	struct rest_call c = {
		.method = method,
		.path = path,
		.headers = { { "Authorization", arena_printf(s->arena, "Token %s", d->token) } },
		.json = body,
		.creates = strcmp(method, "POST") == 0,
		.fine = { fine },
	};

	if (rest_do(s, &c, out, e) == 0)
		return 0;
	if (e->code == ERR_DENIED && e->http_status == 403)
		return err_ctx(e, "the token's policy must allow writing TXT records at this name, "
		                  "and this machine's address must be among its allowed subnets");
	return -(int)e->code;
}

static const char *zone_path(struct dns_session *s, const char *zone, const char *rest)
{
	return arena_printf(s->arena, "/domains/%s/%s", rest_escape(s->arena, zone), rest);
}

static int find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };

	TRY(call(s, "GET", zone_path(s, name, ""), NULL, 0, &r, e));
	if (!json_is_object(r.json))
		return err_set(e, ERR_PROTOCOL, "the answer about zone %s is no object", name);
	*out = (struct dns_zone){ .name = arena_strdup(s->arena, name) };
	return 0;
}

/* The address after rel="next" of a Link header; NULL = the last page. Only its query is taken, so
 * that the token goes nowhere else. */
static const char *next_page(struct dns_session *s, const struct rest_answer *r)
{
	const char *link = http_header(r->http, "link");
	const char *rel = link ? strstr(link, "rel=\"next\"") : NULL;
	const char *start = NULL, *query;

	for (const char *p = link; p && rel && p < rel; p++)
		if (*p == '<')
			start = p + 1;
	query = start ? strchr(start, '?') : NULL;
	if (!query || query > rel)
		return NULL;
	return arena_strndup(s->arena, query, strcspn(query, ">"));
}

static int list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                      struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	const char *query = "?cursor=";
	size_t found = 0;

	while (query && found < DNS_ZONES_MAX) {
		struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
		const json_t *zones, *zone;
		size_t i;

		TRY(call(s, "GET", arena_printf(s->arena, "/domains/%s", query), NULL, 0, &r, e));
		TRY(rest_array(r.json, NULL, &zones, e));
		json_array_foreach(zones, i, zone)
		{
			const char *name = rest_text(s->arena, zone, "name");

			if (name && found < DNS_ZONES_MAX)
				v[found++].name = zone_name(s->arena, name);
		}
		query = json_array_size(zones) ? next_page(s, &r) : NULL;
	}
	*out = v;
	*n = found;
	*whole = !query;
	return 0;
}

static int read_set(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
                    struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *sets, *one, *list, *value;
	size_t i, j;

	TRY(call(s, "GET",
	         zone_path(s, z->name,
	                   arena_printf(s->arena, "rrsets/?type=TXT&subname=%s",
	                                rest_escape(s->arena, set->relative))),
	         NULL, 0, &r, e));
	TRY(rest_array(r.json, NULL, &sets, e));
	json_array_foreach(sets, i, one)
	{
		const char *is = rest_text(s->arena, one, "subname");
		const char *type = rest_text(s->arena, one, "type");

		if (!is || strcasecmp(is, set->relative) != 0 || !type || strcmp(type, "TXT") != 0)
			continue;
		TRY(rest_array(one, "records", &list, e));
		json_array_foreach(list, j, value) if (json_is_string(value))
		    strings_add(s->arena, &set->values, json_string_value(value));
		set->exists = true;
		set->ttl_s = json_integer_value(json_object_get(one, "ttl"));
	}
	return 0;
}

/* What a new set gets: a lower TTL than usual only where the domain's minimum allows it. */
static int new_ttl(struct dns_session *s, const struct dns_zone *z, int64_t *out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	int64_t ttl = dns_ttl(s), least;

	if (ttl < USUAL_MINIMUM_S) {
		TRY(call(s, "GET", zone_path(s, z->name, ""), NULL, 0, &r, e));
		least = json_integer_value(json_object_get(r.json, "minimum_ttl"));
		least = least > 0 ? least : USUAL_MINIMUM_S;
		ttl = ttl < least ? least : ttl;
	}
	*out = ttl;
	return 0;
}

static int body_of(struct dns_session *s, const struct dns_zone *z, const struct dns_rrset *set,
                   json_t **out, struct err *e)
{
	int64_t ttl = set->ttl_s;
	json_t *records;

	if (!set->exists || ttl <= 0)
		TRY(new_ttl(s, z, &ttl, e));
	records = json_array();
	for (size_t i = 0; i < set->values.n; i++)
		json_array_append_new(records, json_string(set->values.v[i]));
	*out = json_pack("{ss ss sI so}", "subname", set->relative, "type", "TXT", "ttl",
	                 (json_int_t)ttl, "records", records);
	return 0;
}

static int write_set(struct dns_session *s, const struct dns_zone *z,
                     const struct dns_rrset *before, const struct dns_rrset *set, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *name = set->relative[0] ? rest_escape(s->arena, set->relative) : "@";
	json_auto_t *body = NULL;

	TRY(body_of(s, z, set, &body, e));
	if (before->exists)
		return call(s, "PATCH",
		            zone_path(s, z->name, arena_printf(s->arena, "rrsets/%s/TXT/", name)),
		            body, set->values.n ? 0 : 404, &r, e);
	if (call(s, "POST", zone_path(s, z->name, "rrsets/"), body, 0, &r, e) == 0)
		return 0;
	if (strcasestr(e->text, "another rrset with the same"))
		e->code = ERR_BUSY; /* somebody else was faster: read again */
	return -(int)e->code;
}

static int write_all(struct dns_session *s, const struct dns_zone *z,
                     const struct dns_rrset *before, const struct dns_rrset *sets, size_t n,
                     struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	json_auto_t *list = json_array();

	if (n == 1)
		return write_set(s, z, before, sets, e);
	for (size_t i = 0; i < n; i++) {
		json_t *one = NULL;

		TRY(body_of(s, z, &sets[i], &one, e));
		json_array_append_new(list, one);
	}
	return call(s, "PATCH", zone_path(s, z->name, "rrsets/"), list, 0, &r, e);
}

static const char *form(struct arena *a, const char *value)
{
	return txt_quote(a, value);
}

static const struct dns_rrset_how how = {
	.read = read_set, .write = write_set, .write_all = write_all, .form = form
};

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

const struct dns_provider dns_desec = {
	.name = "desec",
	.title = "deSEC",
	.site = "https://desec.readthedocs.io/",
	.setup =
	    "At https://desec.io, under Token management, make a token without any of the "
	    "permissions (perm_create_domain, perm_delete_domain, perm_manage_tokens all off), "
	    "limit "
	    "allowed_subnets to this machine's address, and give it two policies: the default one "
	    "(domain, subname and type empty) with perm_write off, and for each name one with that "
	    "domain, subname _acme-challenge (or _acme-challenge.www and so on), type TXT, and "
	    "perm_write on.\n\n"
	    "A TTL below 3600 s needs a domain whose minimum_ttl deSEC has lowered. It allows few "
	    "writes a minute and a day: names of one zone are therefore written together.",
	.verified = "recorded traffic of October 2025, whose replay refuses any other request "
	            "(single names; several at once are not in it)",
	.fields = fields,
	.settings_size = sizeof(struct desec),
	.base_url = "https://desec.io/api/v1",
	.ttl_s = USUAL_MINIMUM_S,
	.min_ttl_s = 5,
	.settle_s = 60,
	.flags = DNS_READS_FIRST,
	.list_zones = list_zones,
	.find_zone = find_zone,
	.add = add,
	.remove = remove_all,
};
