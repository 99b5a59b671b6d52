/* base/arena and base/buf: alignment, zeroing, caps, lists, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

static void test_zeroed_and_aligned(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	for (size_t size = 0; size < 9000; size += 37) {
		unsigned char *p = arena_alloc(a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xaa, size);
	}
}

static void test_strings_are_copies(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	char text[] = "example.org";
	char *copy = arena_strdup(a, text);

	text[0] = 'X';
	assert_string_equal(copy, "example.org");
	assert_null(arena_strdup(a, NULL));
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(a, "ab", 30), "ab");
	assert_string_equal(arena_printf(a, "%s-%d", "n", 7), "n-7");
	for (int width = 250; width < 260; width++) { /* where a text no longer fits aside */
		char *wide = arena_printf(a, "%*s", width, "z");

		assert_int_equal(strlen(wide), width);
		assert_int_equal(wide[width - 1], 'z');
	}
	assert_memory_equal(arena_memdup(a, "x\0y", 3), "x\0y", 3);
}

static void test_lists(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct strings list = { 0 }, copy;

	assert_string_equal(strings_join(a, &list, ","), "");
	for (int i = 0; i < 100; i++) {
		strings_add(a, &list, arena_printf(a, "n%d", i));
		assert_int_equal(list.n, i + 1);
	}
	for (int i = 0; i < 100; i++)
		assert_string_equal(list.v[i], arena_printf(a, "n%d", i));
	copy = strings_dup(a, &list);
	assert_true(strings_same(&copy, &list));
	assert_true(copy.v[5] != list.v[5]);
	strings_add(a, &copy, "more");
	assert_false(strings_same(&copy, &list));
	assert_true(strings_has(&copy, "more"));
	assert_false(strings_has(&list, "more"));
	copy.n = 3;
	assert_string_equal(strings_join(a, &copy, ", "), "n0, n1, n2");
}

/* What must end the process is done in a child. */
static int status_of(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(99);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void within_cap(void)
{
	struct arena *a = arena_new(100000);

	for (int i = 0; i < 99; i++)
		memset(arena_alloc(a, 1000), 1, 1000);
	arena_free(a);
}

static void beyond_cap(void)
{
	struct arena *a = arena_new(100000);

	for (int i = 0; i < 101; i++)
		memset(arena_alloc(a, 1000), 1, 1000);
}

static void overflow(void)
{
	volatile size_t many = SIZE_MAX / 4;

	arena_alloc_array(arena_new(0), 8, many);
}

static void test_cap_ends_the_process(void **state)
{
	assert_int_equal(status_of(within_cap), 0);
	assert_int_equal(status_of(beyond_cap), 1);
	assert_int_equal(status_of(overflow), 1);
}

static void test_buf_grows_to_its_limit(void **state)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(1000);
	struct err e;

	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_add(&b, "0123456789", 10, &e), 0);
	assert_int_equal(b.len, 1000);
	assert_int_equal(strlen(b.data), 1000);
	assert_int_equal(buf_add(&b, "x", 1, &e), -ERR_INPUT);
	assert_int_equal(b.len, 1000);
	assert_int_equal(buf_add(&b, "", 0, &e), 0);
	assert_int_equal(buf_printf(&b, &e, "%d", 1), -ERR_INPUT);
	assert_string_equal(e.text, "more than 1000 bytes");
}

static void test_buf_texts(void **state)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(10000);
	struct err e;

	assert_int_equal(buf_str(&b, "a", &e), 0);
	assert_int_equal(buf_printf(&b, &e, "%05d", 42), 0);
	assert_int_equal(buf_printf(&b, &e, "%300s", "z"), 0);
	assert_int_equal(b.len, 306);
	assert_memory_equal(b.data, "a00042   ", 9);
	assert_int_equal(b.data[b.len], '\0');
	buf_done(&b);
	assert_null(b.data);
	assert_int_equal(buf_str(&b, "again", &e), 0);
	assert_string_equal(b.data, "again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zeroed_and_aligned),
		cmocka_unit_test(test_strings_are_copies),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_cap_ends_the_process),
		cmocka_unit_test(test_buf_grows_to_its_limit),
		cmocka_unit_test(test_buf_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
