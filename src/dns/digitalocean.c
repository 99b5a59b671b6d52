/*
 * DigitalOcean DNS (API v2). One record for each value, text without quotes, owner names below the
 * zone with "@" for itself. Lists have pages; only that there is a next one is believed, never its
 * address, so that the token goes nowhere else. One session's thread.
 */
#include <string.h>

#include "base/log.h"
#include "dns/entries.h"
#include "dns/rest.h"
#include "dns/txt.h"

#define ZONES_PER_PAGE 20 /* each comes with its whole zone file */
#define ZONE_PAGES 10     /* beyond them zones are asked for by name */

struct digitalocean {
	const char *api_token;
};
static const struct field digitalocean_fields[] = {
	FIELD(struct digitalocean, api_token, FT_SECRET, F_REQUIRED,
	      "personal access token with the scopes domain:read, domain:create and domain:delete"),
	FIELD_END
};

/* right: the scope that the call needs. */
static int call(struct dns_session *s, struct rest_call *c, const char *right,
                struct rest_answer *out, struct err *e)
{
	const struct digitalocean *set = s->settings;
	struct err why = { 0 };
	int rc;

	c->headers[0] = (struct http_header){ "Authorization",
		                              arena_printf(s->arena, "Bearer %s", set->api_token) };
	rc = strcmp(c->method, "DELETE") == 0 ? rest_do(s, c, out, &why)
	                                      : rest_json(s, c, out, &why);
	if (rc == 0)
		return 0;
	*e = why;
	if (e->code == ERR_DENIED && e->http_status == 401)
		return err_ctx(e, "DigitalOcean does not accept the API token");
	if (e->code == ERR_DENIED)
		return err_ctx(e, "the API token lacks the scope %s", right);
	return rc;
}

static bool has_next(const json_t *answer)
{
	const json_t *pages = json_object_get(json_object_get(answer, "links"), "pages");

	return json_is_string(json_object_get(pages, "next"));
}

static int zones_page(struct dns_session *s, int page, struct dns_zone *v, size_t *n, bool *last,
                      struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET",
		               .path = arena_printf(s->arena, "/v2/domains?per_page=%d&page=%d",
		                                    ZONES_PER_PAGE, page) };
	const json_t *rows, *row;
	size_t i;

	TRY(call(s, &c, "domain:read", &r, e));
	TRY(rest_array(r.json, "domains", &rows, e));
	json_array_foreach(rows, i, row)
	{
		const char *name = rest_text(s->arena, row, "name");

		if (name && *n < ZONES_PER_PAGE * ZONE_PAGES)
			v[(*n)++].name = zone_name(s->arena, name);
	}
	*last = !has_next(r.json);
	return 0;
}

static int digitalocean_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n,
                                   bool *whole, struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, ZONES_PER_PAGE * ZONE_PAGES);
	bool last = false;
	size_t count = 0;

	for (int page = 1; page <= ZONE_PAGES && !last; page++) {
		struct err why = { 0 };

		if (zones_page(s, page, v, &count, &last, &why) == 0)
			continue;
		if (why.code != ERR_PROTOCOL) {
			*e = why;
			return -(int)why.code;
		}
		log_detail("the list of domains cannot be read (%s); they are asked for by name",
		           why.text);
		break;
	}
	*out = v;
	*n = count;
	*whole = last;
	return 0;
}

static int digitalocean_find_zone(struct dns_session *s, const char *name, struct dns_zone *out,
                                  struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *path = arena_printf(s->arena, "/v2/domains/%s", rest_escape(s->arena, name));
	struct rest_call c = { .method = "GET", .path = path };
	const char *said;

	TRY(call(s, &c, "domain:read", &r, e));
	said = rest_text(s->arena, json_object_get(r.json, "domain"), "name");
	if (!said || strcmp(zone_name(s->arena, said), name) != 0)
		return err_set(e, ERR_PROTOCOL, "asked for the domain %s, it answered with %s",
		               name, said ? said : "none");
	*out = (struct dns_zone){ .name = arena_strdup(s->arena, name) };
	return 0;
}

static char *records_path(struct dns_session *s, const struct dns_zone *z, const char *rest)
{
	return arena_printf(s->arena, "/v2/domains/%s/records%s", rest_escape(s->arena, z->name),
	                    rest);
}

static int records_page(struct dns_session *s, const struct dns_zone *z, const char *name, int page,
                        struct dns_entries *out, bool *last, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *query =
	    rest_form(s->arena, "type", "TXT", "name", name, "per_page", "200", "page",
	              page > 1 ? arena_printf(s->arena, "%d", page) : NULL, NULL);
	struct rest_call c = { .method = "GET",
		               .path = records_path(s, z, arena_printf(s->arena, "?%s", query)) };
	const json_t *rows, *row;
	size_t i;

	TRY(call(s, &c, "domain:read", &r, e));
	TRY(rest_array(r.json, "domain_records", &rows, e));
	json_array_foreach(rows, i, row)
	{
		const char *id = rest_text(s->arena, row, "id");
		const char *owner = rest_text(s->arena, row, "name");
		const char *data = rest_text(s->arena, row, "data");
		const char *type = rest_text(s->arena, row, "type");

		if (id && owner && data && type && strcmp(type, "TXT") == 0)
			entries_put(s->arena, out, z->name, id, owner, data);
	}
	*last = !has_next(r.json);
	return 0;
}

static int list(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                struct dns_entries *out, struct err *e)
{
	bool last = false;

	for (int page = 1; page <= ENTRIES_PAGES_MAX && !last; page++)
		TRY(records_page(s, z, v ? v->name : NULL, page, out, &last, e));
	return 0;
}

static int create(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                  struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	json_auto_t *body = json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT", "name",
	                              *v->relative ? v->relative : "@", "data", v->value, "ttl",
	                              (json_int_t)dns_ttl(s));
	struct rest_call c = {
		.method = "POST", .path = records_path(s, z, ""), .json = body, .creates = true
	};

	return call(s, &c, "domain:create", &r, e);
}

static int delete (struct dns_session *s, const struct dns_zone *z, const char *id, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *rest = arena_printf(s->arena, "/%s", rest_escape(s->arena, id));
	struct rest_call c = { .method = "DELETE", .path = records_path(s, z, rest) };

	return call(s, &c, "domain:delete", &r, e);
}

static const struct dns_entries_how how = {
	.list = list, .create = create, .delete = delete, .look_first = true
};

static int digitalocean_add(struct dns_session *s, const struct dns_zone *z,
                            const struct dns_record *v, size_t n, struct err *e)
{
	return entries_add(s, z, &how, v, n, e);
}

static int digitalocean_remove(struct dns_session *s, const struct dns_zone *z,
                               const struct dns_record *v, size_t n, struct err *e)
{
	return entries_remove(s, z, &how, v, n, e);
}

const struct dns_provider dns_digitalocean = {
	.name = "digitalocean",
	.title = "DigitalOcean",
	.site = "https://docs.digitalocean.com/reference/api/",
	.setup = "Make a personal access token: in the control panel API, Tokens, Generate New "
	         "Token. Choose Custom Scopes, and of the group domain the scopes read, create and "
	         "delete; nothing else is needed. Give it an end that you will not miss, and the "
	         "token as api_token.\n"
	         "A token always reaches all domains of its team: keep the domains Everleaf proves "
	         "in a team of their own where that is too much, or point their _acme-challenge by "
	         "CNAME into a zone there.",
	.verified =
	    "DigitalOcean's OpenAPI description (through Prism 5.14: requests and answers); "
	    "recorded traffic of 2020",
	.fields = digitalocean_fields,
	.settings_size = sizeof(struct digitalocean),
	.base_url = "https://api.digitalocean.com",
	.ttl_s = 60,
	.min_ttl_s = 30,
	.settle_s = 30,
	.list_zones = digitalocean_list_zones,
	.find_zone = digitalocean_find_zone,
	.add = digitalocean_add,
	.remove = digitalocean_remove,
};
