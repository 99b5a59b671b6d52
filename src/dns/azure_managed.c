/*
 * A machine's own identity in Azure: the metadata service of a virtual machine, that of App Service
 * and Functions, or Azure Arc's agent on a machine elsewhere. The last two say where they are in
 * the environment. None is ever asked through a proxy.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "dns/azure.h"

#define ATTEMPT_MS 5000
#define CHALLENGE_MAX 4096

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Going away for an update, or not yet there: both pass within seconds. */
static bool again(const struct rest_answer *r)
{
	return r->status == 404 || r->status == 410;
}

static const char *address(struct dns_session *s, const char *endpoint, const char *version)
{
	const struct azure_settings *set = s->settings;
	const char *resource = arena_printf(s->arena, "%s/", azure_cloud(set)->management);

	return arena_printf(s->arena, "%s?%s", endpoint,
	                    rest_form(s->arena, "api-version", version, "resource", resource,
	                              "client_id", set->client_id, NULL));
}

static int no_identity(struct err *e)
{
	if (e->code == ERR_NETWORK)
		return err_ctx(e, "the machine's metadata service does not answer; outside of "
		                  "Azure give client_secret or client_certificate");
	return err_ctx(e, "this machine has no managed identity that may be used");
}

static int take(struct dns_session *s, struct oauth *o, const struct rest_answer *r, struct err *e)
{
	if (!r->json)
		return err_set(e, ERR_PROTOCOL,
		               "the machine's metadata service answers with something that is no "
		               "JSON");
	return oauth_take(s, o, r->json, e);
}

static int ask(struct dns_session *s, struct oauth *o, struct rest_call *c, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };

	c->method = "GET";
	c->limit_ms = ATTEMPT_MS;
	c->again = again;
	if (oauth_direct(s, o, c, &r, e) < 0)
		return no_identity(e);
	return take(s, o, &r, e);
}

/* Azure Arc: the agent names a file that only members of its group can read; its content shows that
 * we are one. It must be in the agent's own folder, or whoever answers on that port could have any
 * file read out to it. */

static int challenge_path(struct dns_session *s, const char *said, char **out, struct err *e)
{
	const struct azure_settings *set = s->settings;
	const char *folder = set->arc_folder ? set->arc_folder : "/var/opt/azcmagent/tokens";
	const char *path = said ? strstr(said, "realm=") : NULL, *name;
	size_t n = strlen(folder), len;

	if (!path || strncasecmp(said, "Basic ", 6) != 0)
		return err_set(e, ERR_PROTOCOL, "Azure Arc's agent sends no challenge");
	path += 6 + (path[6] == '"');
	path = arena_strndup(s->arena, path, strcspn(path, "\""));
	name = strrchr(path, '/');
	len = strlen(path);
	if (!name || (size_t)(name - path) != n || memcmp(path, folder, n) != 0 || len < 5 ||
	    strcmp(path + len - 4, ".key") != 0)
		return err_set(e, ERR_DENIED,
		               "Azure Arc's agent names a challenge file that is not in %s",
		               folder);
	*out = arena_strdup(s->arena, path);
	return 0;
}

static int read_challenge(struct dns_session *s, const char *path, char **out, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, ERR_DENIED, "Azure Arc's challenge %s is no regular file", path);
	if (fs_read_secret(s->arena, path, CHALLENGE_MAX, out, e) < 0)
		return err_ctx(e, "Azure Arc's challenge (the program's user must be a member of "
		                  "the group himds)");
	for (const char *p = *out; *p; p++)
		if (*p < ' ' || *p > '~')
			return err_set(e, ERR_PROTOCOL, "Azure Arc's challenge %s is no text",
			               path);
	return 0;
}

static bool is_loopback(const char *url)
{
	static const char *const starts[] = { "http://127.0.0.1:", "http://localhost:",
		                              "http://[::1]:" };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (strncmp(url, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

static int arc_token(struct dns_session *s, struct oauth *o, const char *endpoint, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct rest_call c = { .method = "GET",
		               .path = address(s, endpoint, "2020-06-01"),
		               .headers = { { "Metadata", "true" } },
		               .fine = { 401 },
		               .limit_ms = ATTEMPT_MS };
	char *path, *key;

	if (!is_loopback(endpoint))
		return err_set(e, ERR_CONFIG,
		               "IDENTITY_ENDPOINT of Azure Arc is not on this "
		               "machine");
	if (oauth_direct(s, o, &c, &r, e) < 0)
		return no_identity(e);
	if (r.status != 401)
		return take(s, o, &r, e);
	TRY(challenge_path(s, http_header(r.http, "www-authenticate"), &path, e));
	TRY(read_challenge(s, path, &key, e));
	c.headers[1] =
	    (struct http_header){ "Authorization", arena_printf(s->arena, "Basic %s", key) };
	c.fine[0] = 0;
	return ask(s, o, &c, e);
}

static int app_service_token(struct dns_session *s, struct oauth *o, const char *endpoint,
                             const char *secret, struct err *e)
{
	struct rest_call c = { .path = address(s, endpoint, "2019-08-01"),
		               .headers = { { "X-IDENTITY-HEADER", secret } } };

	return ask(s, o, &c, e);
}

int azure_managed_token(struct dns_session *s, struct oauth *o, struct err *e)
{
	const struct azure_settings *set = s->settings;
	const char *endpoint = env("IDENTITY_ENDPOINT"), *secret = env("IDENTITY_HEADER");
	const char *host = set->metadata_url ? set->metadata_url : "http://169.254.169.254";
	struct rest_call c = { .headers = { { "Metadata", "true" } } };

	if (!set->metadata_url && endpoint && secret)
		return app_service_token(s, o, endpoint, secret, e);
	if (!set->metadata_url && endpoint && env("IMDS_ENDPOINT"))
		return arc_token(s, o, endpoint, e);
	c.path = address(s, arena_printf(s->arena, "%s/metadata/identity/oauth2/token", host),
	                 "2018-02-01");
	return ask(s, o, &c, e);
}
