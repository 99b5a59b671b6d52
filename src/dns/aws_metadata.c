/*
 * Keys from the services that a container or an instance finds beside it. Those are asked without
 * any proxy, briefly (an address where nobody answers must not hold a worker), and nobody else is
 * given their tokens: an address from the environment must be on this machine, be one of AWS's own,
 * or use TLS.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "dns/aws_impl.h"

#define LIMIT_MS 2000
#define ATTEMPTS 3
#define WAIT_MS 200
#define TOKEN_MAX 8192

DEFINE_CLEANUP(http_cleanup, struct http, http_close)

struct beside {
	struct dns_session *s;
	struct http *http;
	const char *what; /* for messages */
};

static int beside_open(struct beside *b, struct err *e)
{
	const struct http_options o = { .user_agent = "everleaf/" EVERLEAF_VERSION,
		                        .proxy = "",
		                        .allow_http = true };

	return http_open(&o, &b->http, e);
}

static bool is_passing(int status)
{
	return status == 429 || status >= 500;
}

/* One call; 5xx and 429 are tried again, silence is not. */
static int ask(struct beside *b, const char *method, const char *url, const char *name,
               const char *value, struct http_response *out, struct err *e)
{
	struct http_header header = { name, value };
	struct http_request req = { .method = method,
		                    .url = url,
		                    .headers = &header,
		                    .n_headers = name ? 1 : 0,
		                    .body = strcmp(method, "PUT") == 0 ? "" : NULL,
		                    .max_body = 65536,
		                    .limit_ms = LIMIT_MS };
	struct http_response res = { 0 };

	for (int i = 1; i <= ATTEMPTS; i++) {
		if (http_do(b->http, b->s->arena, &req, b->s->cancel, &res, e) < 0)
			return err_ctx(e, "%s", b->what);
		if (!is_passing(res.status) || i == ATTEMPTS)
			break;
		TRY(cancel_sleep_ms(b->s->cancel, (int64_t)i * WAIT_MS, e));
	}
	if (res.status != 200)
		return err_set(e, res.status == 401 || res.status == 403 ? ERR_DENIED : ERR_CONFIG,
		               "%s answers with status %d", b->what, res.status);
	*out = res;
	return 0;
}

/* containers: ECS, EKS pod identity */

static bool is_allowed(const char *url)
{
	static const char *const hosts[] = { "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]",
		                             "localhost", "[::1]" };
	const char *host = url + 7, *end;
	size_t len, digits;

	if (strncmp(url, "https://", 8) == 0)
		return true;
	if (strncmp(url, "http://", 7) != 0)
		return false;
	/* No user and password before the host: they only hide it. */
	len = strcspn(host, "/?#");
	if (memchr(host, '@', len) || memchr(host, '\\', len))
		return false;
	end = *host == '[' ? memchr(host, ']', len) : NULL;
	digits = end ? (size_t)(end + 1 - host) : strcspn(host, ":/?#");
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (strlen(hosts[i]) == digits && memcmp(host, hosts[i], digits) == 0)
			return true;
	return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == digits;
}

static int url_of(const struct aws_caller *c, const char **out, struct err *e)
{
	const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
	           *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
	           *base = c->set->container_url ? c->set->container_url : "http://169.254.170.2";

	*out = NULL;
	if (relative && *relative) {
		if (*relative != '/')
			return err_set(e, ERR_CONFIG,
			               "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must "
			               "begin with /");
		*out = arena_printf(c->s->arena, "%s%s", base, relative);
	} else if (full && *full) {
		if (!is_allowed(full))
			return err_set(e, ERR_CONFIG,
			               "AWS_CONTAINER_CREDENTIALS_FULL_URI may be http:// only on "
			               "this machine or at 169.254.170.2 or 169.254.170.23");
		*out = arena_strdup(c->s->arena, full);
	}
	return 0;
}

static int container_token(const struct aws_caller *c, const char **out, struct err *e)
{
	const char *path = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
	           *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	char *text;

	*out = NULL;
	if (path && *path) {
		if (fs_read_secret(c->s->arena, path, TOKEN_MAX, &text, e) < 0) {
			e->code = ERR_CONFIG;
			return err_ctx(e, "the container's authorization token");
		}
		*out = text;
	} else if (token && *token) {
		*out = arena_strdup(c->s->arena, token);
	}
	if (*out && strpbrk(*out, "\r\n"))
		return err_set(e, ERR_CONFIG,
		               "the container's authorization token has more than one line");
	return 0;
}

int aws_from_container(struct aws_caller *c, struct aws_found *out, struct err *e)
{
	struct http *http CLEANUP(http_cleanup) = NULL;
	struct beside b = { .s = c->s, .what = "the container's credentials service" };
	struct http_response res;
	const char *url, *token;

	TRY(url_of(c, &url, e));
	if (!url)
		return 0;
	TRY(container_token(c, &token, e));
	TRY(beside_open(&b, e));
	http = b.http;
	TRY(ask(&b, "GET", url, token ? "Authorization" : NULL, token, &res, e));
	TRY(aws_keys_of_json(c->s->arena, res.body, res.body_len, b.what, &out->keys, e));
	out->source = b.what;
	out->found = true;
	return 0;
}

/* instances: version 2 of the metadata service, and never version 1 */

#define ROLES "/latest/meta-data/iam/security-credentials/"

static int role_name(struct arena *a, const struct http_response *res, const char **out,
                     struct err *e)
{
	size_t len = strcspn(res->body, "\r\n");
	char *name = arena_strndup(a, res->body, len);

	if (!len || len > 128 ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-") !=
	        len)
		return err_set(e, ERR_CONFIG, "the instance's metadata service names no role");
	*out = name;
	return 0;
}

static int instance_token(struct beside *b, const char *base, const char **out, struct err *e)
{
	struct http_response res;

	if (ask(b, "PUT", arena_printf(b->s->arena, "%s/latest/api/token", base),
	        "X-aws-ec2-metadata-token-ttl-seconds", "21600", &res, e) < 0) {
		if (e->code == ERR_NETWORK)
			e->code = ERR_CONFIG;
		return err_ctx(e, "there are no AWS keys in the account's settings, the "
		                  "environment, a web identity or the profile files, and no role "
		                  "of an instance (in a container its hop limit must be 2)");
	}
	*out = arena_strndup(b->s->arena, res.body, strcspn(res.body, "\r\n"));
	if (!**out || strlen(*out) > TOKEN_MAX)
		return err_set(e, ERR_CONFIG, "%s gives no token", b->what);
	return 0;
}

int aws_from_instance(struct aws_caller *c, struct aws_found *out, struct err *e)
{
	const char *base = c->set->metadata_url ? c->set->metadata_url : "http://169.254.169.254",
	           *off = getenv("AWS_EC2_METADATA_DISABLED"), *token, *role;
	struct http *http CLEANUP(http_cleanup) = NULL;
	struct arena *a = c->s->arena;
	struct beside b = { .s = c->s, .what = "the instance's metadata service" };
	struct http_response res;

	if (off && strcasecmp(off, "true") == 0)
		return 0;
	TRY(beside_open(&b, e));
	http = b.http;
	TRY(instance_token(&b, base, &token, e));
	TRY(ask(&b, "GET", arena_printf(a, "%s" ROLES, base), "X-aws-ec2-metadata-token", token,
	        &res, e));
	TRY(role_name(a, &res, &role, e));
	TRY(ask(&b, "GET", arena_printf(a, "%s" ROLES "%s", base, role), "X-aws-ec2-metadata-token",
	        token, &res, e));
	TRY(aws_keys_of_json(a, res.body, res.body_len, b.what, &out->keys, e));
	out->source = arena_printf(a, "the instance's role %s", role);
	out->found = true;
	return 0;
}
