/*
 * AWS's Signature Version 4: proves with a key, which never leaves, that a request is ours and
 * unchanged. Written by us over sys/hash.h, because libcurl's own does not sort the query before
 * 8.x and is refused then. Pure: the time is given.
 */
#ifndef DNS_AWS_SIGN_H
#define DNS_AWS_SIGN_H

#include "base/arena.h"
#include "base/err.h"
#include "sys/http.h"

struct aws_keys {
	const char *access_key_id, *secret_access_key;
	const char *session_token; /* NULL = a long-lived key */
	int64_t expires_at;        /* 0 = never */
};
struct aws_request {
	const char *method;
	const char *path;                  /* as sent: "/2013-04-01/hostedzone" */
	const char *query;                 /* as sent, without "?"; NULL = none */
	const struct http_header *headers; /* those to be signed; host and x-amz-date among them */
	size_t n_headers;
	const char *body; /* NULL = none */
	size_t body_len;
};
struct aws_scope {
	const char *region, *service; /* "us-east-1", "route53" */
	int64_t at;                   /* Unix seconds */
};
struct aws_signature {
	const char *canonical, *to_sign; /* the two texts on the way, for tests */
	const char *authorization;       /* the header's value */
};

/* "20150830T123600Z" */
#define AWS_DATE_SIZE 17
void aws_date(int64_t at, char out[static AWS_DATE_SIZE]);
/* ERR_CRYPTO. */
NODISCARD int aws_sign(struct arena *a, const struct aws_keys *keys, const struct aws_request *req,
                       const struct aws_scope *scope, struct aws_signature *out, struct err *e);

#endif
