/* JWS in flattened JSON serialization (RFC 7515 7.2.2) with the header members RFC 8555 6.2 asks
 * for. */
#ifndef ACME_JWS_H
#define ACME_JWS_H

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"
#include "sys/key.h"

struct jws_header {
	const char *nonce; /* NULL = none (inner JWS of key change and external account binding) */
	const char *url;
	const char *kid; /* NULL = the public key goes in as "jwk" */
};
NODISCARD int jws_sign(struct arena *a, const struct key *key, const struct jws_header *h,
                       const char *payload, char **out, struct err *e);
/* RFC 8555 7.3.4: MAC key, alg "HS256", "HS384" or "HS512", over the account's public JWK. */
NODISCARD int jws_external_account(struct arena *a, const char *alg, const char *kid,
                                   const struct bytes *mac_key, const char *url,
                                   const struct key *account_key, char **out, struct err *e);
/* token "." thumbprint (RFC 8555 8.1). */
NODISCARD int jws_key_authorization(struct arena *a, const char *token,
                                    const struct key *account_key, char **out, struct err *e);

#endif
