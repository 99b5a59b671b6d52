/* base/err: codes, context, cleaning of what a peer said, the rows of errors.def. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void test_set_fills_everything(void **state)
{
	struct err e = { .code = ERR_IO, .retry_s = 7, .problem = "badNonce", .text = "old" };

	assert_int_equal(err_set(&e, ERR_NETWORK, "no answer from %s", "host"), -ERR_NETWORK);
	assert_int_equal(e.code, ERR_NETWORK);
	assert_int_equal(e.retry_s, 0);
	assert_string_equal(e.problem, "");
	assert_string_equal(e.text, "no answer from host");
}

static void test_context_goes_before(void **state)
{
	struct err e;

	err_set(&e, ERR_ACME, "inner");
	e.retry_s = 5;
	assert_int_equal(err_ctx(&e, "order %d", 12), -ERR_ACME);
	assert_int_equal(err_ctx(&e, "example.org"), -ERR_ACME);
	assert_string_equal(e.text, "example.org: order 12: inner");
	assert_int_equal(e.retry_s, 5);
}

static void test_own_text_as_argument(void **state)
{
	struct err e;

	err_set(&e, ERR_INPUT, "first");
	err_set(&e, ERR_CONFIG, "second after %s", e.text);
	assert_string_equal(e.text, "second after first");
}

static void test_cleaned(void **state)
{
	static const struct {
		const char *input, *want;
	} rows[] = {
		{ "a\033[31mred\r\n", "a?[31mred??" },
		{ "tab\there\x7f", "tab?here?" },
		{ "m\xc3\xbcnchen \xe2\x82\xac", "m\xc3\xbcnchen \xe2\x82\xac" },
		{ "c1 \xc2\x9b x", "c1 ?? x" },
		{ "latin1 \xfc.", "latin1 ?." },
		{ "cut \xe2\x82", "cut ??" },
		{ "overlong \xc0\xaf", "overlong ??" },
		{ "turned \xe2\x80\xae round", "turned ??? round" },
		{ "surrogate \xed\xa0\x80", "surrogate ???" },
		{ "\xf0\x9f\x8d\x83", "\xf0\x9f\x8d\x83" },
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err_set(&e, ERR_PROTOCOL, "%s", rows[i].input);
		assert_string_equal(e.text, rows[i].want);
	}
}

static void test_long_texts_are_cut(void **state)
{
	char longer[2000];
	struct err e;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, ERR_INPUT, "%s", longer);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_ctx(&e, "%s", longer);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_errno(&e, ERR_IO, EACCES, "%s", longer);
	assert_non_null(strstr(e.text, ": Permission denied"));
}

static void test_errno_words(void **state)
{
	struct err e;

	assert_int_equal(err_errno(&e, ERR_IO, ENOENT, "cannot open %s", "f"), -ERR_IO);
	assert_string_equal(e.text, "cannot open f: No such file or directory");
	err_errno(&e, ERR_IO, ENOSPC, "cannot write f");
	assert_string_equal(e.text, "cannot write f: the disk is full");
	err_errno(&e, ERR_IO, EDQUOT, "cannot write f");
	assert_string_equal(e.text, "cannot write f: the disk is full");
}

static void test_rows(void **state)
{
	assert_int_equal(err_exit_status(ERR_NONE), 0);
	assert_int_equal(err_exit_status(ERR_USAGE), 2);
	assert_int_equal(err_exit_status(ERR_PARTIAL), 3);
	assert_int_equal(err_exit_status(ERR_RATE_LIMITED), 75);
	assert_int_equal(err_http_status(ERR_NOT_FOUND), 404);
	assert_true(err_is_retryable(ERR_BUSY));
	assert_false(err_is_retryable(ERR_VALIDATION));
	assert_string_equal(err_word(ERR_CA_UNAVAILABLE), "ca-unavailable");
	assert_string_equal(err_word((enum err_code)999), "error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_fills_everything),
		cmocka_unit_test(test_context_goes_before),
		cmocka_unit_test(test_own_text_as_argument),
		cmocka_unit_test(test_cleaned),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_errno_words),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
