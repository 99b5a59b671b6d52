/*
 * Hetzner DNS, in the Cloud API (the older dns.hetzner.com is switched off). Records are added to
 * and removed from a set by actions that the service does by itself, so two writers do not harm
 * each other; an action is waited for, since a set read before its end does not show it.
 */
#include <string.h>

#include "dns/hetzner_call.h"
#include "dns/txt.h"

#define ATTEMPTS 3

static const struct field fields[] = {
	FIELD(struct hetzner, api_token, FT_SECRET, F_REQUIRED,
	      "API token of the project that has the zone, with the permission Read & Write"),
	FIELD_END
};

/* The set at a name: its values in the service's form, and its TTL (0 = the zone's). */
struct set {
	bool exists;
	int64_t ttl_s;
	struct strings values;
};

static int read_set(struct dns_session *s, const struct dns_zone *z, const char *name,
                    struct set *out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *sets, *set, *records, *record;
	struct set found = { 0 };
	size_t i, j;

	TRY(hetzner_call(s, "GET",
	                 arena_printf(s->arena, "/zones/%s/rrsets?type=TXT&name=%s",
	                              rest_escape(s->arena, z->id), rest_escape(s->arena, name)),
	                 NULL, false, &r, e));
	TRY(rest_array(r.json, "rrsets", &sets, e));
	json_array_foreach(sets, i, set)
	{
		const char *is = rest_text(s->arena, set, "name");
		const char *type = rest_text(s->arena, set, "type");

		if (!is || strcasecmp(is, name) != 0 || !type || strcmp(type, "TXT") != 0)
			continue;
		found.exists = true;
		found.ttl_s = json_integer_value(json_object_get(set, "ttl"));
		TRY(rest_array(set, "records", &records, e));
		json_array_foreach(records, j, record) if (rest_text(s->arena, record, "value"))
		    strings_add(s->arena, &found.values, rest_text(s->arena, record, "value"));
	}
	*out = found;
	return 0;
}

/* What there is to do at the name of v[first]: all of v of that name that are not as wanted. NULL:
 * nothing. */
static json_t *body_for(struct dns_session *s, const struct set *set, const struct dns_record *v,
                        size_t n, size_t first, bool adding)
{
	json_t *records = json_array();
	json_t *body;

	for (size_t i = first; i < n; i++) {
		const char *form = NULL;

		if (strcmp(v[i].name, v[first].name) != 0)
			continue;
		for (size_t j = 0; j < set->values.n; j++)
			if (txt_is(set->values.v[j], v[i].value))
				form = set->values.v[j];
		if (adding == (form == NULL))
			json_array_append_new(
			    records, json_pack("{ss}", "value",
			                       adding ? txt_quote(s->arena, v[i].value) : form));
	}
	if (json_array_size(records) == 0) {
		json_decref(records);
		return NULL;
	}
	body = json_pack("{so}", "records", records);
	/* The TTL is the whole set's: that of a set that is there stays. */
	if (adding && (!set->exists || set->ttl_s > 0))
		json_object_set_new(body, "ttl",
		                    json_integer(set->exists ? set->ttl_s : dns_ttl(s)));
	return body;
}

/* Starts what is to do at the name of v[first]; its action is added to the list. */
static int start(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                 size_t n, size_t first, bool adding, struct strings *actions, struct err *e)
{
	const char *name = v[first].relative[0] ? v[first].relative : "@";
	struct err why = { .code = ERR_AGAIN };

	for (int i = 0; i < ATTEMPTS && why.code == ERR_AGAIN; i++) {
		json_auto_t *body = NULL;
		struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
		struct set set = { 0 };
		const char *id;

		if (i > 0) /* nobody heard whether it was begun */
			TRY(hetzner_await(s, z, NULL, e));
		TRY(read_set(s, z, name, &set, e));
		body = body_for(s, &set, v, n, first, adding);
		if (!body)
			return 0;
		if (hetzner_call(
		        s, "POST",
		        arena_printf(s->arena, "/zones/%s/rrsets/%s/TXT/actions/%s_records",
		                     rest_escape(s->arena, z->id), rest_escape(s->arena, name),
		                     adding ? "add" : "remove"),
		        body, true, &r, &why) < 0)
			continue;
		id = rest_text(s->arena, json_object_get(r.json, "action"), "id");
		if (id)
			strings_add(s->arena, actions, id);
		return id ? 0 : err_set(e, ERR_PROTOCOL, "the answer names no action");
	}
	*e = why;
	return -(int)e->code;
}

static bool is_first_of_name(const struct dns_record *v, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(v[j].name, v[i].name) == 0)
			return false;
	return true;
}

/* All are begun and then waited for: an action takes seconds. What was begun is waited for after a
 * failure too, so that the removal that follows sees it. */
static int change(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                  size_t n, bool adding, struct err *e)
{
	struct strings actions = { 0 };
	struct err why = { 0 };
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		if (is_first_of_name(v, i))
			rc = start(s, z, v, n, i, adding, &actions, &why);
	for (size_t i = 0; i < actions.n; i++) {
		struct err other;

		if (hetzner_await(s, z, actions.v[i], &other) < 0 && rc == 0) {
			why = other;
			rc = -(int)why.code;
		}
	}
	if (rc < 0)
		*e = why;
	return rc;
}

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	return change(s, z, v, n, true, e);
}

static int remove_all(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	return change(s, z, v, n, false, e);
}

const struct dns_provider dns_hetzner = {
	.name = "hetzner",
	.title = "Hetzner",
	.site = "https://docs.hetzner.cloud/reference/cloud#dns",
	.setup = "In the Hetzner Console, open the project that has the zone, then Security, API "
	         "tokens, "
	         "and make a token with the permission Read & Write. A token is good for its whole "
	         "project, servers included: keep the zones that need certificates in a project of "
	         "their "
	         "own.\n\n"
	         "Zones that are still at dns.hetzner.com must be moved to the Console first.",
	.verified = "recorded traffic of January 2026, whose replay refuses any other request",
	.fields = fields,
	.settings_size = sizeof(struct hetzner),
	.base_url = "https://api.hetzner.cloud/v1",
	.ttl_s = 120,
	.min_ttl_s = 60,
	.settle_s = 30,
	.list_zones = hetzner_list_zones,
	.find_zone = hetzner_find_zone,
	.add = add,
	.remove = remove_all,
};
