/*
 * Cloudflare (API v4): the account and its zones. An answer counts only with "success": true,
 * whatever its status. A token that is limited to some zones may be refused the whole list; then
 * zones are asked for by name. One session's thread.
 */
#include <string.h>

#include "base/log.h"
#include "dns/cloudflare.h"
#include "dns/txt.h"

#define ZONES_PER_PAGE 50 /* the most it allows */
#define ZONE_PAGES 10     /* beyond them zones are asked for by name */

static const struct field cloudflare_fields[] = {
	FIELD(struct cloudflare, api_token, FT_SECRET, 0,
	      "API token with the rights Zone:Read and DNS:Edit"),
	FIELD(struct cloudflare, zone_token, FT_SECRET, 0,
	      "a second API token with Zone:Read, for reading zones only; api_token then needs "
	      "DNS:Edit alone"),
	FIELD(struct cloudflare, email, FT_STRING, 0,
	      "the account's e-mail address, with api_key in place of api_token"),
	FIELD(struct cloudflare, api_key, FT_SECRET, 0,
	      "the Global API Key: may do everything in the account, so prefer api_token"),
	FIELD(struct cloudflare, comment, FT_STRING, 0,
	      "comment kept beside each record, 100 characters at most"),
	FIELD_END
};

static int cloudflare_check(struct arena *a, const void *settings, const struct dns_common *common,
                            struct err *e)
{
	const struct cloudflare *c = settings;

	(void)a;
	(void)common;
	if (c->api_token && (c->email || c->api_key))
		return err_set(e, ERR_CONFIG,
		               "api_token and email with api_key exclude each other");
	if (!c->api_token && !(c->email && c->api_key))
		return err_set(e, ERR_CONFIG,
		               "api_token is missing (or email and api_key together)");
	if (c->comment && strlen(c->comment) > 100)
		return err_set(e, ERR_CONFIG, "comment has more than 100 characters");
	return 0;
}

int cloudflare_call(struct dns_session *s, struct rest_call *c, const char *right,
                    struct rest_answer *out, struct err *e)
{
	const struct cloudflare *set = s->settings;
	bool reads_zones = strcmp(right, CLOUDFLARE_READ_ZONES) == 0;
	const char *token = reads_zones && set->zone_token ? set->zone_token : set->api_token;

	if (token) {
		c->headers[0] = (struct http_header){ "Authorization",
			                              arena_printf(s->arena, "Bearer %s", token) };
	} else {
		c->headers[0] = (struct http_header){ "X-Auth-Email", set->email };
		c->headers[1] = (struct http_header){ "X-Auth-Key", set->api_key };
	}
	memcpy(c->fine, (int[]){ 400, 401, 403, 404, 0 }, 5 * sizeof(int));
	TRY(rest_do(s, c, out, e));
	if (out->status < 300 && json_is_true(json_object_get(out->json, "success")))
		return 0;
	return cloudflare_failure(s->arena, out, token ? "API token" : "e-mail and Global API Key",
	                          right, e);
}

/* A zone that is moved away or deactivated is left out; the active one of two of one name wins. */
static void put_zone(struct dns_session *s, const json_t *row, struct dns_zone *v, size_t *n)
{
	const char *name = rest_text(s->arena, row, "name"), *id = rest_text(s->arena, row, "id");
	const char *status = rest_text(s->arena, row, "status");
	struct dns_zone z = { 0 };
	const json_t *server;
	size_t i, at = *n;

	if (!name || !id ||
	    (status && strcmp(status, "active") && strcmp(status, "pending") &&
	     strcmp(status, "initializing")))
		return;
	z = (struct dns_zone){ .name = zone_name(s->arena, name), .id = id };
	json_array_foreach(json_object_get(row, "name_servers"), i,
	                   server) if (json_is_string(server))
	    strings_add(s->arena, &z.name_servers, json_string_value(server));
	for (i = 0; i < *n; i++)
		if (strcmp(v[i].name, z.name) == 0)
			at = i;
	if (at == *n)
		(*n)++;
	else if (!status || strcmp(status, "active") != 0)
		return;
	v[at] = z;
}

bool cloudflare_is_last(struct dns_session *s, const json_t *answer, int page, size_t per_page)
{
	const json_t *info = json_object_get(answer, "result_info");
	const char *pages = rest_text(s->arena, info, "total_pages");
	size_t n = json_array_size(json_object_get(answer, "result"));

	return n == 0 || (pages ? strtol(pages, NULL, 10) <= page : n < per_page);
}

/* One page of zones; name NULL = all. *last: there is none after it. */
static int zones_page(struct dns_session *s, const char *name, int page, struct dns_zone *v,
                      size_t *n, bool *last, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *query = rest_form(s->arena, "name", name, "page",
	                              arena_printf(s->arena, "%d", page), "per_page", "50", NULL);
	struct rest_call c = { .method = "GET",
		               .path = arena_printf(s->arena, "/zones?%s", query) };
	const json_t *rows, *row;
	size_t i;

	TRY(cloudflare_call(s, &c, CLOUDFLARE_READ_ZONES, &r, e));
	TRY(rest_array(r.json, "result", &rows, e));
	if (json_array_size(rows) > ZONES_PER_PAGE)
		return err_set(e, ERR_PROTOCOL, "a page of zones is longer than was asked for");
	json_array_foreach(rows, i, row) put_zone(s, row, v, n);
	*last = cloudflare_is_last(s, r.json, page, ZONES_PER_PAGE);
	return 0;
}

static int cloudflare_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n,
                                 bool *whole, struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, ZONES_PER_PAGE * ZONE_PAGES);
	bool last = false;
	size_t count = 0;

	for (int page = 1; page <= ZONE_PAGES && !last; page++) {
		struct err why = { 0 };

		if (zones_page(s, NULL, page, v, &count, &last, &why) == 0)
			continue;
		if (why.code != ERR_DENIED || why.http_status != 403) {
			*e = why;
			return -(int)why.code;
		}
		log_detail("Cloudflare will not list all zones (%s); they are asked for by name",
		           why.text);
		break;
	}
	*out = v;
	*n = count;
	*whole = last;
	return 0;
}

static int cloudflare_find_zone(struct dns_session *s, const char *name, struct dns_zone *out,
                                struct err *e)
{
	struct dns_zone v[ZONES_PER_PAGE];
	bool last = false;
	size_t n = 0;

	if (*name != '_') /* no zone's name */
		TRY(zones_page(s, name, 1, v, &n, &last, e));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0) {
			*out = v[i];
			return 0;
		}
	return err_set(e, ERR_NOT_FOUND, "there is no zone %s that these credentials may see",
	               name);
}

const struct dns_provider dns_cloudflare = {
	.name = "cloudflare",
	.title = "Cloudflare",
	.site = "https://developers.cloudflare.com/api/resources/dns/",
	.setup = "Make an API token: in the dashboard My Profile, API Tokens, Create Token, Create "
	         "Custom Token. Permissions: Zone, DNS, Edit and Zone, Zone, Read. Zone Resources: "
	         "Include, Specific zone, one line for each zone Everleaf is to prove names in. "
	         "Restrict it to this machine's addresses under Client IP Address Filtering where "
	         "they are fixed. Give the token as api_token.\n"
	         "To have less: a token with Zone, DNS, Edit alone is enough when the account "
	         "names zone and zone_id (the Zone ID is on the zone's overview page), or when a "
	         "second token with Zone, Zone, Read is given as zone_token.\n"
	         "The Global API Key (email and api_key) works too but may do everything in the "
	         "account; use it only where tokens cannot be had.",
	.verified = "Cloudflare's OpenAPI description of 2024-08 (through Prism 5.14: requests and "
	            "answers); recorded traffic of 2025-08",
	.fields = cloudflare_fields,
	.settings_size = sizeof(struct cloudflare),
	.base_url = "https://api.cloudflare.com/client/v4",
	.ttl_s = 60,
	.min_ttl_s = 60,
	.settle_s = 30,
	.check = cloudflare_check,
	.list_zones = cloudflare_list_zones,
	.find_zone = cloudflare_find_zone,
	.add = cloudflare_add,
	.remove = cloudflare_remove,
};
