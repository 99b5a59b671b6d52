/* Authorizations and challenges (RFC 8555 7.1.4, 7.5, 8). */
#ifndef ACME_AUTHZ_H
#define ACME_AUTHZ_H

#include "acme/session.h"

struct acme_challenge {
	const char *type; /* "http-01", …; types we do not know are skipped when parsing */
	const char *url;
	const char *status;                  /* "pending", "processing", "valid", "invalid" */
	const char *token;                   /* matches is_acme_token; NULL for dns-persist-01 */
	const char *error_text, *error_type; /* NULL = none */
	struct strings issuer_domain_names;  /* dns-persist-01, both spellings */
	const char *account_uri;             /* dns-persist-01 -01: "accounturi"; NULL = none */
};
struct acme_authz {
	const char *url;
	const char *status; /* "pending", "valid", "invalid", "deactivated", "expired", "revoked" */
	const char *identifier; /* without "*." */
	bool is_ip, wildcard;
	int64_t expires_at;
	struct acme_challenge *challenges;
	size_t n_challenges;    /* at most 20 */
	const char *error_text; /* of the challenge that failed: "unauthorized: …"; NULL = none */
	const char *error_type;
};
/* Fetches n authorizations side by side into out[n]. */
NODISCARD int acme_authz_get(struct acme *ca, struct arena *a, const struct strings *urls,
                             struct acme_authz *out, struct err *e);
/* Answers n challenges with {} side by side. A challenge that is already valid or being processed
 * is fine. */
NODISCARD int acme_challenge_answer(struct acme *ca, struct arena *a, const struct strings *urls,
                                    struct err *e);
/* Deactivates (RFC 8555 7.5.2): used by `verify --new` to get another challenge. */
NODISCARD int acme_authz_deactivate(struct acme *ca, struct arena *a, const struct strings *urls,
                                    struct err *e);
const struct acme_challenge *acme_authz_challenge(const struct acme_authz *z,
                                                  const char *type); /* NULL = not offered */

#endif
