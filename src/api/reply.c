/* Replies: text, problem documents (RFC 9457), and the headers of all of them. */
#include <string.h>

#include "api/route.h"
#include "base/json.h"
#include "ops/problem.h"

#define RETRY_S 5

void reply_header(struct api_call *c, const char *name, const char *value)
{
	for (size_t i = 0; i < HTTPD_HEADERS; i++) {
		if (c->reply->headers[i].name && strcmp(c->reply->headers[i].name, name) != 0)
			continue;
		c->reply->headers[i].name = name;
		c->reply->headers[i].value = value;
		return;
	}
}

void reply_text(struct api_call *c, unsigned status, const char *type, const char *text)
{
	c->reply->status = status;
	c->reply->type = type;
	c->reply->body = text;
	c->reply->len = strlen(text);
}

static const struct {
	unsigned status;
	const char *title;
} titles[] = {
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 409, "Conflict" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
};

static const char *title(unsigned status)
{
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Internal Server Error";
}

static void reply_document(struct api_call *c, const struct problem *p)
{
	json_auto_t *body = json_encode_given(problem_fields, p, NULL);

	reply_text(c, (unsigned)p->status, "application/problem+json",
	           arena_printf(c->a, "%s\n", json_text(c->a, body)));
	if (p->retry_after)
		reply_header(c, "Retry-After",
		             arena_printf(c->a, "%lld", (long long)p->retry_after));
	if (p->status == 401)
		reply_header(c, "WWW-Authenticate", "Bearer realm=\"everleaf\"");
}

void reply_problem(struct api_call *c, unsigned status, const char *detail)
{
	const struct problem p = {
		.type = "about:blank", .title = title(status), .status = status, .detail = detail
	};

	reply_document(c, &p);
}

void reply_too_many(struct api_call *c, uint32_t retry_s)
{
	const struct problem p = { .type = "about:blank",
		                   .title = title(429),
		                   .status = 429,
		                   .detail = "too many requests; come again later",
		                   .retry_after = retry_s };

	reply_document(c, &p);
}

void reply_error(struct api_call *c, const struct err *e)
{
	struct err told = *e;
	struct problem p;

	problem_hide(&told, c->o ? ops_state_dir(c->o) : NULL, c->op ? c->op->id : c->q->path);
	p = problem_of(c->a, &told);
	p.title = title((unsigned)p.status);
	if (p.status == 503 && !p.retry_after)
		p.retry_after = RETRY_S;
	reply_document(c, &p);
}

void reply_finish(struct api_call *c)
{
	reply_header(c, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
	reply_header(c, "Referrer-Policy", "no-referrer");
	if (c->q && c->q->is_tls)
		reply_header(c, "Strict-Transport-Security", "max-age=31536000");
}
