/*
 * Calls of Hetzner's Cloud API. A zone that another action holds is tried again; an action is asked
 * for until it has ended.
 */
#include "dns/hetzner_call.h"

#include <string.h>

#include "base/clock.h"
#include "dns/txt.h"

#define PER_PAGE 50
#define ACTION_LIMIT_MS 60000
#define ACTION_PAUSE_MS 2000

/* A zone that another action holds: the service asks to come again. */
static bool is_locked(const struct rest_answer *r)
{
	const char *code =
	    json_string_value(json_object_get(json_object_get(r->json, "error"), "code"));

	return code && (strcmp(code, "locked") == 0 || strcmp(code, "conflict") == 0);
}

int hetzner_call(struct dns_session *s, const char *method, const char *path, const json_t *body,
                 bool creates, struct rest_answer *out, struct err *e)
{
	const struct hetzner *h = s->settings;
	struct rest_call c = {
		.method = method,
		.path = path,
		.headers = { { "Authorization",
		               arena_printf(s->arena, "Bearer %s", h->api_token) } },
		.json = body,
		.creates = creates,
		.again = is_locked,
	};
	struct err why;

	if (rest_json(s, &c, out, &why) == 0)
		return 0;
	*e = why;
	if (e->code == ERR_DENIED && e->http_status == 403)
		return err_ctx(e, "the token must have the permission Read & Write");
	return -(int)e->code;
}

static struct dns_zone zone_of(struct arena *a, const json_t *zone)
{
	const json_t *servers =
	    json_object_get(json_object_get(zone, "authoritative_nameservers"), "assigned");
	const char *name = rest_text(a, zone, "name");
	struct dns_zone z = { .name = name ? zone_name(a, name) : NULL,
		              .id = rest_text(a, zone, "id") };
	const json_t *server;
	size_t i;

	json_array_foreach(servers, i, server) if (json_is_string(server))
	    strings_add(a, &z.name_servers, zone_name(a, json_string_value(server)));
	return z;
}

int hetzner_find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct dns_zone z;

	TRY(hetzner_call(s, "GET", arena_printf(s->arena, "/zones/%s", rest_escape(s->arena, name)),
	                 NULL, false, &r, e));
	z = zone_of(s->arena, json_object_get(r.json, "zone"));
	if (!z.name || !z.id || strcmp(z.name, name) != 0)
		return err_set(e, ERR_PROTOCOL, "the answer about zone %s is about another", name);
	*out = z;
	return 0;
}

int hetzner_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                       struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	bool more = true;
	size_t found = 0;

	for (int page = 1; more && found < DNS_ZONES_MAX; page++) {
		struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
		const json_t *zones, *zone, *meta;
		size_t i;

		TRY(hetzner_call(
		    s, "GET", arena_printf(s->arena, "/zones?page=%d&per_page=%d", page, PER_PAGE),
		    NULL, false, &r, e));
		TRY(rest_array(r.json, "zones", &zones, e));
		json_array_foreach(zones, i, zone)
		{
			struct dns_zone z = zone_of(s->arena, zone);

			if (z.name && z.id && found < DNS_ZONES_MAX)
				v[found++] = z;
		}
		meta = json_object_get(json_object_get(r.json, "meta"), "pagination");
		more = json_is_integer(json_object_get(meta, "next_page"));
	}
	*out = v;
	*n = found;
	*whole = !more;
	return 0;
}

int hetzner_await(struct dns_session *s, const struct dns_zone *z, const char *id, struct err *e)
{
	int64_t until = clock_monotonic_ms() + ACTION_LIMIT_MS, pause_ms = 200;
	const char *path =
	    id ? arena_printf(s->arena, "/zones/actions/%s", rest_escape(s->arena, id))
	       : arena_printf(s->arena, "/zones/%s/actions?status=running",
	                      rest_escape(s->arena, z->id));

	while (clock_monotonic_ms() < until) {
		struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
		const json_t *action;
		const char *status, *why;

		TRY(hetzner_call(s, "GET", path, NULL, false, &r, e));
		if (!id && json_array_size(json_object_get(r.json, "actions")) == 0)
			return 0;
		action = json_object_get(r.json, "action");
		status = id ? rest_text(s->arena, action, "status") : "running";
		if (status && strcmp(status, "success") == 0)
			return 0;
		if (!status || strcmp(status, "running") != 0) {
			why = rest_text(s->arena, json_object_get(action, "error"), "message");
			return err_set(e, ERR_INPUT, "the service gave the change up: %s",
			               why ? why : "it does not say why");
		}
		TRY(cancel_sleep_ms(s->cancel, pause_ms, e));
		pause_ms = pause_ms * 2 > ACTION_PAUSE_MS ? ACTION_PAUSE_MS : pause_ms * 2;
	}
	return err_set(e, ERR_NETWORK, "the service has not done the change within %d s",
	               ACTION_LIMIT_MS / 1000);
}
