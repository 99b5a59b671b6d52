/* Digests, MACs and random bytes (OpenSSL). Any thread. */
#ifndef SYS_HASH_H
#define SYS_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* MD5 and SHA-224 are for TSIG alone (RFC 8945 6). */
enum hash_alg { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_MD5, HASH_SHA224 };

#define HASH_MAX 64
size_t hash_len(enum hash_alg alg); /* bytes */
/* out has hash_len(alg) bytes. ERR_CRYPTO; says so when this machine's OpenSSL policy does not
 * offer the digest. */
NODISCARD int hash_digest(enum hash_alg alg, const void *data, size_t len, unsigned char *out,
                          struct err *e);
NODISCARD int hash_hmac(enum hash_alg alg, const void *key, size_t key_len, const void *data,
                        size_t len, unsigned char *out, struct err *e);
NODISCARD int hash_random(void *out, size_t len, struct err *e);
/* A uniformly random integer in [0, bound); bound > 0. */
NODISCARD int hash_random_below(uint64_t bound, uint64_t *out, struct err *e);

#endif
