/*
 * GoDaddy (API v1): the account, its domains, and what a refusal means. Adding and removing is in
 * godaddy_set.c. One session's thread.
 */
#include <string.h>

#include "dns/godaddy.h"
#include "dns/txt.h"

#define DOMAINS_PER_PAGE 500
#define DOMAIN_PAGES (DNS_ZONES_MAX / DOMAINS_PER_PAGE)

static const struct field godaddy_fields[] = {
	FIELD(struct godaddy, api_key, FT_SECRET, F_REQUIRED, "key of a production API key pair"),
	FIELD(struct godaddy, api_secret, FT_SECRET, F_REQUIRED, "its secret"),
	FIELD(struct godaddy, shopper_id, FT_STRING, 0,
	      "resellers: the customer (shopper) whose domains are meant"),
	FIELD_END
};

int godaddy_call(struct dns_session *s, struct rest_call *c, struct rest_answer *out, struct err *e)
{
	const struct godaddy *set = s->settings;
	struct err why = { 0 };
	int rc;

	c->headers[0] =
	    (struct http_header){ "Authorization", arena_printf(s->arena, "sso-key %s:%s",
		                                                set->api_key, set->api_secret) };
	if (set->shopper_id)
		c->headers[1] = (struct http_header){ "X-Shopper-Id", set->shopper_id };
	rc = strcmp(c->method, "GET") == 0 ? rest_json(s, c, out, &why) : rest_do(s, c, out, &why);
	if (rc == 0)
		return 0;
	*e = why;
	if (e->code == ERR_DENIED && e->http_status == 401)
		return err_ctx(e, "GoDaddy does not accept api_key and api_secret (a key for the "
		                  "test environment works only there)");
	if (e->code == ERR_DENIED)
		return err_ctx(e, "GoDaddy lets only accounts with 10 or more domains, or with "
		                  "Discount Domain Club Premier, use its DNS API, and only for "
		                  "domains of their own");
	return rc;
}

static bool starts_with(const char *text, const char *start)
{
	return text && strncmp(text, start, strlen(start)) == 0;
}

static void put_domain(struct dns_session *s, const json_t *row, struct dns_zone *v, size_t *n)
{
	const char *name = rest_text(s->arena, row, "domain");
	const char *status = rest_text(s->arena, row, "status");
	struct dns_zone z = { 0 };
	const json_t *server;
	size_t i;

	if (!name || *n == DNS_ZONES_MAX || starts_with(status, "CANCELLED") ||
	    starts_with(status, "TRANSFERRED") || starts_with(status, "CONFISCATED"))
		return;
	z.name = zone_name(s->arena, name);
	json_array_foreach(json_object_get(row, "nameServers"), i,
	                   server) if (json_is_string(server))
	    strings_add(s->arena, &z.name_servers, json_string_value(server));
	v[(*n)++] = z;
}

static int godaddy_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                              struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	const char *marker = NULL;
	bool last = false;
	size_t count = 0;

	for (int page = 0; page < DOMAIN_PAGES && !last; page++) {
		struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
		const char *query = rest_form(s->arena, "limit", "500", "includes", "nameServers",
		                              "marker", marker, NULL);
		struct rest_call c = { .method = "GET",
			               .path = arena_printf(s->arena, "/v1/domains?%s", query) };
		const json_t *rows, *row;
		size_t i;

		TRY(godaddy_call(s, &c, &r, e));
		TRY(rest_array(r.json, NULL, &rows, e));
		json_array_foreach(rows, i, row) put_domain(s, row, v, &count);
		row = json_array_get(rows, json_array_size(rows) - 1);
		marker = rest_text(s->arena, row, "domain");
		last = json_array_size(rows) < DOMAINS_PER_PAGE || !marker;
	}
	*out = v;
	*n = count;
	*whole = last;
	return 0;
}

static int godaddy_find_zone(struct dns_session *s, const char *name, struct dns_zone *out,
                             struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *path = arena_printf(s->arena, "/v1/domains/%s", rest_escape(s->arena, name));
	struct rest_call c = { .method = "GET", .path = path, .fine = { 422 } };
	struct dns_zone z[1];
	size_t n = 0;

	if (*name != '_') /* no domain's name; GoDaddy calls it malformed */
		TRY(godaddy_call(s, &c, &r, e));
	if (r.status / 100 == 2)
		put_domain(s, r.json, z, &n);
	if (n == 0 || strcmp(z[0].name, name) != 0)
		return err_set(e, ERR_NOT_FOUND, "there is no domain %s in this account", name);
	*out = z[0];
	return 0;
}

const struct dns_provider dns_godaddy = {
	.name = "godaddy",
	.title = "GoDaddy",
	.site = "https://developer.godaddy.com/doc/endpoint/domains",
	.setup = "Make a key pair at https://developer.godaddy.com/keys: Create New API Key, "
	         "environment Production, and give it as api_key and api_secret. GoDaddy has no "
	         "smaller rights: a key may do everything with all domains of the account, so "
	         "point _acme-challenge by CNAME into a zone elsewhere where that is too much.\n"
	         "Since May 2024 only accounts with 10 or more domains, or with Discount Domain "
	         "Club Premier, may use the DNS API; others get 403 ACCESS_DENIED.\n"
	         "The test environment is base_url: https://api.ote-godaddy.com, with a key pair "
	         "of the environment OTE.",
	.verified = "GoDaddy's OpenAPI description of v1 (through Prism 5.14: requests and "
	            "answers); recorded traffic; that PATCH adds is its description's word, so it "
	            "is read back",
	.fields = godaddy_fields,
	.settings_size = sizeof(struct godaddy),
	.base_url = "https://api.godaddy.com",
	.ttl_s = 600,
	.min_ttl_s = 600,
	.settle_s = 120,
	.flags = DNS_READS_FIRST,
	.list_zones = godaddy_list_zones,
	.find_zone = godaddy_find_zone,
	.add = godaddy_add,
	.remove = godaddy_remove,
};
