/*
 * PowerDNS authoritative server, by its HTTP API. It has whole sets only and no guard: they are
 * changed under our own lock, records that are disabled stay so. A zone that this server only
 * copies from another is refused, since the next transfer would undo the change.
 */
#include <string.h>

#include "base/log.h"
#include "dns/powerdns.h"
#include "dns/txt.h"

static const struct field fields[] = {
	FIELD(struct powerdns, api_key, FT_SECRET, F_REQUIRED, "the server's api-key"),
	FIELD(struct powerdns, server_id, FT_STRING, 0, "the server's name in its API (localhost)"),
	FIELD_END
};

static int check(struct arena *a, const void *settings, const struct dns_common *common,
                 struct err *e)
{
	(void)a;
	(void)settings;
	if (!common->base_url)
		return err_set(e, ERR_CONFIG,
		               "base_url is missing: the address of the server's API, such as "
		               "https://ns.example.org:8081");
	return 0;
}

static json_t *rrset_of(struct dns_session *s, const struct dns_rrset *set)
{
	const struct strings *disabled = set->raw;
	json_t *records = json_array();

	for (size_t i = 0; i < set->values.n; i++)
		json_array_append_new(
		    records, json_pack("{ss sb}", "content", set->values.v[i], "disabled", 0));
	for (size_t i = 0; disabled && i < disabled->n; i++)
		if (!strings_has(&set->values, disabled->v[i]))
			json_array_append_new(records, json_pack("{ss sb}", "content",
			                                         disabled->v[i], "disabled", 1));
	return json_pack("{so ss ss sI so}", "name",
	                 json_string(arena_printf(s->arena, "%s.", set->name)), "type", "TXT",
	                 "changetype", "REPLACE", "ttl", (json_int_t)set->ttl_s, "records",
	                 records);
}

/* Secondaries hear of a change within a minute by themselves; so a failure here is only told. */
static void notify(struct dns_session *s, const struct dns_zone *z)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct err why;

	if (powerdns_is_primary(s) &&
	    powerdns_call(s, "PUT", powerdns_zone_path(s, z, "/notify"), NULL, &r, &why) < 0)
		log_warn("DNS account %s: its secondaries could not be told: %s", s->account,
		         why.text);
}

static int write_all(struct dns_session *s, const struct dns_zone *z,
                     const struct dns_rrset *before, const struct dns_rrset *sets, size_t n,
                     struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	json_t *rrsets = json_array();
	json_auto_t *body = json_pack("{so}", "rrsets", rrsets);

	(void)before;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(rrsets, rrset_of(s, &sets[i]));
	TRY(powerdns_call(s, "PATCH", powerdns_zone_path(s, z, ""), body, &r, e));
	notify(s, z);
	return 0;
}

static const char *form(struct arena *a, const char *value)
{
	return txt_quote(a, value);
}

static const struct dns_rrset_how how = { .read = powerdns_read_set,
	                                  .write_all = write_all,
	                                  .form = form };

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	int rc = rrset_add(s, z, &how, v, n, e);

	powerdns_forget(s);
	return rc;
}

static int remove_all(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                      size_t n, struct err *e)
{
	int rc = rrset_remove(s, z, &how, v, n, e);

	powerdns_forget(s);
	return rc;
}

const struct dns_provider dns_powerdns = {
	.name = "powerdns",
	.title = "PowerDNS",
	.site = "https://doc.powerdns.com/authoritative/http-api/",
	.setup = "On the server, in pdns.conf: api=yes, api-key=SECRET, webserver-address and "
	         "webserver-allow-from so that this machine reaches it, best behind an HTTPS "
	         "proxy. Give "
	         "its address as base_url. The key may change every zone of the server: where that "
	         "is too "
	         "much, use the provider rfc2136 with a TSIG key that may write only the "
	         "_acme-challenge "
	         "names (dnsupdate=yes).",
	.verified = "a PowerDNS server with its HTTP API: wrong key, unquoted value and foreign "
	            "name refused; the API's description through Prism; recorded traffic",
	.fields = fields,
	.settings_size = sizeof(struct powerdns),
	.ttl_s = 60,
	.min_ttl_s = 1,
	.settle_s = 10,
	.flags = DNS_READS_FIRST,
	.check = check,
	.list_zones = powerdns_list_zones,
	.find_zone = powerdns_find_zone,
	.add = add,
	.remove = remove_all,
};
