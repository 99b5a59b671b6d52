/* base/mask: secrets hidden in what others wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mask.h"

static void test_mask(void **state)
{
	static const struct {
		const char *secret, *text, *want;
	} rows[] = {
		{ "hunter2", "key hunter2 and hunter2", "key ******* and *******" },
		{ "hunter2", "nothing here", "nothing here" },
		{ "hunter2", "cut at the hunt", "cut at the ****" },
		{ "hunter2", "too little: hun", "too little: hun" },
		{ "hunter2", "aHVudGVyMg== is it", "************ is it" },
		{ "p&ss w/rd", "q=p%26ss%20w%2Frd;", "q=***************;" },
		{ "line one\nline two\r\nx", "a line two, line one.", "a ********, ********." },
		{ "abc", "abc is no secret", "abc is no secret" },
		{ "", "text", "text" },
		{ NULL, "text", "text" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
		struct strings masked = { 0 };
		char *text = arena_strdup(a, rows[i].text);

		mask_add(a, &masked, rows[i].secret);
		mask_text(text, &masked);
		assert_string_equal(text, rows[i].want);
	}
}

static void test_no_list(void **state)
{
	char text[] = "as it is";

	mask_text(text, NULL);
	assert_string_equal(text, "as it is");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
