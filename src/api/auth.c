/*
 * Who asks: an API token, or a browser's session with a word that only its own pages know. The
 * cookie is out of reach of scripts and of other sites, and its value is in no body.
 */
#include <string.h>
#include <strings.h>

#include "api/route.h"
#include "ops/ops_auth.h"

/* The prefix makes browsers refuse it without Secure, from another host, or for a part of it. */
#define COOKIE "everleaf_session"
#define COOKIE_SECURE "__Host-" COOKIE
#define CREDENTIAL_BYTES 512

static bool is_reading(const struct api_call *c)
{
	return strcmp(c->q->method, "GET") == 0 || strcmp(c->q->method, "HEAD") == 0;
}

/* A proxy on this machine may have taken TLS off. */
static bool is_secure(const struct api_call *c)
{
	const char *proto = c->q->from_loopback ? httpd_header(c->q, "X-Forwarded-Proto") : NULL;

	return c->q->is_tls || (proto && strcasecmp(proto, "https") == 0);
}

/* The value of a cookie; NULL = not sent, or sent twice, which no browser of ours does. */
static const char *cookie_value(struct api_call *c, const char *name)
{
	const char *p = httpd_header(c->q, "Cookie"), *found = NULL;
	size_t len = strlen(name);

	while (p && *p) {
		size_t n;

		p += strspn(p, "; ");
		n = strcspn(p, ";");
		if (n > len && n <= len + CREDENTIAL_BYTES && p[len] == '=' &&
		    memcmp(p, name, len) == 0) {
			if (found)
				return NULL;
			found = arena_strndup(c->a, p + len + 1, n - len - 1);
		}
		p += n;
	}
	return found;
}

static int unknown_caller(struct err *e)
{
	return err_set(e, ERR_UNKNOWN_CALLER, "the token or session is not known, or is over");
}

/* NULL = there is none. */
static const char *token_of(const char *header)
{
	const char *token = strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 : NULL;

	if (token)
		token += strspn(token, " ");
	return token && *token && strlen(token) <= CREDENTIAL_BYTES ? token : NULL;
}

static int by_token(struct api_call *c, struct ops *o, const char *header, struct err *e)
{
	const char *token = token_of(header);

	if (!token)
		return unknown_caller(e);
	return ops_auth_token(o, c->a, token, &c->who, e);
}

static const char *session_cookie(struct api_call *c)
{
	const char *cookie = cookie_value(c, COOKIE_SECURE);

	return cookie ? cookie : cookie_value(c, COOKIE);
}

static int look(struct api_call *c, struct ops *o, struct err *e)
{
	const char *header = httpd_header(c->q, "Authorization"), *cookie;

	/* Who signs in may still have a cookie that is over. */
	if (c->op && c->op->roles == ROLES_ANYBODY)
		return 0;
	if (header)
		return by_token(c, o, header, e);
	cookie = session_cookie(c);
	if (!cookie)
		return 0;
	return ops_auth_session(o, c->a, cookie, !is_reading(c), httpd_header(c->q, "X-CSRF-Token"),
	                        &c->who, e);
}

struct auth_means auth_means(struct api_call *c, struct arena *a)
{
	const char *header = httpd_header(c->q, "Authorization");
	struct auth_means m = { .address = arena_strdup(a, c->address) };

	if (header)
		m.token = arena_strdup(a, token_of(header));
	else
		m.cookie = arena_strdup(a, session_cookie(c));
	return m;
}

int auth_again(struct api *api, struct arena *a, const struct auth_means *m, struct who *out,
               struct err *e)
{
	const struct who nobody = { .address = m->address };
	struct ops *o = ops_daemon_for(api->ops, a, &nobody);
	int rc;

	if (m->token)
		rc = ops_auth_token(o, a, m->token, out, e);
	else
		rc = ops_auth_session(o, a, m->cookie ? m->cookie : "", false, NULL, out, e);
	ops_daemon_part(api->ops, o);
	return rc;
}

static int find_who(struct api_call *c, struct err *e)
{
	const struct who nobody = { .address = c->address };
	int rc;

	c->who = nobody;
	c->o = ops_daemon_for(c->api->ops, c->a, &nobody);
	rc = look(c, c->o, e);
	c->who.address = c->address;
	ops_daemon_part(c->api->ops, c->o);
	c->o = NULL;
	TRY(rc);
	c->o = ops_daemon_for(c->api->ops, c->a, &c->who);
	return 0;
}

int auth_who(struct api_call *c, struct err *e)
{
	int rc;

	TRY(ops_daemon_impatient(c->api->ops, e));
	rc = find_who(c, e);
	if (rc < 0)
		ops_daemon_patient();
	return rc;
}

void auth_part(struct api_call *c)
{
	ops_daemon_patient();
	if (c->o)
		ops_daemon_part(c->api->ops, c->o);
	c->o = NULL;
}

static int check_known(const struct api_call *c, struct err *e)
{
	return c->who.user ? 0
	                   : err_set(e, ERR_UNKNOWN_CALLER,
	                             "sign in, or send an API token (Authorization: Bearer)");
}

int auth_allows(const struct api_call *c, const struct operation *op, struct err *e)
{
	if (op->roles != ROLES_ANYBODY)
		TRY(check_known(c, e));
	return operation_allowed(&c->who, op, e);
}

int auth_allows_all(const struct api_call *c, struct err *e)
{
	TRY(check_known(c, e));
	if (!(c->who.role & ROLES_READ_ALL) || scope_is_narrow(c->who.scope))
		return err_set(e, ERR_DENIED, "%s is not allowed to see this as %s%s", c->who.user,
		               role_word(c->who.role),
		               scope_is_narrow(c->who.scope)
		                   ? " by a token that is narrowed to some certificates"
		                   : "");
	return 0;
}

void auth_cookie(struct api_call *c, const char *cookie)
{
	bool secure = is_secure(c);

	reply_header(c, "Set-Cookie",
	             arena_printf(c->a, "%s=%s; HttpOnly; SameSite=Strict; Path=/%s%s",
	                          secure ? COOKIE_SECURE : COOKIE, cookie ? cookie : "",
	                          secure ? "; Secure" : "",
	                          cookie && *cookie ? "" : "; Max-Age=0"));
}
