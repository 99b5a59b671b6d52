/*
 * The TXT set of one name at Route 53. A set is changed by deleting it exactly as it was read and
 * creating it anew, in one batch: Route 53 does both or neither, and refuses when the set is no
 * longer as it was read. That is its only guard; UPSERT would write over what others did.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dns/route53_impl.h"
#include "dns/rrset.h"
#include "dns/txt.h"

#define VALUES_MAX 1000

/* Names come with bytes as \052 (octal); https://docs.aws.amazon.com/Route53/latest/APIReference/
 */
static char *plain_name(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, strlen(text) + 1), *p = out;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*p++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
			text += 3;
		} else {
			*p++ = *text;
		}
	}
	return zone_name(a, out);
}

/* Octal escapes in a value mean another byte than RFC 1035's decimal ones, so such a value is
 * never one of ours, which have none. */
static bool same(const char *form, const char *value)
{
	for (const char *p = form; *p; p++) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '9')
			return false;
		p += p[0] == '\\' && p[1];
	}
	return txt_is(form, value);
}

static const char *quoted(struct arena *a, const char *value)
{
	return txt_quote(a, value);
}

static int check_plain(const struct xml *set, const char *name, struct err *e)
{
	const char *policy = xml_text_at(set, "SetIdentifier");

	if (policy)
		return err_set(e, ERR_INPUT,
		               "the TXT set of %s has a routing policy (set identifier %.60s): "
		               "Everleaf does not change such sets; remove it, or point %s "
		               "elsewhere with a CNAME",
		               name, policy, name);
	if (xml_child(set, "AliasTarget") || xml_child(set, "TrafficPolicyInstanceId"))
		return err_set(e, ERR_INPUT,
		               "the TXT set of %s is an alias or belongs to a traffic policy: "
		               "Everleaf does not change such sets",
		               name);
	return 0;
}

static int take_set(struct dns_session *s, const struct xml *x, struct dns_rrset *set,
                    struct err *e)
{
	const char *ttl = xml_text_at(x, "TTL");
	const struct xml *record = xml_child(xml_child(x, "ResourceRecords"), "ResourceRecord");
	char *end = NULL;
	size_t n = 0;

	TRY(check_plain(x, set->name, e));
	set->ttl_s = ttl ? strtol(ttl, &end, 10) : -1;
	if (!ttl || end == ttl || *end || set->ttl_s < 0 || set->ttl_s > INT32_MAX)
		return err_set(e, ERR_PROTOCOL, "Route 53 gives the TXT set of %s without a TTL",
		               set->name);
	for (; record; record = xml_next(record)) {
		const char *value = xml_text_at(record, "Value");

		if (!value || ++n > VALUES_MAX)
			return err_set(e, ERR_PROTOCOL,
			               "Route 53 gives the TXT set of %s with a value that is "
			               "none, or too many",
			               set->name);
		strings_add(s->arena, &set->values, value);
	}
	set->exists = n > 0;
	return 0;
}

/* The answer begins at the name asked for or behind it, so name and type are looked at. */
static int read_set(struct dns_session *s, const struct dns_zone *z, struct dns_rrset *set,
                    struct err *e)
{
	struct arena *a = s->arena;
	struct route53_call call = {
		.method = "GET",
		.path = arena_printf(a, "/hostedzone/%s/rrset?name=%s.&type=TXT&maxitems=1", z->id,
		                     rest_escape(a, set->name)),
		.action = "ListResourceRecordSets",
		.resource = arena_printf(a, "hostedzone/%s", z->id),
	};
	const struct xml *answer, *sets, *x;

	TRY(route53_do(s, &call, &answer, e));
	sets = xml_child(answer, "ResourceRecordSets");
	if (!sets)
		return err_set(e, ERR_PROTOCOL,
		               "Route 53's answer has no ResourceRecordSets, but begins with %.40s",
		               answer->name);
	set->exists = false;
	for (x = xml_child(sets, "ResourceRecordSet"); x; x = xml_next(x)) {
		const char *name = xml_text_at(x, "Name"), *type = xml_text_at(x, "Type");

		if (name && type && strcmp(type, "TXT") == 0 &&
		    strcmp(plain_name(a, name), set->name) == 0)
			return take_set(s, x, set, e);
	}
	return 0;
}

static void add_change(struct arena *a, struct strings *out, const char *action,
                       const struct dns_rrset *set)
{
	strings_add(a, out,
	            arena_printf(a,
	                         "<Change><Action>%s</Action><ResourceRecordSet><Name>%s.</Name>"
	                         "<Type>TXT</Type><TTL>%lld</TTL><ResourceRecords>",
	                         action, xml_escape(a, set->name), (long long)set->ttl_s));
	for (size_t i = 0; i < set->values.n; i++)
		strings_add(a, out,
		            arena_printf(a, "<ResourceRecord><Value>%s</Value></ResourceRecord>",
		                         xml_escape(a, set->values.v[i])));
	strings_add(a, out, "</ResourceRecords></ResourceRecordSet></Change>");
}

static const char *batch_of(struct arena *a, const struct dns_rrset *before,
                            const struct dns_rrset *sets, size_t n)
{
	struct strings parts = { 0 };

	strings_add(a, &parts,
	            "<ChangeResourceRecordSetsRequest "
	            "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch>"
	            "<Changes>");
	for (size_t i = 0; i < n; i++) {
		if (before[i].exists)
			add_change(a, &parts, "DELETE", &before[i]);
		if (sets[i].values.n)
			add_change(a, &parts, "CREATE", &sets[i]);
	}
	strings_add(a, &parts, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
	return strings_join(a, &parts, "");
}

static int write_sets(struct dns_session *s, const struct dns_zone *z,
                      const struct dns_rrset *before, const struct dns_rrset *sets, size_t n,
                      struct err *e)
{
	struct arena *a = s->arena;
	struct route53_call call = {
		.method = "POST",
		.path = arena_printf(a, "/hostedzone/%s/rrset/", z->id),
		.body = batch_of(a, before, sets, n),
		.action = "ChangeResourceRecordSets",
		.resource = arena_printf(a, "hostedzone/%s", z->id),
	};
	const struct xml *answer;
	const char *id, *status;

	TRY(route53_do(s, &call, &answer, e));
	id = route53_id(a, "change", xml_text_at(answer, "ChangeInfo/Id"));
	status = xml_text_at(answer, "ChangeInfo/Status");
	if (!id || !status)
		return err_set(e, ERR_PROTOCOL, "Route 53's answer to a change has no ChangeInfo");
	log_detail("DNS account %s: Route 53 took change %s of zone %s (%s)", s->account, id,
	           z->name, strcmp(status, "INSYNC") == 0 ? "in sync" : "pending");
	strings_add(a, &route53_of(s)->changes, id);
	return 0;
}

int route53_change(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                   size_t n, bool remove, struct err *e)
{
	static const struct dns_rrset_how how = {
		.read = read_set, .write_all = write_sets, .form = quoted, .same = same
	};
	struct dns_zone known = *z;

	known.id = route53_id(s->arena, "hostedzone", z->id);
	if (!known.id)
		return err_set(e, ERR_CONFIG,
		               "zone_id must be a hosted zone's ID: Z and letters and digits");
	return remove ? rrset_remove(s, &known, &how, v, n, e)
	              : rrset_add(s, &known, &how, v, n, e);
}
