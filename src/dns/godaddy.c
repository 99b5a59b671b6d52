/*
 * GoDaddy (API v1). Adding is a PATCH, which its description calls "add the specified records"; the
 * set is read back, and written whole, with all that was there before, when the PATCH did not add.
 * Removing is writing the rest, or deleting a set that has nothing else. Entries without data are
 * leftovers of clients from before sets could be deleted; they cannot be written, so they are left
 * out. One session's thread.
 */
#include <string.h>

#include "base/log.h"
#include "dns/rest.h"
#include "dns/txt.h"

#define DOMAINS_PER_PAGE 1000
#define DOMAIN_PAGES (DNS_ZONES_MAX / DOMAINS_PER_PAGE)

struct godaddy {
	const char *api_key, *api_secret, *shopper_id;
};
static const struct field godaddy_fields[] = {
	FIELD(struct godaddy, api_key, FT_SECRET, F_REQUIRED, "key of a production API key pair"),
	FIELD(struct godaddy, api_secret, FT_SECRET, F_REQUIRED, "its secret"),
	FIELD(struct godaddy, shopper_id, FT_STRING, 0,
	      "resellers: the customer (shopper) whose domains are meant"),
	FIELD_END
};

static int call(struct dns_session *s, struct rest_call *c, struct rest_answer *out, struct err *e)
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
		const char *query = rest_form(s->arena, "limit", "1000", "includes", "nameServers",
		                              "marker", marker, NULL);
		struct rest_call c = { .method = "GET",
			               .path = arena_printf(s->arena, "/v1/domains?%s", query) };
		const json_t *rows, *row;
		size_t i;

		TRY(call(s, &c, &r, e));
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
		TRY(call(s, &c, &r, e));
	if (r.status / 100 == 2)
		put_domain(s, r.json, z, &n);
	if (n == 0 || strcmp(z[0].name, name) != 0)
		return err_set(e, ERR_NOT_FOUND, "there is no domain %s in this account", name);
	*out = z[0];
	return 0;
}

static char *records_path(struct dns_session *s, const struct dns_zone *z,
                          const struct dns_record *v)
{
	const char *zone = rest_escape(s->arena, z->name);

	if (!v)
		return arena_printf(s->arena, "/v1/domains/%s/records", zone);
	return arena_printf(s->arena, "/v1/domains/%s/records/TXT/%s", zone,
	                    rest_escape(s->arena, *v->relative ? v->relative : "@"));
}

/* One name's entries, as they came, but for those without data. */
static int read_set(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                    json_t **out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET", .path = records_path(s, z, v), .fine = { 404 } };
	const json_t *rows, *row;
	json_t *kept;
	size_t i;

	TRY(call(s, &c, &r, e));
	if (r.status == 404) {
		*out = json_array();
		return 0;
	}
	TRY(rest_array(r.json, NULL, &rows, e));
	kept = json_array();
	json_array_foreach(rows, i, row)
	{
		const char *data = rest_text(s->arena, row, "data");

		if (data && data[strspn(data, " ")])
			json_array_append_new(kept, json_deep_copy(row));
		else
			log_detail("%s: a TXT entry without data is there; it goes when this name "
			           "is written",
			           v->name);
	}
	*out = kept;
	return 0;
}

static bool has_value(struct dns_session *s, const json_t *set, const char *value)
{
	const json_t *row;
	size_t i;

	json_array_foreach(set, i, row)
	{
		const char *data = rest_text(s->arena, row, "data");

		if (data && txt_is(data, value))
			return true;
	}
	return false;
}

/* Whether all of `rows` is in `set`. */
static bool has_all(struct dns_session *s, const json_t *set, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(
	    rows, i, row) if (!has_value(s, set, rest_text(s->arena, row, "data"))) return false;
	return true;
}

static int write_set(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                     const json_t *set, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	bool none = json_array_size(set) == 0;
	struct rest_call c = { .method = none ? "DELETE" : "PUT",
		               .path = records_path(s, z, v),
		               .json = none ? NULL : set,
		               .fine = { none ? 404 : 0 } };

	return call(s, &c, &r, e);
}

/* Refusals of the PATCH itself (a duplicate that another client made meanwhile, a service that does
 * not take it) are no end: what is read next decides. */
static int patch(struct dns_session *s, const struct dns_zone *z, const json_t *rows, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "PATCH",
		               .path = records_path(s, z, NULL),
		               .json = rows,
		               .creates = true,
		               .fine = { 405, 409, 422 } };
	struct err why = { 0 };
	int rc = call(s, &c, &r, &why);

	if (rc < 0 && why.code != ERR_AGAIN) {
		*e = why;
		return rc;
	}
	if (rc < 0 || r.status >= 300)
		log_detail("PATCH was not answered with success; the records are read to see");
	return 0;
}

/* The values of v at v[at]'s name, as entries, that are not in `set`. */
static json_t *missing(struct dns_session *s, const struct dns_record *v, size_t n, size_t at,
                       const json_t *set)
{
	json_t *rows = json_array();

	for (size_t i = at; i < n; i++)
		if (strcmp(v[i].name, v[at].name) == 0 && !has_value(s, set, v[i].value) &&
		    !has_value(s, rows, v[i].value))
			json_array_append_new(
			    rows, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT", "name",
			                    *v[i].relative ? v[i].relative : "@", "data",
			                    v[i].value, "ttl", (json_int_t)dns_ttl(s)));
	return rows;
}

static int add_at_name(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                       size_t n, size_t at, struct err *e)
{
	json_auto_t *before = NULL, *rows = NULL, *after = NULL;

	TRY(read_set(s, z, &v[at], &before, e));
	rows = missing(s, v, n, at, before);
	if (json_array_size(rows) == 0)
		return 0;
	TRY(patch(s, z, rows, e));
	TRY(read_set(s, z, &v[at], &after, e));
	if (has_all(s, after, rows) && has_all(s, after, before))
		return 0;
	log_warn("%s: GoDaddy did not add as asked; the whole set is written, old values and new",
	         v[at].name);
	json_array_extend(before, rows);
	return write_set(s, z, &v[at], before, e);
}

static int remove_at_name(struct dns_session *s, const struct dns_zone *z,
                          const struct dns_record *v, size_t n, size_t at, struct err *e)
{
	json_auto_t *before = NULL, *rest = json_array();
	const json_t *row;
	size_t i;

	TRY(read_set(s, z, &v[at], &before, e));
	json_array_foreach(before, i, row)
	{
		bool wanted = false;

		for (size_t k = at; k < n && !wanted; k++)
			wanted = strcmp(v[k].name, v[at].name) == 0 &&
			         txt_is(rest_text(s->arena, row, "data"), v[k].value);
		if (!wanted)
			json_array_append_new(rest, json_deep_copy(row));
	}
	if (json_array_size(rest) == json_array_size(before))
		return 0;
	return write_set(s, z, &v[at], rest, e);
}

typedef int each_fn(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                    size_t n, size_t at, struct err *e);
/* Once for each name in v. */
static int each_name(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                     size_t n, each_fn *fn, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = strcmp(v[k].name, v[i].name) == 0;
		if (!seen)
			TRY(fn(s, z, v, n, i, e));
	}
	return 0;
}

static int godaddy_add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                       size_t n, struct err *e)
{
	return each_name(s, z, v, n, add_at_name, e);
}

static int godaddy_remove(struct dns_session *s, const struct dns_zone *z,
                          const struct dns_record *v, size_t n, struct err *e)
{
	return each_name(s, z, v, n, remove_at_name, e);
}

const struct dns_provider dns_godaddy = {
	.name = "godaddy",
	.title = "GoDaddy",
	.site = "https://developer.godaddy.com/doc/endpoint/domains",
	.setup =
	    "Make a key pair at https://developer.godaddy.com/keys: Create New API Key, "
	    "environment "
	    "Production, and give it as api_key and api_secret. GoDaddy has no smaller rights: a "
	    "key "
	    "may do everything with all domains of the account, so point _acme-challenge by CNAME "
	    "into a zone elsewhere where that is too much.\n"
	    "Since May 2024 only accounts with 10 or more domains, or with Discount Domain Club "
	    "Premier, may use the DNS API; others get 403 ACCESS_DENIED.\n"
	    "The test environment is base_url: https://api.ote-godaddy.com, with a key pair of the "
	    "environment OTE.",
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
