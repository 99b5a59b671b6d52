/* Problem documents of errors, and errors of problem documents. */
#include "ops/problem.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/json.h"
#include "base/log.h"

const struct field problem_fields[] = {
	FIELD(struct problem, type, FT_STRING, 0, "about:blank: the status says what kind it is"),
	FIELD(struct problem, title, FT_STRING, 0, "the status in words"),
	FIELD(struct problem, status, FT_INT, 0, "HTTP status"),
	FIELD(struct problem, detail, FT_STRING, 0, "what is wrong, and what to do"),
	FIELD(struct problem, code, FT_STRING, 0, "what kind of failure it is, one word"),
	FIELD(struct problem, member, FT_STRING, 0, "member of the request that is at fault"),
	FIELD(struct problem, problem, FT_STRING, 0, "the CA's own word for it (RFC 8555)"),
	FIELD(struct problem, retry_after, FT_INT, 0, "seconds to wait before another try"),
	FIELD_END
};

static const struct {
	int status;
	const char *title;
} titles[] = {
	{ 400, "Bad Request" },       { 401, "Unauthorized" },
	{ 403, "Forbidden" },         { 404, "Not Found" },
	{ 409, "Conflict" },          { 412, "Precondition Failed" },
	{ 429, "Too Many Requests" }, { 500, "Internal Server Error" },
	{ 502, "Bad Gateway" },       { 503, "Service Unavailable" },
};

static const char *title_of(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

struct problem problem_of(struct arena *a, const struct err *e)
{
	int status = err_http_status(e->code);

	return (struct problem){
		.type = "about:blank",
		.title = title_of(status),
		.status = status,
		.detail = arena_strdup(a, e->text),
		.code = err_word(e->code),
		.member = e->member[0] ? arena_strdup(a, e->member) : NULL,
		.problem = e->problem[0] ? arena_strdup(a, e->problem) : NULL,
		.retry_after = e->retry_s,
	};
}

/* ERR_PARTIAL names what failed of what was asked for. */
static bool is_of_the_host(const struct err *e, const char *dir)
{
	return (err_http_status(e->code) == 500 && e->code != ERR_PARTIAL) ||
	       (dir && *dir && strstr(e->text, dir));
}

void problem_hide(struct err *e, const char *dir, const char *what)
{
	uint32_t number = 0;

	if (!is_of_the_host(e, dir))
		return;
	if (getrandom(&number, sizeof(number), 0) < 0)
		number = 0;
	log_error("%s failed [%08x]: %s", what, number, e->text);
	snprintf(e->text, sizeof(e->text), "the daemon's log says what went wrong, under %08x",
	         number);
}

const char *problem_text(struct arena *a, const struct err *e)
{
	struct problem p = problem_of(a, e);
	json_auto_t *object = json_encode_given(problem_fields, &p, NULL);

	return json_text(a, object);
}

void problem_error(const struct problem *p, struct err *e)
{
	err_set(e, err_of_word(p->code), "%s", p->detail ? p->detail : "no reason was told");
	if (p->retry_after > 0 && p->retry_after <= UINT32_MAX)
		e->retry_s = (uint32_t)p->retry_after;
	snprintf(e->member, sizeof(e->member), "%s", p->member ? p->member : "");
	snprintf(e->problem, sizeof(e->problem), "%s", p->problem ? p->problem : "");
}
