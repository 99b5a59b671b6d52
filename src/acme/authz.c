/*
 * Authorizations and their challenges: read, answered, given back. What the server offers and we do
 * not know is skipped; a token outside of its grammar is refused, because tokens become file names.
 */
#include "acme/authz.h"

#include <string.h>

#include "acme/parse.h"
#include "acme/session_impl.h"
#include "base/codec.h"
#include "base/json.h"

#define CHALLENGES_MAX 20
#define ISSUERS_MAX 10
#define NAME_MAX_LEN 255

static const char *const known_types[] = { "http-01", "dns-01", "tls-alpn-01", "dns-persist-01",
	                                   "dns-account-01" };

static const char *known_type(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_LEN(known_types); i++)
		if (!strcmp(known_types[i], type))
			return known_types[i];
	return NULL;
}

static const char *status_of(struct arena *a, const json_t *object)
{
	const char *status = json_string_value(json_object_get(object, "status"));

	return status && strlen(status) < 32 ? arena_strdup(a, status) : "pending";
}

static void read_error(struct arena *a, const json_t *object, struct acme_challenge *c)
{
	struct acme_problem p;
	struct err ignored;

	if (acme_problem_decode(a, json_object_get(object, "error"), &p, &ignored) < 0)
		return;
	c->error_text = acme_problem_text(a, &p);
	c->error_type = p.type;
}

static int read_token(struct arena *a, const json_t *object, struct acme_challenge *c,
                      struct err *e)
{
	const char *token = json_string_value(json_object_get(object, "token"));

	if (!strcmp(c->type, "dns-persist-01"))
		return 0;
	if (!token || !is_acme_token(token))
		return err_set(e, ERR_PROTOCOL,
		               "the CA's %s challenge has no token that can be used", c->type);
	c->token = arena_strdup(a, token);
	return 0;
}

/* dns-persist-01 (draft-ietf-acme-dns-persist): -01 and -02 spell the list differently. */
static void read_persist(struct arena *a, const json_t *object, struct acme_challenge *c)
{
	const char *uri = json_string_value(json_object_get(object, "accounturi"));

	c->issuer_domain_names = acme_json_strings(a, object, "issuerDomainNames", ISSUERS_MAX);
	if (!c->issuer_domain_names.n)
		c->issuer_domain_names =
		    acme_json_strings(a, object, "issuer-domain-names", ISSUERS_MAX);
	if (uri && strlen(uri) <= ACME_URL_MAX)
		c->account_uri = arena_strdup(a, uri);
}

/* Returns with out->type NULL for one to skip. */
static int read_challenge(struct arena *a, const json_t *object, bool allow_http,
                          struct acme_challenge *out, struct err *e)
{
	struct acme_challenge c = { .type = known_type(
		                        json_string_value(json_object_get(object, "type"))) };

	if (c.type) {
		TRY(acme_json_url(a, object, "url", true, allow_http, &c.url, e));
		TRY(read_token(a, object, &c, e));
		c.status = status_of(a, object);
		read_error(a, object, &c);
		read_persist(a, object, &c);
	}
	*out = c;
	return 0;
}

static int read_challenges(struct arena *a, const json_t *list, bool allow_http,
                           struct acme_authz *z, struct err *e)
{
	size_t n = json_array_size(list);

	z->challenges = ARENA_ARRAY(a, struct acme_challenge, CHALLENGES_MAX);
	for (size_t i = 0; i < n && z->n_challenges < CHALLENGES_MAX; i++) {
		struct acme_challenge *c = &z->challenges[z->n_challenges];
		TRY(read_challenge(a, json_array_get(list, i), allow_http, c, e));
		if (!c->type)
			continue;
		z->n_challenges++;
		if (c->error_text && !strcmp(c->status, "invalid")) {
			z->error_text = c->error_text;
			z->error_type = c->error_type;
		}
	}
	return 0;
}

static int read_identifier(struct arena *a, const json_t *identifier, struct acme_authz *z,
                           struct err *e)
{
	const char *type = json_string_value(json_object_get(identifier, "type"));
	const char *value = json_string_value(json_object_get(identifier, "value"));

	if (!type || !value || !*value || strlen(value) > NAME_MAX_LEN)
		return err_set(e, ERR_PROTOCOL, "the server's authorization names nothing");
	if (!strncmp(value, "*.", 2)) { /* against RFC 8555 7.1.4, but seen */
		z->wildcard = true;
		value += 2;
	}
	for (const char *p = value; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '/')
			return err_set(
			    e, ERR_PROTOCOL,
			    "the server's authorization is for something that is no name");
	z->identifier = arena_strdup(a, value);
	z->is_ip = !strcmp(type, "ip");
	return 0;
}

int acme_authz_parse(struct arena *a, const json_t *object, const char *url, bool allow_http,
                     struct acme_authz *out, struct err *e)
{
	struct acme_authz z = { .url = arena_strdup(a, url), .status = status_of(a, object) };

	TRY(read_identifier(a, json_object_get(object, "identifier"), &z, e));
	if (json_is_true(json_object_get(object, "wildcard")))
		z.wildcard = true;
	z.expires_at = acme_json_time(object, "expires");
	TRY(read_challenges(a, json_object_get(object, "challenges"), allow_http, &z, e));
	*out = z;
	return 0;
}

static struct acme_call *calls_for(struct arena *a, const struct strings *urls, const char *payload)
{
	struct acme_call *calls = ARENA_ARRAY(a, struct acme_call, urls->n);

	for (size_t i = 0; i < urls->n; i++)
		calls[i] = (struct acme_call){ .url = urls->v[i],
			                       .payload = payload,
			                       .max_body = SMALL_BODY };
	return calls;
}

/* The failure of one of several calls becomes the function's. */
static int tell(const struct acme_call *call, struct err *e)
{
	*e = call->failure;
	return err_ctx(e, "authorization %s", call->url);
}

int acme_authz_get(struct acme *ca, struct arena *a, const struct strings *urls,
                   struct acme_authz *out, struct err *e)
{
	struct acme_call *calls = calls_for(a, urls, "");
	struct acme_authz *got = ARENA_ARRAY(a, struct acme_authz, urls->n);

	TRY(acme_call_many(ca, a, calls, urls->n, e));
	for (size_t i = 0; i < urls->n; i++) {
		json_auto_t *object = NULL;
		if (calls[i].failure.code)
			return tell(&calls[i], e);
		TRY(acme_answer_object(a, &calls[i].res, urls->v[i], &object, e));
		TRY(acme_authz_parse(a, object, urls->v[i], ca->allow_http, &got[i], e));
	}
	memcpy(out, got, urls->n * sizeof *got);
	return 0;
}

/* Whether a challenge whose answer was refused is one that the server has had already. */
static bool was_answered(struct acme *ca, struct arena *a, const char *url)
{
	struct acme_call call = { .url = url, .payload = "", .max_body = SMALL_BODY };
	json_auto_t *object = NULL;
	struct err ignored;
	const char *status;

	if (acme_call(ca, a, &call, &ignored) < 0 ||
	    acme_answer_object(a, &call.res, url, &object, &ignored) < 0)
		return false;
	status = status_of(a, object);
	return !strcmp(status, "valid") || !strcmp(status, "processing");
}

/* The server took it: its answer is the challenge (RFC 8555 7.5.1). Anything else, a CDN's page
 * say, never reached the CA. */
static int check_taken(struct arena *a, const struct acme_call *call, struct err *e)
{
	json_auto_t *object = NULL;

	TRY(acme_answer_object(a, &call->res, call->url, &object, e));
	if (!json_is_string(json_object_get(object, "status")))
		return err_set(e, ERR_PROTOCOL,
		               "the CA's answer is no challenge: it has no status");
	return 0;
}

int acme_challenge_answer(struct acme *ca, struct arena *a, const struct strings *urls,
                          struct err *e)
{
	struct acme_call *calls = calls_for(a, urls, "{}");

	TRY(acme_call_many(ca, a, calls, urls->n, e));
	for (size_t i = 0; i < urls->n; i++) {
		struct err failure = calls[i].failure;
		if (!failure.code && check_taken(a, &calls[i], &failure) == 0)
			continue;
		if ((failure.code == ERR_ACME || failure.code == ERR_PROTOCOL) &&
		    was_answered(ca, a, urls->v[i]))
			continue;
		*e = failure;
		return err_ctx(e, "challenge %s", urls->v[i]);
	}
	return 0;
}

int acme_authz_deactivate(struct acme *ca, struct arena *a, const struct strings *urls,
                          struct err *e)
{
	struct acme_call *calls = calls_for(a, urls, "{\"status\":\"deactivated\"}");

	TRY(acme_call_many(ca, a, calls, urls->n, e));
	for (size_t i = 0; i < urls->n; i++)
		if (calls[i].failure.code)
			return tell(&calls[i], e);
	return 0;
}

const struct acme_challenge *acme_authz_challenge(const struct acme_authz *z, const char *type)
{
	for (size_t i = 0; i < z->n_challenges; i++)
		if (!strcmp(z->challenges[i].type, type))
			return &z->challenges[i];
	return NULL;
}
