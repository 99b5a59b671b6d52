/* What an order led to: the certificate with its alternate chains (RFC 8555 7.4.2), and its
 * revocation (7.6). */
#include "acme/issued.h"

#include <string.h>

#include "acme/parse.h"
#include "acme/session_impl.h"
#include "base/clock.h"
#include "base/json.h"

#define CHAIN_BODY ((size_t)256 << 10)

static const char *revoke_url(const struct acme_directory *d)
{
	return d->revoke_cert;
}

/* One chain; the answer stays in *call for its Link headers. */
static int get_chain(struct acme *ca, struct arena *a, const char *url, struct acme_call *call,
                     struct x509_chain *out, struct err *e)
{
	struct err why;

	*call = (struct acme_call){
		.url = url,
		.payload = "",
		.accept = "application/pem-certificate-chain",
		.max_body = CHAIN_BODY,
	};
	TRY(acme_call(ca, a, call, e));
	if (!strstr(call->res.body, "-----BEGIN"))
		return acme_problem_from_response(a, &call->res, url, clock_now(), e);
	if (x509_chain_parse_known(a, ca->issuers, call->res.body, call->res.body_len, out, &why) <
	    0)
		return err_set(e, ERR_PROTOCOL,
		               "what %s gives as the certificate cannot be used: %s",
		               acme_url_host(a, url), why.text);
	return 0;
}

/* The first alternate that tops with the name. One that cannot be had is no reason to do without
 * the certificate. */
static bool find_alternate(struct acme *ca, struct arena *a, const struct strings *urls,
                           const char *preferred, struct x509_chain *out)
{
	struct x509_chain chain;
	struct acme_call call;
	struct err ignored;

	for (size_t i = 0; i < urls->n; i++)
		if (get_chain(ca, a, urls->v[i], &call, &chain, &ignored) >= 0 &&
		    x509_chain_tops_with(&chain, preferred)) {
			*out = chain;
			return true;
		}
	return false;
}

int acme_certificate_get(struct acme *ca, struct arena *a, const char *url,
                         const char *preferred_chain, struct x509_chain *out, bool *matched,
                         struct err *e)
{
	struct x509_chain chain;
	struct acme_call call;
	struct strings urls;
	bool found = true;

	TRY(get_chain(ca, a, url, &call, &chain, e));
	if (preferred_chain && !x509_chain_tops_with(&chain, preferred_chain)) {
		urls = acme_links(a, &call.res, "alternate", url);
		found = find_alternate(ca, a, &urls, preferred_chain, &chain);
	}
	*out = chain;
	if (matched)
		*matched = found;
	return 0;
}

int acme_reason_code(const char *name)
{
	static const struct {
		const char *name;
		int code;
	} reasons[] = {
		{ "unspecified", 0 }, { "keyCompromise", 1 },        { "affiliationChanged", 3 },
		{ "superseded", 4 },  { "cessationOfOperation", 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (!strcmp(reasons[i].name, name))
			return reasons[i].code;
	return -1;
}

int acme_revoke(struct acme *ca, struct arena *a, const struct bytes *cert_der, int reason,
                const struct key *cert_key, bool *already, struct err *e)
{
	struct acme_call call = { .key = cert_key,
		                  .with_jwk = cert_key != NULL,
		                  .max_body = SMALL_BODY };
	json_auto_t *object = json_object();
	struct err failure;
	bool before = false;

	json_object_set_new(object, "certificate",
	                    json_string(base64url_encode(a, cert_der->v, cert_der->n)));
	if (reason)
		json_object_set_new(object, "reason", json_integer(reason));
	call.payload = json_text(a, object);
	if (acme_call_endpoint(ca, a, revoke_url, &call, &failure) < 0) {
		before = !strcmp(failure.problem, "alreadyRevoked");
		if (!before) {
			*e = failure;
			return -(int)e->code;
		}
	}
	if (already)
		*already = before;
	return 0;
}
