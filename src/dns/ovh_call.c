/*
 * Calls of OVHcloud's API: signed with SHA-1 by the service's own time, or with the token of a
 * service account. Time and token are got once a session.
 */
#include "dns/ovh_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "sys/hash.h"

static const struct endpoint {
	const char *name, *base_url, *token_url;
} endpoints[] = {
	{ "ovh-eu", "https://eu.api.ovh.com/1.0", "https://www.ovh.com/auth/oauth2/token" },
	{ "ovh-ca", "https://ca.api.ovh.com/1.0", "https://ca.ovh.com/auth/oauth2/token" },
	{ "ovh-us", "https://api.us.ovhcloud.com/1.0",
	  "https://us.ovhcloud.com/auth/oauth2/token" },
	{ "kimsufi-eu", "https://eu.api.kimsufi.com/1.0", NULL },
	{ "kimsufi-ca", "https://ca.api.kimsufi.com/1.0", NULL },
	{ "soyoustart-eu", "https://eu.api.soyoustart.com/1.0", NULL },
	{ "soyoustart-ca", "https://ca.api.soyoustart.com/1.0", NULL },
};

static const struct endpoint *endpoint_of(const struct ovh *o)
{
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
		if (!o->endpoint || strcmp(o->endpoint, endpoints[i].name) == 0)
			return &endpoints[i];
	return NULL;
}

int ovh_check(struct arena *a, const void *settings, const struct dns_common *common, struct err *e)
{
	const struct ovh *o = settings;
	int keys = !!o->application_key + !!o->application_secret + !!o->consumer_key;
	int service = !!o->client_id + !!o->client_secret;

	(void)a;
	(void)common;
	if (!endpoint_of(o))
		return err_set(e, ERR_CONFIG,
		               "unknown endpoint \"%s\"; use ovh-eu, ovh-ca or ovh-us",
		               o->endpoint);
	if (!(keys == 3 && service == 0) && !(keys == 0 && service == 2))
		return err_set(e, ERR_CONFIG,
		               "give application_key, application_secret and consumer_key, or "
		               "client_id and client_secret: all of one of the two");
	if (service && !o->token_url && !endpoint_of(o)->token_url)
		return err_set(e, ERR_CONFIG, "%s has no service accounts; use the three keys",
		               o->endpoint);
	return 0;
}

/* Of one session. */
struct state {
	const char *bearer; /* OAuth2: "Bearer …"; NULL = none yet */
	bool has_skew;
	int64_t skew_s; /* the service's clock minus ours */
};

static struct state *state_of(struct dns_session *s)
{
	if (!s->state)
		s->state = ARENA_NEW(s->arena, struct state);
	return s->state;
}

static const char *api(struct dns_session *s)
{
	const char *own = s->common.base_url;

	return own ? own : endpoint_of(s->settings)->base_url;
}

static int read_skew(struct dns_session *s, struct err *e)
{
	struct rest_call c = { .method = "GET",
		               .path = arena_printf(s->arena, "%s/auth/time", api(s)) };
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	struct state *state = state_of(s);
	long long at;
	char *end;

	if (state->has_skew)
		return 0;
	TRY(rest_do(s, &c, &r, e));
	at = strtoll(r.text, &end, 10);
	if (end == r.text || at < 1000000000)
		return err_set(e, ERR_PROTOCOL, "the service's clock does not tell the time");
	state->skew_s = at - clock_now();
	state->has_skew = true;
	return 0;
}

static int get_token(struct dns_session *s, struct err *e)
{
	const struct ovh *o = s->settings;
	struct rest_call c = {
		.method = "POST",
		.path = o->token_url ? o->token_url : endpoint_of(o)->token_url,
		.body = rest_form(s->arena, "grant_type", "client_credentials", "client_id",
		                  o->client_id, "client_secret", o->client_secret, "scope", "all",
		                  NULL),
		.content_type = "application/x-www-form-urlencoded",
	};
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
	const char *token;

	if (state_of(s)->bearer)
		return 0;
	if (rest_json(s, &c, &r, e) < 0)
		return err_ctx(e, "getting a token for client_id %s", o->client_id);
	token = rest_text(s->arena, r.json, "access_token");
	if (!token)
		return err_set(e, ERR_PROTOCOL, "the answer to client_id %s has no access_token",
		               o->client_id);
	state_of(s)->bearer = arena_printf(s->arena, "Bearer %s", token);
	return 0;
}

/* Fresh for each attempt: the time is part of it. */
static int sign(struct dns_session *s, struct rest_call *c, void *ctx, struct err *e)
{
	const struct ovh *o = s->settings;
	const char *now =
	    arena_printf(s->arena, "%lld", (long long)(clock_now() + state_of(s)->skew_s));
	const char *text =
	    arena_printf(s->arena, "%s+%s+%s+%s+%s+%s", o->application_secret, o->consumer_key,
	                 c->method, c->path, c->body ? c->body : "", now);
	unsigned char digest[HASH_MAX];

	(void)ctx;
	TRY(hash_digest(HASH_SHA1, text, strlen(text), digest, e));
	c->headers[0] = (struct http_header){ "X-Ovh-Application", o->application_key };
	c->headers[1] = (struct http_header){ "X-Ovh-Consumer", o->consumer_key };
	c->headers[2] = (struct http_header){ "X-Ovh-Timestamp", now };
	c->headers[3] =
	    (struct http_header){ "X-Ovh-Signature",
		                  arena_printf(s->arena, "$1$%s",
		                               hex_encode(s->arena, digest, hash_len(HASH_SHA1))) };
	return 0;
}

/* A wrong signature is status 400 here, and a missing right 403 as a wrong key is. */
static int explain(struct err *e, const char *right)
{
	if (e->code == ERR_INPUT && strcasestr(e->text, "signature")) {
		e->code = ERR_DENIED;
		return err_ctx(e, "application_secret or consumer_key is wrong");
	}
	if (e->code == ERR_DENIED && strcasestr(e->text, "granted"))
		return err_ctx(e, "the right %s is missing", right);
	if (e->code == ERR_DENIED)
		return err_ctx(e, "check the keys, and that they are those of this endpoint");
	return -(int)e->code;
}

int ovh_call(struct dns_session *s, const char *method, const char *path, const json_t *body,
             const char *right, struct rest_answer *out, struct err *e)
{
	const struct ovh *o = s->settings;
	struct rest_call c = {
		.method = method,
		.path = arena_printf(s->arena, "%s%s", api(s), path),
		.body = body ? json_text(s->arena, body) : NULL,
		.content_type = "application/json",
		.creates = body != NULL,
	};

	if (o->client_id) {
		TRY(get_token(s, e));
		c.headers[0] = (struct http_header){ "Authorization", state_of(s)->bearer };
	} else {
		TRY(read_skew(s, e));
		c.sign = sign;
	}
	if (rest_do(s, &c, out, e) == 0)
		return 0;
	return explain(e, right);
}
