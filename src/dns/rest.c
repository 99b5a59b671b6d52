/*
 * Calls and their retries. What is waited for is said, what failed is told in the service's own
 * words, and what may have been done is never done twice.
 */
#include "dns/rest.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "dns/rest_impl.h"
#include "sys/hash.h"

#define ATTEMPTS 6
#define LIMIT_MS 90000
#define FIRST_WAIT_MS 500
#define LONGEST_WAIT_MS 16000
#define HEADERS_MAX 16

/* The path without its query, which may hold what nobody else should see. */
static const char *place(struct arena *a, const struct rest_call *c)
{
	return arena_strndup(a, c->path, strcspn(c->path, "?"));
}

static enum err_code code_of(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
	case 410:
		return ERR_NOT_FOUND;
	case 409:
	case 412:
		return ERR_BUSY;
	case 429:
		return ERR_RATE_LIMITED;
	}
	return status >= 500 ? ERR_NETWORK : status >= 400 ? ERR_INPUT : ERR_PROTOCOL;
}

static int refused(struct dns_session *s, const struct rest_call *c, const struct rest_answer *r,
                   uint32_t retry_s, struct err *e)
{
	struct arena *a = s->arena;
	const char *hint = r->status == 401 ? " (check the credentials)" : "";

	err_set(e, code_of(r->status), "%s answers %s %s with status %d: %s%s", s->provider->title,
	        c->method, place(a, c), r->status, rest_words(a, c, r), hint);
	e->http_status = r->status;
	e->retry_s = retry_s;
	return -(int)e->code;
}

/* one attempt */

static const char *whole_url(struct dns_session *s, const struct rest_call *c)
{
	if (strncmp(c->path, "https://", 8) == 0 || strncmp(c->path, "http://", 7) == 0)
		return c->path;
	return arena_printf(s->arena, "%s%s", dns_base_url(s), c->path);
}

static size_t fill_headers(const struct rest_call *c, bool has_body, struct http_header *out)
{
	size_t n = 0;
	bool accepts = false;

	for (; n < ARRAY_LEN(c->headers) && c->headers[n].name; n++) {
		out[n] = c->headers[n];
		accepts = accepts || strcasecmp(out[n].name, "Accept") == 0;
	}
	if (!accepts)
		out[n++] = (struct http_header){ "Accept", "application/json" };
	if (has_body)
		out[n++] =
		    (struct http_header){ "Content-Type",
			                  c->content_type ? c->content_type : "application/json" };
	return n;
}

static void read_answer(struct dns_session *s, const struct http_response *res,
                        struct rest_answer *out)
{
	struct err ignored;
	const char *body = res->body ? res->body : "";

	*out = (struct rest_answer){
		.status = res->status,
		.text = body,
		.len = res->body_len,
		.etag = http_header(res, "etag"),
		.location = http_header(res, "location"),
		.http = arena_memdup(s->arena, res, sizeof(*res)),
	};
	if (*(body + strspn(body, " \t\r\n")) == '{' || *(body + strspn(body, " \t\r\n")) == '[')
		if (json_parse(body, res->body_len, &out->json, &ignored) < 0)
			out->json = NULL;
}

static int attempt(struct dns_session *s, struct rest_call *c, struct rest_answer *out,
                   struct err *e)
{
	struct http_header headers[HEADERS_MAX];
	struct http_response res;
	struct http_request req = { .headers = headers };

	if (c->sign)
		TRY(c->sign(s, c, c->ctx, e));
	req.method = c->method;
	req.url = whole_url(s, c);
	req.body = c->json ? json_text(s->arena, c->json) : c->body;
	req.body_len = req.body ? strlen(req.body) : 0;
	req.limit_ms = c->limit_ms;
	req.max_body = c->max_body;
	req.once = c->creates;
	req.n_headers = fill_headers(c, req.body != NULL, headers);
	TRY(http_do(s->http, s->arena, &req, s->cancel, &res, e));
	read_answer(s, &res, out);
	return 0;
}

/* retries */

static bool is_fine(const struct rest_call *c, int status)
{
	if (status >= 200 && status < 300)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(c->fine) && c->fine[i]; i++)
		if (c->fine[i] == status)
			return true;
	return false;
}

/* Refused before anything was done. */
static bool is_refusal(int status)
{
	return status == 429 || status == 503;
}

static bool may_be_repeated(const struct rest_call *c, const struct rest_answer *r)
{
	if (c->again && c->again(r))
		return true;
	if (is_refusal(r->status))
		return true;
	return !c->creates &&
	       (r->status == 408 || r->status == 500 || r->status == 502 || r->status == 504);
}

/* Some say it in the body (GoDaddy's retryAfterSec). */
static uint32_t asked_wait_s(struct arena *a, const struct rest_answer *r)
{
	const char *value = http_header(r->http, "retry-after");
	int64_t at, now = clock_now();
	struct err ignored;
	char *end;
	long n;

	if (!value)
		value = rest_text(a, r->json, "retryAfterSec");
	if (!value)
		return 0;
	n = strtol(value, &end, 10);
	if (end != value && !*end)
		return n < 0 ? 0 : n > 86400 ? 86400 : (uint32_t)n;
	if (clock_parse_http_date(value, &at, &ignored) < 0 || at <= now)
		return 0;
	return at - now > 86400 ? 86400 : (uint32_t)(at - now);
}

/* Doubling, and up to a half more by chance, so that many who were refused at once do not come back
 * at once. */
static int64_t own_wait_ms(int attempt_no)
{
	int64_t ms = (int64_t)FIRST_WAIT_MS << attempt_no;
	uint64_t extra = 0;
	struct err ignored;

	ms = ms > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : ms;
	if (hash_random_below((uint64_t)ms / 2, &extra, &ignored) < 0)
		extra = 0;
	return ms + (int64_t)extra;
}

struct tries {
	int n;
	int64_t end_ms;
};

/* Waits before the next attempt; false = there is none. */
static int wait_again(struct dns_session *s, struct tries *t, uint32_t asked_s, const char *why,
                      bool *go, struct err *e)
{
	int64_t ms = asked_s ? (int64_t)asked_s * 1000 : own_wait_ms(t->n);

	*go = false;
	if (++t->n >= ATTEMPTS || clock_monotonic_ms() + ms > t->end_ms)
		return 0;
	if (asked_s > 2)
		log_warn("DNS account %s: %s asks to wait %u s (%s)", s->account,
		         s->provider->title, asked_s, why);
	else
		log_detail("DNS account %s: %s; again in %lld ms", s->account, why, (long long)ms);
	TRY(cancel_sleep_ms(s->cancel, ms, e));
	*go = true;
	return 0;
}

static int unsure(struct dns_session *s, const struct rest_call *c, const struct err *why,
                  struct err *e)
{
	struct err cause = *why;

	err_set(e, ERR_AGAIN, "%s may or may not have done %s %s: %s", s->provider->title,
	        c->method, place(s->arena, c), cause.text);
	e->http_status = cause.http_status;
	return -(int)e->code;
}

/* What became of one attempt: 0 = *out is the answer; 1 = try again; else the failure. */
static int judge(struct dns_session *s, struct rest_call *c, struct tries *t, int rc,
                 struct rest_answer *r, struct err *why, struct err *e)
{
	uint32_t asked_s = 0;
	bool again, go;

	if (rc == 0 && is_fine(c, r->status) && !(c->again && c->again(r)))
		return 0;
	if (rc == 0) {
		asked_s = asked_wait_s(s->arena, r);
		again = may_be_repeated(c, r);
		refused(s, c, r, asked_s, why);
	} else {
		again = why->code == ERR_NETWORK && !c->creates;
	}
	if (c->creates && !again && why->code == ERR_NETWORK)
		return unsure(s, c, why, e);
	if (again) {
		TRY(wait_again(s, t, asked_s, why->text, &go, e));
		if (go)
			return 1;
	}
	*e = *why;
	return -(int)e->code;
}

int rest_do(struct dns_session *s, struct rest_call *c, struct rest_answer *out, struct err *e)
{
	struct tries t = { 0, clock_monotonic_ms() + LIMIT_MS };

	for (;;) {
		struct rest_answer r CLEANUP(rest_answer_done) = { 0 };
		struct err why = { 0 };
		int rc = attempt(s, c, &r, &why);

		rc = judge(s, c, &t, rc, &r, &why, e);
		if (rc < 0)
			return rc;
		if (rc == 0) {
			*out = r;
			r.json = NULL;
			return 0;
		}
	}
}

int rest_json(struct dns_session *s, struct rest_call *c, struct rest_answer *out, struct err *e)
{
	struct rest_answer r CLEANUP(rest_answer_done) = { 0 };

	TRY(rest_do(s, c, &r, e));
	if (!r.json) {
		err_set(e, ERR_PROTOCOL, "%s answers %s %s with something that is not JSON: %s",
		        s->provider->title, c->method, place(s->arena, c),
		        rest_words(s->arena, c, &r));
		e->http_status = r.status;
		return -(int)e->code;
	}
	*out = r;
	r.json = NULL;
	return 0;
}

void rest_answer_done(struct rest_answer *r)
{
	json_decref(r->json);
	r->json = NULL;
}
