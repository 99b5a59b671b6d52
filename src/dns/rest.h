/*
 * HTTP calls to a provider's service. Here, once for all providers: the request's URL and headers,
 * retries (RFC 9110 10.2.3 Retry-After in both forms, connection failures, 408, 429, 500, 502, 503,
 * 504; never 400, 401, 403, 404, 409, 412 or 422), limits, and errors that say what the service
 * said. A call that is not idempotent is retried only when the request surely did not arrive, or
 * was refused with 429 or 503; otherwise ERR_AGAIN asks the provider to look whether it was done.
 */
#ifndef DNS_REST_H
#define DNS_REST_H

#include "base/json.h"
#include "dns/provider.h"

struct rest_answer {
	int status;
	const char *text; /* the body */
	size_t len;
	json_t *json; /* NULL if it is none; owned: struct rest_answer r CLEANUP(rest_answer_done) =
	                 { 0 }; */
	const char *etag, *location; /* headers; NULL = none */
	const struct http_response *http;
};
void rest_answer_done(struct rest_answer *r);

struct rest_call {
	const char *method; /* "GET", … */
	const char *
	    path; /* after the base URL, escaped already (rest_escape); or a whole http(s):// URL */
	struct http_header headers[12];  /* own ones, ended by a NULL name; values may be secrets */
	const json_t *json;              /* body as JSON */
	const char *body, *content_type; /* or as text */
	bool creates;                    /* not idempotent: see above */
	/* Statuses besides 2xx that are an answer and no error: 404 for "it is not there".
	 * 0-terminated. */
	int fine[6];
	/* What the service's error body says, in one line; NULL = found by itself in the usual
	 * members (message, error, errors[].message, detail, code …). */
	const char *(*explain)(struct arena *a, const struct rest_answer *r);
	/* Whether an error that is not retried by its status is nevertheless to be (Route 53's 400
	 * Throttling). NULL = none. */
	bool (*again)(const struct rest_answer *r);
	/* Before each attempt: signatures and tokens that must be fresh; may set headers[] and
	 * path. NULL = none. */
	int (*sign)(struct dns_session *s, struct rest_call *c, void *ctx, struct err *e);
	void *ctx;
	uint32_t limit_ms; /* 0 = 30,000 for one attempt */
	size_t max_body;   /* of the answer; 0 = 1 MiB */
};
/* Does it, at most 6 attempts and 90 s (longer waits asked for by Retry-After: ERR_RATE_LIMITED
 * with retry_s). On success the status is 2xx or one of `fine`. Errors: ERR_DENIED for 401 and 403,
 * ERR_NOT_FOUND 404, ERR_INPUT other 4xx, ERR_BUSY for 409 and 412, ERR_RATE_LIMITED, ERR_NETWORK,
 * ERR_TLS, ERR_PROTOCOL (a body that is not JSON although one is needed: rest_json), ERR_AGAIN;
 * e->http_status is set. */
NODISCARD int rest_do(struct dns_session *s, struct rest_call *c, struct rest_answer *out,
                      struct err *e);
/* The same, and the answer must be a JSON object or array. */
NODISCARD int rest_json(struct dns_session *s, struct rest_call *c, struct rest_answer *out,
                        struct err *e);

/* Whether a URL that an answer gave (the next page) is at the service's own address: tokens go
 * nowhere else. */
bool rest_is_ours(const struct dns_session *s, const char *url);

/* Percent-encodes everything but RFC 3986's unreserved characters. */
char *rest_escape(struct arena *a, const char *text);
/* "a=b&c=d" from name/value pairs ended by NULL; a pair with a NULL value is left out. */
char *rest_form(struct arena *a, ...) __attribute__((sentinel));

/* Members of answers, whatever their JSON type: a number is given as its text. NULL if absent, null
 * or not scalar. */
const char *rest_text(struct arena *a, const json_t *object, const char *name);
/* The array at a member (or the value itself for name NULL); ERR_PROTOCOL naming the member if it
 * is something else. */
NODISCARD int rest_array(const json_t *object, const char *name, const json_t **out, struct err *e);

#endif
