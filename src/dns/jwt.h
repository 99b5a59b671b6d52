/*
 * Signed assertions (RFC 7519, RFC 7523): how a client proves itself to a token service without
 * sending its key. Compact form, no encryption.
 */
#ifndef DNS_JWT_H
#define DNS_JWT_H

#include "base/arena.h"
#include "sys/key.h"

enum jwt_alg { JWT_RS256, JWT_PS256 }; /* RFC 7518 3.3, 3.5 */

struct jwt {
	enum jwt_alg alg;
	const char *key_id;   /* "kid"; NULL = left out, as for all of these */
	const char *x5t_s256; /* "x5t#S256", RFC 7515 4.1.8 */
	const char *issuer, *subject, *audience, *scope, *id;
	int64_t issued_at, not_before, expires_at; /* Unix seconds; 0 = left out */
};

/* ERR_INPUT: the key is no RSA key; ERR_CRYPTO. The text is as good as a password until it expires.
 */
NODISCARD int jwt_sign(struct arena *a, const struct key *k, const struct jwt *t, char **out,
                       struct err *e);

#endif
