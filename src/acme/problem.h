/* Problem documents (RFC 9457, RFC 8555 6.7) and every other kind of bad answer, turned into one
 * line for a person. */
#ifndef ACME_PROBLEM_H
#define ACME_PROBLEM_H

#include "base/arena.h"
#include "base/err.h"
#include "sys/http.h"

struct acme_subproblem {
	const char *type; /* without the urn prefix */
	const char *detail;
	const char *identifier; /* the name it speaks of; NULL = none */
};
struct acme_problem {
	const char
	    *type; /* without "urn:ietf:params:acme:error:"; other types as they are; "" = none */
	const char *detail;                  /* "" = none */
	const char *instance;                /* NULL = none */
	int status;                          /* 0 = none */
	struct acme_subproblem *subproblems; /* at most 100 */
	size_t n_subproblems;
};
/* Decodes a problem document text. ERR_INPUT. */
NODISCARD int acme_problem_parse(struct arena *a, const char *text, size_t len,
                                 struct acme_problem *out, struct err *e);
/* "unauthorized: detail (example.org: dns: no such host; …)": names first that failed. */
char *acme_problem_text(struct arena *a, const struct acme_problem *p);
/* Fills e from an answer that is not 2xx (or not what was expected): a problem document, HTML ("an
 * HTML page titled …"), an empty or truncated body, a redirect. Code by type and status:
 * rateLimited and 429 ERR_RATE_LIMITED, 5xx and serverInternal ERR_CA_UNAVAILABLE,
 * userActionRequired ERR_TERMS (with the terms' link), else ERR_ACME for a problem document and
 * ERR_PROTOCOL otherwise; retry_s from Retry-After. Returns -code. */
int acme_problem_from_response(struct arena *a, const struct http_response *res, const char *url,
                               int64_t now, struct err *e);
/* The err code of a problem type as above. */
enum err_code acme_problem_code(const char *type, int status);

#endif
