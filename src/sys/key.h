/*
 * Private keys: made, read, written, signed with (OpenSSL EVP; nothing deprecated). A struct key is
 * immutable and may be used by several threads at once. PEM texts are secrets: they live in arenas
 * that wipe.
 */
#ifndef SYS_KEY_H
#define SYS_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"
#include "sys/hash.h"

enum key_type { KEY_NONE, KEY_EC256, KEY_EC384, KEY_RSA2048, KEY_RSA3072, KEY_RSA4096 };

struct key;

const char *key_type_name(enum key_type type);  /* "ec256", …; "" for KEY_NONE */
enum key_type key_type_parse(const char *name); /* KEY_NONE if unknown */

NODISCARD int key_generate(enum key_type type, struct key **out, struct err *e);
/* Reads PEM (PKCS#8, SEC 1, PKCS#1; an "EC PARAMETERS" block before it is skipped) or DER, or an
 * RFC 7517 JWK object text. A type other than the five is ERR_INPUT naming what it is; encrypted
 * keys are ERR_INPUT and say so. */
NODISCARD int key_parse(const void *data, size_t len, struct key **out, struct err *e);
void key_free(struct key *k);             /* NULL is fine; wipes */
struct key *key_ref(const struct key *k); /* another owner */

enum key_type key_type(const struct key *k);
/* PKCS#8 PEM, unencrypted. */
NODISCARD int key_pem(struct arena *a, const struct key *k, char **out, struct err *e);
NODISCARD int key_pkcs8_der(struct arena *a, const struct key *k, struct bytes *out, struct err *e);
/* The private key as an RFC 7517 JWK, as one JSON object text. */
NODISCARD int key_jwk_private(struct arena *a, const struct key *k, char **out, struct err *e);
/* The public JWK with its members in lexicographic order and no white space: the very input of RFC
 * 7638. */
NODISCARD int key_jwk(struct arena *a, const struct key *k, char **out, struct err *e);
/* RFC 7638: base64url(SHA-256(key_jwk)), 43 characters. */
NODISCARD int key_thumbprint(struct arena *a, const struct key *k, char **out, struct err *e);
/* The SubjectPublicKeyInfo, DER; and its SHA-256 in hexadecimal, by which revoked keys are
 * remembered. */
NODISCARD int key_spki(struct arena *a, const struct key *k, struct bytes *out, struct err *e);
NODISCARD int key_spki_sha256(struct arena *a, const struct key *k, char **out, struct err *e);
bool key_same(const struct key *x, const struct key *y); /* public parts */

/* The JWS algorithm of the key: "ES256", "ES384", "RS256" (every RSA size). */
const char *key_jws_alg(const struct key *k);
/* A JWS signature (RFC 7515, 7518): R || S of fixed length for EC, PKCS#1 v1.5 for RSA. */
NODISCARD int key_sign_jws(struct arena *a, const struct key *k, const void *data, size_t len,
                           struct bytes *out, struct err *e);

DEFINE_CLEANUP(key_cleanup, struct key, key_free)

#endif
