/*
 * The one file of the command line that speaks HTTP. A request that is cut is sent again where that
 * is harmless: what makes something carries a key by which the daemon knows it again. Redirects are
 * not followed, so that the token goes nowhere else.
 */
#include "cli/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/progress.h"
#include "cli/remote_request.h"
#include "model/task.h"
#include "ops/problem.h"
#include "sys/http.h"

#define ANSWER_MAX_BYTES ((size_t)JSON_MAX_BYTES)
#define TOKEN_MAX_BYTES 1024
#define REQUEST_MS 60000
#define TRIES 4
#define PAUSE_MS 400
#define LOOK_MS 100 /* at a job, at first */
#define LOOK_MOST_MS 2000
#define WAIT_MOST_S 60      /* that a daemon may ask for before it takes a request */
#define UNDER_WAY_MS 300000 /* a request whose answer was lost is waited for */
#define GONE_MS 60000       /* a daemon that is away so long while a job runs is not waited for */

struct remote {
	struct http *http;
	const char *url;           /* "https://host:1" */
	const char *authorization; /* "Bearer …" */
};

static int read_token(struct cli *c, const char **out, struct err *e)
{
	const char *given = getenv("EVERLEAF_TOKEN");
	char *token;

	if (c->globals.token_file) {
		TRY(fs_read_secret(c->arena, c->globals.token_file, TOKEN_MAX_BYTES, &token, e));
	} else if (given && *given) {
		token = arena_strdup(c->arena, given);
	} else {
		return err_set(
		    e, ERR_USAGE,
		    "--server needs a token: --token-file FILE, or EVERLEAF_TOKEN in the "
		    "environment (`everleaf token create` makes one)");
	}
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(e, ERR_INPUT, "the token holds what no token holds");
	*out = arena_printf(c->arena, "Bearer %s", token);
	return 0;
}

int remote_open(struct cli *c, struct remote **out, struct err *e)
{
	struct http_options o = { .ca_bundle_file = c->globals.server_ca_bundle,
		                  .user_agent = "everleaf/" EVERLEAF_VERSION,
		                  .allow_http = true };
	struct remote *r = ARENA_NEW(c->arena, struct remote);
	bool clear;

	TRY(remote_url(c->arena, c->globals.server, &r->url, &clear, e));
	if (clear)
		return err_set(e, ERR_USAGE,
		               "%s is not encrypted: anybody on the way could read the token; use "
		               "https://",
		               r->url);
	if (strncmp(r->url, "http://", 7) == 0)
		o.proxy = ""; /* this machine itself */
	TRY(read_token(c, &r->authorization, e));
	TRY(http_open(&o, &r->http, e));
	*out = r;
	return 0;
}

void remote_close(struct remote *r)
{
	http_close(r->http);
}

/* By which the daemon knows a request again that it has answered already. */
static int fresh_key(struct arena *a, const char **out, struct err *e)
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_errno(e, ERR_IO, errno, "no random bytes");
	*out = hex_encode(a, bytes, sizeof(bytes));
	return 0;
}

static bool is_harmless_again(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "POST") == 0;
}

static uint32_t retry_after(const struct http_response *res)
{
	const char *text = http_header(res, "retry-after");
	long s = text ? strtol(text, NULL, 10) : 0;

	return s > 0 && s <= 86400 ? (uint32_t)s : 0;
}

static bool problem_read(struct arena *a, const struct http_response *res, struct problem *p)
{
	json_auto_t *object = NULL;
	struct err ignored;

	*p = (struct problem){ 0 };
	return json_parse(res->body, res->body_len, &object, &ignored) == 0 &&
	       json_decode(a, object, problem_fields, p, sizeof(*p), false, &ignored) == 0 &&
	       p->detail;
}

/* The daemon still does this very request, whose connection was cut: its answer will be kept. What
 * an operation itself answers with this status has a code. */
static bool is_under_way(struct arena *a, const char *method, const struct http_response *res)
{
	struct problem p;

	return res->status == 409 && strcmp(method, "POST") == 0 && retry_after(res) > 0 &&
	       retry_after(res) <= WAIT_MOST_S && problem_read(a, res, &p) && !p.code;
}

/* Sends it, and again after a cut. */
static int send_it(struct cli *c, struct arena *a, const char *method,
                   const struct remote_request *q, struct http_response *res, struct err *e)
{
	struct http_header headers[5] = { { "authorization", c->remote->authorization },
		                          { "accept", "application/json" } };
	struct http_request req = { .method = method,
		                    .url = arena_printf(a, "%s/api/v1%s", c->remote->url, q->path),
		                    .headers = headers,
		                    .n_headers = 2,
		                    .body = q->body,
		                    .body_len = q->body ? strlen(q->body) : 0,
		                    .max_body = ANSWER_MAX_BYTES,
		                    .limit_ms = REQUEST_MS };
	int64_t end = clock_monotonic_ms() + UNDER_WAY_MS;

	if (q->body)
		headers[req.n_headers++] =
		    (struct http_header){ "content-type", "application/json" };
	if (strcmp(method, "POST") == 0) {
		headers[req.n_headers].name = "idempotency-key";
		TRY(fresh_key(a, &headers[req.n_headers++].value, e));
	}
	for (unsigned tries = 1;; tries++) {
		bool answered = http_do(c->remote->http, a, &req, c->cancel, res, e) == 0;

		if (answered && (!is_under_way(a, method, res) || clock_monotonic_ms() >= end))
			return 0;
		if (answered) {
			log_detail("the daemon is still at it; asked again in %u s",
			           retry_after(res));
			TRY(cancel_sleep_ms(c->cancel, retry_after(res) * INT64_C(1000), e));
			tries = 0;
			continue;
		}
		if (e->code != ERR_NETWORK || tries == TRIES || !is_harmless_again(method))
			return err_ctx(e, "the daemon at %s", c->remote->url);
		log_detail("%s; tried again", e->text);
		TRY(cancel_sleep_ms(c->cancel, PAUSE_MS * tries, e));
	}
}

static enum err_code code_of_status(int status)
{
	switch (status) {
	case 400:
	case 413:
	case 422:
		return ERR_USAGE;
	case 401:
		return ERR_UNKNOWN_CALLER;
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 429:
		return ERR_RATE_LIMITED;
	case 503:
		return ERR_AGAIN;
	}
	return ERR_PROTOCOL;
}

/* What a problem document says, in its own words. */
static int refused(struct cli *c, struct arena *a, const struct http_response *res, struct err *e)
{
	struct problem p;

	if (!problem_read(a, res, &p))
		err_set(e, code_of_status(res->status), "%s answers with status %d%s",
		        c->remote->url, res->status,
		        res->status / 100 == 3 ? "; redirects are not followed" : "");
	else
		problem_error(&p, e);
	if (p.detail && !p.code)
		e->code = is_under_way(a, "POST", res) ? ERR_BUSY : code_of_status(res->status);
	if (!e->retry_s)
		e->retry_s = retry_after(res);
	e->http_status = res->status;
	return -(int)e->code;
}

static int strange(struct cli *c, struct err *e)
{
	e->code = ERR_PROTOCOL;
	return err_ctx(e, "what the daemon at %s answers", c->remote->url);
}

static int take(struct cli *c, struct arena *a, const struct operation *op, const char *text,
                size_t len, void *out, struct err *e)
{
	json_auto_t *object = NULL;

	if (!op->out->name)
		return 0;
	if (json_parse(text, len, &object, e) < 0 ||
	    json_decode(a, object, op->out, out, op->out_size, false, e) < 0)
		return strange(c, e);
	return 0;
}

/* The state of a job, and why waiting for it ends. */
static int look_at_job(struct cli *c, struct arena *a, int64_t id, struct task *t, uint32_t *wait_s,
                       struct err *e)
{
	const struct remote_request q = { arena_printf(a, "/jobs/%lld", (long long)id), NULL };
	json_auto_t *object = NULL;
	struct http_response res;

	TRY(send_it(c, a, "GET", &q, &res, e));
	*wait_s = retry_after(&res);
	if (res.status != 200)
		return refused(c, a, &res, e);
	if (json_parse(res.body, res.body_len, &object, e) < 0 ||
	    json_decode(a, object, task_fields, t, sizeof(*t), false, e) < 0 || !t->state)
		return strange(c, e);
	return 0;
}

static int job_ended(struct cli *c, struct arena *a, const struct operation *op,
                     const struct task *t, void *out, struct err *e)
{
	json_auto_t *object = NULL;
	struct problem p = { 0 };

	/* certificates that failed are told beside the others */
	if (t->result && op->out->name)
		return take(c, a, op, t->result, strlen(t->result), out, e);
	if (strcmp(t->state, "done") == 0)
		return op->out->name ? err_set(e, ERR_PROTOCOL, "job %lld ended without a result",
		                               (long long)t->id)
		                     : 0;
	if (!t->error || json_parse(t->error, strlen(t->error), &object, e) < 0 ||
	    json_decode(a, object, problem_fields, &p, sizeof(p), false, e) < 0)
		return err_set(e, ERR_PROTOCOL, "job %lld failed, and did not say why",
		               (long long)t->id);
	problem_error(&p, e);
	return -(int)e->code;
}

static int left_alone(struct cli *c, int64_t id, struct err *e)
{
	return err_ctx(e, "job %lld goes on at %s", (long long)id, c->remote->url);
}

static void tell(struct cli *c, const struct task *t, const char *subject, const char *step)
{
	struct ops_report report;

	(void)t;
	if (!c->progress)
		return;
	report = progress_report(c->progress);
	report.step(report.ctx, subject, step);
}

int remote_await(struct cli *c, struct arena *a, const struct operation *op, int64_t id, void *out,
                 struct err *e)
{
	const char *subject = arena_printf(a, "job %lld", (long long)id);
	int64_t pause = LOOK_MS, seen = clock_monotonic_ms();
	uint32_t wait_s = 0;

	for (;;) {
		CLEANUP(arena_cleanup) struct arena *own = arena_new(0);
		struct task t = { 0 };

		if (look_at_job(c, own, id, &t, &wait_s, e) == 0) {
			seen = clock_monotonic_ms();
			tell(c, &t, t.subject ? t.subject : subject, t.state);
		} else if (e->code == ERR_CANCELLED || !err_is_retryable(e->code) ||
		           clock_monotonic_ms() - seen > GONE_MS) {
			return left_alone(c, id, e);
		}
		if (t.ended_at) {
			tell(c, &t, t.subject ? t.subject : subject, NULL);
			return job_ended(c, a, op, &t, out, e);
		}
		if (wait_s && wait_s * INT64_C(1000) > pause)
			pause = wait_s * INT64_C(1000);
		if (cancel_sleep_ms(c->cancel, pause, e) < 0)
			return left_alone(c, id, e);
		pause = pause * 3 / 2 < LOOK_MOST_MS ? pause * 3 / 2 : LOOK_MOST_MS;
	}
}

static int job_number(struct cli *c, const struct http_response *res, int64_t *id, struct err *e)
{
	json_auto_t *object = NULL;

	if (json_parse(res->body, res->body_len, &object, e) < 0)
		return strange(c, e);
	*id = json_integer_value(json_object_get(object, "id"));
	if (*id <= 0)
		return err_set(e, ERR_PROTOCOL, "%s named no job", c->remote->url);
	return 0;
}

/* A file as it is, or in JSON. */
static int take_raw(struct cli *c, struct arena *a, const struct operation *op,
                    const struct http_response *res, struct raw *out, struct err *e)
{
	const char *type = http_header(res, "content-type");

	if (type && strncmp(type, "application/json", 16) == 0)
		return take(c, a, op, res->body, res->body_len, out, e);
	out->type = arena_strdup(a, type);
	out->data = base64_encode(a, res->body, res->body_len);
	return 0;
}

/* Made and sent; a daemon that wants it slower is given the time. */
static int request(struct cli *c, struct arena *a, const struct operation *op, void *in,
                   struct http_response *res, struct err *e)
{
	struct remote_request q;
	uint32_t wait_s;

	TRY(remote_request_make(a, op, in, &q, e));
	for (unsigned tries = 1;; tries++) {
		TRY(send_it(c, a, op->method, &q, res, e));
		wait_s = retry_after(res);
		if (res->status != 429 || tries == TRIES || wait_s == 0 || wait_s > WAIT_MOST_S)
			return res->status / 100 == 2 ? 0 : refused(c, a, res, e);
		log_detail("the daemon asks to wait %u s", wait_s);
		TRY(cancel_sleep_ms(c->cancel, wait_s * INT64_C(1000), e));
	}
}

int remote_begin(struct cli *c, const struct operation *op, void *in, int64_t *id, struct err *e)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);
	struct http_response res;

	TRY(request(c, a, op, in, &res, e));
	return job_number(c, &res, id, e);
}

int remote_ask(struct cli *c, struct arena *a, const struct operation *op, void *in, void *out,
               struct err *e)
{
	struct http_response res;
	int64_t id;

	TRY(request(c, a, op, in, &res, e));
	if (res.status == 202 && op->flags & OP_JOB) {
		TRY(job_number(c, &res, &id, e));
		return remote_await(c, a, op, id, out, e);
	}
	if (res.status == 204)
		return 0;
	if (op->flags & OP_RAW)
		return take_raw(c, a, op, &res, out, e);
	return take(c, a, op, res.body, res.body_len, out, e);
}
