/*
 * The server's JSON decoded into structs: no I/O, everything bounded, so that fuzzers and unit
 * tests can reach it. allow_http: the directory is http, so URLs may be; otherwise every URL must
 * be https. All are ERR_PROTOCOL on what does not fit.
 */
#ifndef ACME_PARSE_H
#define ACME_PARSE_H

#include "acme/authz.h"
#include "acme/issued.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "acme/session.h"
#include "base/json.h"

#define ACME_URL_MAX 2048
#define ACME_NAMES_MAX 100

/* A URL that a server gave and that we will ask: https (or http), a host, at most ACME_URL_MAX
 * bytes, printable ASCII.
 */
bool acme_url_is_ok(const char *url, bool allow_http);
/* The host and port in a URL, for messages. */
char *acme_url_host(struct arena *a, const char *url);

/* The JSON object in a 2xx answer; anything else is told as acme_problem_from_response does. */
NODISCARD int acme_answer_object(struct arena *a, const struct http_response *res, const char *url,
                                 json_t **out, struct err *e);
/* A URL member. Required ones are ERR_PROTOCOL when absent, optional ones NULL. */
NODISCARD int acme_json_url(struct arena *a, const json_t *object, const char *name, bool required,
                            bool allow_http, const char **out, struct err *e);
/* A time member (RFC 3339); 0 if absent or nonsense. */
int64_t acme_json_time(const json_t *object, const char *name);
/* The strings of an array member, at most max of them. */
struct strings acme_json_strings(struct arena *a, const json_t *object, const char *name,
                                 size_t max);

NODISCARD int acme_directory_parse(struct arena *a, const json_t *object, bool allow_http,
                                   struct acme_directory *out, struct err *e);
NODISCARD int acme_order_parse(struct arena *a, const json_t *object, const char *url,
                               bool allow_http, struct acme_order *out, struct err *e);
NODISCARD int acme_authz_parse(struct arena *a, const json_t *object, const char *url,
                               bool allow_http, struct acme_authz *out, struct err *e);
NODISCARD int acme_renewal_info_parse(struct arena *a, const json_t *object,
                                      struct acme_renewal_info *out, struct err *e);
NODISCARD int acme_problem_decode(struct arena *a, const json_t *object, struct acme_problem *out,
                                  struct err *e);

/* The pieces of dns-persist-01's -02 hash, for its test vector. */
NODISCARD int acme_persist_hash(struct arena *a, const char *domain, const char *thumbprint,
                                const char *account_url, char **out, struct err *e);

/* A reference resolved against a base (RFC 3986 5.2); NULL if the base is no URL. */
char *acme_url_resolve(struct arena *a, const char *base, const char *reference);

#endif
