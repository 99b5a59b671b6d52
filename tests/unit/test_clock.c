/* base/clock: RFC 3339 5.8 examples, the three HTTP-date forms of RFC 9110 5.6.7, the set clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static void test_rfc3339(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} rows[] = {
		{ "1985-04-12T23:20:50.52Z", 482196050 },
		{ "1996-12-19T16:39:57-08:00", 851042397 },
		{ "1990-12-31T23:59:60Z", 662688000 },
		{ "1990-12-31T15:59:60-08:00", 662688000 },
		{ "1937-01-01T12:00:27.87+00:20", -1041337173 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-22t00:00:00z", 1795305600 },
		{ "2026-11-22 00:00:00Z", 1795305600 },
		{ "2024-02-29T12:00:00Z", 1709208000 },
		{ "0001-01-01T00:00:00Z", -62135596800 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
		{ "2026-01-02T03:04:05.123456789Z", 1767323045 },
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t at = -1;

		assert_int_equal(clock_parse_rfc3339(rows[i].text, &at, &e), 0);
		assert_int_equal(at, rows[i].want);
	}
}

static void test_rfc3339_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"2026",
		"2026-11-22",
		"2026-11-22T00:00:00",
		"2026-11-22T00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2026-11-31T00:00:00Z",
		"2026-11-22T24:00:00Z",
		"2026-11-22T00:60:00Z",
		"2026-11-22T00:00:61Z",
		"2026-11-22T00:00:00.Z",
		"2026-11-22T00:00:00Zx",
		"2026-11-22T00:00:00+24:00",
		"2026-11-22T00:00:00+0100",
		"+026-11-22T00:00:00Z",
		"2026-11-22T 0:00:00Z",
		" 2026-11-22T00:00:00Z",
		"2026-11-22T00:00:00-",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t at = 42;
		struct err e;

		assert_int_equal(clock_parse_rfc3339(rows[i], &at, &e), -ERR_INPUT);
		assert_int_equal(at, 42);
	}
}

static void test_written(void **state)
{
	static const struct {
		int64_t at;
		const char *want;
	} rows[] = {
		{ 1795305600, "2026-11-22T00:00:00Z" },   { 1, "1970-01-01T00:00:01Z" },
		{ -1, "1969-12-31T23:59:59Z" },           { 253402300799, "9999-12-31T23:59:59Z" },
		{ INT64_MAX, "9999-12-31T23:59:59Z" },    { INT64_MIN, "0000-01-01T00:00:00Z" },
		{ -62135596800, "0001-01-01T00:00:00Z" }, { -30610224000, "1000-01-01T00:00:00Z" },
		{ -30610224001, "0999-12-31T23:59:59Z" },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	assert_null(clock_rfc3339(a, 0));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(clock_rfc3339(a, rows[i].at), rows[i].want);
}

static void test_http_date(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} rows[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Sun Nov 16 08:49:37 1994", 784975777 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Saturday, 01-Jan-00 00:00:00 GMT", 946684800 },
		{ "Wednesday, 01-Jan-76 00:00:00 GMT",
		  3345062400 }, /* 2076 is 50 years ahead of 2026 */
		{ "Saturday, 01-Jan-77 00:00:00 GMT", 220924800 }, /* 51 years are too many */
	};
	struct err e;

	clock_set(1795305600); /* two-digit years are read from here */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t at = -1;

		assert_int_equal(clock_parse_http_date(rows[i].text, &at, &e), 0);
		assert_int_equal(at, rows[i].want);
	}
	clock_set(0);
}

static void test_http_date_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"120",
		"Sun",
		"Sun, ",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Son, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday Nov  6 08:49:37 1994",
		"Sun Nov 6 08:49:37 1994",
		"Sun, 00 Nov 1994 08:49:37 GMT",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t at = 42;
		struct err e;

		assert_int_equal(clock_parse_http_date(rows[i], &at, &e), -ERR_INPUT);
		assert_int_equal(at, 42);
	}
}

static void test_set_clock(void **state)
{
	int64_t before = (int64_t)time(NULL), now;

	now = clock_now();
	assert_in_range(now - before, 0, 2);
	clock_set(1000000000);
	assert_int_equal(clock_now(), 1000000000);
	clock_set(1000086400);
	assert_int_equal(clock_now(), 1000086400);
	clock_set(0);
	assert_in_range(clock_now() - before, 0, 2);
	assert_true(clock_monotonic_ms() > 0);
}

#ifdef EVERLEAF_FAULT_POINTS
static void test_offset(void **state)
{
	int64_t before = clock_now();

	setenv("EVERLEAF_CLOCK_OFFSET_S", "86400", 1);
	assert_in_range(clock_now() - before, 86400, 86402);
	setenv("EVERLEAF_CLOCK_OFFSET_S", "-3600", 1);
	assert_in_range(before - clock_now(), 3598, 3600);
	unsetenv("EVERLEAF_CLOCK_OFFSET_S");
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_rfc3339_refused),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_http_date),
		cmocka_unit_test(test_http_date_refused),
		cmocka_unit_test(test_set_clock),
#ifdef EVERLEAF_FAULT_POINTS
		cmocka_unit_test(test_offset),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
