/*
 * Orders: made, read, finalized and waited for. The caller stores an order's URL before it acts on
 * it; nothing here is remembered. Polling keeps to Retry-After and begins early, because most
 * servers are done within milliseconds.
 */
#include "acme/order.h"

#include <string.h>

#include "acme/parse.h"
#include "acme/session_impl.h"
#include "base/clock.h"
#include "base/json.h"
#include "sys/names.h"

#define POLL_FIRST_MS 4
#define POLL_MOST_MS 5000
#define WAIT_MOST_S 10
#define ORDER_BODY ((size_t)256 << 10)
#define STATUS_MAX 32

static const char *new_order_url(const struct acme_directory *d)
{
	return d->new_order;
}

static int read_authorizations(struct arena *a, const json_t *object, bool allow_http,
                               struct strings *out, struct err *e)
{
	const json_t *list = json_object_get(object, "authorizations");
	size_t n = json_array_size(list);

	if (n > ACME_NAMES_MAX)
		return err_set(e, ERR_PROTOCOL, "the order has %zu authorizations, more than %d", n,
		               ACME_NAMES_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *url = json_string_value(json_array_get(list, i));
		if (!acme_url_is_ok(url, allow_http))
			return err_set(e, ERR_PROTOCOL,
			               "an authorization of the order has no URL that can be used");
		strings_add(a, out, url);
	}
	return 0;
}

static void read_identifiers(struct arena *a, const json_t *object, struct strings *out)
{
	const json_t *list = json_object_get(object, "identifiers");

	for (size_t i = 0; i < json_array_size(list) && out->n < ACME_NAMES_MAX; i++) {
		const char *value =
		    json_string_value(json_object_get(json_array_get(list, i), "value"));
		if (value && strlen(value) <= 255)
			strings_add(a, out, value);
	}
}

static void read_order_error(struct arena *a, const json_t *object, struct acme_order *o)
{
	struct acme_problem p;
	struct err ignored;

	if (acme_problem_decode(a, json_object_get(object, "error"), &p, &ignored) < 0)
		return;
	o->error_text = acme_problem_text(a, &p);
	o->error_type = p.type;
}

int acme_order_parse(struct arena *a, const json_t *object, const char *url, bool allow_http,
                     struct acme_order *out, struct err *e)
{
	struct acme_order o = { .url = arena_strdup(a, url),
		                .status = json_str(a, object, "status") };

	if (!o.status || strlen(o.status) > STATUS_MAX)
		return err_set(e, ERR_PROTOCOL, "the server's order has no status");
	TRY(acme_json_url(a, object, "finalize", true, allow_http, &o.finalize, e));
	TRY(acme_json_url(a, object, "certificate", !strcmp(o.status, "valid"), allow_http,
	                  &o.certificate, e));
	TRY(read_authorizations(a, object, allow_http, &o.authorizations, e));
	read_identifiers(a, object, &o.identifiers);
	read_order_error(a, object, &o);
	o.expires_at = acme_json_time(object, "expires");
	*out = o;
	return 0;
}

static int read_order(struct acme *ca, struct arena *a, const struct acme_call *call,
                      const char *url, struct acme_order *out, struct err *e)
{
	json_auto_t *object = NULL;
	struct acme_order o;

	TRY(acme_answer_object(a, &call->res, call->url, &object, e));
	TRY(acme_order_parse(a, object, url, ca->allow_http, &o, e));
	o.retry_s = acme_retry_after(&call->res, clock_now());
	*out = o;
	return 0;
}

static json_t *identifier_json(const char *name)
{
	return json_pack("{s:s, s:s}", "type", name_kind(name) == NAME_IP ? "ip" : "dns", "value",
	                 name);
}

static char *wish_text(struct arena *a, const struct acme_new_order *want, bool with_replaces)
{
	json_auto_t *object = json_object();
	json_t *names = json_array();

	for (size_t i = 0; i < want->names.n; i++)
		json_array_append_new(names, identifier_json(want->names.v[i]));
	json_object_set_new(object, "identifiers", names);
	if (want->profile)
		json_object_set_new(object, "profile", json_string(want->profile));
	if (with_replaces)
		json_object_set_new(object, "replaces", json_string(want->replaces));
	return json_text(a, object);
}

static int check_wish(struct arena *a, const struct acme_new_order *want,
                      const struct acme_directory *d, struct err *e)
{
	struct strings offered = { 0 };

	if (!want->names.n || want->names.n > ACME_NAMES_MAX)
		return err_set(e, ERR_INPUT, "an order has 1 to %d names, not %zu", ACME_NAMES_MAX,
		               want->names.n);
	if (!want->profile)
		return 0;
	for (size_t i = 0; i < d->n_profiles; i++) {
		if (!strcmp(d->profiles[i].name, want->profile))
			return 0;
		strings_add(a, &offered, d->profiles[i].name);
	}
	if (!offered.n)
		return err_set(e, ERR_INPUT, "the CA offers no profiles, so not \"%s\" either",
		               want->profile);
	return err_set(e, ERR_INPUT, "the CA does not offer the profile \"%s\"; it offers %s",
	               want->profile, strings_join(a, &offered, ", "));
}

/* RFC 9773 5: what a server may say to `replaces` that it would not say to the same order without.
 */
static bool is_about_replaces(const struct acme_call *call, const struct err *e)
{
	return call->res.status == 409 || !strcmp(e->problem, "alreadyReplaced") ||
	       !strcmp(e->problem, "malformed") ||
	       !strcmp(e->problem, "unauthorized") || /* it was issued to another account */
	       !strcmp(e->problem, "serverInternal"); /* it cannot look the other one up: no reason
	                                                 to stop a renewal */
}

/* One newOrder at a time, or as many as the session allows. */
static int send_new_order(struct acme *ca, struct arena *a, struct acme_call *call, struct err *e)
{
	int failed;

	TRY(session_enter(ca, &ca->new_orders, clock_monotonic_ms(), e));
	failed = acme_call_endpoint(ca, a, new_order_url, call, e);
	session_leave(ca, &ca->new_orders);
	return failed;
}

static int send_wish(struct acme *ca, struct arena *a, const struct acme_new_order *want,
                     bool with_replaces, struct acme_call *call, struct err *e)
{
	struct err failure;
	int failed;

	*call = (struct acme_call){ .payload = wish_text(a, want, with_replaces),
		                    .max_body = ORDER_BODY };
	failed = send_new_order(ca, a, call, &failure);
	if (want->unknown)
		*want->unknown = call->unknown;
	if (!failed)
		return 0;
	if (with_replaces && is_about_replaces(call, &failure) && want->replaces_refused)
		*want->replaces_refused = true;
	else if (with_replaces && is_about_replaces(call, &failure))
		return send_wish(ca, a, want, false, call, e);
	*e = failure;
	return failed;
}

int acme_order_new(struct acme *ca, struct arena *a, const struct acme_new_order *want,
                   struct acme_order *out, struct err *e)
{
	const struct acme_directory *d;
	struct acme_call call;
	const char *location, *url;

	if (want->unknown)
		*want->unknown = false;
	TRY(acme_directory(ca, &d, e));
	TRY(check_wish(a, want, d, e));
	TRY(send_wish(ca, a, want, want->replaces && d->renewal_info, &call, e));
	location = http_header(&call.res, "location");
	url = location ? acme_url_resolve(a, call.url, location) : NULL;
	if (!acme_url_is_ok(url, ca->allow_http))
		return err_set(e, ERR_PROTOCOL, "%s accepts the order but gives it no address",
		               acme_url_host(a, call.url));
	return read_order(ca, a, &call, url, out, e);
}

int acme_order_get(struct acme *ca, struct arena *a, const char *url, struct acme_order *out,
                   struct err *e)
{
	struct acme_call call = { .url = url, .payload = "", .max_body = ORDER_BODY };
	struct err failure;

	if (acme_call(ca, a, &call, &failure) < 0) {
		if (call.res.status == 404)
			failure.code = ERR_NOT_FOUND;
		*e = failure;
		return err_ctx(e, "order %s", url);
	}
	return read_order(ca, a, &call, url, out, e);
}

static bool is_past_ready(const struct acme_order *o)
{
	return !strcmp(o->status, "processing") || !strcmp(o->status, "valid");
}

/* The server says it is not ready: perhaps our CSR came before, and only its answer was lost; or it
 * has become ready since. */
static int look_again(struct acme *ca, struct arena *a, struct acme_order *o, bool *try_again,
                      struct err *e)
{
	struct acme_order now;
	struct err ignored;

	if (acme_order_get(ca, a, o->url, &now, &ignored) < 0)
		return -(int)e->code;
	*o = now;
	*try_again = !strcmp(now.status, "ready");
	return is_past_ready(&now) || *try_again ? 0 : -(int)e->code;
}

static int send_csr(struct acme *ca, struct arena *a, struct acme_order *o, const char *payload,
                    bool last, struct err *e)
{
	struct acme_call call = { .url = o->finalize, .payload = payload, .max_body = ORDER_BODY };
	bool try_again = false;
	struct err failure;

	if (acme_call(ca, a, &call, &failure) >= 0)
		return read_order(ca, a, &call, o->url, o, e);
	if (!last && !strcmp(failure.problem, "orderNotReady") &&
	    look_again(ca, a, o, &try_again, &failure) >= 0)
		return try_again ? send_csr(ca, a, o, payload, true, e) : 0;
	*e = failure;
	return -(int)e->code;
}

int acme_order_finalize(struct acme *ca, struct arena *a, struct acme_order *o,
                        const struct bytes *csr, struct err *e)
{
	json_auto_t *object = json_object();

	json_object_set_new(object, "csr", json_string(base64url_encode(a, csr->v, csr->n)));
	return send_csr(ca, a, o, json_text(a, object), false, e);
}

static bool is_waiting(const char *status, const char *const *while_status)
{
	for (; *while_status; while_status++)
		if (!strcmp(status, *while_status))
			return true;
	return false;
}

/* Reads the order into an arena that is thrown away with the next poll. */
static int poll_once(struct acme *ca, struct arena **scratch, struct acme_order *o, struct err *e)
{
	struct arena *fresh = arena_new(0);
	struct acme_order got;
	int failed = acme_order_get(ca, fresh, o->url, &got, e);

	if (failed) {
		arena_free(fresh);
		return failed;
	}
	arena_free(*scratch);
	*scratch = fresh;
	*o = got;
	return 0;
}

static struct acme_order order_dup(struct arena *a, const struct acme_order *o)
{
	return (struct acme_order){
		.url = arena_strdup(a, o->url),
		.status = arena_strdup(a, o->status),
		.finalize = arena_strdup(a, o->finalize),
		.certificate = arena_strdup(a, o->certificate),
		.authorizations = strings_dup(a, &o->authorizations),
		.identifiers = strings_dup(a, &o->identifiers),
		.expires_at = o->expires_at,
		.retry_s = o->retry_s,
		.error_text = arena_strdup(a, o->error_text),
		.error_type = arena_strdup(a, o->error_type),
	};
}

static int come_again(const struct acme_order *o, int64_t wait_ms, struct err *e)
{
	err_set(e, ERR_AGAIN, "the CA is still at work on the order (%s)", o->status);
	e->retry_s = (uint32_t)((wait_ms + 999) / 1000);
	return -ERR_AGAIN;
}

/* Waits and polls until the state is another one. o points into *scratch after the first poll. */
static int poll_until(struct acme *ca, struct arena **scratch, struct acme_order *o,
                      const char *const *while_status, int64_t until_ms, struct err *e)
{
	int64_t step_ms = POLL_FIRST_MS, wait_ms;

	while (is_waiting(o->status, while_status)) {
		wait_ms = step_ms;
		if ((int64_t)o->retry_s * 1000 > wait_ms)
			wait_ms = (int64_t)o->retry_s * 1000;
		if (wait_ms > WAIT_MOST_S * 1000 || clock_monotonic_ms() + wait_ms > until_ms)
			return come_again(o, wait_ms, e);
		TRY(cancel_sleep_ms(ca->cancel, wait_ms, e));
		TRY(poll_once(ca, scratch, o, e));
		step_ms *= 2;
		if (step_ms > POLL_MOST_MS)
			step_ms = POLL_MOST_MS;
	}
	return 0;
}

int acme_order_poll(struct acme *ca, struct arena *a, struct acme_order *o,
                    const char *const *while_status, uint32_t limit_s, struct err *e)
{
	CLEANUP(arena_cleanup) struct arena *scratch = NULL;
	int failed = poll_until(ca, &scratch, o, while_status,
	                        clock_monotonic_ms() + (int64_t)limit_s * 1000, e);

	if (scratch)
		*o = order_dup(a, o);
	return failed;
}
