/*
 * Google Cloud DNS: sets of TXT values, and the changes that replace them. A change that is sent
 * again after a lost answer is refused as done already, and what is there is read again.
 */
#include <string.h>

#include "dns/google.h"
#include "dns/txt.h"

/* The set as it is, for the deletion that must match it. */
static int take_set(struct dns_session *s, const json_t *item, struct dns_rrset *set, struct err *e)
{
	const char *name = json_str(s->arena, item, "name"),
	           *type = json_str(s->arena, item, "type");
	const json_t *list;

	if (!name || !type || strcmp(type, "TXT") != 0 ||
	    strcmp(zone_name(s->arena, name), set->name) != 0)
		return 0;
	if (json_object_get(item, "routingPolicy"))
		return err_set(e, ERR_INPUT,
		               "%s has a routing policy, which leaves no place for a value: take "
		               "it away first",
		               set->name);
	TRY(rest_array(item, "rrdatas", &list, e));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *value = json_string_value(json_array_get(list, i));

		if (!value)
			return err_set(e, ERR_PROTOCOL, "a TXT record of %s is no text", set->name);
		strings_add(s->arena, &set->values, value);
	}
	set->ttl_s = json_integer_value(json_object_get(item, "ttl"));
	set->raw = (void *)name;
	set->exists = true;
	return 0;
}

static int read_set(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
                    struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET" };
	const char *zone;
	const json_t *list;

	TRY(google_zone_path(s, z, &zone, e));
	c.path = arena_printf(s->arena, "%s/rrsets?%s", zone,
	                      rest_form(s->arena, "type", "TXT", "name",
	                                arena_printf(s->arena, "%s.", set->name), NULL));
	TRY(google_call(s, &c, "dns.resourceRecordSets.list", &r, e));
	if (!json_object_get(r.json, "rrsets"))
		return 0;
	TRY(rest_array(r.json, "rrsets", &list, e));
	for (size_t i = 0; i < json_array_size(list); i++)
		TRY(take_set(s, json_array_get(list, i), set, e));
	return 0;
}

static json_t *set_json(struct arena *a, const struct dns_rrset *set)
{
	const char *name = set->raw ? set->raw : arena_printf(a, "%s.", set->name);
	json_t *values = json_array();

	for (size_t i = 0; i < set->values.n; i++)
		json_array_append_new(values, json_string(set->values.v[i]));
	return json_pack("{s:s, s:s, s:I, s:o}", "name", name, "type", "TXT", "ttl",
	                 (json_int_t)set->ttl_s, "rrdatas", values);
}

static json_t *change(struct arena *a, const struct dns_rrset *before, const struct dns_rrset *sets,
                      size_t n)
{
	json_t *additions = json_array(), *deletions = json_array(), *out = json_object();

	for (size_t i = 0; i < n; i++) {
		if (before[i].exists)
			json_array_append_new(deletions, set_json(a, &before[i]));
		if (sets[i].values.n)
			json_array_append_new(additions, set_json(a, &sets[i]));
	}
	json_object_set_new(out, "additions", additions);
	json_object_set_new(out, "deletions", deletions);
	return out;
}

static int write_all(struct dns_session *s, const struct dns_zone *z,
                     const struct dns_rrset *before, const struct dns_rrset *sets, size_t n,
                     struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	json_auto_t *json = change(s->arena, before, sets, n);
	struct rest_call c = { .method = "POST", .json = json };
	struct google *g = s->state;
	const char *zone, *id;

	TRY(google_zone_path(s, z, &zone, e));
	c.path = arena_printf(s->arena, "%s/changes", zone);
	if (google_call(s, &c,
	                "dns.changes.create (with dns.resourceRecordSets.create, .update, .delete)",
	                &r, e) < 0) {
		if (e->code == ERR_NOT_FOUND && strstr(e->text, "entity.change"))
			e->code = ERR_BUSY;
		return -(int)e->code;
	}
	id = rest_text(s->arena, r.json, "id");
	if (id)
		strings_add(s->arena, &g->pending,
		            arena_printf(s->arena, "%s/%s", c.path, rest_escape(s->arena, id)));
	return 0;
}

static const char *form(struct arena *a, const char *value)
{
	return txt_quote(a, value);
}

const struct dns_rrset_how google_sets = { .read = read_set, .write_all = write_all, .form = form };
