/*
 * The body of an answer as anybody could send it, under several states and types: it becomes one
 * clean line and a code, and a problem document that is taken is bounded.
 */
#include <stdlib.h>
#include <string.h>

#include "acme/problem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct err *e)
{
	for (const char *p = e->text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			abort();
	if (!*e->text || strlen(e->problem) >= sizeof e->problem)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = { 200, 301, 400, 403, 404, 429, 500, 503 };
	static const char *const types[] = { "application/problem+json", "text/html", "text/plain",
		                             "application/json" };
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct http_header headers[] = { { "content-type", "" }, { "retry-after", "5" } };
	struct http_response res = { .headers = headers, .n_headers = 2 };
	struct acme_problem p;
	struct err e = { 0 };
	char *body = arena_alloc(a, size + 1);

	memcpy(body, data, size);
	res.body = body;
	res.body_len = size;
	if (acme_problem_parse(a, body, size, &p, &e) == 0 &&
	    (p.n_subproblems > 100 || !*acme_problem_text(a, &p)))
		abort();
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		res.status = statuses[i];
		headers[0].value = types[i % ARRAY_LEN(types)];
		e = (struct err){ 0 };
		if (acme_problem_from_response(a, &res, "https://ca.example/x", 0, &e) >= 0 ||
		    e.retry_s != 5)
			abort();
		check_text(&e);
	}
	return 0;
}
