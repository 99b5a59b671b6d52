/* Digests and MACs against the published vectors (FIPS 180, RFC 4231), and that the random numbers
 * keep their bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/codec.h"
#include "sys/hash.h"

static void digests_match_the_vectors(void **state)
{
	static const struct {
		enum hash_alg alg;
		const char *text, *want;
	} rows[] = {
		{ HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ HASH_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72" },
		{ HASH_SHA224, "abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
		{ HASH_SHA256, "abc",
		  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ HASH_SHA256, "",
		  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ HASH_SHA384, "abc",
		  "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc23"
		  "58baeca134c825a7" },
		{ HASH_SHA512, "abc",
		  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
	};
	struct arena *a = arena_new(0);
	unsigned char md[HASH_MAX];
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
		    hash_digest(rows[i].alg, rows[i].text, strlen(rows[i].text), md, &e), 0);
		assert_string_equal(hex_encode(a, md, hash_len(rows[i].alg)), rows[i].want);
	}
	arena_free(a);
}

static void macs_match_rfc4231(void **state)
{
	static const struct {
		enum hash_alg alg;
		const char *want;
	} rows[] = {
		/* test case 2 */
		{ HASH_SHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
		{ HASH_SHA384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2"
		               "240ca5e69e2c78b3239ecfab21649" },
		{ HASH_SHA512, "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		               "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
	};
	static const char text[] = "what do ya want for nothing?";
	struct arena *a = arena_new(0);
	unsigned char mac[HASH_MAX];
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(hash_hmac(rows[i].alg, "Jefe", 4, text, strlen(text), mac, &e), 0);
		assert_string_equal(hex_encode(a, mac, hash_len(rows[i].alg)), rows[i].want);
	}
	/* an empty key and an empty text have a MAC too */
	assert_int_equal(hash_hmac(HASH_SHA256, NULL, 0, NULL, 0, mac, &e), 0);
	assert_string_equal(hex_encode(a, mac, 32),
	                    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	arena_free(a);
}

static void random_numbers_keep_their_bound(void **state)
{
	static const uint64_t bounds[] = {
		1, 2, 3, 10, 1000, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1, UINT64_MAX
	};
	bool seen[3] = { false };
	struct err e;
	uint64_t v;

	for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
		for (int n = 0; n < 100; n++) {
			assert_int_equal(hash_random_below(bounds[i], &v, &e), 0);
			assert_true(v < bounds[i]);
			if (bounds[i] == 3)
				seen[v] = true;
		}
	assert_true(seen[0] && seen[1] && seen[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_match_the_vectors),
		cmocka_unit_test(macs_match_rfc4231),
		cmocka_unit_test(random_numbers_keep_their_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
