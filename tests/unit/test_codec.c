/* base/codec: RFC 4648 10 vectors, RFC 7515 C and A.1, strictness, tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/codec.h"

static void test_rfc4648(void **state)
{
	static const struct {
		const char *plain, *base64, *base64url;
	} rows[] = {
		{ "", "", "" },
		{ "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
		{ "\xff\xfe\xfd?>", "//79Pz4=", "__79Pz4" },
		/* RFC 7515 A.1.1: the protected header of its first example */
		{ "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
		  "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
		  "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9" },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct bytes out;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].plain);

		assert_string_equal(base64_encode(a, rows[i].plain, len), rows[i].base64);
		assert_string_equal(base64url_encode(a, rows[i].plain, len), rows[i].base64url);
		assert_int_equal(base64url_decode(a, rows[i].base64url, &out, &e), 0);
		assert_int_equal(out.n, len);
		assert_memory_equal(out.v, rows[i].plain, len);
		assert_int_equal(base64_decode_any(a, rows[i].base64, &out, &e), 0);
		assert_int_equal(out.n, len);
		assert_memory_equal(out.v, rows[i].plain, len);
		assert_int_equal(base64_decode_any(a, rows[i].base64url, &out, &e), 0);
		assert_int_equal(out.n, len);
	}
}

/* RFC 7515 appendix C: octets 3 236 255 224 193 are "A-z_4ME". */
static void test_rfc7515_c(void **state)
{
	static const unsigned char octets[] = { 3, 236, 255, 224, 193 };
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct bytes out;
	struct err e;

	assert_string_equal(base64url_encode(a, octets, sizeof(octets)), "A-z_4ME");
	assert_int_equal(base64url_decode(a, "A-z_4ME", &out, &e), 0);
	assert_int_equal(out.n, sizeof(octets));
	assert_memory_equal(out.v, octets, sizeof(octets));
}

static void test_refused(void **state)
{
	static const struct {
		const char *input;
		bool url, any; /* accepted by which */
	} rows[] = {
		{ "Zg==", false, true },  { "Zg=", false, false },   { "Zg===", false, false },
		{ "=", false, false },    { "Z", false, false },     { "Zm9vY", false, false },
		{ "Zm 8", false, false }, { "Zm8\n", false, false }, { "A+z/", false, true },
		{ "A-z_", true, true },   { "Zh", false, true }, /* bits to spare */
		{ "Zm9", false, true },   { "Zm=v", false, false },  { "Zm9v\xc3", false, false },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes out = { NULL, 77 };
		struct err e;

		assert_int_equal(base64url_decode(a, rows[i].input, &out, &e),
		                 rows[i].url ? 0 : -ERR_INPUT);
		if (!rows[i].url)
			assert_int_equal(out.n, 77);
		assert_int_equal(base64_decode_any(a, rows[i].input, &out, &e),
		                 rows[i].any ? 0 : -ERR_INPUT);
	}
}

static void test_all_lengths_round_trip(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	unsigned char data[256];
	struct bytes out;
	struct err e;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 37 + 11);
	for (size_t n = 0; n <= sizeof(data); n++) {
		assert_int_equal(base64url_decode(a, base64url_encode(a, data, n), &out, &e), 0);
		assert_int_equal(out.n, n);
		assert_memory_equal(out.v, data, n);
		assert_int_equal(base64_decode_any(a, base64_encode(a, data, n), &out, &e), 0);
		assert_int_equal(out.n, n);
		assert_memory_equal(out.v, data, n);
	}
}

static void test_hex(void **state)
{
	static const unsigned char data[] = { 0x00, 0x0a, 0x1b, 0xff };
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	assert_string_equal(hex_encode(a, data, sizeof(data)), "000a1bff");
	assert_string_equal(hex_encode_colons(a, data, sizeof(data)), "00:0A:1B:FF");
	assert_string_equal(hex_encode(a, data, 0), "");
	assert_string_equal(hex_encode_colons(a, data, 0), "");
	assert_string_equal(hex_encode_colons(a, data, 1), "00");
}

static void test_tokens(void **state)
{
	char longest[130];

	memset(longest, 'a', 129);
	longest[129] = '\0';
	assert_false(is_acme_token(longest));
	longest[128] = '\0';
	assert_true(is_acme_token(longest));
	assert_true(is_acme_token("DGyRejmCefe7v4NfDGDKfA")); /* RFC 8555 8.3 */
	assert_true(is_acme_token("-_"));
	assert_false(is_acme_token(""));
	assert_false(is_acme_token("../etc"));
	assert_false(is_acme_token("a/b"));
	assert_false(is_acme_token("a.b"));
	assert_false(is_acme_token("a="));
	assert_false(is_acme_token("a\n"));
}

static void test_wipe(void **state)
{
	char secret[] = "secret";

	wipe(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], 0);
	wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc4648), cmocka_unit_test(test_rfc7515_c),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_all_lengths_round_trip),
		cmocka_unit_test(test_hex),     cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
