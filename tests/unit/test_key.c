/* Keys: the RFC 7515, 7517 and 7638 vectors, every type through every form, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "sys/key.h"
#include "sys/key_evp.h"
#include "rfc_keys.h"

static struct arena *a;

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

/* The point of a key read so is written compressed, and so it stays. */
static struct key *with_compressed_point(const struct key *k)
{
	EVP_PKEY *pkey = EVP_PKEY_dup(key_evp(k));
	struct key *compressed;

	assert_int_equal(EVP_PKEY_set_utf8_string_param(
	                     pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
	                 1);
	compressed = parse(pem_of(pkey, false, NULL));
	EVP_PKEY_free(pkey);
	return compressed;
}

/* 600 keys of a curve: enough for a number with a leading zero byte. */
static void ec_keys_are_written_as_openssl_writes_them(void **state)
{
	static const enum key_type types[] = { KEY_EC256, KEY_EC384 };

	for (size_t i = 0; i < 1200; i++) {
		struct key *k CLEANUP(key_cleanup) = NULL, *compressed CLEANUP(key_cleanup) = NULL;
		char *pem, *again;
		struct err e;

		assert_int_equal(key_generate(types[i % 2], &k, &e), 0);
		assert_int_equal(key_pem(a, k, &pem, &e), 0);
		assert_string_equal(pem, pem_of(key_evp(k), false, NULL));
		if (i >= 4)
			continue;
		compressed = with_compressed_point(k);
		assert_int_equal(key_pem(a, compressed, &pem, &e), 0);
		assert_string_equal(pem, pem_of(key_evp(compressed), false, NULL));
		assert_int_equal(key_jwk(a, k, &pem, &e), 0);
		assert_int_equal(key_jwk(a, compressed, &again, &e), 0);
		assert_string_equal(again, pem);
	}
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
		cmocka_unit_test(ec_keys_are_written_as_openssl_writes_them),
		cmocka_unit_test(older_forms_are_read),
		cmocka_unit_test(what_does_not_fit_is_refused_by_name),
		cmocka_unit_test(encrypted_keys_are_told_apart_and_quote_nothing),
		cmocka_unit_test(public_keys_have_a_digest),
		cmocka_unit_test(a_second_owner_keeps_the_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
