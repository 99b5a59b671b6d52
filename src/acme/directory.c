/*
 * The directory object (RFC 8555 7.1.1): fetched once a session by whichever thread needs it first,
 * while the others wait for it and share its failure. Also what all answers with JSON go through,
 * and the unauthenticated GET.
 */
#include "acme/session_impl.h"

#include <string.h>

#include "acme/parse.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define PROFILES_MAX 50
#define IDENTITIES_MAX 20
#define WORD_MAX 100
#define TEXT_MAX 2048
#define REPEAT_WAIT_MS 300

int acme_answer_object(struct arena *a, const struct http_response *res, const char *url,
                       json_t **out, struct err *e)
{
	json_auto_t *object = NULL;
	struct err ignored;

	if (json_parse(res->body, res->body_len, &object, &ignored) < 0)
		return acme_problem_from_response(a, res, url, clock_now(), e);
	if (!json_is_object(object))
		return err_set(e, ERR_PROTOCOL, "%s answers with JSON that is no object",
		               acme_url_host(a, url));
	*out = TAKE(object);
	return 0;
}

int acme_json_url(struct arena *a, const json_t *object, const char *name, bool required,
                  bool allow_http, const char **out, struct err *e)
{
	const json_t *member = json_object_get(object, name);
	const char *url = json_string_value(member);

	if (!member || json_is_null(member)) {
		if (required)
			return err_set(e, ERR_PROTOCOL, "the server's answer has no \"%s\"", name);
		*out = NULL;
		return 0;
	}
	if (!acme_url_is_ok(url, allow_http))
		return err_set(e, ERR_PROTOCOL,
		               "the server's \"%s\" is not a URL that can be used: \"%.200s\"",
		               name, url ? url : "");
	*out = arena_strdup(a, url);
	return 0;
}

int64_t acme_json_time(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	struct err ignored;
	int64_t at;

	return text && clock_parse_rfc3339(text, &at, &ignored) >= 0 ? at : 0;
}

struct strings acme_json_strings(struct arena *a, const json_t *object, const char *name,
                                 size_t max)
{
	const json_t *list = json_object_get(object, name);
	struct strings out = { 0 };

	for (size_t i = 0; i < json_array_size(list) && out.n < max; i++) {
		const char *s = json_string_value(json_array_get(list, i));
		if (s && *s && strlen(s) <= ACME_URL_MAX)
			strings_add(a, &out, s);
	}
	return out;
}

static bool is_word(const char *s)
{
	size_t len = strlen(s);

	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	return len > 0 && len <= WORD_MAX;
}

/* Text to show, without control characters; NULL if absent or too long. */
static const char *shown(struct arena *a, const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));
	char *copy;

	if (!s || !*s || strlen(s) > TEXT_MAX)
		return NULL;
	copy = arena_strdup(a, s);
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return copy;
}

static void parse_profiles(struct arena *a, const json_t *profiles, struct acme_directory *d)
{
	const char *name;
	json_t *text;

	if (!json_is_object(profiles))
		return;
	d->profiles = ARENA_ARRAY(a, struct acme_profile, PROFILES_MAX);
	json_object_foreach((json_t *)profiles, name, text)
	{
		const char *description = shown(a, profiles, name);
		if (d->n_profiles < PROFILES_MAX && is_word(name))
			d->profiles[d->n_profiles++] =
			    (struct acme_profile){ arena_strdup(a, name),
				                   description ? description : "" };
	}
}

static void parse_meta(struct arena *a, const json_t *meta, struct acme_directory *d)
{
	const char *prefix = json_string_value(json_object_get(meta, "accountHashPrefix"));

	d->terms_of_service = shown(a, meta, "termsOfService");
	d->website = shown(a, meta, "website");
	d->caa_identities = acme_json_strings(a, meta, "caaIdentities", IDENTITIES_MAX);
	d->external_account_required =
	    json_is_true(json_object_get(meta, "externalAccountRequired"));
	parse_profiles(a, json_object_get(meta, "profiles"), d);
	d->issuer_domain_names = acme_json_strings(a, meta, "issuerDomainNames", IDENTITIES_MAX);
	if (prefix && is_word(prefix))
		d->account_hash_prefix = arena_strdup(a, prefix);
}

int acme_directory_parse(struct arena *a, const json_t *object, bool allow_http,
                         struct acme_directory *out, struct err *e)
{
	struct acme_directory d = { 0 };

	TRY(acme_json_url(a, object, "newNonce", true, allow_http, &d.new_nonce, e));
	TRY(acme_json_url(a, object, "newAccount", true, allow_http, &d.new_account, e));
	TRY(acme_json_url(a, object, "newOrder", true, allow_http, &d.new_order, e));
	TRY(acme_json_url(a, object, "revokeCert", true, allow_http, &d.revoke_cert, e));
	TRY(acme_json_url(a, object, "keyChange", true, allow_http, &d.key_change, e));
	TRY(acme_json_url(a, object, "newAuthz", false, allow_http, &d.new_authz, e));
	TRY(acme_json_url(a, object, "renewalInfo", false, allow_http, &d.renewal_info, e));
	parse_meta(a, json_object_get(object, "meta"), &d);
	*out = d;
	return 0;
}

static bool is_over(int64_t until_ms)
{
	return clock_monotonic_ms() + REPEAT_WAIT_MS >= until_ms;
}

/* One try, within the bound of requests and what is left of patience. */
static int get_once(struct acme *ca, struct arena *a, struct http_request *req, int64_t until_ms,
                    struct http_response *res, struct err *e)
{
	int64_t left = until_ms - clock_monotonic_ms();
	int failed;

	TRY(session_enter(ca, &ca->requests, clock_monotonic_ms(), e));
	req->limit_ms =
	    left > EXCHANGE_LIMIT_MS ? EXCHANGE_LIMIT_MS : (uint32_t)(left < 1000 ? 1000 : left);
	failed = http_do(ca->http, a, req, ca->cancel, res, e);
	session_leave(ca, &ca->requests);
	if (!failed)
		session_heard(ca, res, true);
	return failed;
}

int session_get(struct acme *ca, struct arena *a, const char *url, size_t max_body,
                struct http_response *res, struct err *e)
{
	struct http_request req = { .method = "GET", .url = url, .max_body = max_body };
	int64_t until_ms = session_patience_until(ca, clock_monotonic_ms());
	struct err failure;

	for (unsigned repeats = 0; get_once(ca, a, &req, until_ms, res, &failure) < 0; repeats++) {
		if (failure.code == ERR_NETWORK && is_over(until_ms))
			return session_give_up(ca, e);
		if (failure.code != ERR_NETWORK || repeats == REPEATS_MAX) {
			*e = failure;
			return -(int)failure.code;
		}
		TRY(cancel_sleep_ms(ca->cancel, REPEAT_WAIT_MS << repeats, e));
	}
	return 0;
}

int acme_get(struct acme *ca, struct arena *a, const char *url, struct http_response *res,
             struct err *e)
{
	struct http_response got = { 0 };

	if (!acme_url_is_ok(url, ca->allow_http))
		return err_set(e, ERR_PROTOCOL, "\"%.200s\" is not a URL that can be used", url);
	TRY(session_get(ca, a, url, 0, &got, e));
	if (got.status != 200)
		return acme_problem_from_response(a, &got, url, clock_now(), e);
	*res = got;
	return 0;
}

static int fetch(struct acme *ca, struct arena *a, struct acme_directory *out, struct err *e)
{
	CLEANUP(arena_cleanup) struct arena *scratch = arena_new(0);
	json_auto_t *object = NULL;
	struct http_response res;
	uint32_t limited_s = 0;
	struct err why;

	for (;;) {
		TRY(session_get(ca, scratch, ca->directory_url, SMALL_BODY * 4, &res, e));
		if (res.status == 200)
			break;
		(void)acme_problem_from_response(scratch, &res, ca->directory_url, clock_now(),
		                                 &why);
		if (!session_waits(ca, &why, &limited_s)) {
			*e = why;
			return err_ctx(e, "%s gives no ACME directory", ca->directory_url);
		}
		TRY(cancel_sleep_ms(ca->cancel, (int64_t)why.retry_s * 1000, e));
	}
	if (acme_answer_object(scratch, &res, ca->directory_url, &object, &why) < 0 ||
	    acme_directory_parse(a, object, ca->allow_http, out, &why) < 0)
		return err_set(e, ERR_PROTOCOL, "%s is not an ACME directory: %s",
		               ca->directory_url, why.text);
	return 0;
}

static int fetch_and_store(struct acme *ca, struct err *e)
{
	struct arena *kept = arena_new(1 << 20);
	struct acme_directory *d = ARENA_NEW(kept, struct acme_directory);
	int failed = fetch(ca, kept, d, e);

	pthread_mutex_lock(&ca->lock);
	ca->fetching = false;
	ca->n_fetched++;
	if (failed) {
		ca->fetch_failure = *e;
		arena_free(kept);
	} else {
		ca->fetch_failure = (struct err){ 0 };
		ca->directories[ca->n_directories++] = kept;
		ca->directory = d;
	}
	pthread_cond_broadcast(&ca->fetched);
	pthread_mutex_unlock(&ca->lock);
	return failed;
}

/* With the lock held: waits while another thread fetches. Its failure is ours. */
static int await_fetch(struct acme *ca, struct err *e)
{
	unsigned before = ca->n_fetched;

	while (ca->fetching) {
		if (cancel_is_set(ca->cancel))
			return err_set(e, ERR_CANCELLED, "cancelled");
		session_wait_slice(ca, &ca->fetched);
	}
	if (ca->n_fetched == before || !ca->fetch_failure.code)
		return 0;
	*e = ca->fetch_failure;
	return -(int)e->code;
}

int acme_directory(struct acme *ca, const struct acme_directory **out, struct err *e)
{
	const struct acme_directory *d;
	int failed;

	pthread_mutex_lock(&ca->lock);
	failed = ca->directory ? 0 : await_fetch(ca, e);
	d = ca->directory;
	if (!failed && !d)
		ca->fetching = true;
	pthread_mutex_unlock(&ca->lock);
	if (failed)
		return failed;
	if (!d) {
		TRY(fetch_and_store(ca, e));
		return acme_directory(ca, out, e);
	}
	*out = d;
	return 0;
}

bool directory_refetch(struct acme *ca)
{
	struct err e;
	bool ours;

	pthread_mutex_lock(&ca->lock);
	ours = !ca->refetched && !ca->fetching;
	ca->refetched = true;
	if (ours)
		ca->fetching = true;
	pthread_mutex_unlock(&ca->lock);
	if (!ours)
		return false;
	log_detail("an address of %s is gone; its directory is read again", ca->directory_url);
	return fetch_and_store(ca, &e) >= 0;
}

int acme_call_endpoint(struct acme *ca, struct arena *a, acme_endpoint *endpoint,
                       struct acme_call *call, struct err *e)
{
	const struct acme_directory *d;
	int failed;

	TRY(acme_directory(ca, &d, e));
	call->url = endpoint(d);
	failed = acme_call(ca, a, call, e);
	if (failed >= 0 || call->res.status != 404 || !directory_refetch(ca))
		return failed;
	TRY(acme_directory(ca, &d, e));
	if (!strcmp(endpoint(d), call->url))
		return failed;
	call->url = endpoint(d);
	return acme_call(ca, a, call, e);
}
