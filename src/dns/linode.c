/*
 * Linode (Akamai) DNS Manager (API v4). One record for each value, text without quotes, owner names
 * below the zone, none for itself. Lists are narrowed by the X-Filter header. Its servers get
 * changes every few minutes only, and the TTL is one of a fixed list. One session's thread.
 */
#include <string.h>

#include "dns/entries.h"
#include "dns/rest.h"
#include "dns/txt.h"

#define PER_PAGE 500
#define ZONE_PAGES (DNS_ZONES_MAX / PER_PAGE)

struct linode {
	const char *api_token;
};
static const struct field linode_fields[] = {
	FIELD(struct linode, api_token, FT_SECRET, F_REQUIRED,
	      "personal access token with Domains: Read/Write (domains:read_write)"),
	FIELD_END
};

/* Reads one page if the path is a list's, adding the page's number. */
static int call(struct dns_session *s, struct rest_call *c, json_t *filter, struct rest_answer *out,
                struct err *e)
{
	const struct linode *set = s->settings;
	struct err why = { 0 };
	int rc;

	c->headers[0] = (struct http_header){ "Authorization",
		                              arena_printf(s->arena, "Bearer %s", set->api_token) };
	if (filter)
		c->headers[1] = (struct http_header){ "X-Filter", json_text(s->arena, filter) };
	rc = rest_json(s, c, out, &why);
	if (rc == 0)
		return 0;
	*e = why;
	if (e->code == ERR_DENIED && e->http_status == 401)
		return err_ctx(e, "Linode does not accept the API token");
	if (e->code == ERR_DENIED)
		return err_ctx(e, "the API token lacks domains:read_write (or its user the grant "
		                  "for this domain)");
	return rc;
}

/* One page of a list; the caller walks its array. */
static int page_of(struct dns_session *s, const char *path, json_t *filter, int page,
                   struct rest_answer *out, const json_t **rows, bool *last, struct err *e)
{
	struct rest_call c = { .method = "GET",
		               .path = arena_printf(s->arena, "%s?page=%d&page_size=%d", path, page,
		                                    PER_PAGE) };
	const char *pages;

	TRY(call(s, &c, filter, out, e));
	TRY(rest_array(out->json, "data", rows, e));
	pages = rest_text(s->arena, out->json, "pages");
	*last = !pages || strtol(pages, NULL, 10) <= page;
	return 0;
}

/* Read-only copies (type "slave") are no place for a record. */
static void put_zone(struct dns_session *s, const json_t *row, struct dns_zone *v, size_t *n)
{
	const char *name = rest_text(s->arena, row, "domain"), *id = rest_text(s->arena, row, "id");
	const char *type = rest_text(s->arena, row, "type");

	if (!name || !id || (type && strcmp(type, "master") != 0) || *n == DNS_ZONES_MAX)
		return;
	v[(*n)++] = (struct dns_zone){ .name = zone_name(s->arena, name), .id = id };
}

static int read_zones(struct dns_session *s, json_t *filter, struct dns_zone *v, size_t *n,
                      bool *whole, struct err *e)
{
	bool last = false;

	for (int page = 1; page <= ZONE_PAGES && !last; page++) {
		struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
		const json_t *rows, *row;
		size_t i;

		TRY(page_of(s, "/domains", filter, page, &r, &rows, &last, e));
		json_array_foreach(rows, i, row) put_zone(s, row, v, n);
	}
	*whole = last;
	return 0;
}

static int linode_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                             struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	size_t count = 0;

	TRY(read_zones(s, NULL, v, &count, whole, e));
	*out = v;
	*n = count;
	return 0;
}

static int linode_find_zone(struct dns_session *s, const char *name, struct dns_zone *out,
                            struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	json_auto_t *filter = json_pack("{s:s}", "domain", name);
	bool whole;
	size_t n = 0;

	TRY(read_zones(s, filter, v, &n, &whole, e));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0) {
			*out = v[i];
			return 0;
		}
	return err_set(e, ERR_NOT_FOUND, "there is no domain %s of type master", name);
}

static char *records_path(struct dns_session *s, const struct dns_zone *z)
{
	return arena_printf(s->arena, "/domains/%s/records", rest_escape(s->arena, z->id));
}

static int list(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                struct dns_entries *out, struct err *e)
{
	json_auto_t *filter =
	    json_pack("{s:s, s:s*}", "type", "TXT", "name", v && *v->relative ? v->relative : NULL);
	bool last = false;

	for (int page = 1; page <= ENTRIES_PAGES_MAX && !last; page++) {
		struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
		const json_t *rows, *row;
		size_t i;

		TRY(page_of(s, records_path(s, z), filter, page, &r, &rows, &last, e));
		json_array_foreach(rows, i, row)
		{
			const char *id = rest_text(s->arena, row, "id");
			const char *owner = rest_text(s->arena, row, "name");
			const char *target = rest_text(s->arena, row, "target");
			const char *type = rest_text(s->arena, row, "type");

			if (id && target && type && strcmp(type, "TXT") == 0)
				entries_put(s->arena, out, z->name, id, owner ? owner : "", target);
		}
	}
	return 0;
}

/* The service would round to the nearest; a TTL is a promise, so the next longer one is taken. */
static int64_t ttl_of_list(int64_t wanted)
{
	static const int64_t list[] = { 300,   3600,   7200,   14400,  28800,   57600,
		                        86400, 172800, 345600, 604800, 1209600, 2419200 };

	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (wanted <= list[i])
			return list[i];
	return list[ARRAY_LEN(list) - 1];
}

static int create(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                  struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	json_auto_t *body = json_pack("{s:s, s:s*, s:s, s:I}", "type", "TXT", "name",
	                              *v->relative ? v->relative : NULL, "target", v->value,
	                              "ttl_sec", (json_int_t)ttl_of_list(dns_ttl(s)));
	struct rest_call c = {
		.method = "POST", .path = records_path(s, z), .json = body, .creates = true
	};

	return call(s, &c, NULL, &r, e);
}

static int delete (struct dns_session *s, const struct dns_zone *z, const char *id, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "DELETE",
		               .path = arena_printf(s->arena, "%s/%s", records_path(s, z),
		                                    rest_escape(s->arena, id)) };

	return call(s, &c, NULL, &r, e);
}

static const struct dns_entries_how how = {
	.list = list, .create = create, .delete = delete, .look_first = true
};

static int linode_add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	return entries_add(s, z, &how, v, n, e);
}

static int linode_remove(struct dns_session *s, const struct dns_zone *z,
                         const struct dns_record *v, size_t n, struct err *e)
{
	return entries_remove(s, z, &how, v, n, e);
}

const struct dns_provider dns_linode = {
	.name = "linode",
	.title = "Linode (Akamai)",
	.site = "https://techdocs.akamai.com/linode-api/reference/api",
	.setup = "Make a restricted user first: in Cloud Manager Administration, User & Grants, "
	         "add a user without full account access, and grant it Read-Write for the domains "
	         "Everleaf is to prove names in, and None for all else. As that user: My Profile, "
	         "API Tokens, Create a Personal Access Token, all scopes No Access but Domains: "
	         "Read/Write (domains:read_write). Give it as api_token.\n"
	         "Linode's name servers publish changes every few minutes only: the first "
	         "validation takes that long, and propagation_timeout is set accordingly.",
	.verified =
	    "Linode's OpenAPI description 4.151 (through Prism 5.14: requests and answers); "
	    "recorded traffic; X-Filter by the vendor's text only",
	.fields = linode_fields,
	.settings_size = sizeof(struct linode),
	.base_url = "https://api.linode.com/v4",
	.ttl_s = 300,
	.min_ttl_s = 300,
	.settle_s = 300,
	.list_zones = linode_list_zones,
	.find_zone = linode_find_zone,
	.add = linode_add,
	.remove = linode_remove,
};
