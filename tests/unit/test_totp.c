/* One-time codes against RFC 6238 Appendix B, base32 against RFC 4648 10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sys/totp.h"

#define RFC_SECRET "12345678901234567890"

static void codes_of_the_rfc(void **state)
{
	static const struct {
		int64_t at;
		const char *code; /* the last six of its eight digits */
	} rows[] = {
		{ 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
		{ 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" },
	};
	const struct bytes key = { (unsigned char *)RFC_SECRET, strlen(RFC_SECRET) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char code[TOTP_DIGITS + 1];
		struct err e;

		assert_int_equal(totp_code(&key, rows[i].at / TOTP_STEP_S, code, &e), 0);
		assert_string_equal(code, rows[i].code);
	}
}

static void base32_of_the_rfc(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "f", "MY" },
		{ "fo", "MZXQ" },
		{ "foo", "MZXW6" },
		{ "foob", "MZXW6YQ" },
		{ "fooba", "MZXW6YTB" },
		{ "foobar", "MZXW6YTBOI" },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes back;
		struct err e;

		assert_string_equal(base32_encode(a, rows[i][0], strlen(rows[i][0])), rows[i][1]);
		assert_int_equal(base32_decode(a, rows[i][1], &back, &e), 0);
		assert_int_equal(back.n, strlen(rows[i][0]));
		assert_memory_equal(back.v, rows[i][0], back.n);
	}
}

static void base32_as_people_type_it(void **state)
{
	static const char *const bad[] = { "M1XQ", "MZXQ=A", "MZ-XQ", "MZX\xc3\xa9" };
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct bytes v;
	struct err e;

	(void)state;
	assert_int_equal(base32_decode(a, "mzxw 6ytb oi======", &v, &e), 0);
	assert_memory_equal(v.v, "foobar", 6);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(base32_decode(a, bad[i], &v, &e), -ERR_INPUT);
}

/* One step before and after, no more; each tells its own step. */
static void window(void **state)
{
	static const int64_t late[] = { -61, -60, -30, 0, 29, 30, 59, 60, 90 };
	static const bool fits[] = { false, false, true, true, true, true, true, false, false };
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *secret = base32_encode(a, RFC_SECRET, strlen(RFC_SECRET));
	int64_t at = 1111111110, step; /* a step begins */
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(late); i++) {
		assert_int_equal(totp_check(a, secret, "050471", at + late[i], &step, &e), 0);
		assert_int_equal(step, fits[i] ? at / TOTP_STEP_S : 0);
	}
	assert_int_equal(totp_check(a, secret, "50471", at, &step, &e), 0);
	assert_int_equal(step, 0);
	assert_int_equal(totp_check(a, secret, "", at, &step, &e), 0);
	assert_int_equal(step, 0);
	assert_int_equal(totp_check(a, secret, "0504710", at, &step, &e), 0);
	assert_int_equal(step, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_of_the_rfc),
		cmocka_unit_test(base32_of_the_rfc),
		cmocka_unit_test(base32_as_people_type_it),
		cmocka_unit_test(window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
