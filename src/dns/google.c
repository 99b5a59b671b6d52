/*
 * Google Cloud DNS (v1). A change names what it deletes, to the letter, and what it adds: one call
 * for any number of sets, and a set that somebody else has changed in between refuses it. Calls
 * and zones: google_zone.c; sets: google_set.c; how a token is got: google_token.c.
 */
#include "dns/google.h"

#include <string.h>

#define LATEST_CHANGES 20

static const struct field fields[] = {
	FIELD(struct google_settings, service_account, FT_SECRET, 0,
	      "the service account's key: the JSON file that Google made; without one, the account "
	      "of this machine in Google's cloud"),
	FIELD(struct google_settings, project, FT_STRING, 0,
	      "the project that the zones are in; the service account's own otherwise"),
	FIELD(struct google_settings, metadata_url, FT_STRING, F_HOST,
	      "address of the machine's metadata server, in place of "
	      "http://metadata.google.internal"),
	FIELD_END
};

/* arrival */

static bool is_done(struct arena *a, const json_t *item)
{
	const char *status = json_str(a, item, "status");

	return status && strcasecmp(status, "done") == 0;
}

/* For a session that made no change itself: the zone's latest ones. */
static int latest_done(struct dns_session *s, const struct dns_zone *z, bool *done, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET" };
	const char *zone;
	const json_t *list;
	bool all = true;

	TRY(google_zone_path(s, z, &zone, e));
	c.path = arena_printf(s->arena,
	                      "%s/changes?sortBy=changeSequence&sortOrder=descending&maxResults=%d",
	                      zone, LATEST_CHANGES);
	TRY(google_call(s, &c, "dns.changes.list", &r, e));
	TRY(rest_array(r.json, "changes", &list, e));
	for (size_t i = 0; i < json_array_size(list); i++)
		all = all && is_done(s->arena, json_array_get(list, i));
	*done = all;
	return 0;
}

static int in_sync(struct dns_session *s, const struct dns_zone *z, bool *done, struct err *e)
{
	struct google *g;
	struct strings left = { 0 };

	TRY(google_start(s, &g, e));
	if (g->pending.n == 0)
		return latest_done(s, z, done, e);
	for (size_t i = 0; i < g->pending.n; i++) {
		struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
		struct rest_call c = { .method = "GET", .path = g->pending.v[i] };

		TRY(google_call(s, &c, "dns.changes.get", &r, e));
		if (!is_done(s->arena, r.json))
			strings_add(s->arena, &left, c.path);
	}
	*done = left.n == 0;
	if (left.n)
		g->pending = left;
	return 0;
}

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	return rrset_add(s, z, &google_sets, v, n, e);
}

static int take_away(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                     size_t n, struct err *e)
{
	return rrset_remove(s, z, &google_sets, v, n, e);
}

static void done(struct dns_session *s)
{
	struct google *g = s->state;

	oauth_done(g ? &g->oauth : NULL);
}

static const char setup[] =
    "Make a service account that can do no more than this, and a key for it. The built-in role "
    "roles/dns.admin does; a role of your own needs less:\n"
    "\n"
    "    gcloud services enable dns.googleapis.com\n"
    "    gcloud iam roles create everleaf --project PROJECT --permissions "
    "dns.managedZones.list,dns.resourceRecordSets.list,dns.resourceRecordSets.create,"
    "dns.resourceRecordSets.update,dns.resourceRecordSets.delete,dns.changes.create,"
    "dns.changes.get,dns.changes.list\n"
    "    gcloud iam service-accounts create everleaf --project PROJECT\n"
    "    gcloud projects add-iam-policy-binding PROJECT --role projects/PROJECT/roles/everleaf "
    "--member serviceAccount:everleaf@PROJECT.iam.gserviceaccount.com\n"
    "    gcloud iam service-accounts keys create everleaf.json --iam-account "
    "everleaf@PROJECT.iam.gserviceaccount.com\n"
    "\n"
    "Give the file as service_account_file; it is kept sealed and may be deleted afterwards. With "
    "`zone` and `zone_id` (the managed zone's name) the right dns.managedZones.list is not needed, "
    "and the role can be bound to that one zone. On a machine in Google's cloud no key is needed: "
    "attach the service account to it, with the access scope cloud-platform or "
    "ndev.clouddns.readwrite, and leave service_account out.";

const struct dns_provider dns_google = {
	.name = "google",
	.title = "Google Cloud DNS",
	.site = "https://cloud.google.com/dns/docs/reference/rest/v1",
	.setup = setup,
	.verified =
	    "Google's description of the API through Prism (v2, written down as v1), for requests "
	    "and answers; recorded traffic of the real service; assertions by python-cryptography",
	.fields = fields,
	.settings_size = sizeof(struct google_settings),
	.base_url = "https://dns.googleapis.com",
	.ttl_s = 60,
	.settle_s = 60,
	.max_values = 100,
	.flags = DNS_READS_FIRST,
	.check = google_check,
	.list_zones = google_list_zones,
	.find_zone = google_find_zone,
	.add = add,
	.remove = take_away,
	.in_sync = in_sync,
	.close = done,
};
