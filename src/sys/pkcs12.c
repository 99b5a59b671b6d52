/*
 * PKCS#12 key stores (RFC 7292) by OpenSSL. Two recipes only: what current programs write, and what
 * Java before 8u301 and Windows before 2019 can still read. Salts are fresh each time; the order of
 * things is always the same.
 */
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "sys/key_evp.h"
#include "sys/keystore.h"
#include "sys/x509.h"

#define MODERN_ITERATIONS 10000
#define LEGACY_ITERATIONS 2048

DEFINE_CLEANUP(pkcs12_cleanup, PKCS12, PKCS12_free)

static int load_chain(struct arena *a, const char *pem, X509 **leaf, STACK_OF(X509) * issuers,
                      struct err *e)
{
	struct x509_chain chain;

	TRY(x509_chain_parse(a, pem, strlen(pem), &chain, e));
	for (size_t i = 0; i < chain.n; i++) {
		const unsigned char *p = chain.v[i].der.v;
		X509 *x = d2i_X509(NULL, &p, (long)chain.v[i].der.n);

		if (x && i == 0) {
			*leaf = x;
		} else if (!x || sk_X509_push(issuers, x) <= 0) {
			X509_free(x);
			return key_openssl_error(e, ERR_CRYPTO, "cannot load the certificates");
		}
	}
	return 0;
}

/* Modern: PBES2 with PBKDF2 and AES-256 for both key and certificates. Legacy: PBE with SHA-1 and
 * 3DES. */
static PKCS12 *create(const struct keystore_spec *spec, X509 *leaf, STACK_OF(X509) * issuers)
{
	int pbe = spec->legacy ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
	int rounds = spec->legacy ? LEGACY_ITERATIONS : MODERN_ITERATIONS;
	PKCS12 *p12 CLEANUP(pkcs12_cleanup) =
	    PKCS12_create(spec->password, spec->alias, key_evp(spec->key), leaf, issuers, pbe, pbe,
	                  rounds, -1 /* the MAC comes below */, 0);

	if (!p12 || PKCS12_set_mac(p12, spec->password, -1, NULL, 0, rounds,
	                           spec->legacy ? EVP_sha1() : EVP_sha256()) != 1)
		return NULL;
	return TAKE(p12);
}

int keystore_pkcs12(struct arena *a, const struct keystore_spec *spec, struct bytes *out,
                    struct err *e)
{
	STACK_OF(X509) * issuers CLEANUP(certs_cleanup) = sk_X509_new_null();
	X509 *leaf CLEANUP(x509_cleanup) = NULL;
	PKCS12 *p12 CLEANUP(pkcs12_cleanup) = NULL;
	unsigned char *der = NULL;
	int n;

	if (!spec->password || !spec->password[0])
		return err_set(e, ERR_INPUT, "a PKCS#12 key store needs a password");
	TRY(load_chain(a, spec->fullchain_pem, &leaf, issuers, e));
	if (X509_check_private_key(leaf, key_evp(spec->key)) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "the private key does not belong to the certificate");
	}
	p12 = create(spec, leaf, issuers);
	n = p12 ? i2d_PKCS12(p12, &der) : -1;
	if (n <= 0)
		return key_openssl_error(e, ERR_CRYPTO, "cannot make a PKCS#12 key store");
	*out = (struct bytes){ arena_memdup(a, der, (size_t)n), (size_t)n };
	OPENSSL_clear_free(der, (size_t)n);
	return 0;
}
