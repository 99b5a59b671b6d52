/*
 * Access tokens from Google: by a service account's key (RFC 7523: an assertion signed with it), or
 * from the metadata server of a machine in Google's cloud, which is never asked through a proxy.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dns/google.h"
#include "dns/jwt.h"

#define SCOPE "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
#define TOKEN_URI "https://oauth2.googleapis.com/token"
#define ASSERTION_LIFE_S 3600
#define ATTEMPT_MS 5000

struct account {
	const char *type, *client_email, *private_key, *private_key_id, *project_id, *token_uri;
};
static const struct field account_fields[] = {
	FIELD(struct account, type, FT_STRING, 0, "kind of credentials"),
	FIELD(struct account, client_email, FT_STRING, F_REQUIRED, "the account"),
	FIELD(struct account, private_key, FT_SECRET, F_REQUIRED, "its key, PEM"),
	FIELD(struct account, private_key_id, FT_STRING, 0, "its key's name"),
	FIELD(struct account, project_id, FT_STRING, 0, "its project"),
	FIELD(struct account, token_uri, FT_STRING, 0, "where tokens are got"),
	FIELD_END
};

static int bad_account(struct err *e)
{
	e->code = ERR_CONFIG;
	return err_ctx(e, "service_account (the JSON file of a service account's key)");
}

static int read_account(struct arena *a, const char *text, struct account *out, struct err *e)
{
	json_auto_t *object = NULL;
	struct account v = { .token_uri = TOKEN_URI };
	const char *type;

	if (json_parse(text, strlen(text), &object, e) < 0)
		return bad_account(e);
	type = json_str(a, object, "type");
	if (type && strcmp(type, "service_account") != 0) {
		err_set(e, ERR_CONFIG, "it is of type \"%.40s\", not \"service_account\"", type);
		return bad_account(e);
	}
	if (json_decode(a, object, account_fields, &v, sizeof(v), false, e) < 0)
		return bad_account(e);
	if (strncmp(v.token_uri, "https://", 8) != 0 && strncmp(v.token_uri, "http://", 7) != 0) {
		err_set(e, ERR_CONFIG, "its token_uri is no address");
		return bad_account(e);
	}
	*out = v;
	return 0;
}

static int read_key(const struct account *account, struct key **out, struct err *e)
{
	if (key_parse(account->private_key, strlen(account->private_key), out, e) < 0)
		return bad_account(e);
	return 0;
}

int google_check(struct arena *a, const void *settings, const struct dns_common *common,
                 struct err *e)
{
	const struct google_settings *set = settings;
	struct key *key CLEANUP(key_cleanup) = NULL;
	struct account account;

	(void)common;
	if (set->metadata_url && strncmp(set->metadata_url, "http", 4) != 0)
		return err_set(e, ERR_CONFIG, "\"metadata_url\" must begin with http://");
	if (!set->service_account)
		return 0;
	TRY(read_account(a, set->service_account, &account, e));
	TRY(read_key(&account, &key, e));
	if (strcmp(key_jws_alg(key), "RS256") != 0)
		return err_set(e, ERR_CONFIG, "service_account: its key is no RSA key");
	if (!set->project && !account.project_id)
		return err_set(e, ERR_CONFIG, "\"project\" is missing");
	return 0;
}

/* the key */

static const char *explain(struct arena *a, const struct rest_answer *r)
{
	const char *code = json_str(a, r->json, "error");
	const char *text = json_str(a, r->json, "error_description");

	if (!code || !text)
		return NULL;
	if (strstr(text, "Invalid JWT Signature"))
		return arena_printf(a,
		                    "the key is not (or no longer) one of this service account: "
		                    "make a new one (%s: %.100s)",
		                    code, text);
	if (strstr(text, "account not found"))
		return arena_printf(a, "the service account does not exist any more (%s)", code);
	if (strstr(text, "iat") || strstr(text, "exp"))
		return arena_printf(a, "check this machine's clock (%s: %.150s)", code, text);
	return arena_printf(a, "%s: %s", code, text);
}

static int key_token(struct dns_session *s, struct oauth *o, const char *text, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct key *key CLEANUP(key_cleanup) = NULL;
	struct account account;
	int64_t now = clock_now();
	struct rest_call c = { .method = "POST",
		               .content_type = "application/x-www-form-urlencoded",
		               .explain = explain };
	char *assertion;

	TRY(read_account(s->arena, text, &account, e));
	TRY(read_key(&account, &key, e));
	TRY(jwt_sign(s->arena, key,
	             &(struct jwt){ .alg = JWT_RS256,
	                            .key_id = account.private_key_id,
	                            .issuer = account.client_email,
	                            .scope = SCOPE,
	                            .audience = account.token_uri,
	                            .issued_at = now,
	                            .expires_at = now + ASSERTION_LIFE_S },
	             &assertion, e));
	c.path = account.token_uri;
	c.body = rest_form(s->arena, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer",
	                   "assertion", assertion, NULL);
	if (rest_json(s, &c, &r, e) < 0) {
		e->code = e->code == ERR_INPUT ? ERR_DENIED : e->code;
		return err_ctx(e, "no access token for %.100s", account.client_email);
	}
	return oauth_take(s, o, r.json, e);
}

/* the machine */

static int metadata(struct dns_session *s, struct oauth *o, const char *what,
                    struct rest_answer *out, struct err *e)
{
	const struct google_settings *set = s->settings;
	const char *host = getenv("GCE_METADATA_HOST"), *flavor;
	const char *base = set->metadata_url
	                       ? set->metadata_url
	                       : arena_printf(s->arena, "http://%s",
	                                      host && *host ? host : "metadata.google.internal");
	struct rest_call c = { .method = "GET",
		               .path =
		                   arena_printf(s->arena, "%s/computeMetadata/v1/%s", base, what),
		               .headers = { { "Metadata-Flavor", "Google" } },
		               .limit_ms = ATTEMPT_MS };

	if (oauth_direct(s, o, &c, out, e) < 0) {
		if (e->code == ERR_NETWORK)
			return err_ctx(e, "the machine's metadata server does not answer; outside "
			                  "of Google's cloud give service_account_file");
		return err_ctx(e, "this machine has no service account that may be used");
	}
	flavor = http_header(out->http, "metadata-flavor");
	if (!flavor || strcmp(flavor, "Google") != 0)
		return err_set(e, ERR_PROTOCOL,
		               "what answers at %s is not Google's metadata "
		               "server; give service_account_file",
		               base);
	return 0;
}

int google_token(struct dns_session *s, struct oauth *o, struct err *e)
{
	const struct google_settings *set = s->settings;
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };

	if (set->service_account)
		return key_token(s, o, set->service_account, e);
	TRY(metadata(s, o, "instance/service-accounts/default/token", &r, e));
	if (!r.json)
		return err_set(e, ERR_PROTOCOL, "the metadata server's answer is no JSON");
	return oauth_take(s, o, r.json, e);
}

int google_project(struct dns_session *s, struct google *g, struct err *e)
{
	const struct google_settings *set = s->settings;
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct account account;

	if (g->project)
		return 0;
	g->project = set->project;
	if (!g->project && set->service_account) {
		TRY(read_account(s->arena, set->service_account, &account, e));
		g->project = account.project_id;
	}
	if (g->project)
		return 0;
	TRY(metadata(s, &g->oauth, "project/project-id", &r, e));
	g->project = arena_strndup(s->arena, r.text, strcspn(r.text, " \r\n\t"));
	return 0;
}
