/*
 * Azure DNS: sets of TXT values. A value is kept as the text of its JSON array of chunks, so that
 * those of others go back exactly as they came.
 */
#include <string.h>

#include "dns/azure.h"

#define CHUNK_MAX_BYTES 255

static const char *form(struct arena *a, const char *value)
{
	json_auto_t *chunks = json_array();
	size_t len = strlen(value), n;

	for (size_t at = 0; at < len; at += n) {
		n = len - at < CHUNK_MAX_BYTES ? len - at : CHUNK_MAX_BYTES;
		while (n > 1 && at + n < len && (value[at + n] & 0xc0) == 0x80)
			n--; /* JSON takes whole characters only */
		json_array_append_new(chunks, json_stringn(value + at, n));
	}
	return json_text(a, chunks);
}

static bool same(const char *form_text, const char *value)
{
	json_auto_t *chunks = json_loads(form_text, 0, NULL);

	for (size_t i = 0; i < json_array_size(chunks); i++) {
		const json_t *chunk = json_array_get(chunks, i);
		size_t n = json_string_length(chunk);

		if (!json_is_string(chunk) || strncmp(value, json_string_value(chunk), n) != 0)
			return false;
		value += n;
	}
	return !*value;
}

static int set_path(struct dns_session *s, const struct dns_zone *z, const struct dns_rrset *set,
                    const char **out, struct err *e)
{
	const struct azure_settings *settings = s->settings;
	struct arena *a = s->arena;
	const char *group =
	    z->id ? azure_id_part(a, z->id, "resourceGroups") : settings->resource_group;
	const char *subscription = z->id ? azure_id_part(a, z->id, "subscriptions") : NULL;
	const char *zone = z->id ? azure_id_part(a, z->id, "dnsZones") : NULL;

	if (!group)
		return err_set(e, ERR_CONFIG,
		               "zone_id must be the zone's whole resource ID: "
		               "/subscriptions/…/resourceGroups/…/dnsZones/…");
	*out = arena_printf(a,
	                    "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/"
	                    "dnsZones/%s/TXT/%s?" AZURE_API,
	                    rest_escape(a, subscription ? subscription : settings->subscription_id),
	                    rest_escape(a, group), rest_escape(a, zone ? zone : z->name),
	                    *set->relative ? rest_escape(a, set->relative) : "@");
	return 0;
}

static int take_set(struct dns_session *s, const struct rest_answer *r, struct dns_rrset *set,
                    struct err *e)
{
	const json_t *properties = json_object_get(r->json, "properties"), *list;
	const char *etag = json_str(s->arena, r->json, "etag");

	set->guard = etag ? etag : r->etag;
	if (!set->guard || !json_is_object(properties))
		return azure_no_json("record set with an ETag", e);
	TRY(rest_array(properties, "TXTRecords", &list, e));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *chunks;

		TRY(rest_array(json_array_get(list, i), "value", &chunks, e));
		strings_add(s->arena, &set->values, json_text(s->arena, chunks));
	}
	set->ttl_s = json_integer_value(json_object_get(properties, "TTL"));
	set->raw = json_text(s->arena, properties);
	set->exists = true;
	return 0;
}

static int read_set(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
                    struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET", .fine = { 404 } };
	const char *code;

	TRY(set_path(s, z, set, &c.path, e));
	TRY(azure_call(s, &c, &r, e));
	if (r.status != 404)
		return take_set(s, &r, set, e);
	code = azure_error_code(s->arena, r.json);
	if (!*code || strstr(code, "Parent") || strstr(code, "Group") || strstr(code, "Subscri"))
		return err_set(e, ERR_NOT_FOUND, "there is no such zone in Azure (%s)",
		               *code ? code : "404 without a reason");
	return 0;
}

static json_t *body(const struct dns_rrset *before, const struct dns_rrset *set)
{
	json_t *properties = before->raw ? json_loads(before->raw, 0, NULL) : json_object();
	json_t *list = json_array();

	json_object_del(properties, "fqdn");
	json_object_del(properties, "provisioningState");
	json_object_del(properties, "targetResource");
	for (size_t i = 0; i < set->values.n; i++)
		json_array_append_new(
		    list, json_pack("{s:o}", "value", json_loads(set->values.v[i], 0, NULL)));
	json_object_set_new(properties, "TXTRecords", list);
	json_object_set_new(properties, "TTL", json_integer(set->ttl_s));
	return json_pack("{s:o}", "properties", properties);
}

static int write_set(struct dns_session *s, const struct dns_zone *z,
                     const struct dns_rrset *before, const struct dns_rrset *set, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	json_auto_t *json = set->values.n ? body(before, set) : NULL;
	struct rest_call c = { .method = json ? "PUT" : "DELETE",
		               .json = json,
		               .headers = { { before->exists ? "If-Match" : "If-None-Match",
		                              before->exists ? before->guard : "*" } } };

	TRY(set_path(s, z, set, &c.path, e));
	if (!json)
		c.fine[0] = 404;
	return azure_call(s, &c, &r, e);
}

const struct dns_rrset_how azure_sets = {
	.read = read_set, .write = write_set, .form = form, .same = same
};
