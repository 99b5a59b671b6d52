/*
 * ClouDNS. Every call is a POST whose form body carries the credentials, so that no password is in
 * an address. Every answer has status 200: failures are told by a member. Lists are arrays when
 * they are empty and objects when they are not; numbers come as strings.
 */
#include <string.h>

#include "dns/entries.h"
#include "dns/rest.h"
#include "dns/txt.h"

#define ROWS "100"

struct cloudns {
	const char *auth_id, *sub_auth_id, *sub_auth_user, *auth_password;
};

static const struct field fields[] = {
	FIELD(struct cloudns, auth_id, FT_STRING, 0, "Auth ID of an API user of the main account"),
	FIELD(struct cloudns, sub_auth_id, FT_STRING, 0, "Sub Auth ID of an API sub-user"),
	FIELD(struct cloudns, sub_auth_user, FT_STRING, 0,
	      "name of an API sub-user, in place of its Sub Auth ID"),
	FIELD(struct cloudns, auth_password, FT_SECRET, F_REQUIRED, "that API user's password"),
	FIELD_END
};

static int check(struct arena *a, const void *settings, const struct dns_common *common,
                 struct err *e)
{
	const struct cloudns *c = settings;
	int n = !!c->auth_id + !!c->sub_auth_id + !!c->sub_auth_user;

	(void)a;
	(void)common;
	if (n != 1)
		return err_set(e, ERR_CONFIG,
		               "give exactly one of auth_id, sub_auth_id and sub_auth_user%s",
		               n ? "" : "; none is there");
	return 0;
}

/* What the service says about a failure, and what to do about it. */
static int refused(struct arena *a, const struct rest_answer *r, struct err *e)
{
	const char *said = rest_text(a, r->json, "statusDescription");

	if (!said)
		return err_set(e, ERR_PROTOCOL, "the service failed and did not say why");
	if (strcasestr(said, "authentication"))
		return err_set(e, ERR_DENIED,
		               "the service says: %s The API user or its password is wrong, or its "
		               "list of allowed addresses does not have this machine's",
		               said);
	if (strcasestr(said, "missing domain-name"))
		return err_set(
		    e, ERR_NOT_FOUND,
		    "the service says: %s; a sub-user sees only the zones delegated to it", said);
	if (strcasestr(said, "missing record-id"))
		return err_set(e, ERR_NOT_FOUND, "the service says: %s", said);
	return err_set(e, strcasestr(said, "already exist") ? ERR_EXISTS : ERR_INPUT,
	               "the service says: %s", said);
}

/* args: the call's own part of the form. */
static int call(struct dns_session *s, const char *path, const char *args, bool creates,
                struct rest_answer *out, struct err *e)
{
	const struct cloudns *c = s->settings;
	const char *who =
	    rest_form(s->arena, "auth-id", c->auth_id, "sub-auth-id", c->sub_auth_id,
	              "sub-auth-user", c->sub_auth_user, "auth-password", c->auth_password, NULL);
	struct rest_call call = {
		.method = "POST",
		.path = path,
		.body = arena_printf(s->arena, "%s&%s", who, args),
		.content_type = "application/x-www-form-urlencoded",
		.creates = creates,
	};
	struct rest_answer answer CLEANUP(rest_answer_done) = { 0 };
	const char *status;

	TRY(rest_json(s, &call, &answer, e));
	status = rest_text(s->arena, answer.json, "status");
	if (status && strcmp(status, "Failed") == 0)
		return refused(s->arena, &answer, e);
	*out = answer;
	answer = (struct rest_answer){ 0 };
	return 0;
}

static int find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *found;

	if (call(s, "/get-zone-info.json", rest_form(s->arena, "domain-name", name, NULL), false,
	         &r, e) < 0)
		return err_ctx(e, "zone %s", name);
	found = rest_text(s->arena, r.json, "name");
	if (!found || strcmp(zone_name(s->arena, found), name) != 0)
		return err_set(e, ERR_NOT_FOUND, "this account has no zone %s", name);
	*out = (struct dns_zone){ .name = zone_name(s->arena, found) };
	return 0;
}

static int zones_page(struct dns_session *s, int page, struct dns_zone *v, size_t *n, bool *more,
                      struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *zone;
	size_t i;

	TRY(call(s, "/list-zones.json",
	         rest_form(s->arena, "page", arena_printf(s->arena, "%d", page), "rows-per-page",
	                   ROWS, NULL),
	         false, &r, e));
	if (!json_is_array(r.json))
		return err_set(e, ERR_PROTOCOL, "the list of zones is no array");
	json_array_foreach(r.json, i, zone)
	{
		const char *name = rest_text(s->arena, zone, "name");

		if (name && *n < DNS_ZONES_MAX)
			v[(*n)++] = (struct dns_zone){ .name = zone_name(s->arena, name) };
	}
	*more = i >= (size_t)strtoul(ROWS, NULL, 10);
	return 0;
}

static int list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                      struct err *e)
{
	struct dns_zone *v = ARENA_ARRAY(s->arena, struct dns_zone, DNS_ZONES_MAX);
	size_t found = 0;
	bool more = true;

	for (int page = 1; more && found < DNS_ZONES_MAX; page++)
		TRY(zones_page(s, page, v, &found, &more, e));
	*out = v;
	*n = found;
	*whole = !more;
	return 0;
}

/* v NULL: of the whole zone. */
static int list(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                struct dns_entries *out, struct err *e)
{
	struct rest_answer answer CLEANUP(rest_answer_done) = { 0 };
	const char *key;
	json_t *record;

	TRY(call(s, "/records.json",
	         rest_form(s->arena, "domain-name", z->name, "host", v ? v->relative : NULL, "type",
	                   "TXT", NULL),
	         false, &answer, e));
	if (json_is_array(answer.json) && json_array_size(answer.json) == 0)
		return 0;
	if (!json_is_object(answer.json))
		return err_set(e, ERR_PROTOCOL,
		               "the list of records is neither empty nor an object");
	json_object_foreach(answer.json, key, record)
	{
		const char *id = rest_text(s->arena, record, "id");
		const char *host = rest_text(s->arena, record, "host");
		const char *type = rest_text(s->arena, record, "type");
		const char *value = rest_text(s->arena, record, "record");

		if (!id || !host || !type || !value)
			return err_set(e, ERR_PROTOCOL,
			               "record %.20s has no id, host, type or value", key);
		if (strcmp(type, "TXT") == 0)
			entries_put(s->arena, out, z->name, id, host, value);
	}
	return 0;
}

/* The service takes these and no others. */
static int64_t allowed_ttl(int64_t ttl)
{
	static const int64_t allowed[] = { 60,    300,    900,    1800,   3600,    21600,  43200,
		                           86400, 172800, 259200, 604800, 1209600, 2592000 };

	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		if (allowed[i] >= ttl)
			return allowed[i];
	return allowed[ARRAY_LEN(allowed) - 1];
}

static int create(struct dns_session *s, const struct dns_zone *z, const struct dns_record *r,
                  struct err *e)
{
	struct rest_answer answer CLEANUP(rest_answer_done) = { 0 };
	const char *ttl = arena_printf(s->arena, "%lld", (long long)allowed_ttl(dns_ttl(s)));

	return call(s, "/add-record.json",
	            rest_form(s->arena, "domain-name", z->name, "record-type", "TXT", "host",
	                      r->relative, "record", r->value, "ttl", ttl, NULL),
	            true, &answer, e);
}

static int drop(struct dns_session *s, const struct dns_zone *z, const char *id, struct err *e)
{
	struct rest_answer answer CLEANUP(rest_answer_done) = { 0 };

	return call(s, "/delete-record.json",
	            rest_form(s->arena, "domain-name", z->name, "record-id", id, NULL), false,
	            &answer, e);
}

static const struct dns_entries_how how = {
	.list = list, .create = create, .delete = drop, .look_first = true
};

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	return entries_add(s, z, &how, v, n, e);
}

static int remove_all(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	return entries_remove(s, z, &how, v, n, e);
}

/* More servers are reported than the zone's NS records name: all of them count. */
static int in_sync(struct dns_session *s, const struct dns_zone *z, bool *done, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const json_t *server;
	bool all;
	size_t i;

	TRY(call(s, "/update-status.json", rest_form(s->arena, "domain-name", z->name, NULL), false,
	         &r, e));
	if (!json_is_array(r.json))
		return err_set(e, ERR_PROTOCOL, "the list of servers is no array");
	all = json_array_size(r.json) > 0;
	json_array_foreach(r.json, i, server) all =
	    all && json_is_true(json_object_get(server, "updated"));
	*done = all;
	return 0;
}

const struct dns_provider dns_cloudns = {
	.name = "cloudns",
	.title = "ClouDNS",
	.site = "https://www.cloudns.net/wiki/article/42/",
	.setup =
	    "In the control panel, under API & Resellers, make an API sub-user, set its password, "
	    "delegate to it only the zones that need certificates, and allow it only this "
	    "machine's "
	    "address. Give its number as sub_auth_id (or its name as sub_auth_user) and its "
	    "password "
	    "as auth_password. An API user of the main account (auth_id) works too, and may change "
	    "every zone.\n\n"
	    "The HTTP API is part of the paid plans and of their trial.",
	.verified = "recorded traffic of 2018, whose replay refuses any other request "
	            "(authentication is cut out of it, and reads are GET there, POST here)",
	.fields = fields,
	.settings_size = sizeof(struct cloudns),
	.base_url = "https://api.cloudns.net/dns",
	.ttl_s = 60,
	.min_ttl_s = 60,
	.settle_s = 60,
	.check = check,
	.list_zones = list_zones,
	.find_zone = find_zone,
	.add = add,
	.remove = remove_all,
	.in_sync = in_sync,
};
