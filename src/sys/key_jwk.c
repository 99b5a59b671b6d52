/*
 * Keys as JSON Web Keys (RFC 7517, 7518 6) and the signatures of JWS (RFC 7518 3). The public form
 * is written in the one order RFC 7638 hashes. What is read may be a stranger's file: every number
 * is bounded, and nothing of it goes into an error text.
 */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/json.h"
#include "sys/key.h"
#include "sys/key_evp.h"

#define RSA_BYTES_MAX 512

DEFINE_CLEANUP(bld_cleanup, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(params_cleanup, OSSL_PARAM, OSSL_PARAM_free)
DEFINE_CLEANUP(ecdsa_sig_cleanup, ECDSA_SIG, ECDSA_SIG_free)

struct jwk {
	const char *kty, *crv, *x, *y, *d, *n, *e, *p, *q, *dp, *dq, *qi;
};

static const struct field jwk_fields[] = {
	FIELD(struct jwk, kty, FT_STRING, F_REQUIRED, "key type"),
	FIELD(struct jwk, crv, FT_STRING, 0, "curve"),
	FIELD(struct jwk, x, FT_STRING, 0, "EC: point"),
	FIELD(struct jwk, y, FT_STRING, 0, "EC: point"),
	FIELD(struct jwk, d, FT_SECRET, 0, "private part"),
	FIELD(struct jwk, n, FT_STRING, 0, "RSA: modulus"),
	FIELD(struct jwk, e, FT_STRING, 0, "RSA: public exponent"),
	FIELD(struct jwk, p, FT_SECRET, 0, "RSA: prime"),
	FIELD(struct jwk, q, FT_SECRET, 0, "RSA: prime"),
	FIELD(struct jwk, dp, FT_SECRET, 0, "RSA: CRT exponent"),
	FIELD(struct jwk, dq, FT_SECRET, 0, "RSA: CRT exponent"),
	FIELD(struct jwk, qi, FT_SECRET, 0, "RSA: CRT coefficient"),
	FIELD_END,
};

/* The numbers of an RSA key: OpenSSL's name and the member's. */
static const struct {
	const char *param, *member;
	size_t offset;
} rsa_numbers[] = {
	{ OSSL_PKEY_PARAM_RSA_N, "n", offsetof(struct jwk, n) },
	{ OSSL_PKEY_PARAM_RSA_E, "e", offsetof(struct jwk, e) },
	{ OSSL_PKEY_PARAM_RSA_D, "d", offsetof(struct jwk, d) },
	{ OSSL_PKEY_PARAM_RSA_FACTOR1, "p", offsetof(struct jwk, p) },
	{ OSSL_PKEY_PARAM_RSA_FACTOR2, "q", offsetof(struct jwk, q) },
	{ OSSL_PKEY_PARAM_RSA_EXPONENT1, "dp", offsetof(struct jwk, dp) },
	{ OSSL_PKEY_PARAM_RSA_EXPONENT2, "dq", offsetof(struct jwk, dq) },
	{ OSSL_PKEY_PARAM_RSA_COEFFICIENT1, "qi", offsetof(struct jwk, qi) },
};

static const struct curve {
	const char *crv;
	enum key_type type;
	const char *group;
	size_t len;
} curves[] = {
	{ "P-256", KEY_EC256, "prime256v1", 32 },
	{ "P-384", KEY_EC384, "secp384r1", 48 },
};

static const struct curve *curve_of(enum key_type type)
{
	return type == KEY_EC256 ? &curves[0] : type == KEY_EC384 ? &curves[1] : NULL;
}

static int number(struct arena *a, const char *member, const char *text, size_t max,
                  struct bytes *out, struct err *e)
{
	if (!text)
		return err_set(e, ERR_INPUT, "the JWK lacks its member \"%s\"", member);
	if (base64url_decode(a, text, out, e) < 0 || out->n == 0 || out->n > max)
		return err_set(e, ERR_INPUT,
		               "the JWK's member \"%s\" is not a number of the right length",
		               member);
	return 0;
}

static int build(const char *kind, OSSL_PARAM_BLD *bld, EVP_PKEY **out, struct err *e)
{
	OSSL_PARAM *params CLEANUP(params_cleanup) = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx CLEANUP(pkey_ctx_cleanup) = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *pkey = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		return key_openssl_error(e, ERR_INPUT, "the JWK is not a valid %s key", kind);
	*out = pkey;
	return 0;
}

static int build_ec(struct arena *a, const struct jwk *jwk, EVP_PKEY **out, struct err *e)
{
	OSSL_PARAM_BLD *bld CLEANUP(bld_cleanup) = OSSL_PARAM_BLD_new();
	BIGNUM *d CLEANUP(bn_cleanup) = NULL;
	const struct curve *c = NULL;
	unsigned char point[1 + 2 * 48] = { 4 };
	struct bytes x, y, priv;

	for (size_t i = 0; i < ARRAY_LEN(curves); i++)
		if (jwk->crv && strcmp(jwk->crv, curves[i].crv) == 0)
			c = &curves[i];
	if (!c)
		return err_set(e, ERR_INPUT, "the JWK's curve is neither P-256 nor P-384");
	TRY(number(a, "x", jwk->x, c->len, &x, e));
	TRY(number(a, "y", jwk->y, c->len, &y, e));
	TRY(number(a, "d", jwk->d, c->len, &priv, e));
	/* RFC 7518 6.2.1.2 wants full length, but some writers drop leading zeros */
	memcpy(point + 1 + c->len - x.n, x.v, x.n);
	memcpy(point + 1 + 2 * c->len - y.n, y.v, y.n);
	d = BN_secure_new();
	if (!bld || !d || !BN_bin2bn(priv.v, (int)priv.n, d) ||
	    !OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, c->group, 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
	                                      1 + 2 * c->len) ||
	    !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d))
		return key_openssl_error(e, ERR_CRYPTO, "cannot read the JWK");
	return build("EC", bld, out, e);
}

static void numbers_free(BIGNUM *(*bn)[ARRAY_LEN(rsa_numbers)])
{
	for (size_t i = 0; i < ARRAY_LEN(*bn); i++)
		BN_clear_free((*bn)[i]);
}

static int build_rsa(struct arena *a, const struct jwk *jwk, EVP_PKEY **out, struct err *e)
{
	OSSL_PARAM_BLD *bld CLEANUP(bld_cleanup) = OSSL_PARAM_BLD_new();
	BIGNUM *bn[ARRAY_LEN(rsa_numbers)] CLEANUP(numbers_free) = { 0 };
	struct bytes v;

	for (size_t i = 0; i < ARRAY_LEN(rsa_numbers); i++) {
		const char *text =
		    *(const char *const *)((const char *)jwk + rsa_numbers[i].offset);

		TRY(number(a, rsa_numbers[i].member, text, RSA_BYTES_MAX + 1, &v, e));
		bn[i] = BN_secure_new();
		if (!bld || !bn[i] || !BN_bin2bn(v.v, (int)v.n, bn[i]) ||
		    !OSSL_PARAM_BLD_push_BN(bld, rsa_numbers[i].param, bn[i]))
			return key_openssl_error(e, ERR_CRYPTO, "cannot read the JWK");
	}
	return build("RSA", bld, out, e);
}

int key_parse_jwk(const char *text, size_t len, EVP_PKEY **out, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_auto_t *object = NULL;
	struct jwk jwk = { 0 };

	/* the parser's own words could quote the key */
	if (json_parse(text, len, &object, e) < 0)
		return err_set(e, ERR_INPUT, "the key is neither PEM nor a JSON Web Key");
	TRY(json_decode(a, object, jwk_fields, &jwk, sizeof jwk, false, e));
	if (strcmp(jwk.kty, "EC") == 0)
		return build_ec(a, &jwk, out, e);
	if (strcmp(jwk.kty, "RSA") == 0)
		return build_rsa(a, &jwk, out, e);
	return err_set(e, ERR_INPUT, "the JWK's type is neither EC nor RSA");
}

/* Sets one number as base64url, left-padded to len bytes (0 = as short as it is). */
static int put_number(struct arena *a, json_t *object, const char *member, const struct key *k,
                      const char *param, size_t len, struct err *e)
{
	BIGNUM *bn CLEANUP(bn_cleanup) = NULL;
	unsigned char *bin;

	if (EVP_PKEY_get_bn_param(key_evp(k), param, &bn) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot read the key's numbers");
	len = len ? len : (size_t)BN_num_bytes(bn);
	bin = arena_alloc(a, len);
	if (BN_bn2binpad(bn, bin, (int)len) < 0 ||
	    json_object_set_new(object, member, json_string(base64url_encode(a, bin, len))) < 0)
		return err_set(e, ERR_CRYPTO, "cannot write the key's numbers");
	return 0;
}

static int put_string(json_t *object, const char *member, const char *value, struct err *e)
{
	if (json_object_set_new(object, member, json_string(value)) < 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

/* Both coordinates from the point as it is sent, which OpenSSL works out once; each by itself takes
 * as long. */
static int put_point(struct arena *a, json_t *object, const struct key *k, size_t len,
                     struct err *e)
{
	unsigned char *point = arena_alloc(a, 1 + 2 * len);
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(key_evp(k), OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
	                                    1 + 2 * len, &n) != 1 ||
	    n != 1 + 2 * len || *point != POINT_CONVERSION_UNCOMPRESSED)
		return key_openssl_error(e, ERR_CRYPTO, "cannot read the key's point");
	TRY(put_string(object, "x", base64url_encode(a, point + 1, len), e));
	return put_string(object, "y", base64url_encode(a, point + 1 + len, len), e);
}

/* In lexicographic order of the members: RFC 7638 3. */
static int put_public(struct arena *a, json_t *object, const struct key *k, struct err *e)
{
	const struct curve *c = curve_of(key_type(k));

	if (!c) {
		TRY(put_number(a, object, "e", k, OSSL_PKEY_PARAM_RSA_E, 0, e));
		TRY(put_string(object, "kty", "RSA", e));
		return put_number(a, object, "n", k, OSSL_PKEY_PARAM_RSA_N, 0, e);
	}
	TRY(put_string(object, "crv", c->crv, e));
	TRY(put_string(object, "kty", "EC", e));
	return put_point(a, object, k, c->len, e);
}

int key_jwk(struct arena *a, const struct key *k, char **out, struct err *e)
{
	json_auto_t *object = json_object();

	TRY(put_public(a, object, k, e));
	*out = json_text(a, object);
	return 0;
}

int key_jwk_private(struct arena *a, const struct key *k, char **out, struct err *e)
{
	json_auto_t *object = json_object();
	const struct curve *c = curve_of(key_type(k));

	TRY(put_public(a, object, k, e));
	if (c)
		TRY(put_number(a, object, "d", k, OSSL_PKEY_PARAM_PRIV_KEY, c->len, e));
	for (size_t i = 2; !c && i < ARRAY_LEN(rsa_numbers); i++)
		TRY(put_number(a, object, rsa_numbers[i].member, k, rsa_numbers[i].param, 0, e));
	*out = json_text(a, object);
	return 0;
}

int key_thumbprint(struct arena *a, const struct key *k, char **out, struct err *e)
{
	unsigned char md[HASH_MAX];
	char *jwk;

	TRY(key_jwk(a, k, &jwk, e));
	TRY(hash_digest(HASH_SHA256, jwk, strlen(jwk), md, e));
	*out = base64url_encode(a, md, hash_len(HASH_SHA256));
	return 0;
}

const char *key_jws_alg(const struct key *k)
{
	switch (key_type(k)) {
	case KEY_EC256:
		return "ES256";
	case KEY_EC384:
		return "ES384";
	case KEY_NONE:
	case KEY_RSA2048:
	case KEY_RSA3072:
	case KEY_RSA4096:
		break;
	}
	return "RS256";
}

/* DER's two integers -> R || S of fixed length (RFC 7518 3.4). */
static int flatten(struct arena *a, const unsigned char *der, size_t n, size_t len,
                   struct bytes *out, struct err *e)
{
	ECDSA_SIG *sig CLEANUP(ecdsa_sig_cleanup) = d2i_ECDSA_SIG(NULL, &der, (long)n);
	unsigned char *v = arena_alloc(a, 2 * len);

	if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), v, (int)len) < 0 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), v + len, (int)len) < 0)
		return key_openssl_error(e, ERR_CRYPTO, "cannot write the signature");
	*out = (struct bytes){ v, 2 * len };
	return 0;
}

int key_sign_jws(struct arena *a, const struct key *k, const void *data, size_t len,
                 struct bytes *out, struct err *e)
{
	EVP_MD_CTX *ctx CLEANUP(md_ctx_cleanup) = EVP_MD_CTX_new();
	const struct curve *c = curve_of(key_type(k));
	const char *md = key_type(k) == KEY_EC384 ? "SHA384" : "SHA256";
	unsigned char sig[RSA_BYTES_MAX];
	size_t n = sizeof sig;

	if (!ctx || EVP_DigestSignInit_ex(ctx, NULL, md, NULL, NULL, key_evp(k), NULL) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, data, len) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot sign");
	if (c)
		return flatten(a, sig, n, c->len, out, e);
	*out = (struct bytes){ arena_memdup(a, sig, n), n };
	return 0;
}
