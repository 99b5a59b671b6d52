/* What was issued: download with alternate chains (RFC 8555 7.4.2), revocation (7.6), renewal
 * information (RFC 9773). */
#ifndef ACME_ISSUED_H
#define ACME_ISSUED_H

#include "acme/session.h"
#include "base/codec.h"
#include "sys/x509.h"

/* Downloads the default chain; with preferred_chain (a common name) also alternates until one tops
 * with it; without a match the default is taken (*matched = false). */
NODISCARD int acme_certificate_get(struct acme *ca, struct arena *a, const char *url,
                                   const char *preferred_chain, struct x509_chain *out,
                                   bool *matched, struct err *e);

/* RFC 5280 5.3.1 codes by name; -1 if unknown or not allowed to subscribers. */
int acme_reason_code(const char *name);
/* By the account (cert_key NULL) or by the certificate's own key. alreadyRevoked is success with
 * *already = true. */
NODISCARD int acme_revoke(struct acme *ca, struct arena *a, const struct bytes *cert_der,
                          int reason, const struct key *cert_key, bool *already, struct err *e);

struct acme_renewal_info {
	int64_t window_start, window_end;
	const char *explanation_url; /* NULL = none */
	uint32_t retry_s; /* when to ask again: Retry-After clamped to 1 minute .. 1 day; 6 h if
	                     absent */
};
/* ERR_NOT_FOUND when the directory offers none. A window that ends before it starts is
 * ERR_PROTOCOL. */
NODISCARD int acme_renewal_info_get(struct acme *ca, struct arena *a, const char *ari_id,
                                    struct acme_renewal_info *out, struct err *e);

/* dns-persist-01 (draft-ietf-acme-dns-persist): the TXT value for a name. The -02 format when
 * directory has account_hash_prefix, else -01. until 0 = no end. issuer: the CA's issuer domain
 * name. */
struct acme_persist_spec {
	const char *domain, *issuer, *account_url;
	const struct key *account_key;
	const char *account_hash_prefix; /* NULL = -01 */
	bool wildcard;
	int64_t until;
};
NODISCARD int acme_persist_value(struct arena *a, const struct acme_persist_spec *spec, char **out,
                                 struct err *e);
/* Whether a TXT value found in the DNS says the same (RFC 8659 grammar: case, order and unknown
 * tags do not matter). */
bool acme_persist_matches(const char *found, const struct acme_persist_spec *spec, int64_t now);
/* What a TXT value found in the DNS says, whoever it is for. */
struct acme_persist_record {
	const char *issuer, *account_uri; /* account_uri NULL = it names none */
	bool wildcard;
	bool has_until;
	int64_t until; /* of has_until; 0 = not a time */
	bool ours;     /* its account is spec's, in the format the CA asks for */
	bool our_url;  /* its account is spec's, in the other format */
};
/* False: it is malformed, and a CA would not look at it. */
bool acme_persist_read(struct arena *a, const char *found, const struct acme_persist_spec *spec,
                       struct acme_persist_record *out);

#endif
