/*
 * A webhook: the news as JSON to an address of the person's own, signed with a shared secret over
 * the time and the body, so that the receiver knows who sent it and that it is not an old one sent
 * again. No redirect is followed, no body of an answer is shown, and addresses inside are reached
 * only where that is allowed.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "notify/render.h"
#include "sys/hash.h"
#include "sys/http.h"
#include "sys/url.h"

#define ANSWER_MAX 4096

struct webhook {
	const char *url, *secret, *authorization, *ca_bundle;
	bool allow_http, allow_private;
	int64_t timeout_s;
};

static const struct field webhook_fields[] = {
	FIELD(struct webhook, url, FT_SECRET, F_REQUIRED | F_PEER,
	      "https:// address that takes a POST of JSON; kept secret, since many such addresses "
	      "are a key in themselves"),
	FIELD(struct webhook, secret, FT_SECRET, F_REQUIRED,
	      "shared with the receiver, at least 16 characters. Everleaf-Signature is v1= and the "
	      "HMAC-SHA256 with it, in hexadecimal, over Everleaf-Timestamp, a dot, and the body"),
	FIELD(struct webhook, authorization, FT_SECRET, 0,
	      "value of an Authorization header, where the receiver wants one"),
	FIELD(struct webhook, allow_http, FT_BOOL, 0, "yes: http:// too, which anybody can read"),
	FIELD(struct webhook, allow_private, FT_BOOL, F_HOST,
	      "yes: loopback, link-local and private addresses too, and through a proxy if one is "
	      "configured"),
	FIELD(struct webhook, ca_bundle, FT_STRING, F_HOST,
	      "file with the trust anchors for the receiver (PEM); the system's otherwise"),
	FIELD_NAMED(struct webhook, timeout_s, "timeout", FT_INT, 0,
	            "seconds to wait for the answer, at most 300 (30)"),
	FIELD_END
};

static int webhook_check(struct arena *a, void *settings, struct err *e)
{
	struct webhook *w = settings;
	struct url url;
	struct err bad;

	if (url_join(a, NULL, w->url, &url, &bad) < 0)
		return err_set(e, ERR_CONFIG, "\"url\" is not the address of a web service");
	if (strcmp(url.scheme, "https") != 0 && !(w->allow_http && strcmp(url.scheme, "http") == 0))
		return err_set(e, ERR_CONFIG,
		               "\"url\" must begin with https:// (or, with allow_http: yes, "
		               "http://)");
	if (strlen(w->secret) < 16)
		return err_set(e, ERR_CONFIG, "\"secret\" must have at least 16 characters");
	if (w->authorization && strpbrk(w->authorization, "\r\n"))
		return err_set(e, ERR_CONFIG, "\"authorization\" must be one line");
	if (w->timeout_s < 0 || w->timeout_s > 300)
		return err_set(e, ERR_CONFIG, "\"timeout\" must be 1 to 300 seconds");
	w->url = url.text;
	return 0;
}

static const char *webhook_ca_bundle(const void *settings)
{
	return ((const struct webhook *)settings)->ca_bundle;
}

static int sign(struct arena *a, const struct webhook *w, const char *stamp, const char *body,
                const char **out, struct err *e)
{
	const char *text = arena_printf(a, "%s.%s", stamp, body);
	unsigned char mac[HASH_MAX];

	TRY(hash_hmac(HASH_SHA256, w->secret, strlen(w->secret), text, strlen(text), mac, e));
	*out = arena_printf(a, "v1=%s", hex_encode(a, mac, hash_len(HASH_SHA256)));
	return 0;
}

static int webhook_send(const struct channel_session *s, const struct message *m, struct err *e)
{
	const struct webhook *w = s->settings;
	const char *body = render_json(s->arena, m), *signature,
	           *stamp = arena_printf(s->arena, "%lld", (long long)clock_now());
	struct http_response answer;

	TRY(sign(s->arena, w, stamp, body, &signature, e));
	const struct http_header headers[] = {
		{ "Content-Type", "application/json" }, { "Everleaf-Event", render_event(m) },
		{ "Everleaf-Delivery", m->id },         { "Everleaf-Timestamp", stamp },
		{ "Everleaf-Signature", signature },    { "Authorization", w->authorization },
	};
	const struct http_request request = {
		.method = "POST",
		.url = w->url,
		.headers = headers,
		.n_headers = ARRAY_LEN(headers) - !w->authorization,
		.body = body,
		.body_len = strlen(body),
		.max_body = ANSWER_MAX,
		.cut = true,
		.public_only = !w->allow_private && !s->allow_private,
		.limit_ms = (uint32_t)(w->timeout_s * 1000),
		.once = true,
	};
	TRY(http_do(s->http, s->arena, &request, s->cancel, &answer, e));
	if (answer.status / 100 == 3)
		return err_set(e, ERR_PROTOCOL,
		               "the receiver answers with a redirect (status %d), which is not "
		               "followed; give its new address",
		               answer.status);
	if (answer.status / 100 != 2)
		return err_set(e, answer.status >= 500 ? ERR_NETWORK : ERR_PROTOCOL,
		               "the receiver answers with status %d", answer.status);
	return 0;
}

const struct channel_kind channel_webhook = {
	.name = "webhook",
	.title = "Webhook",
	.setup =
	    "The receiver checks the signature before it believes anything, refuses a timestamp "
	    "that "
	    "is more than a few minutes old, and takes a delivery it has seen (Everleaf-Delivery) "
	    "only once. Any status from 200 to 299 says that it has it.",
	.fields = webhook_fields,
	.settings_size = sizeof(struct webhook),
	.ca_bundle = webhook_ca_bundle,
	.check = webhook_check,
	.send = webhook_send,
};
