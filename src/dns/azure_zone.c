/* Azure DNS: calls, what the service says when it refuses, and the list of zones. */
#include <string.h>

#include "dns/azure.h"
#include "dns/txt.h"

#define PAGES_MAX 100

static struct oauth *state(struct dns_session *s)
{
	struct oauth *o = s->state;

	if (o)
		return o;
	if (!s->common.base_url)
		s->common.base_url = azure_cloud(s->settings)->management;
	s->state = o = ARENA_NEW(s->arena, struct oauth);
	o->get = azure_token;
	return o;
}

/* what Azure says */

/* Two shapes: {"error":{"code","message"}} and {"code","message"}. */
const char *azure_error_code(struct arena *a, const json_t *answer)
{
	const json_t *inner = json_object_get(answer, "error");
	const char *code = json_str(a, json_is_object(inner) ? inner : answer, "code");

	return code ? code : "";
}

/* AuthorizationFailed's message is long, and names the missing action in its middle. */
static const char *explain(struct arena *a, const struct rest_answer *r)
{
	const char *code = azure_error_code(a, r->json), *action;

	if (strcmp(code, "ScopeLocked") == 0)
		return "ScopeLocked: a lock makes the zone read-only; take it away, or set it to "
		       "CanNotDelete on the group only";
	if (strcmp(code, "AuthorizationFailed") != 0)
		return NULL;
	action = strstr(r->text, "perform action '");
	if (!action)
		return NULL;
	action += strlen("perform action '");
	return arena_printf(a,
	                    "AuthorizationFailed: the right %.100s is missing; give the role DNS "
	                    "Zone Contributor on the zone or its resource group",
	                    arena_strndup(a, action, strcspn(action, "'")));
}

int azure_call(struct dns_session *s, struct rest_call *c, struct rest_answer *out, struct err *e)
{
	const char *said;
	struct err why;

	c->explain = explain;
	if (oauth_do(s, state(s), c, out, e) == 0)
		return 0;
	why = *e;
	if (strstr(why.text, "ScopeLocked"))
		e->code = ERR_DENIED;
	said = strstr(why.text, "AuthorizationFailed: the right");
	if (said) /* the address is long too, and says nothing that this does not */
		err_set(e, ERR_DENIED, "%s", said);
	e->http_status = why.http_status;
	return -(int)e->code;
}

int azure_no_json(const char *what, struct err *e)
{
	return err_set(e, ERR_PROTOCOL, "Azure DNS answers with something that is no %s", what);
}

/* zones */

/* The part after /NAME/ of a resource's ID, whose letters come in any case. */
const char *azure_id_part(struct arena *a, const char *id, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = id; p && (p = strchr(p, '/')); p++)
		if (strncasecmp(p + 1, name, n) == 0 && p[1 + n] == '/' && p[2 + n])
			return arena_strndup(a, p + 2 + n, strcspn(p + 2 + n, "/?"));
	return NULL;
}

static const char *zones_path(struct dns_session *s)
{
	const struct azure_settings *set = s->settings;
	struct arena *a = s->arena;
	const char *subscription = rest_escape(a, set->subscription_id);

	if (!set->resource_group)
		return arena_printf(a, "/subscriptions/%s/providers/Microsoft.Network/dnszones",
		                    subscription);
	return arena_printf(a,
	                    "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/"
	                    "dnsZones",
	                    subscription, rest_escape(a, set->resource_group));
}

/* false = no public zone, or none at all. */
static bool zone_of(struct arena *a, const json_t *item, struct dns_zone *out)
{
	const json_t *properties = json_object_get(item, "properties");
	const json_t *servers = json_object_get(properties, "nameServers");
	const char *id = json_str(a, item, "id"), *name = json_str(a, item, "name");
	const char *type = json_str(a, properties, "zoneType");
	struct strings list = { 0 };

	if (!id || !name || (type && strcasecmp(type, "Private") == 0))
		return false;
	for (size_t i = 0; i < json_array_size(servers); i++) {
		const char *server = json_string_value(json_array_get(servers, i));

		if (server)
			strings_add(a, &list, zone_name(a, server));
	}
	*out = (struct dns_zone){ zone_name(a, name), id, list };
	return true;
}

static int zones_page(struct dns_session *s, const char **next, struct dns_zone *v, size_t *n,
                      struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET", .path = *next };
	const json_t *list;

	TRY(azure_call(s, &c, &r, e));
	if (!r.json)
		return azure_no_json("list of zones", e);
	TRY(rest_array(r.json, "value", &list, e));
	for (size_t i = 0; i < json_array_size(list) && *n < DNS_ZONES_MAX; i++)
		*n += zone_of(s->arena, json_array_get(list, i), &v[*n]);
	*next = json_str(s->arena, r.json, "nextLink");
	if (*next && !**next)
		*next = NULL;
	if (*next && !rest_is_ours(s, *next))
		return err_set(e, ERR_PROTOCOL,
		               "Azure DNS goes on with its list at another host, which must not "
		               "get the access token");
	return 0;
}

int azure_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                     struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	const char *next = arena_printf(s->arena, "%s?" AZURE_API, zones_path(s));
	size_t got = 0;

	for (int page = 0; next && page < PAGES_MAX && got < DNS_ZONES_MAX; page++)
		TRY(zones_page(s, &next, v, &got, e));
	*out = v;
	*n = got;
	*whole = !next;
	return 0;
}

/* One zone by name needs no right but on it; without its resource group it cannot be asked for. */
int azure_find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	const struct azure_settings *set = s->settings;
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET" };
	struct dns_zone *v;
	size_t n;
	bool whole;

	if (set->resource_group) {
		c.path = arena_printf(s->arena, "%s/%s?" AZURE_API, zones_path(s),
		                      rest_escape(s->arena, name));
		TRY(azure_call(s, &c, &r, e));
		return zone_of(s->arena, r.json, out) ? 0 : azure_no_json("public zone", e);
	}
	TRY(azure_list_zones(s, &v, &n, &whole, e));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].name, name) == 0) {
			*out = v[i];
			return 0;
		}
	}
	return err_set(e, ERR_NOT_FOUND, "this subscription has no zone %s", name);
}
