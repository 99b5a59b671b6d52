/*
 * What PowerDNS has: its zones, and the sets in one. A zone is read whole, once for all names of
 * one change; a name that is read again (somebody was faster) is read anew.
 */
#include <string.h>

#include "base/log.h"
#include "dns/powerdns.h"
#include "dns/txt.h"

int powerdns_call(struct dns_session *s, const char *method, const char *path, const json_t *body,
                  struct rest_answer *out, struct err *e)
{
	const struct powerdns *p = s->settings;
	const char *server = p->server_id ? p->server_id : "localhost";
	struct rest_call c = {
		.method = method,
		.path = arena_printf(s->arena, "/api/v1/servers/%s/zones%s",
		                     rest_escape(s->arena, server), path),
		.headers = { { "X-API-Key", p->api_key } },
		.json = body,
		.max_body = JSON_MAX_BYTES,
	};

	return rest_do(s, &c, out, e);
}

const char *powerdns_zone_path(struct dns_session *s, const struct dns_zone *z, const char *rest)
{
	const char *id = z->id ? z->id : arena_printf(s->arena, "%s.", z->name);

	return arena_printf(s->arena, "/%s%s", rest_escape(s->arena, id), rest);
}

static int zones(struct dns_session *s, const char *query, struct dns_zone **out, size_t *n,
                 struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *list, *zone;
	struct dns_zone *v;
	size_t i, found = 0;

	TRY(powerdns_call(s, "GET", query, NULL, &r, e));
	TRY(rest_array(r.json, NULL, &list, e));
	v = ARENA_ARRAY(s->arena, struct dns_zone, json_array_size(list) + 1);
	json_array_foreach(list, i, zone)
	{
		const char *name = rest_text(s->arena, zone, "name");

		if (name)
			v[found++] = (struct dns_zone){ .name = zone_name(s->arena, name),
				                        .id = rest_text(s->arena, zone, "id") };
	}
	*out = v;
	*n = found;
	return 0;
}

int powerdns_find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	const char *query =
	    arena_printf(s->arena, "?zone=%s.&dnssec=false", rest_escape(s->arena, name));
	struct dns_zone *v = NULL;
	size_t n = 0;

	TRY(zones(s, query, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0) {
			*out = v[i];
			return 0;
		}
	return err_set(e, ERR_NOT_FOUND, "the server has no zone %s", name);
}

/* A server with very many zones is asked for each candidate instead. */
int powerdns_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                        struct err *e)
{
	struct dns_zone *v = NULL;
	struct err why;
	size_t found = 0;
	bool all = true;

	if (zones(s, "?dnssec=false", &v, &found, &why) < 0) {
		if (why.code != ERR_PROTOCOL) {
			*e = why;
			return -(int)e->code;
		}
		log_debug("%s; asking for single zones", why.text);
		all = false;
	}
	*out = v;
	*n = found > DNS_ZONES_MAX ? DNS_ZONES_MAX : found;
	*whole = all && found <= DNS_ZONES_MAX;
	return 0;
}

#define LARGE (1 << 20) /* bytes of an answer that is no JSON because it is too much of it */

/* Of one session: the zone as it was read last, so that many names need one reading. */
struct state {
	const char *kind;
	json_t *zone;
	struct strings given; /* names whose sets were given out from it already */
	bool is_large;        /* the zone is too large to be read whole: one set is in it */
};

static struct state *state_of(struct dns_session *s)
{
	if (!s->state)
		s->state = ARENA_NEW(s->arena, struct state);
	return s->state;
}

void powerdns_forget(struct dns_session *s)
{
	struct state *state = state_of(s);

	json_decref(state->zone);
	*state = (struct state){ .kind = state->kind, .is_large = state->is_large };
}

static bool is_kind(const char *kind, const char *const *kinds)
{
	for (; *kinds; kinds++)
		if (kind && strcasecmp(kind, *kinds) == 0)
			return true;
	return false;
}

bool powerdns_is_primary(const struct dns_session *s)
{
	static const char *const primaries[] = { "Master", "Primary", "Producer", NULL };
	const struct state *state = s->state;

	return state && is_kind(state->kind, primaries);
}

static int take_zone(struct dns_session *s, const char *name, struct rest_answer *r, struct err *e)
{
	static const char *const copies[] = { "Slave", "Secondary", "Consumer", NULL };
	const char *kind = rest_text(s->arena, r->json, "kind");
	struct state *state = state_of(s);
	const json_t *rrsets;

	if (is_kind(kind, copies))
		return err_set(e, ERR_DENIED,
		               "this server only copies the zone from another (kind %s): give the "
		               "address of its primary",
		               kind);
	TRY(rest_array(r->json, "rrsets", &rrsets, e));
	powerdns_forget(s);
	state->kind = kind;
	state->zone = json_incref(r->json);
	strings_add(s->arena, &state->given, name);
	return 0;
}

/* Whole: a set that is asked for by its name (rrset_name) comes without its disabled records, and
 * writing it back would delete them. By name only in a zone that is too large. */
static int read_zone(struct dns_session *s, const struct dns_zone *z, const char *name,
                     struct err *e)
{
	const char *one =
	    arena_printf(s->arena, "?rrset_name=%s.&rrset_type=TXT", rest_escape(s->arena, name));
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct state *state = state_of(s);
	struct err why;

	if (state->zone && !state->is_large && !strings_has(&state->given, name)) {
		strings_add(s->arena, &state->given, name);
		return 0;
	}
	if (!state->is_large) {
		if (powerdns_call(s, "GET", powerdns_zone_path(s, z, ""), NULL, &r, &why) == 0) {
			if (r.json || r.len < LARGE)
				return take_zone(s, name, &r, e);
			(void)err_set(&why, ERR_PROTOCOL,
			              "it has too many records to be read whole");
		}
		if (why.code != ERR_PROTOCOL) {
			*e = why;
			return -(int)e->code;
		}
		log_warn("DNS account %s, zone %s: %s; its disabled records are not seen",
		         s->account, z->name, why.text);
		state->is_large = true;
	}
	TRY(powerdns_call(s, "GET", powerdns_zone_path(s, z, one), NULL, &r, e));
	return take_zone(s, name, &r, e);
}

/* set->raw: the contents that are disabled. */
static void read_records(struct dns_session *s, const json_t *rrset, struct dns_rrset *set)
{
	struct strings *disabled = ARENA_NEW(s->arena, struct strings);
	const json_t *record;
	size_t i;

	json_array_foreach(json_object_get(rrset, "records"), i, record)
	{
		const char *content = rest_text(s->arena, record, "content");

		if (content)
			strings_add(s->arena,
			            json_is_true(json_object_get(record, "disabled"))
			                ? disabled
			                : &set->values,
			            content);
	}
	set->exists = true;
	set->ttl_s = json_integer_value(json_object_get(rrset, "ttl"));
	set->raw = disabled;
}

int powerdns_read_set(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
                      struct err *e)
{
	const json_t *rrset;
	size_t i;

	TRY(read_zone(s, z, set->name, e));
	json_array_foreach(json_object_get(state_of(s)->zone, "rrsets"), i, rrset)
	{
		const char *name = json_string_value(json_object_get(rrset, "name"));
		const char *type = json_string_value(json_object_get(rrset, "type"));

		if (name && type && strcmp(type, "TXT") == 0 &&
		    strcmp(zone_name(s->arena, name), set->name) == 0)
			read_records(s, rrset, set);
	}
	return 0;
}
