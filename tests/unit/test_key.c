/* Keys: the RFC 7515, 7517 and 7638 vectors, every type through every form, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "sys/key.h"
#include "sys/key_evp.h"

static struct arena *a;

/* RFC 7517 A.2; its public half is the key of RFC 7638 3.1 */
static const char jwk_7517[] =
    "{\"kty\": \"RSA\", \"n\": "
    "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1R"
    "K7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"
    "RN5w6Cf0h4QyQ5"
    "v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
    "bFTW"
    "hAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\", \"e\": "
    "\"A"
    "QAB\", \"d\": "
    "\"X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5f"
    "JLM0WbFAKNLWY2vv7B6NqXSzUvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_"
    "nHNKroADIkJ46pRUohsXywbReAdYaMwFs9"
    "tv8d_"
    "cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk"
    "19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q\", \"p\": "
    "\"83i-7IvMGXoMX"
    "Cskv73TKr8637FiO7Z27zv8oj6pbWUQyLPQBQxtPVnwD20R-"
    "60eTDmD2ujnMt5PoqMrm8RfmNhVWDtjjMmCMjOpSXicFHj7X"
    "OuVIYQyqVWlWEh6dN36GVZYk93N8Bc9vY41xy8B9RzzOGVQzXvNEvn7O0nVbfs\", \"q\": "
    "\"3dfOR9cuYq-0S-mkFLzgI"
    "tgMEfFzB2q3hWehMuG0oCuqnb3vobLyumqjVZQO1dIrdwgTnCdpYzBcOfW5r370AFXjiWft_"
    "NGEiovonizhKpo9VVS78TzFg"
    "xkIdrecRezsZ-1kYd_s1qDbxtkDEgfAITAG9LUnADun4vIcb6yelxk\", \"dp\": "
    "\"G4sPXkc6Ya9y8oJW9_ILj4xuppu0"
    "lzi_H7VTkS8xj5SdX3coE0oimYwxIi2emTAue0UOa5dpgFGyBJ4c8tQ2VF402XRugKDTP8akYhFo5tAA77Qe_"
    "NmtuYZc3C3m"
    "3I24G2GvR5sSDxUyAN2zq8Lfn9EUms6rY3Ob8YeiKkTiBj0\", \"dq\": "
    "\"s9lAH9fggBsoFR8Oac2R_E2gw282rT2kGOA"
    "hvIllETE1efrA6huUUvMfBcMpn8lqeW6vzznYY5SSQF7pMdC_agI3nG8Ibp1BUb0JUiraRNqUfLhcQb_"
    "d9GF4Dh7e74WbRso"
    "bRonujTYN1xCaP6TO61jvWrX-L18txXw494Q_cgk\", \"qi\": "
    "\"GyM_p6JrXySiz1toFgKbWV-JdI3jQ4ypu9rbMWx3rQ"
    "JBfmt0FoYzgUIZEVFEcOqwemRN81zoDAaa-Bk0KWNGDjJHZDdDmFhW3AN7lI-puxk_"
    "mHZGJ11rxyR8O55XLSe3SPmRfKwZI6"
    "yU24ZxvQKFYItdldUKGzO6Ia6zTKhAVRU\", \"kid\": \"2011-04-29\"}";

/* RFC 7515 A.2.1 */
static const char jwk_7515_rsa[] =
    "{\"kty\": \"RSA\", \"n\": "
    "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw"
    "-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"
    "7OMg0LOL-"
    "bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
    "UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT"
    "6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\", \"e\": "
    "\"A"
    "QAB\", \"d\": "
    "\"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9S"
    "E-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-"
    "GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn43"
    "9X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_"
    "x_j"
    "Tj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ\", \"p\": "
    "\"4BzEEOtIpmVdV"
    "EZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_"
    "Py5PJdTJNPY8cQn7ouZ2K"
    "KDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc\", \"q\": "
    "\"uQPEfgmVtjL0Uyyx88GZF"
    "F1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-"
    "TnBA-"
    "njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc\", \"dp\": "
    "\"BwKfV3Akq5_MFZDFZCnW-wzl-CCo"
    "83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-"
    "FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cp"
    "dTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0\", \"dq\": "
    "\"h_96-mK1R_7glhsum81dZxjTnYynPbZpHzi"
    "ZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-"
    "kyNlxAr2v4IKhGNpmM"
    "5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU\", \"qi\": "
    "\"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-Dlcxy"
    "VuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_"
    "QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawB"
    "gfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U\"}";

/* The signing input of RFC 7515 A.2 */
static const char input_7515_rsa[] =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9"
    "pc19yb290Ijp0cnVlfQ";
/* and its signature */
static const char signature_7515_rsa[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujG"
    "bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
    "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6"
    "LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/* RFC 7515 A.3.1 */
static const char jwk_7515_ec[] = "{\"kty\": \"EC\", \"crv\": \"P-256\", \"x\": "
                                  "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\", \""
                                  "y\": \"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\", \"d\": "
                                  "\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X"
                                  "1fCE9-E9LI\"}";

static struct key *parse(const char *text)
{
	struct key *k = NULL;
	struct err e;

	if (key_parse(text, strlen(text), &k, &e) < 0)
		fail_msg("%s", e.text);
	return k;
}

static void thumbprint_is_rfc7638s(void **state)
{
	struct key *k CLEANUP(key_cleanup) = parse(jwk_7517);
	char *out;
	struct err e;

	assert_int_equal(key_type(k), KEY_RSA2048);
	assert_int_equal(key_thumbprint(a, k, &out, &e), 0);
	assert_string_equal(out, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	assert_int_equal(key_jwk(a, k, &out, &e), 0);
	assert_ptr_equal(strstr(out, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"0vx7agoeb"), out);
	assert_null(strchr(out, ' '));
}

static void rsa_signature_is_rfc7515s(void **state)
{
	struct key *k CLEANUP(key_cleanup) = parse(jwk_7515_rsa);
	struct bytes sig;
	struct err e;

	assert_string_equal(key_jws_alg(k), "RS256");
	assert_int_equal(key_sign_jws(a, k, input_7515_rsa, strlen(input_7515_rsa), &sig, &e), 0);
	assert_string_equal(base64url_encode(a, sig.v, sig.n), signature_7515_rsa);
}

/* R || S back into DER and checked by OpenSSL with the public key alone. */
static bool ec_verifies(const struct key *k, const char *md, const char *text,
                        const struct bytes *sig)
{
	ECDSA_SIG *rs = ECDSA_SIG_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int n, fine;

	ECDSA_SIG_set0(rs, BN_bin2bn(sig->v, (int)sig->n / 2, NULL),
	               BN_bin2bn(sig->v + sig->n / 2, (int)sig->n / 2, NULL));
	n = i2d_ECDSA_SIG(rs, &der);
	EVP_DigestVerifyInit_ex(ctx, NULL, md, NULL, NULL, key_evp(k), NULL);
	fine =
	    EVP_DigestVerify(ctx, der, (size_t)n, (const unsigned char *)text, strlen(text)) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(rs);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return fine;
}

static void ec_signatures_are_flat_and_verify(void **state)
{
	static const char text[] =
	    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
	    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
	static const char published[] = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-"
	                                "F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
	struct key *k CLEANUP(key_cleanup) = parse(jwk_7515_ec);
	struct key *k384 CLEANUP(key_cleanup) = NULL;
	struct bytes sig;
	struct err e;

	assert_int_equal(base64url_decode(a, published, &sig, &e), 0);
	assert_true(
	    ec_verifies(k, "SHA256", text, &sig)); /* RFC 7515 A.3: the key was read right */
	assert_string_equal(key_jws_alg(k), "ES256");
	for (int i = 0; i < 600; i++) { /* enough for an R or S with a leading zero byte */
		assert_int_equal(key_sign_jws(a, k, text, strlen(text), &sig, &e), 0);
		assert_int_equal(sig.n, 64);
		assert_true(ec_verifies(k, "SHA256", text, &sig));
	}
	sig.v[5] ^= 1;
	assert_false(ec_verifies(k, "SHA256", text, &sig));
	assert_int_equal(key_generate(KEY_EC384, &k384, &e), 0);
	assert_string_equal(key_jws_alg(k384), "ES384");
	assert_int_equal(key_sign_jws(a, k384, text, strlen(text), &sig, &e), 0);
	assert_int_equal(sig.n, 96);
	assert_true(ec_verifies(k384, "SHA384", text, &sig));
}

static void every_type_goes_through_every_form(void **state)
{
	static const struct {
		enum key_type type;
		const char *name;
	} rows[] = {
		{ KEY_EC256, "ec256" },     { KEY_EC384, "ec384" },     { KEY_RSA2048, "rsa2048" },
		{ KEY_RSA3072, "rsa3072" }, { KEY_RSA4096, "rsa4096" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key *k CLEANUP(key_cleanup) = NULL, *other CLEANUP(key_cleanup) = NULL;
		struct key *forms[3] = { 0 };
		struct bytes der;
		char *pem, *jwk;
		struct err e;

		assert_int_equal(key_type_parse(rows[i].name), rows[i].type);
		assert_string_equal(key_type_name(rows[i].type), rows[i].name);
		assert_int_equal(key_generate(rows[i].type, &k, &e), 0);
		assert_int_equal(key_type(k), rows[i].type);
		assert_int_equal(key_pem(a, k, &pem, &e), 0);
		assert_ptr_equal(strstr(pem, "-----BEGIN PRIVATE KEY-----\n"), pem);
		assert_int_equal(key_pkcs8_der(a, k, &der, &e), 0);
		assert_int_equal(key_jwk_private(a, k, &jwk, &e), 0);
		forms[0] = parse(pem);
		assert_int_equal(key_parse(der.v, der.n, &forms[1], &e), 0);
		forms[2] = parse(jwk);
		for (size_t j = 0; j < ARRAY_LEN(forms); j++) {
			char *again;

			assert_int_equal(key_type(forms[j]), rows[i].type);
			assert_true(key_same(k, forms[j]));
			assert_int_equal(key_pem(a, forms[j], &again, &e), 0);
			assert_string_equal(again, pem);
			key_free(forms[j]);
		}
		assert_int_equal(key_generate(KEY_EC256, &other, &e), 0);
		assert_false(key_same(k, other));
	}
	assert_int_equal(key_type_parse("rsa1024"), KEY_NONE);
	assert_int_equal(key_type_parse(""), KEY_NONE);
	assert_string_equal(key_type_name(KEY_NONE), "");
}

/* A key of any kind in one of OpenSSL's own forms. */
static char *pem_of(EVP_PKEY *pkey, bool traditional, const char *password)
{
	BIO *mem = BIO_new(BIO_s_mem());
	const EVP_CIPHER *cipher = password ? EVP_aes_256_cbc() : NULL;
	char *text;

	if (traditional)
		PEM_write_bio_PrivateKey_traditional(
		    mem, pkey, cipher, (const unsigned char *)password,
		    password ? (int)strlen(password) : 0, NULL, NULL);
	else
		PEM_write_bio_PKCS8PrivateKey(mem, pkey, cipher, password,
		                              password ? (int)strlen(password) : 0, NULL, NULL);
	text = bio_text(a, mem);
	BIO_free(mem);
	return text;
}

static void older_forms_are_read(void **state)
{
	struct key *ec CLEANUP(key_cleanup) = parse(jwk_7515_ec),
	               *rsa CLEANUP(key_cleanup) = parse(jwk_7515_rsa);
	const struct key *keys[] = { ec, rsa };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *pem = pem_of(key_evp(keys[i]), true, NULL);
		struct key *k CLEANUP(key_cleanup) = parse(pem);
		/* as "openssl ecparam -genkey" writes it, and with words around */
		struct key *k2 CLEANUP(key_cleanup) = parse(arena_printf(
		    a,
		    "Bag Attributes\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC "
		    "PARAMETERS-----\n%s",
		    pem));

		assert_non_null(strstr(pem, i ? "BEGIN RSA PRIVATE KEY" : "BEGIN EC PRIVATE KEY"));
		assert_true(key_same(k, keys[i]) && key_same(k2, keys[i]));
	}
}

static void refused(const void *data, size_t len, const char *why)
{
	struct key *k = NULL;
	struct err e;

	if (key_parse(data, len, &k, &e) == 0)
		fail_msg("taken, but: %s", why);
	assert_int_equal(e.code, ERR_INPUT);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" lacks \"%s\"", e.text, why);
	assert_null(k);
}

static void refused_text(const char *text, const char *why)
{
	refused(text, strlen(text), why);
}

static void refused_evp(EVP_PKEY *pkey, const char *why)
{
	refused_text(pem_of(pkey, false, NULL), why);
	EVP_PKEY_free(pkey);
}

static void what_does_not_fit_is_refused_by_name(void **state)
{
	struct key *ec CLEANUP(key_cleanup) = parse(jwk_7515_ec);
	char *pem, *jwk;
	struct err e;

	refused_evp(EVP_RSA_gen(1024), "RSA of 1024 bits");
	refused_evp(EVP_EC_gen("P-521"), "EC on secp521r1");
	refused_evp(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "ED25519");
	refused_text("", "empty");
	refused_text("hello", "not a private key");
	refused_text("{", "neither PEM nor");
	refused_text("{\"kty\":\"oct\",\"k\":\"AAAA\"}", "neither EC nor RSA");
	refused_text("{\"kty\":\"EC\",\"crv\":\"P-521\"}", "neither P-256 nor P-384");
	refused_text("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AA\"}",
	             "not a valid EC key");
	refused_text("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "lacks its member \"d\"");
	refused_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	             "no private key");
	refused_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	             "not a private key");
	refused_text("-----BEGIN PRIVATE KEY-----\nAAAA\n", "not whole");
	assert_int_equal(key_pem(a, ec, &pem, &e), 0);
	pem[strlen(pem) / 2] = '\0';
	refused_text(pem, "not whole");
	/* somebody else's private half */
	jwk = strstr(arena_strdup(a, jwk_7515_ec), "\"d\": \"");
	assert_non_null(jwk);
	jwk[7] = 'k';
	refused_text(jwk - (strstr(jwk_7515_ec, "\"d\": \"") - jwk_7515_ec), "belong together");
}

static void encrypted_keys_are_told_apart_and_quote_nothing(void **state)
{
	struct key *ec CLEANUP(key_cleanup) = parse(jwk_7515_ec);
	BIO *mem = BIO_new(BIO_s_mem());
	char *der;
	long n;

	refused_text(pem_of(key_evp(ec), false, "sesame"), "encrypted");
	refused_text(pem_of(key_evp(ec), true, "sesame"), "encrypted");
	i2d_PKCS8PrivateKey_bio(mem, key_evp(ec), EVP_aes_256_cbc(), "sesame", 6, NULL, NULL);
	n = BIO_get_mem_data(mem, &der);
	refused(der, (size_t)n, "encrypted");
	BIO_free(mem);
}

static void public_keys_have_a_digest(void **state)
{
	struct key *ec CLEANUP(key_cleanup) = parse(jwk_7515_ec);
	unsigned char md[HASH_MAX];
	struct bytes spki, want;
	struct err e;
	char *hex;

	/* the SubjectPublicKeyInfo of RFC 7515 A.3's key */
	assert_int_equal(
	    base64_decode_any(
	        a,
	        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvR"
	        "VEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==",
	        &want, &e),
	    0);
	assert_int_equal(key_spki(a, ec, &spki, &e), 0);
	assert_int_equal(spki.n, want.n);
	assert_memory_equal(spki.v, want.v, want.n);
	assert_int_equal(hash_digest(HASH_SHA256, want.v, want.n, md, &e), 0);
	assert_int_equal(key_spki_sha256(a, ec, &hex, &e), 0);
	assert_string_equal(hex, hex_encode(a, md, 32));
}

static void a_second_owner_keeps_the_key(void **state)
{
	struct key *k = parse(jwk_7515_ec), *again = key_ref(k);
	char *out;
	struct err e;

	key_free(k);
	assert_int_equal(key_thumbprint(a, again, &out, &e), 0);
	key_free(again);
	key_free(NULL);
}

static int setup(void **state)
{
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thumbprint_is_rfc7638s),
		cmocka_unit_test(rsa_signature_is_rfc7515s),
		cmocka_unit_test(ec_signatures_are_flat_and_verify),
		cmocka_unit_test(every_type_goes_through_every_form),
		cmocka_unit_test(older_forms_are_read),
		cmocka_unit_test(what_does_not_fit_is_refused_by_name),
		cmocka_unit_test(encrypted_keys_are_told_apart_and_quote_nothing),
		cmocka_unit_test(public_keys_have_a_digest),
		cmocka_unit_test(a_second_owner_keeps_the_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
