/* Signed assertions: what is in them, to the letter, and that OpenSSL itself takes the signature.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rsa.h>

#include "dns/jwt.h"
#include "rfc_keys.h"
#include "sys/key_evp.h"
#include "sys/key_pss.h"

static struct arena *a;
static struct key *rsa, *ec;

static const struct jwt whole = {
	.alg = JWT_PS256,
	.key_id = "key-1",
	.x5t_s256 = "thumb",
	.issuer = "client",
	.subject = "client",
	.audience = "https://login.example/t/oauth2/v2.0/token",
	.scope = "a b",
	.id = "0123",
	.issued_at = 1700000000,
	.not_before = 1700000001,
	.expires_at = 1700000600,
};

static char *make(const struct jwt *t)
{
	struct err e;
	char *text;

	if (jwt_sign(a, rsa, t, &text, &e) < 0)
		fail_msg("%s", e.text);
	return text;
}

/* The n-th of the three parts, decoded. */
static struct bytes part(const char *text, int n)
{
	struct bytes out;
	struct err e;

	while (n-- > 0)
		text = strchr(text, '.') + 1;
	assert_int_equal(base64url_decode(a, arena_strndup(a, text, strcspn(text, ".")), &out, &e),
	                 0);
	return out;
}

static bool verifies(const char *text, bool pss)
{
	EVP_MD_CTX *ctx CLEANUP(md_ctx_cleanup) = EVP_MD_CTX_new();
	EVP_PKEY_CTX *params = NULL;
	struct bytes signature = part(text, 2);

	assert_int_equal(EVP_DigestVerifyInit(ctx, &params, EVP_sha256(), NULL, key_evp(rsa)), 1);
	if (pss) {
		assert_true(EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) > 0);
		assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(params, 32) > 0);
	}
	return EVP_DigestVerify(ctx, signature.v, signature.n, (const unsigned char *)text,
	                        (size_t)(strrchr(text, '.') - text)) == 1;
}

static void test_what_is_in_it(void **state)
{
	static const struct {
		struct jwt t;
		const char *header, *claims;
	} cases[] = {
		{ whole,
		  "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"kid\":\"key-1\",\"x5t#S256\":\"thumb\"}",
		  "{\"iss\":\"client\",\"sub\":\"client\",\"aud\":\"https://login.example/t/oauth2/"
		  "v2.0/"
		  "token\",\"scope\":\"a "
		  "b\",\"jti\":\"0123\",\"iat\":1700000000,\"nbf\":1700000001,"
		  "\"exp\":1700000600}" },
		{ { .alg = JWT_RS256, .issuer = "\"quoted\"", .expires_at = 2 },
		  "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
		  "{\"iss\":\"\\\"quoted\\\"\",\"exp\":2}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = make(&cases[i].t);
		struct bytes header = part(text, 0), claims = part(text, 1);

		assert_string_equal(arena_strndup(a, (char *)header.v, header.n), cases[i].header);
		assert_string_equal(arena_strndup(a, (char *)claims.v, claims.n), cases[i].claims);
	}
}

static void test_signatures(void **state)
{
	for (int pss = 0; pss <= 1; pss++) {
		char *text =
		    make(&(struct jwt){ .alg = pss ? JWT_PS256 : JWT_RS256, .issuer = "x" });

		assert_true(verifies(text, pss));
		assert_false(verifies(text, !pss));
		text[4] = text[4] == 'A' ? 'B' : 'A';
		assert_false(verifies(text, pss));
	}
}

/* PKCS#1 v1.5 gives the same each time; PSS has a salt. */
static void test_salt(void **state)
{
	struct jwt rs = { .alg = JWT_RS256, .issuer = "x" },
	           ps = { .alg = JWT_PS256, .issuer = "x" };

	assert_string_equal(make(&rs), make(&rs));
	assert_string_not_equal(make(&ps), make(&ps));
}

static void test_only_rsa(void **state)
{
	struct bytes signature;
	struct err e;
	char *text = NULL;

	assert_int_equal(jwt_sign(a, ec, &whole, &text, &e), -ERR_INPUT);
	assert_null(text);
	assert_string_equal(e.text, "the key is ec256; an RSA key is needed");
	assert_int_equal(key_sign_ps256(a, ec, "x", 1, &signature, &e), -ERR_INPUT);
}

static int set_up(void **state)
{
	struct err e;

	a = arena_new(0);
	return key_parse(jwk_7517, strlen(jwk_7517), &rsa, &e) < 0 ||
	       key_parse(jwk_7515_ec, strlen(jwk_7515_ec), &ec, &e) < 0;
}

static int tear_down(void **state)
{
	key_free(rsa);
	key_free(ec);
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_in_it),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_salt),
		cmocka_unit_test(test_only_rsa),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
