/*
 * Access tokens from Microsoft Entra (OAuth 2.0 client credentials): by a client secret, by an
 * assertion signed with a certificate's key, or by a token that a cluster gave to its workload.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "dns/azure.h"

#define FEDERATED_MAX ((size_t)64 << 10)

const struct azure_cloud azure_clouds[] = {
	{ "public", "https://management.azure.com", "https://login.microsoftonline.com" },
	{ "china", "https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn" },
	{ "usgov", "https://management.usgovcloudapi.net", "https://login.microsoftonline.us" },
	{ 0 }
};

const struct azure_cloud *azure_cloud(const struct azure_settings *set)
{
	const struct azure_cloud *c = azure_clouds;

	while (set->cloud && c->name && strcmp(c->name, set->cloud) != 0)
		c++;
	return c->name ? c : NULL;
}

/* Set by the webhook that gives a workload its identity. */
static const char *or_env(const char *given, const char *name)
{
	const char *value = given ? given : getenv(name);

	return value && *value ? value : NULL;
}

const char *azure_federated_file(const struct azure_settings *set)
{
	return or_env(set->federated_token_file, "AZURE_FEDERATED_TOKEN_FILE");
}

int azure_credential(const struct azure_settings *set, enum azure_credential *out, struct err *e)
{
	static const char *const words[] = { "secret", "certificate", "workload", "managed" };

	for (size_t i = 0; set->credential && i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i], set->credential) == 0) {
			*out = (enum azure_credential)i;
			return 0;
		}
	}
	if (set->credential)
		return err_set(e, ERR_CONFIG,
		               "\"credential\" must be secret, certificate, workload or managed");
	*out = set->client_secret          ? AZURE_SECRET
	       : set->client_certificate   ? AZURE_CERTIFICATE
	       : azure_federated_file(set) ? AZURE_WORKLOAD
	                                   : AZURE_MANAGED;
	return 0;
}

/* what Entra answers */

static const struct {
	const char *code, *mend;
} mends[] = {
	{ "AADSTS7000222", "the client secret has expired: make a new one" },
	{ "AADSTS7000215", "the client secret is wrong: its value is wanted, not its ID" },
	{ "AADSTS700016", "client_id is not known in this tenant: check both" },
	{ "AADSTS90002", "there is no such tenant: check tenant_id and cloud" },
	{ "AADSTS900023", "tenant_id is no tenant's name or ID" },
	{ "AADSTS700027", "the certificate is not one of the app registration: upload it there" },
	{ "AADSTS700024", "the assertion is out of its time: check this machine's clock" },
	{ "AADSTS70021", "no federated credential of the app registration fits this workload" },
	{ "AADSTS700213", "no federated credential of the app registration fits this workload" },
	{ 0 }
};

static const char *explain(struct arena *a, const struct rest_answer *r)
{
	const char *text = json_str(a, r->json, "error_description");

	if (!text)
		return NULL;
	text = arena_strndup(a, text, strcspn(text, "\r\n"));
	for (size_t i = 0; mends[i].code; i++) {
		size_t n = strlen(mends[i].code);

		if (strncmp(text, mends[i].code, n) == 0 && text[n] == ':')
			return arena_printf(a, "%s (%.150s)", mends[i].mend, text);
	}
	return text;
}

static int ask(struct dns_session *s, struct oauth *o, const char *url, const char *form,
               struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "POST",
		               .path = url,
		               .body = form,
		               .content_type = "application/x-www-form-urlencoded",
		               .explain = explain };

	if (rest_json(s, &c, &r, e) < 0) {
		if (e->code == ERR_INPUT)
			e->code = ERR_DENIED;
		return err_ctx(e, "no access token");
	}
	return oauth_take(s, o, r.json, e);
}

static int read_federated(struct dns_session *s, char **out, struct err *e)
{
	const struct azure_settings *set = s->settings;

	if (fs_read_secret(s->arena, azure_federated_file(set), FEDERATED_MAX, out, e) < 0)
		return err_ctx(e, "the workload's token");
	return 0;
}

int azure_token(struct dns_session *s, struct oauth *o, struct err *e)
{
	const struct azure_settings *set = s->settings;
	const struct azure_cloud *cloud = azure_cloud(set);
	const char *tenant = or_env(set->tenant_id, "AZURE_TENANT_ID");
	const char *client = or_env(set->client_id, "AZURE_CLIENT_ID");
	const char *login = set->login_url ? set->login_url : cloud->login, *url;
	enum azure_credential how;
	char *assertion = NULL;

	TRY(azure_credential(set, &how, e));
	if (how == AZURE_MANAGED)
		return azure_managed_token(s, o, e);
	if (!tenant || !client)
		return err_set(e, ERR_CONFIG, "%s is neither set nor in the environment",
		               tenant ? "client_id" : "tenant_id");
	url =
	    arena_printf(s->arena, "%s/%s/oauth2/v2.0/token", login, rest_escape(s->arena, tenant));
	if (how == AZURE_CERTIFICATE)
		TRY(azure_assertion(s, url, client, &assertion, e));
	if (how == AZURE_WORKLOAD)
		TRY(read_federated(s, &assertion, e));
	return ask(
	    s, o, url,
	    rest_form(s->arena, "grant_type", "client_credentials", "client_id", client,
	              "client_secret", how == AZURE_SECRET ? set->client_secret : NULL,
	              "client_assertion_type",
	              assertion ? "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" : NULL,
	              "client_assertion", assertion, "scope",
	              arena_printf(s->arena, "%s/.default", cloud->management), NULL),
	    e);
}
