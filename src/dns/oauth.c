/* Access tokens. They live in the session's arena, which wipes, and are never in an error. */
#include "dns/oauth.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define RENEW_BEFORE_S 300
#define LIFE_UNKNOWN_S 600
#define TOKEN_MAX ((size_t)16 << 10)

static int64_t number(const json_t *answer, const char *name)
{
	const json_t *v = json_object_get(answer, name);
	const char *text = json_string_value(v);
	char *end;
	long long n;

	if (!text)
		return json_integer_value(v);
	n = strtoll(text, &end, 10);
	return *text && !*end ? n : 0;
}

static int64_t life_s(const json_t *answer)
{
	int64_t in = number(answer, "expires_in"), at = number(answer, "expires_on");

	if (in <= 0)
		in = at > clock_now() ? at - clock_now() : LIFE_UNKNOWN_S;
	return in > 86400 ? 86400 : in;
}

static bool is_header_text(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] <= ' ' || s[n] > '~')
			return false;
	return n > 0 && n <= TOKEN_MAX;
}

int oauth_take(struct dns_session *s, struct oauth *o, const json_t *answer, struct err *e)
{
	const char *token = json_str(s->arena, answer, "access_token");
	int64_t life = life_s(answer);

	if (!token || !is_header_text(token))
		return err_set(e, ERR_PROTOCOL, "the token service's answer has no access_token");
	o->token = token;
	o->renew_at =
	    clock_now() + life - (life > 2 * RENEW_BEFORE_S ? RENEW_BEFORE_S : (life + 1) / 2);
	return 0;
}

/* The place of the Authorization header: where it was put last time, else the first free one. */
static void set_bearer(struct dns_session *s, struct rest_call *c, const char *token)
{
	size_t i = 0;

	while (i < ARRAY_LEN(c->headers) - 1 && c->headers[i].name &&
	       strcmp(c->headers[i].name, "Authorization") != 0)
		i++;
	c->headers[i] =
	    (struct http_header){ "Authorization", arena_printf(s->arena, "Bearer %s", token) };
}

static int call(struct dns_session *s, struct oauth *o, struct rest_call *c,
                struct rest_answer *out, bool json, struct err *e)
{
	for (bool again = false;; again = true) {
		struct err why = { 0 };
		int rc;

		if (!o->token || clock_now() >= o->renew_at)
			TRY(o->get(s, o, e));
		set_bearer(s, c, o->token);
		rc = json ? rest_json(s, c, out, &why) : rest_do(s, c, out, &why);
		if (rc == 0)
			return 0;
		if (why.http_status != 401 || again) {
			*e = why;
			return -(int)e->code;
		}
		o->token = NULL;
	}
}

int oauth_do(struct dns_session *s, struct oauth *o, struct rest_call *c, struct rest_answer *out,
             struct err *e)
{
	return call(s, o, c, out, false, e);
}

int oauth_json(struct dns_session *s, struct oauth *o, struct rest_call *c, struct rest_answer *out,
               struct err *e)
{
	return call(s, o, c, out, true, e);
}

int oauth_direct(struct dns_session *s, struct oauth *o, struct rest_call *c,
                 struct rest_answer *out, struct err *e)
{
	static const struct http_options options = { .proxy = "",
		                                     .user_agent = "everleaf/" EVERLEAF_VERSION,
		                                     .allow_http = true };
	struct http *usual = s->http;
	int rc;

	if (!o->direct)
		TRY(http_open(&options, &o->direct, e));
	s->http = o->direct;
	rc = rest_do(s, c, out, e);
	s->http = usual;
	return rc;
}

void oauth_done(struct oauth *o)
{
	if (!o)
		return;
	http_close(o->direct);
	o->direct = NULL;
}
