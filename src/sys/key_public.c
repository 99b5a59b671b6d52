/*
 * The public half of a key as its SubjectPublicKeyInfo (RFC 5280 4.1.2.7). OpenSSL 3.0 writes one
 * by choosing among all its encoders, and reads back what it wrote; that takes half a millisecond
 * where the key itself is made in less. An EC key's is a point below two object identifiers (RFC
 * 5480 2.1), so it is put together from those.
 */
#include <openssl/core_names.h>
#include <openssl/objects.h>

#include "sys/key_evp.h"

#define POINT_MAX (1 + 2 * 48)

static int curve_nid(const struct key *k)
{
	return key_type(k) == KEY_EC256   ? NID_X9_62_prime256v1
	       : key_type(k) == KEY_EC384 ? NID_secp384r1
	                                  : NID_undef;
}

/* Takes the bytes over: the point, or RSA's two numbers. */
static bool put(X509_PUBKEY *pub, int curve, unsigned char *bytes, int n)
{
	bool is_ec = curve != NID_undef;

	if (X509_PUBKEY_set0_param(
	        pub, OBJ_nid2obj(is_ec ? NID_X9_62_id_ecPublicKey : NID_rsaEncryption),
	        is_ec ? V_ASN1_OBJECT : V_ASN1_NULL, is_ec ? OBJ_nid2obj(curve) : NULL, bytes,
	        n) == 1)
		return true;
	OPENSSL_free(bytes);
	return false;
}

static unsigned char *point_of(const struct key *k, int *n)
{
	unsigned char *point = OPENSSL_malloc(POINT_MAX);
	size_t len = 0;

	if (point && EVP_PKEY_get_octet_string_param(key_evp(k), OSSL_PKEY_PARAM_PUB_KEY, point,
	                                             POINT_MAX, &len) == 1) {
		*n = (int)len;
		return point;
	}
	OPENSSL_free(point);
	return NULL;
}

int key_public(const struct key *k, X509_PUBKEY *pub, struct err *e)
{
	int curve = curve_nid(k), n = 0;
	unsigned char *bytes = NULL;

	if (curve != NID_undef)
		bytes = point_of(k, &n);
	else
		n = i2d_PublicKey(key_evp(k), &bytes);
	if (!bytes || n <= 0 || !put(pub, curve, bytes, n))
		return key_openssl_error(e, ERR_CRYPTO, "cannot write the public key");
	return 0;
}

int key_spki(struct arena *a, const struct key *k, struct bytes *out, struct err *e)
{
	X509_PUBKEY *pub CLEANUP(pubkey_cleanup) = X509_PUBKEY_new();
	unsigned char *der = NULL;
	int n;

	if (!pub)
		return err_set(e, ERR_MEMORY, "out of memory");
	TRY(key_public(k, pub, e));
	n = i2d_X509_PUBKEY(pub, &der);
	if (n <= 0)
		return key_openssl_error(e, ERR_CRYPTO, "cannot write the public key");
	*out = (struct bytes){ arena_memdup(a, der, (size_t)n), (size_t)n };
	OPENSSL_free(der);
	return 0;
}
