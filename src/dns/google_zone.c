/* Google Cloud DNS: calls, what the service says when it refuses, and the list of zones. */
#include <string.h>

#include "dns/google.h"
#include "dns/txt.h"

#define PAGES_MAX 100

static const char *reason_of(struct arena *a, const json_t *answer)
{
	const json_t *list = json_object_get(json_object_get(answer, "error"), "errors");
	const char *reason = json_str(a, json_array_get(list, 0), "reason");

	return reason ? reason : "";
}

/* Google throttles with 403 as well. */
static bool is_throttle(const struct rest_answer *r)
{
	const json_t *list = json_object_get(json_object_get(r->json, "error"), "errors");
	const char *reason = json_string_value(json_object_get(json_array_get(list, 0), "reason"));

	return r->status == 403 && reason &&
	       (strcmp(reason, "rateLimitExceeded") == 0 ||
	        strcmp(reason, "userRateLimitExceeded") == 0);
}

static const char *explain(struct arena *a, const struct rest_answer *r)
{
	const json_t *error = json_object_get(r->json, "error");
	const char *text = json_str(a, error, "message"), *reason = reason_of(a, r->json);

	if (!text)
		return NULL;
	return *reason ? arena_printf(a, "%s: %s", reason, text) : text;
}

static int refusal(const char *right, struct err *e)
{
	struct err why = *e;

	if (strstr(why.text, "ateLimitExceeded"))
		e->code = ERR_RATE_LIMITED;
	else if (strstr(why.text, "has not been used in project") ||
	         strstr(why.text, "accessNotConfigured"))
		return err_ctx(e, "switch the Cloud DNS API on for this project (gcloud services "
		                  "enable dns.googleapis.com)");
	else if (strstr(why.text, "authentication scopes"))
		return err_ctx(e, "give this machine the access scope ndev.clouddns.readwrite");
	else
		return err_ctx(e,
		               "the right %s is missing (role DNS Administrator, or one of "
		               "your own)",
		               right);
	return -(int)e->code;
}

int google_start(struct dns_session *s, struct google **out, struct err *e)
{
	struct google *g = s->state;

	if (!g) {
		s->state = g = ARENA_NEW(s->arena, struct google);
		g->oauth.get = google_token;
	}
	*out = g;
	return google_project(s, g, e);
}

/* right: what the call needs, for the error. */
int google_call(struct dns_session *s, struct rest_call *c, const char *right,
                struct rest_answer *out, struct err *e)
{
	struct google *g;

	TRY(google_start(s, &g, e));
	c->explain = explain;
	c->again = is_throttle;
	if (oauth_json(s, &g->oauth, c, out, e) == 0)
		return 0;
	if (e->http_status == 403 && !strstr(e->text, "no access token"))
		return refusal(right, e);
	return -(int)e->code;
}

static int zones_path(struct dns_session *s, const char **out, struct err *e)
{
	struct google *g;

	TRY(google_start(s, &g, e));
	*out = arena_printf(s->arena, "/dns/v1/projects/%s/managedZones",
	                    rest_escape(s->arena, g->project));
	return 0;
}

int google_zone_path(struct dns_session *s, const struct dns_zone *z, const char **out,
                     struct err *e)
{
	const char *zones;

	TRY(zones_path(s, &zones, e));
	*out = arena_printf(s->arena, "%s/%s", zones, rest_escape(s->arena, z->id));
	return 0;
}

/* zones */

static bool zone_of(struct arena *a, const json_t *item, struct dns_zone *out)
{
	const json_t *servers = json_object_get(item, "nameServers");
	const char *name = json_str(a, item, "dnsName"), *id = json_str(a, item, "name");
	const char *seen = json_str(a, item, "visibility");
	struct strings list = { 0 };

	if (!name || !id || (seen && strcasecmp(seen, "private") == 0))
		return false;
	for (size_t i = 0; i < json_array_size(servers); i++) {
		const char *server = json_string_value(json_array_get(servers, i));

		if (server)
			strings_add(a, &list, zone_name(a, server));
	}
	*out = (struct dns_zone){ zone_name(a, name), id, list };
	return true;
}

static int zones_page(struct dns_session *s, const char *dns_name, const char **token,
                      struct dns_zone *v, size_t *n, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET" };
	const char *query = rest_form(s->arena, "dnsName", dns_name, "pageToken", *token, NULL);
	const json_t *list;

	TRY(zones_path(s, &c.path, e));
	if (*query)
		c.path = arena_printf(s->arena, "%s?%s", c.path, query);
	TRY(google_call(s, &c, "dns.managedZones.list", &r, e));
	*token = json_str(s->arena, r.json, "nextPageToken");
	if (!json_object_get(r.json, "managedZones")) /* left out when there are none */
		return 0;
	TRY(rest_array(r.json, "managedZones", &list, e));
	for (size_t i = 0; i < json_array_size(list) && *n < DNS_ZONES_MAX; i++)
		*n += zone_of(s->arena, json_array_get(list, i), &v[*n]);
	return 0;
}

static int read_zones(struct dns_session *s, const char *dns_name, struct dns_zone **out, size_t *n,
                      bool *whole, struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	const char *token = NULL;
	size_t got = 0;
	int page = 0;

	do
		TRY(zones_page(s, dns_name, &token, v, &got, e));
	while (token && *token && ++page < PAGES_MAX && got < DNS_ZONES_MAX);
	*out = v;
	*n = got;
	*whole = !token || !*token;
	return 0;
}

int google_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                      struct err *e)
{
	return read_zones(s, NULL, out, n, whole, e);
}

int google_find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	struct dns_zone *v;
	bool whole;
	size_t n;

	TRY(read_zones(s, arena_printf(s->arena, "%s.", name), &v, &n, &whole, e));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].name, name) == 0) {
			*out = v[i];
			return 0;
		}
	}
	return err_set(e, ERR_NOT_FOUND, "this project has no public zone %s", name);
}
