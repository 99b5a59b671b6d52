/* Signed requests: the messages of RFC 7515, the header members of RFC 8555 6.2, and external
 * account binding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/jws.h"
#include "acme/jws_impl.h"
#include "base/json.h"
#include "rfc_keys.h"
#include "sys/key_evp.h"

static struct arena *a;

static const char rfc_payload[] =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
static const char rfc_payload_b64[] = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9l"
                                      "eGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

static struct key *parse(const char *text)
{
	struct key *k = NULL;
	struct err e;

	if (key_parse(text, strlen(text), &k, &e) < 0)
		fail_msg("%s", e.text);
	return k;
}

static json_t *parsed(const char *text)
{
	json_t *object;
	struct err e;

	if (json_parse(text, strlen(text), &object, &e) < 0)
		fail_msg("%s: %s", e.text, text);
	return object;
}

static const char *member(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	if (!s)
		fail_msg("no %s", name);
	return s;
}

static char *decoded(const char *text)
{
	struct bytes b;
	struct err e;

	assert_int_equal(base64url_decode(a, text, &b, &e), 0);
	return arena_strndup(a, (char *)b.v, b.n);
}

static void rs256_is_rfc7515_a2s(void **state)
{
	struct key *k = parse(jwk_7515_rsa);
	struct err e;
	char *out;

	assert_int_equal(jws_sign_text(a, k, "{\"alg\":\"RS256\"}", rfc_payload, &out, &e), 0);
	json_auto_t *jws = parsed(out);
	assert_string_equal(member(jws, "protected"), "eyJhbGciOiJSUzI1NiJ9");
	assert_string_equal(member(jws, "payload"), rfc_payload_b64);
	assert_string_equal(member(jws, "signature"),
	                    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__"
	                    "dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujG"
	                    "bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
	                    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
	                    "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
	                    "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6"
	                    "LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw");
	key_free(k);
}

static void hs256_is_rfc7515_a1s(void **state)
{
	struct bytes mac_key;
	struct err e;
	char *out;

	assert_int_equal(base64url_decode(a,
	                                  "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
	                                  "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CA"
	                                  "ow",
	                                  &mac_key, &e),
	                 0);
	assert_int_equal(jws_mac_text(a, HASH_SHA256, &mac_key,
	                              "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", rfc_payload, &out,
	                              &e),
	                 0);
	json_auto_t *jws = parsed(out);
	assert_string_equal(member(jws, "protected"), "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9");
	assert_string_equal(member(jws, "payload"), rfc_payload_b64);
	assert_string_equal(member(jws, "signature"),
	                    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

/* R || S back to the DER form that OpenSSL verifies. */
static bool es256_verifies(const struct key *k, const char *input, const char *signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[80], *p = der;
	struct bytes raw;
	struct err e;
	bool good;

	assert_int_equal(base64url_decode(a, signature, &raw, &e), 0);
	assert_int_equal(raw.n, 64);
	*p++ = 0x30;
	p++;
	for (int part = 0; part < 2; part++) {
		unsigned char *v = raw.v + 32 * part;
		size_t n = 32;
		for (; n > 1 && !*v; n--)
			v++;
		*p++ = 0x02;
		*p++ = (unsigned char)(n + (*v >> 7));
		if (*v >> 7)
			*p++ = 0;
		memcpy(p, v, n);
		p += n;
	}
	der[1] = (unsigned char)(p - der - 2);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key_evp(k)), 1);
	good = EVP_DigestVerify(ctx, der, (size_t)(p - der), (const unsigned char *)input,
	                        strlen(input)) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

/* RFC 8555 6.2: alg, nonce, url and one of kid and jwk; the published key of RFC 7515 A.3 signs. */
static void header_has_what_acme_asks_for(void **state)
{
	struct key *k = parse(jwk_7515_ec);
	struct jws_header h = { .nonce = "oFvnlFP1wIhRlYS2jTaXbA",
		                .url = "https://example.com/acme/chall/prV_B7yEyA4",
		                .kid = "https://example.com/acme/acct/evOfKhNU60wg" };
	struct err e;
	char *out;

	assert_int_equal(jws_sign(a, k, &h, "{}", &out, &e), 0);
	json_auto_t *jws = parsed(out);
	assert_int_equal(json_object_size(jws), 3);
	assert_string_equal(member(jws, "payload"), "e30");
	json_auto_t *header = parsed(decoded(member(jws, "protected")));
	assert_int_equal(json_object_size(header), 4);
	assert_string_equal(member(header, "alg"), "ES256");
	assert_string_equal(member(header, "nonce"), h.nonce);
	assert_string_equal(member(header, "url"), h.url);
	assert_string_equal(member(header, "kid"), h.kid);
	char *input = arena_printf(a, "%s.%s", member(jws, "protected"), member(jws, "payload"));
	assert_true(es256_verifies(k, input, member(jws, "signature")));
	input[3] ^= 1;
	assert_false(es256_verifies(k, input, member(jws, "signature")));
	key_free(k);
}

static void without_kid_the_key_itself_goes_in(void **state)
{
	struct key *k = parse(jwk_7515_ec);
	struct jws_header h = { .url = "https://example.com/acme/key-change" };
	struct err e;
	char *out, *want;

	assert_int_equal(jws_sign(a, k, &h, "", &out, &e), 0);
	json_auto_t *jws = parsed(out);
	assert_string_equal(member(jws, "payload"), "");
	json_auto_t *header = parsed(decoded(member(jws, "protected")));
	assert_null(json_object_get(header, "kid"));
	assert_null(json_object_get(header, "nonce"));
	assert_int_equal(key_jwk(a, k, &want, &e), 0);
	assert_string_equal(json_text(a, json_object_get(header, "jwk")), want);
	assert_null(strstr(want, "\"d\""));
	key_free(k);
}

static void external_account_is_bound_by_its_mac(void **state)
{
	static const struct {
		const char *alg, *want_alg,
		    *want_mac; /* the MACs were computed with another program */
	} rows[] = {
		{ NULL, "HS256", "w2A-n1l8cmABEA3W5rxfoyiUZwHDPKGN3GZA-0wIl3o" },
		{ "HS384", "HS384",
		  "53jgtq54GHdgxzSzQMjMXIN0LH7LeH1hLSIEnx6uLaUC0nWQV-6GM2ay18woTgJd" },
		{ "hs512", "HS512",
		  "_5ms1ZU53K2gUTweFPQjz1BksRBKnmIsyqU3OzNJUflv1M_"
		  "z5qkgRlfw0DIPFUYsA6OXV4o2VvbwD8J82t7kSg" },
	};
	struct key *k = parse(jwk_7515_ec);
	struct bytes mac_key = { (unsigned char *)"0123456789abcdef", 16 };
	struct err e;
	char *out, *jwk;

	assert_int_equal(key_jwk(a, k, &jwk, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(jws_external_account(a, rows[i].alg, "kid-1", &mac_key,
		                                      "https://ca.example/new", k, &out, &e),
		                 0);
		json_auto_t *jws = parsed(out);
		assert_string_equal(decoded(member(jws, "payload")), jwk);
		json_auto_t *header = parsed(decoded(member(jws, "protected")));
		assert_int_equal(json_object_size(header), 3);
		assert_string_equal(member(header, "alg"), rows[i].want_alg);
		assert_string_equal(member(header, "kid"), "kid-1");
		assert_string_equal(member(header, "url"), "https://ca.example/new");
		assert_string_equal(member(jws, "signature"), rows[i].want_mac);
	}
	assert_int_equal(jws_external_account(a, "none", "kid-1", &mac_key,
	                                      "https://ca.example/new", k, &out, &e),
	                 -ERR_USAGE);
	mac_key.n = 0;
	assert_int_equal(
	    jws_external_account(a, NULL, "kid-1", &mac_key, "https://ca.example/new", k, &out, &e),
	    -ERR_USAGE);
	key_free(k);
}

/* RFC 8555 8.1 with the thumbprint of RFC 7638 3.1. */
static void key_authorization_is_token_and_thumbprint(void **state)
{
	struct key *k = parse(jwk_7517);
	struct err e;
	char *out;

	assert_int_equal(
	    jws_key_authorization(a, "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA", k, &out, &e),
	    0);
	assert_string_equal(out, "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.NzbLsXh8uDCcd-"
	                         "6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	assert_int_equal(jws_key_authorization(a, "../etc/passwd", k, &out, &e), -ERR_PROTOCOL);
	key_free(k);
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
		cmocka_unit_test(rs256_is_rfc7515_a2s),
		cmocka_unit_test(hs256_is_rfc7515_a1s),
		cmocka_unit_test(header_has_what_acme_asks_for),
		cmocka_unit_test(without_kid_the_key_itself_goes_in),
		cmocka_unit_test(external_account_is_bound_by_its_mac),
		cmocka_unit_test(key_authorization_is_token_and_thumbprint),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
