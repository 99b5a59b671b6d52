/* base/log: levels, context, cleaning, the sink, and what standard error gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static struct {
	enum log_level level;
	char line[4096];
	int calls;
} seen;

static void remember(enum log_level level, const char *line, void *ctx)
{
	assert_ptr_equal(ctx, &seen);
	seen.level = level;
	snprintf(seen.line, sizeof(seen.line), "%s", line);
	seen.calls++;
	log_error("a sink must not log"); /* dropped, and does not hang */
}

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	log_set_level(LOG_INFO);
	log_set_sink(remember, &seen);
	return 0;
}

static int teardown(void **state)
{
	log_set_sink(NULL, NULL);
	return 0;
}

static void test_levels(void **state)
{
	log_detail("no");
	log_debug("no");
	assert_int_equal(seen.calls, 0);
	log_info("n %d", 1);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.level, LOG_INFO);
	assert_string_equal(seen.line, "n 1");
	log_set_level(LOG_ERROR);
	log_warn("no");
	assert_int_equal(seen.calls, 1);
	log_error("yes");
	assert_int_equal(seen.level, LOG_ERROR);
	log_set_level(LOG_DEBUG);
	log_debug("yes");
	assert_int_equal(seen.level, LOG_DEBUG);
	assert_int_equal(log_level(), LOG_DEBUG);
}

static void test_context(void **state)
{
	struct log_context outer = log_context_set("%s", "example.org"), inner;

	log_info("one");
	assert_string_equal(seen.line, "example.org: one");
	inner = log_context_set("order %d", 3);
	log_info("two");
	assert_string_equal(seen.line, "order 3: two");
	log_context_restore(&inner);
	log_info("three");
	assert_string_equal(seen.line, "example.org: three");
	log_context_restore(&outer);
	log_info("four");
	assert_string_equal(seen.line, "four");
}

static void *other_thread(void *p)
{
	log_info("elsewhere");
	return p;
}

static void test_context_is_the_threads_own(void **state)
{
	struct log_context former = log_context_set("here");
	pthread_t id;

	assert_int_equal(pthread_create(&id, NULL, other_thread, NULL), 0);
	pthread_join(id, NULL);
	assert_string_equal(seen.line, "elsewhere");
	log_context_restore(&former);
}

static void test_cleaned_and_cut(void **state)
{
	char longer[5000];

	log_info("a\nb\033[2Jc");
	assert_string_equal(seen.line, "a?b?[2Jc");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_info("%s", longer);
	assert_in_range(strlen(seen.line), 1000, 4000);
}

static void test_standard_error(void **state)
{
	int saved = dup(STDERR_FILENO), ends[2];
	char got[256];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	log_set_sink(NULL, NULL);
	dup2(ends[1], STDERR_FILENO);
	log_error("e");
	log_warn("w");
	log_info("i");
	dup2(saved, STDERR_FILENO);
	n = read(ends[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, "error: e\nwarning: w\ni\n");
	close(saved);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_context, setup, teardown),
		cmocka_unit_test_setup_teardown(test_context_is_the_threads_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cleaned_and_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_standard_error, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
