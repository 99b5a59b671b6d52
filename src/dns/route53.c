/*
 * Amazon Route 53: zones, and the row of the provider. Private zones are passed over: no CA sees
 * them. Where an account has several public zones of one name, only a person can say which one is
 * delegated.
 */
#include <string.h>

#include "dns/rest.h"
#include "dns/route53_impl.h"
#include "dns/txt.h"

#define PAGES_MAX 5 /* of 100 zones each; with more, zones are asked for by name */
#define LIST_MAX 500
#define SAME_NAME_MAX 10

struct page {
	const char *name, *id; /* where the next one begins; NULL = there is none */
	const char *max;       /* NULL = as many as the service gives */
};
struct found {
	const char *only; /* zones of this name; NULL = all */
	struct dns_zone *v;
	size_t n, max;
};

/* Takes the public zones of an answer. */
static int take_zones(struct dns_session *s, const struct xml *answer, struct found *f,
                      struct err *e)
{
	struct arena *a = s->arena;
	const struct xml *x = xml_child(answer, "HostedZones");

	if (!x)
		return err_set(e, ERR_PROTOCOL,
		               "Route 53's answer has no HostedZones, but begins with %.40s",
		               answer->name);
	for (x = xml_child(x, "HostedZone"); x; x = xml_next(x)) {
		const char *name = xml_text_at(x, "Name"),
		           *id = route53_id(a, "hostedzone", xml_text_at(x, "Id")),
		           *is_private = xml_text_at(x, "Config/PrivateZone");

		if (!name || !id)
			return err_set(e, ERR_PROTOCOL,
			               "Route 53 gives a hosted zone without a name or ID");
		name = zone_name(a, name);
		if ((is_private && strcmp(is_private, "true") == 0) ||
		    (f->only && strcmp(f->only, name) != 0) || f->n == f->max)
			continue;
		f->v[f->n++] = (struct dns_zone){ .name = name, .id = id };
	}
	return 0;
}

static int read_page(struct dns_session *s, struct page *page, struct found *f, struct err *e)
{
	const char *query = rest_form(s->arena, "dnsname", page->name, "hostedzoneid", page->id,
	                              "maxitems", page->max, NULL),
	           *more;
	struct route53_call call = {
		.method = "GET",
		.path = arena_printf(s->arena, "/hostedzonesbyname%s%s", *query ? "?" : "", query),
		.action = "ListHostedZonesByName",
	};
	const struct xml *answer;

	TRY(route53_do(s, &call, &answer, e));
	TRY(take_zones(s, answer, f, e));
	more = xml_text_at(answer, "IsTruncated");
	*page = (struct page){ 0 };
	if (more && strcmp(more, "true") == 0) {
		page->name = xml_text_at(answer, "NextDNSName");
		page->id = xml_text_at(answer, "NextHostedZoneId");
		if (!page->name)
			return err_set(e, ERR_PROTOCOL,
			               "Route 53's list of zones goes on, but does not say where");
	}
	return 0;
}

/* Names that come twice are left out, and then asked for by find_zone, which says what to do. */
static size_t without_doubles(struct dns_zone *v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n;) {
		size_t k = i + 1;

		/* The list is in the order of the names. */
		while (k < n && strcmp(v[k].name, v[i].name) == 0)
			k++;
		if (k == i + 1)
			v[kept++] = v[i];
		i = k;
	}
	return kept;
}

static int route53_list_zones(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
                              struct err *e)
{
	struct found f = { .v = ARENA_ARRAY(s->arena, struct dns_zone, LIST_MAX), .max = LIST_MAX };
	struct page page = { 0 };
	size_t pages = 0;

	do
		TRY(read_page(s, &page, &f, e));
	while (page.name && ++pages < PAGES_MAX);
	*out = f.v;
	*n = without_doubles(f.v, f.n);
	*whole = !page.name && *n == f.n && f.n < f.max;
	return 0;
}

static int route53_find_zone(struct dns_session *s, const char *name, struct dns_zone *out,
                             struct err *e)
{
	struct dns_zone v[SAME_NAME_MAX];
	struct found f = { .only = name, .v = v, .max = SAME_NAME_MAX };
	struct page page = { .name = arena_printf(s->arena, "%s.", name), .max = "10" };
	struct strings ids = { 0 };

	TRY(read_page(s, &page, &f, e));
	if (f.n == 0)
		return err_set(e, ERR_NOT_FOUND, "Route 53 has no public hosted zone %s", name);
	for (size_t i = 0; i < f.n; i++)
		strings_add(s->arena, &ids, v[i].id);
	if (f.n > 1)
		return err_set(e, ERR_CONFIG,
		               "Route 53 has %zu public hosted zones %s: %s; set zone and zone_id "
		               "to the one whose name servers the parent zone names",
		               f.n, name, strings_join(s->arena, &ids, ", "));
	*out = v[0];
	return 0;
}

static int route53_add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                       size_t n, struct err *e)
{
	return route53_change(s, z, v, n, false, e);
}

static int route53_remove(struct dns_session *s, const struct dns_zone *z,
                          const struct dns_record *v, size_t n, struct err *e)
{
	return route53_change(s, z, v, n, true, e);
}

static int route53_in_sync(struct dns_session *s, const struct dns_zone *z, bool *done,
                           struct err *e)
{
	struct strings *changes = &route53_of(s)->changes;
	const struct xml *answer;
	const char *status;

	/* A set that was as wanted, or was written before a restart: the DNS itself knows. */
	if (s->state == NULL || changes->v == NULL)
		return err_set(e, ERR_DENIED, "no change of zone %s is known here to ask after",
		               z->name);
	while (changes->n) {
		const char *id = changes->v[changes->n - 1];
		struct route53_call call = {
			.method = "GET",
			.path = arena_printf(s->arena, "/change/%s", id),
			.action = "GetChange",
			.resource = arena_printf(s->arena, "change/%s", id),
		};

		TRY(route53_do(s, &call, &answer, e));
		status = xml_text_at(answer, "ChangeInfo/Status");
		if (!status || strcmp(status, "INSYNC") != 0) {
			*done = false;
			return 0;
		}
		changes->n--;
	}
	*done = true;
	return 0;
}

static int route53_check(struct arena *a, const void *settings, const struct dns_common *common,
                         struct err *e)
{
	if (common->zone_id && !route53_id(a, "hostedzone", common->zone_id))
		return err_set(e, ERR_CONFIG,
		               "zone_id must be a hosted zone's ID: Z and letters and digits");
	return aws_settings_check(settings, e);
}

const struct dns_provider dns_route53 = {
	.name = "route53",
	.title = "Amazon Route 53",
	.site = "https://docs.aws.amazon.com/Route53/latest/APIReference/",
	.setup =
	    "Make a policy in IAM with the four rights that are needed, and nothing else; ZONE is "
	    "the hosted zone's ID:\n"
	    "{\"Version\": \"2012-10-17\", \"Statement\": [\n"
	    "  {\"Effect\": \"Allow\", \"Action\": \"route53:ListHostedZonesByName\", "
	    "\"Resource\": \"*\"},\n"
	    "  {\"Effect\": \"Allow\", \"Action\": \"route53:GetChange\", "
	    "\"Resource\": \"arn:aws:route53:::change/*\"},\n"
	    "  {\"Effect\": \"Allow\", \"Action\": \"route53:ListResourceRecordSets\", "
	    "\"Resource\": \"arn:aws:route53:::hostedzone/ZONE\"},\n"
	    "  {\"Effect\": \"Allow\", \"Action\": \"route53:ChangeResourceRecordSets\", "
	    "\"Resource\": \"arn:aws:route53:::hostedzone/ZONE\", \"Condition\": {\n"
	    "    \"ForAllValues:StringEquals\": "
	    "{\"route53:ChangeResourceRecordSetsRecordTypes\": [\"TXT\"],\n"
	    "      \"route53:ChangeResourceRecordSetsActions\": [\"CREATE\", \"DELETE\"]},\n"
	    "    \"ForAllValues:StringLike\": "
	    "{\"route53:ChangeResourceRecordSetsNormalizedRecordNames\": "
	    "[\"_acme-challenge.*\"]}}}]}\n"
	    "Attach it to an IAM user with an access key (access_key_id, secret_access_key), or "
	    "better to a role: of the instance, of the container, of a web identity, or one that "
	    "other keys may assume (role_arn).\n"
	    "Where _acme-challenge is a CNAME to another name, put that name among the record "
	    "names "
	    "too.\n"
	    "With zone and zone_id given, route53:ListHostedZonesByName is not needed. Without "
	    "route53:GetChange everything works but `propagation: provider`, which then asks the "
	    "name servers.\n"
	    "In the regions of China and of the US government, ARNs begin with arn:aws-cn and "
	    "arn:aws-us-gov.",
	.verified = "moto 5.1, which checks each signature with botocore and each right with IAM "
	            "policies; AWS's vectors for signatures; recorded traffic of the service",
	.fields = aws_fields,
	.settings_size = sizeof(struct aws_settings),
	.ttl_s = 10,
	.settle_s = 60,
	.flags = DNS_READS_FIRST,
	.check = route53_check,
	.list_zones = route53_list_zones,
	.find_zone = route53_find_zone,
	.add = route53_add,
	.remove = route53_remove,
	.in_sync = route53_in_sync,
};
