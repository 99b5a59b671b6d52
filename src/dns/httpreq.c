/*
 * A small HTTP service of a person's own, called as lego's `httpreq` calls it: POST
 * base_url/present and /cleanup with {"fqdn": NAME., "value": VALUE}. Its RAW mode hands out the
 * challenge's token and key authorization, which DNS providers are not given here. Adding a value
 * that is there already must be fine for such a service, so a request whose answer was lost is sent
 * again.
 */
#include <string.h>

#include "base/codec.h"
#include "dns/rest.h"

struct httpreq {
	const char *username, *password, *mode;
};

static const struct field httpreq_fields[] = {
	FIELD(struct httpreq, username, FT_STRING, 0, "user name for the service (HTTP Basic)"),
	FIELD(struct httpreq, password, FT_SECRET, 0, "its password"),
	FIELD(
	    struct httpreq, mode, FT_STRING, 0,
	    "default; lego's other one, raw, cannot be offered: it needs the challenge's token and "
	    "key authorization"),
	FIELD_END
};

static int httpreq_check(struct arena *a, const void *settings, const struct dns_common *common,
                         struct err *e)
{
	const struct httpreq *h = settings;

	(void)a;
	if (h->mode && strcasecmp(h->mode, "default") != 0)
		return err_set(e, ERR_CONFIG,
		               "\"mode\": only default is there; a service for lego's RAW mode "
		               "needs the challenge's token and key authorization, which are not "
		               "handed to DNS providers");
	if (!common->base_url)
		return err_set(e, ERR_CONFIG,
		               "base_url is needed: the service's address, to which /present and "
		               "/cleanup are added");
	if (!h->username != !h->password)
		return err_set(e, ERR_CONFIG, "username and password go together");
	return 0;
}

static int post(struct dns_session *s, const char *path, const struct dns_record *r, struct err *e)
{
	const struct httpreq *h = s->settings;
	json_auto_t *body = json_pack("{s:s, s:s}", "fqdn", arena_printf(s->arena, "%s.", r->name),
	                              "value", r->value);
	struct rest_answer answer CLEANUP(rest_answer_done) = { 0 };
	struct rest_call call = { .method = "POST", .path = path, .json = body };
	const char *pair;

	if (h->username) {
		pair = arena_printf(s->arena, "%s:%s", h->username, h->password);
		call.headers[0] = (struct http_header){
			"Authorization", arena_printf(s->arena, "Basic %s",
			                              base64_encode(s->arena, pair, strlen(pair)))
		};
	}
	if (rest_do(s, &call, &answer, e) == 0)
		return 0;
	if (e->http_status == 401 || e->http_status == 403)
		err_ctx(e, "the service refuses the user name or password (username, password)");
	else if (e->http_status == 404)
		err_ctx(e, "no service for DNS records at base_url");
	return err_ctx(e, "POST %s", path);
}

static int httpreq_add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                       size_t n, struct err *e)
{
	(void)z;
	for (size_t i = 0; i < n; i++)
		TRY(post(s, "/present", &v[i], e));
	return 0;
}

static int httpreq_remove(struct dns_session *s, const struct dns_zone *z,
                          const struct dns_record *v, size_t n, struct err *e)
{
	int rc = 0;

	(void)z;
	for (size_t i = 0; i < n; i++) {
		struct err one;

		if (post(s, "/cleanup", &v[i], &one) < 0 && rc == 0) {
			*e = one;
			rc = err_is_failure(-(int)one.code);
		}
	}
	return rc;
}

const struct dns_provider dns_httpreq = {
	.name = "httpreq",
	.title = "An HTTP service of your own",
	.site = "https://go-acme.github.io/lego/dns/httpreq/",
	.setup =
	    "Run a service that answers POST /present and POST /cleanup with the JSON body "
	    "{\"fqdn\": \"_acme-challenge.example.org.\", \"value\": \"…\"}: it adds that TXT "
	    "value at "
	    "that name beside those that are there, or removes exactly that value, and answers "
	    "with "
	    "a 2xx status. A value that is there already, or gone already, is fine. Services "
	    "written "
	    "for lego's httpreq provider (its default mode) work unchanged.\n\n"
	    "`base_url` is its address. Let it speak https, and ask for a user name and password.",
	.verified = "lego, whose requests to the same service are the same",
	.fields = httpreq_fields,
	.settings_size = sizeof(struct httpreq),
	.ttl_s = 60,
	.settle_s = 60,
	.flags = DNS_NO_ZONES,
	.check = httpreq_check,
	.add = httpreq_add,
	.remove = httpreq_remove,
};
