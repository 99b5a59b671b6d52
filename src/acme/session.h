/*
 * One ACME server and, once chosen, one account: directory, nonces, signed requests (RFC 8555 6
 * and 7.1 to 7.2). A struct acme is shared by all threads that work for that account: nonces and
 * the connection are pooled in it. It knows nothing of the store or the command line.
 *
 * How many requests are under way at once is bounded by max_in_flight; how many different orders
 * have requests under way by max_orders, and of those a quarter (at least one) may be newOrder:
 * Pebble takes two of its locks in either order when two orders are made at once, and stands still
 * for ever.
 */
#ifndef ACME_SESSION_H
#define ACME_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "sys/http.h"
#include "sys/key.h"

struct acme;

struct acme_options {
	const char *directory_url;
	struct http *http;           /* borrowed */
	unsigned max_in_flight;      /* 0 = 8 */
	unsigned max_orders;         /* 0 = 4 */
	const struct cancel *cancel; /* NULL = none */
};

struct acme_profile {
	const char *name, *description;
};

/* The directory object (RFC 8555 7.1.1, RFC 9773, draft-ietf-acme-profiles,
 * draft-ietf-acme-dns-persist). NULL = not offered. Lives as long as the session. */
struct acme_directory {
	const char *new_nonce, *new_account, *new_order, *revoke_cert,
	    *key_change; /* always there */
	const char *new_authz, *renewal_info;
	const char *terms_of_service, *website;
	struct strings caa_identities;
	bool external_account_required;
	struct acme_profile *profiles;
	size_t n_profiles;
	struct strings issuer_domain_names; /* dns-persist-01 -02: meta.issuerDomainNames */
	const char *account_hash_prefix; /* dns-persist-01 -02: meta.accountHashPrefix; NULL = the
	                                    -01 format */
};

/* No network. */
NODISCARD int acme_open(const struct acme_options *o, struct acme **out, struct err *e);
void acme_close(struct acme *ca);

/* Fetches the directory once a session. ERR_PROTOCOL: it is not an ACME directory (says what came
 * instead). */
NODISCARD int acme_directory(struct acme *ca, const struct acme_directory **out, struct err *e);
const char *acme_directory_url(const struct acme *ca);

/* From now on requests are signed with this key (a reference is kept) for this account URL ("kid",
 * RFC 8555 6.2). */
void acme_use_account(struct acme *ca, const struct key *key, const char *account_url);
const char *acme_account_url(const struct acme *ca); /* NULL = none yet */
const struct key *acme_account_key(const struct acme *ca);

/* One signed request (RFC 8555 6.2): POST of payload ("" = POST-as-GET). */
struct acme_call {
	const char *url;
	const char *payload;   /* JSON text; "" = POST-as-GET */
	const struct key *key; /* NULL = the account's */
	bool with_jwk;      /* "jwk" instead of "kid" (newAccount, revocation by certificate key) */
	const char *accept; /* NULL = none */
	size_t max_body;    /* 0 = 1 MiB */
	/* out: */
	struct http_response res; /* in the arena */
	struct err failure; /* ERR_NONE = answered with 2xx; a problem document is decoded into it
	                       (problem.h) */
	const char *problem_json; /* the raw problem document, for subproblems; NULL = none */
	bool unknown; /* it left, and was not answered with a refusal: it may have been done */
};
/* Sends the calls of one order side by side, as many as nonces and the bounds allow, retrying
 * badNonce up to 20 times each with the nonce its answer brought, and transport failures and 5xx
 * without Retry-After up to twice within the time limit where repeating is harmless (everything but
 * newOrder, newAccount, keyChange). A failed call is told in its failure; the function fails only
 * when cancelled or when the directory or nonces cannot be had. Gives up within 45 s on a server
 * that does not answer. */
NODISCARD int acme_call_many(struct acme *ca, struct arena *a, struct acme_call *calls, size_t n,
                             struct err *e);
/* One call; its failure is the function's. */
NODISCARD int acme_call(struct acme *ca, struct arena *a, struct acme_call *call, struct err *e);
/* An unauthenticated GET (RFC 9773). A status other than 200 is a failure as above. */
NODISCARD int acme_get(struct acme *ca, struct arena *a, const char *url, struct http_response *res,
                       struct err *e);

/* Retry-After (RFC 9110 10.2.3) in seconds from now, both forms, between 0 and 86400; 0 if absent
 * or nonsense. */
uint32_t acme_retry_after(const struct http_response *res, int64_t now);
/* The Link headers (RFC 8288) with this relation, resolved against base URL, in order; at most 10.
 */
struct strings acme_links(struct arena *a, const struct http_response *res, const char *rel,
                          const char *base);

#endif
