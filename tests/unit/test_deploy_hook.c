/* Deploy hooks get certbot's environment, and a failing one says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/log.h"
#include "deploy/deploy_hook.h"

static struct arena *a;
static char dir[64];
static char logged[1024];

static const char *script(const char *body)
{
	const char *file = arena_printf(a, "%s/hook", dir);
	const char *text = arena_printf(a, "#!/bin/sh\n%s\n", body);
	struct err e;

	assert_int_equal(fs_remove(file, &e), 0);
	assert_int_equal(fs_write_new(file, text, strlen(text), 0700, &e), 0);
	return file;
}

static struct deploy_hook_spec spec_of(const char *hook)
{
	struct deploy_hook_spec s = { .hook = hook, .lineage = "/state/live/example.org" };

	strings_add(a, &s.domains, "example.org");
	strings_add(a, &s.domains, "*.example.org");
	return s;
}

static void keep_line(enum log_level level, const char *line, void *ctx)
{
	size_t len = strlen(logged);

	(void)ctx;
	snprintf(logged + len, sizeof(logged) - len, "%d %s\n", level, line);
}

static void the_environment_is_certbots(void **state)
{
	struct deploy_hook_spec s =
	    spec_of(script("echo \"$# $RENEWED_LINEAGE\"; set -f; echo $RENEWED_DOMAINS"));
	struct err e;

	logged[0] = '\0';
	log_set_sink(keep_line, NULL);
	assert_int_equal(deploy_hook_run(a, &s, &e), 0);
	log_set_sink(NULL, NULL);
	assert_non_null(strstr(logged, "0 /state/live/example.org\n"));
	assert_non_null(strstr(logged, "example.org *.example.org\n"));
}

static void a_failure_says_why(void **state)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{ "echo one >&2; echo 'nginx: [emerg] no such file' >&2; exit 2",
		  "ended with status 2: nginx: [emerg] no such file" },
		{ "exit 1", "ended with status 1" },
		{ "kill -9 $$", "ended with status 137" },
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct deploy_hook_spec s = spec_of(script(rows[i].body));
		assert_int_equal(deploy_hook_run(a, &s, &e), -ERR_HOOK);
		size_t len = strlen(e.text), want = strlen(rows[i].want);
		assert_true(len > want);
		assert_string_equal(e.text + len - want, rows[i].want);
		assert_non_null(strstr(e.text, s.hook));
	}
}

static void what_cannot_be_run_is_told(void **state)
{
	struct deploy_hook_spec s = spec_of(arena_printf(a, "%s/nothing", dir));
	struct err e;

	assert_int_equal(deploy_hook_run(a, &s, &e), -ERR_INPUT);
	s.hook = dir;
	assert_int_equal(deploy_hook_run(a, &s, &e), -ERR_INPUT);
	s.hook = script("exit 0");
	assert_int_equal(chmod(s.hook, 0600), 0);
	assert_int_equal(deploy_hook_run(a, &s, &e), -ERR_INPUT);
}

static int set_up(void **state)
{
	a = arena_new(0);
	snprintf(dir, sizeof(dir), "/tmp/test_deploy_hook.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct err e;
	int r = fs_remove(dir, &e);

	arena_free(a);
	return r;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_environment_is_certbots),
		TEST(a_failure_says_why),
		TEST(what_cannot_be_run_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
