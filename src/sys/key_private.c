/*
 * A private key as PKCS #8 (RFC 5208), DER and PEM. OpenSSL 3.0 writes one by choosing among all
 * its encoders, which takes longer than to make the key. An EC key's is its number and its point
 * (RFC 5915 3, without the parameters that PKCS #8 has beside it), so it is put together from
 * those; what others read back is the same to the byte.
 */
#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "sys/key_evp.h"

#define NUMBER_MAX 48
#define POINT_MAX (1 + 2 * NUMBER_MAX)
#define TAG_PUBLIC 0xa1 /* [1] EXPLICIT */
#define EC_MAX (3 + 3 + (2 + NUMBER_MAX) + 2 + 3 + POINT_MAX)

DEFINE_CLEANUP(pkcs8_cleanup, PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

/* A tag and a length below 256. */
static size_t put_head(unsigned char *at, int tag, size_t len)
{
	size_t n = 0;

	at[n++] = (unsigned char)tag;
	if (len > 0x7f)
		at[n++] = 0x81;
	at[n++] = (unsigned char)len;
	return n;
}

static bool number_of(const struct key *k, unsigned char *out, size_t len)
{
	BIGNUM *number = NULL;
	bool done = EVP_PKEY_get_bn_param(key_evp(k), OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
	            BN_bn2binpad(number, out, (int)len) == (int)len;

	BN_clear_free(number);
	return done;
}

/* ECPrivateKey. out has room for EC_MAX; 0 = OpenSSL failed. */
static size_t ec_private(const struct key *k, size_t number_len, unsigned char *out)
{
	size_t point_len = 1 + 2 * number_len, bits = 1 + point_len, got = 0, n;
	size_t all = 3 + (2 + number_len) + 2 + (2 + bits);

	n = put_head(out, V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED, all);
	n += put_head(out + n, V_ASN1_INTEGER, 1);
	out[n++] = 1; /* ecPrivkeyVer1 */
	n += put_head(out + n, V_ASN1_OCTET_STRING, number_len);
	if (!number_of(k, out + n, number_len))
		return 0;
	n += number_len;
	n += put_head(out + n, TAG_PUBLIC, 2 + bits);
	n += put_head(out + n, V_ASN1_BIT_STRING, bits);
	out[n++] = 0; /* no unused bits */
	if (EVP_PKEY_get_octet_string_param(key_evp(k), OSSL_PKEY_PARAM_PUB_KEY, out + n, point_len,
	                                    &got) != 1 ||
	    got != point_len)
		return 0;
	return n + point_len;
}

static PKCS8_PRIV_KEY_INFO *ec_pkcs8(const struct key *k, int curve, size_t number_len)
{
	PKCS8_PRIV_KEY_INFO *p8 = PKCS8_PRIV_KEY_INFO_new();
	unsigned char *bytes = OPENSSL_malloc(EC_MAX);
	size_t n = p8 && bytes ? ec_private(k, number_len, bytes) : 0;

	/* takes the bytes over, and wipes them with the rest */
	if (n && PKCS8_pkey_set0(p8, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), 0, V_ASN1_OBJECT,
	                         OBJ_nid2obj(curve), bytes, (int)n) == 1)
		return p8;
	OPENSSL_clear_free(bytes, EC_MAX);
	PKCS8_PRIV_KEY_INFO_free(p8);
	return NULL;
}

/* NULL = OpenSSL failed. A key that came with its point compressed keeps that, and is OpenSSL's to
 * write. */
static PKCS8_PRIV_KEY_INFO *pkcs8_of(const struct key *k)
{
	PKCS8_PRIV_KEY_INFO *p8 = NULL;

	if (key_type(k) == KEY_EC256)
		p8 = ec_pkcs8(k, NID_X9_62_prime256v1, 32);
	else if (key_type(k) == KEY_EC384)
		p8 = ec_pkcs8(k, NID_secp384r1, 48);
	return p8 ? p8 : EVP_PKEY2PKCS8(key_evp(k));
}

int key_pem(struct arena *a, const struct key *k, char **out, struct err *e)
{
	PKCS8_PRIV_KEY_INFO *p8 CLEANUP(pkcs8_cleanup) = pkcs8_of(k);
	BIO *mem CLEANUP(bio_cleanup) = BIO_new(BIO_s_secmem());

	if (!p8 || !mem || PEM_write_bio_PKCS8_PRIV_KEY_INFO(mem, p8) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot write the private key");
	*out = bio_text(a, mem);
	return 0;
}

int key_pkcs8_der(struct arena *a, const struct key *k, struct bytes *out, struct err *e)
{
	PKCS8_PRIV_KEY_INFO *p8 CLEANUP(pkcs8_cleanup) = pkcs8_of(k);
	unsigned char *der = NULL;
	int n = p8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &der) : -1;

	if (n <= 0)
		return key_openssl_error(e, ERR_CRYPTO, "cannot write the private key");
	*out = (struct bytes){ arena_memdup(a, der, (size_t)n), (size_t)n };
	OPENSSL_clear_free(der, (size_t)n);
	return 0;
}
