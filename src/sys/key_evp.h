/*
 * The OpenSSL handles inside our types, and what the OpenSSL files of this folder share: for
 * key*.c, csr.c, x509*.c, san.c, pkcs12.c and jks.c only. It is the one header of sys that shows a
 * library's types.
 */
#ifndef SYS_KEY_EVP_H
#define SYS_KEY_EVP_H

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "sys/csr.h"
#include "sys/key.h"

struct x509_issuers;

EVP_PKEY *key_evp(const struct key *k); /* borrowed */
/* Puts the public half into pub, which belongs to the caller or to a request. ERR_CRYPTO. */
NODISCARD int key_public(const struct key *k, X509_PUBKEY *pub, struct err *e);

/* Takes OpenSSL's error queue: fills e with the text and the reason of its first error. Returns
 * -code. */
int key_openssl_error(struct err *e, enum err_code code, const char *fmt, ...) PRINTF(3, 4);

/* The type of any public or private key; KEY_NONE if it is none of the five. */
enum key_type key_evp_type(const EVP_PKEY *pkey);
/* "RSA of 1024 bits", "EC on secp521r1", "ED25519": for messages. */
char *key_evp_describe(struct arena *a, const EVP_PKEY *pkey);
/* Wraps a key that is proved to be whole; takes the handle over on success. */
NODISCARD int key_wrap(EVP_PKEY **pkey, struct key **out, struct err *e);
/* key_jwk.c's half of key_parse. */
NODISCARD int key_parse_jwk(const char *text, size_t len, EVP_PKEY **out, struct err *e);

const char *hash_openssl_name(enum hash_alg alg); /* "SHA256", … */

/* PEM blocks one by one. 1 = a block: its name ("CERTIFICATE") in the arena, its DER and whether it
 * is encrypted; 0 = no more; ERR_INPUT = not whole. */
struct pem_block {
	const char *name;
	struct bytes der;
	bool encrypted;
};
NODISCARD int pem_next(struct arena *a, BIO *in, struct pem_block *out, struct err *e);
bool pem_is(const void *data, size_t len); /* looks like PEM rather than DER */
/* The text written to a memory BIO. */
char *bio_text(struct arena *a, BIO *mem);

/* Subject alternative names (san.c). san_make: ERR_INPUT for a name that does not fit; the caller
 * frees. */
NODISCARD int san_make(const struct strings *names, GENERAL_NAMES **out, struct err *e);
/* Adds DNS names (lower case) and addresses to names. Other kinds are an error (strict) or passed
 * over. ERR_INPUT. */
NODISCARD int san_read(struct arena *a, const GENERAL_NAMES *gens, bool strict,
                       struct strings *names, struct err *e);
/* An issuer's certificate with these bytes, the caller's to free; NULL = not met before. */
X509 *issuers_find(struct x509_issuers *s, const struct bytes *der);
void issuers_add(struct x509_issuers *s, X509 *cert, const struct bytes *der);
/* Fills an X.509 name from a subject. ERR_INPUT naming the part that does not fit. */
NODISCARD int subject_fill(X509_NAME *name, const struct subject *s, struct err *e);
/* The (last) common name, NULL if there is none or it holds a NUL. */
const char *subject_common_name(struct arena *a, const X509_NAME *name);

static inline void general_names_free(GENERAL_NAMES *g)
{
	GENERAL_NAMES_free(g);
}

static inline void extensions_free(STACK_OF(X509_EXTENSION) * s)
{
	sk_X509_EXTENSION_pop_free(s, X509_EXTENSION_free);
}

static inline void certs_free(STACK_OF(X509) * s)
{
	sk_X509_pop_free(s, X509_free);
}

DEFINE_CLEANUP(pkey_cleanup, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(pkey_ctx_cleanup, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(md_cleanup, EVP_MD, EVP_MD_free)
DEFINE_CLEANUP(md_ctx_cleanup, EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_CLEANUP(bn_cleanup, BIGNUM, BN_clear_free)
DEFINE_CLEANUP(bio_cleanup, BIO, BIO_vfree)
DEFINE_CLEANUP(pubkey_cleanup, X509_PUBKEY, X509_PUBKEY_free)
DEFINE_CLEANUP(x509_cleanup, X509, X509_free)
DEFINE_CLEANUP(x509_req_cleanup, X509_REQ, X509_REQ_free)
DEFINE_CLEANUP(general_names_cleanup, GENERAL_NAMES, general_names_free)
DEFINE_CLEANUP(extensions_cleanup, STACK_OF(X509_EXTENSION), extensions_free)
DEFINE_CLEANUP(certs_cleanup, STACK_OF(X509), certs_free)

#endif
