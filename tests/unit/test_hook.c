/* The dehydrated hook contract, against real scripts that write down how they were called. */
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
#include "challenge/hook_env.h"
#include "challenge/hook_file.h"
#include "challenge/solver.h"

static struct arena *a;
static char dir[64];

static const char *path(const char *name)
{
	return arena_printf(a, "%s/%s", dir, name);
}

/* A script in the folder; "$LOG" in its body is a file beside it. */
static const char *script(const char *body)
{
	const char *text = arena_printf(a, "#!/bin/sh\nLOG='%s/log'\n%s\n", dir, body);
	const char *file = path("hook.sh");
	struct err e;

	assert_int_equal(fs_remove(file, &e), 0);
	assert_int_equal(fs_write_new(file, text, strlen(text), 0700, &e), 0);
	return file;
}

static const char *log_text(void)
{
	struct err e;
	char *text;

	if (!fs_exists(path("log")))
		return "";
	assert_int_equal(fs_read(a, path("log"), 1 << 20, &text, NULL, &e), 0);
	return text;
}

#define WRITE_CALL                                                                                 \
	"printf '%s' \"$1\" >> \"$LOG\"; shift; for x; do printf ' %s' \"$x\"; done >> \"$LOG\"; " \
	"echo >> \"$LOG\""

static struct solve solve_hook(const char *hook, const char *type)
{
	return (struct solve){ .arena = a, .method = "hook", .type = type, .hook = hook };
}

static struct challenge *rows_of(const char *type, size_t n)
{
	struct challenge *v = ARENA_ARRAY(a, struct challenge, n);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct challenge){ .domain = arena_printf(a, "n%zu.example", i),
			                   .type = type,
			                   .token = arena_printf(a, "token%zu", i),
			                   .value = arena_printf(a, "value%zu", i) };
	return v;
}

static void one_call_for_each_name(void **state)
{
	struct solve s = solve_hook(script(WRITE_CALL), "dns-01");
	struct challenge *v = rows_of("dns-01", 2);
	struct err e;

	assert_int_equal(solver_hook.publish(&s, v, 2, &e), 0);
	assert_string_equal(v[1].place, s.hook);
	assert_int_equal(solver_hook.withdraw(&s, v, 2, &e), 0);
	assert_string_equal(
	    log_text(),
	    "deploy_challenge n0.example token0 value0\ndeploy_challenge n1.example token1 value1\n"
	    "clean_challenge n0.example token0 value0\nclean_challenge n1.example token1 value1\n");
}

static void a_chain_is_one_call(void **state)
{
	struct solve s = solve_hook(script(WRITE_CALL), "dns-01");
	struct challenge *v = rows_of("dns-01", 3);
	struct err e;

	s.hook_chain = true;
	assert_int_equal(solver_hook.publish(&s, v, 3, &e), 0);
	assert_int_equal(solver_hook.withdraw(&s, v, 3, &e), 0);
	assert_string_equal(log_text(), "deploy_challenge n0.example token0 value0 n1.example "
	                                "token1 value1 n2.example token2 value2\n"
	                                "clean_challenge n0.example token0 value0 n1.example "
	                                "token1 value1 n2.example token2 value2\n");
}

static void a_chain_too_long_for_one_call_is_several(void **state)
{
	struct solve s = solve_hook(script("shift; echo $# >> \"$LOG\""), "dns-01");
	struct challenge *v = rows_of("dns-01", 100);
	char value[3001] = "";
	struct err e;

	memset(value, 'v', sizeof(value) - 1);
	for (size_t i = 0; i < 100; i++)
		v[i].value = value;
	s.hook_chain = true;
	assert_int_equal(solver_hook.publish(&s, v, 100, &e), 0);
	assert_string_equal(log_text(),
	                    "99\n99\n99\n3\n"); /* 33 rows of 3 KiB are just below 100 KiB */
}

static void a_failure_cleans_all_that_was_recorded(void **state)
{
	const char *hook = script(
	    WRITE_CALL
	    "\n[ \"$2\" != token1 ] || { echo first >&2; echo the zone is locked >&2; exit 3; }");
	struct solve s = solve_hook(hook, "dns-01");
	struct err e;

	assert_int_equal(solver_hook.publish(&s, rows_of("dns-01", 3), 3, &e), -ERR_HOOK);
	assert_non_null(strstr(e.text, "n1.example"));
	assert_non_null(strstr(e.text, "deploy_challenge ended with status 3: the zone is locked"));
	assert_null(strstr(e.text, "first"));
	assert_string_equal(
	    log_text(),
	    "deploy_challenge n0.example token0 value0\ndeploy_challenge n1.example token1 value1\n"
	    "clean_challenge n0.example token0 value0\nclean_challenge n1.example token1 value1\n"
	    "clean_challenge n2.example token2 value2\n");
}

static int count_removed(void *ctx, struct challenge *v, size_t n, struct err *e)
{
	(void)v;
	(void)e;
	*(size_t *)ctx += n;
	return 0;
}

static void cleaning_goes_on_after_a_failure(void **state)
{
	size_t removed = 0;
	struct solver_journal journal = { .removed = count_removed, .ctx = &removed };
	struct solve s = solve_hook(NULL, NULL); /* a later process: the rows know the script */
	struct challenge *v = rows_of("dns-01", 3);
	struct err e;

	s.journal = &journal;
	for (size_t i = 0; i < 3; i++)
		v[i].place = script(WRITE_CALL "\n[ \"$1\" != n0.example ]");
	assert_int_equal(solver_hook.withdraw(&s, v, 3, &e), -ERR_HOOK);
	assert_non_null(strstr(e.text, "n0.example"));
	assert_int_equal(removed, 2); /* the one that failed stays on record */
	assert_non_null(strstr(log_text(), "clean_challenge n2.example token2 value2\n"));
}

static void a_script_that_is_gone_is_forgotten(void **state)
{
	size_t removed = 0;
	struct solver_journal journal = { .removed = count_removed, .ctx = &removed };
	struct solve s = solve_hook(NULL, NULL);
	struct challenge *v = rows_of("dns-01", 1);
	struct err e;

	s.journal = &journal;
	v[0].place = path("gone.sh");
	assert_int_equal(solver_hook.withdraw(&s, v, 1, &e), 0);
	assert_int_equal(removed, 1);
}

static void http_writes_the_file_before_the_call(void **state)
{
	const char *hook = script("cat \"$WELLKNOWN/$3\" >> \"$LOG\"; echo \" $1\" >> \"$LOG\"");
	struct solve s = solve_hook(hook, "http-01");
	struct challenge *v = rows_of("http-01", 1);
	struct stat st;
	struct err e;

	s.well_known = dir;
	s.hook_env = (const char *const[]){ arena_printf(a, "WELLKNOWN=%s", dir), NULL };
	assert_int_equal(solver_hook.publish(&s, v, 1, &e), 0);
	assert_int_equal(stat(path("token0"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	s.well_known = s.hook = NULL; /* the settings changed in between */
	assert_int_equal(solver_hook.withdraw(&s, v, 1, &e), 0);
	assert_string_equal(log_text(), "value0 deploy_challenge\nvalue0 clean_challenge\n");
	assert_false(fs_exists(path("token0")));
}

static void files_follow_no_link_and_stay_if_changed(void **state)
{
	const char *victim = path("victim");
	struct err e;
	char *text;

	assert_int_equal(fs_write_new(victim, "precious", 8, 0600, &e), 0);
	assert_int_equal(symlink(victim, path("tok")), 0);
	assert_int_equal(hook_file_write(dir, "tok", "value", &e), 0);
	assert_int_equal(fs_read(a, victim, 100, &text, NULL, &e), 0);
	assert_string_equal(text, "precious");
	assert_int_equal(hook_file_remove(dir, "tok", "another value", &e), 0);
	assert_true(fs_exists(path("tok")));
	assert_int_equal(hook_file_remove(dir, "tok", "value", &e), 0);
	assert_false(fs_exists(path("tok")));
	assert_int_equal(hook_file_remove(dir, "tok", "value", &e), 0);
	assert_int_equal(hook_file_write(dir, "../tok", "value", &e), -ERR_INPUT);
	assert_int_equal(hook_file_remove("/tmp/test_hook.no-such-folder", "tok", "value", &e), 0);
}

static void a_folder_that_does_not_let_go_is_told(void **state)
{
	struct solve s = solve_hook(NULL, NULL);
	struct challenge *v = rows_of("http-01", 1);
	struct err e;

	const char *hook = script(WRITE_CALL);

	v[0].place = arena_printf(a, "%s\n%s", hook, hook); /* a file where a folder was */
	assert_int_equal(solver_hook.withdraw(&s, v, 1, &e), -ERR_IO);
}

static void checks_before_anything_starts(void **state)
{
	struct err e;
	struct solve s = solve_hook(path("nowhere.sh"), "dns-01");

	assert_int_equal(solver_hook.check(&s, &e), -ERR_INPUT);
	s.hook = dir;
	assert_int_equal(solver_hook.check(&s, &e), -ERR_INPUT);
	s.hook = script("exit 0");
	assert_int_equal(chmod(s.hook, 0600), 0);
	assert_int_equal(solver_hook.check(&s, &e), -ERR_INPUT);
	assert_non_null(strstr(e.text, "chmod +x"));
	s.hook = script("case $1 in this_hookscript_is_broken__*) exit 1;; esac");
	assert_int_equal(solver_hook.check(&s, &e), -ERR_HOOK);
	assert_non_null(strstr(e.text, "hook names it does not know"));
	s.hook = script(WRITE_CALL);
	assert_int_equal(solver_hook.check(&s, &e), 0);
	assert_string_equal(log_text(), "this_hookscript_is_broken__dehydrated_is_working_fine__"
	                                "please_ignore_unknown_hooks_in_your_script\n");
	s.type = "http-01";
	s.well_known = path("no-such-folder");
	assert_int_equal(solver_hook.check(&s, &e), -ERR_INPUT);
}

static void values_with_blanks_are_refused(void **state)
{
	static const char *const rows[] = { "a b", "a\tb", "a\nb", " ", "" };
	const struct hook_script s = { .path = script(WRITE_CALL) };
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const args[] = { "x.example", "token", rows[i], NULL };
		assert_int_equal(hook_call(a, &s, "deploy_challenge", args, NULL, &e), -ERR_INPUT);
	}
	assert_string_equal(log_text(), "");
	/* Others are given quoted. */
	const char *const args[] = { "x.example", "{\"type\": \"dns\"}", NULL };
	assert_int_equal(hook_call(a, &s, "invalid_challenge", args, NULL, &e), 0);
	assert_string_equal(log_text(), "invalid_challenge x.example {\"type\": \"dns\"}\n");
}

static void the_environment_is_dehydrateds(void **state)
{
	const struct hook_context c = {
		.hook = script("for n in BASEDIR CERTDIR WELLKNOWN ALPNCERTDIR CONFIG COMMAND "
		               "CHALLENGETYPE KEY_ALGO PRIVATE_KEY_RENEW "
		               "PRIVATE_KEY_ROLLOVER altnames alias EVERLEAF_SECRET; do eval echo "
		               "\"$n=\\$$n\"; done"),
		.base_dir = "/state",
		.cert_dir = "/state/live",
		.well_known = "/var/www",
		.config = "",
		.command = "sign_domains",
		.challenge_type = "dns-01",
		.key_algo = "prime256v1",
		.new_key = true,
		.altnames = "a.example b.example",
		.alias = "cert",
	};
	char *out;
	struct err e;

	setenv("EVERLEAF_SECRET", "not for hooks", 1);
	const struct hook_script s = { .path = c.hook, .env = hook_env(a, &c) };
	assert_int_equal(hook_call(a, &s, "startup_hook", NULL, &out, &e), 0);
	assert_string_equal(out, "BASEDIR=/state\nCERTDIR=/state/live\nWELLKNOWN=/var/"
	                         "www\nALPNCERTDIR=/state/alpn-certs\nCONFIG=\n"
	                         "COMMAND=sign_domains\nCHALLENGETYPE=dns-01\nKEY_ALGO="
	                         "prime256v1\nPRIVATE_KEY_RENEW=yes\n"
	                         "PRIVATE_KEY_ROLLOVER=no\naltnames=a.example "
	                         "b.example\nalias=cert\nEVERLEAF_SECRET=\n");
}

static int set_up(void **state)
{
	a = arena_new(0);
	snprintf(dir, sizeof(dir), "/tmp/test_hook.XXXXXX");
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
		TEST(one_call_for_each_name),
		TEST(a_chain_is_one_call),
		TEST(a_chain_too_long_for_one_call_is_several),
		TEST(a_failure_cleans_all_that_was_recorded),
		TEST(cleaning_goes_on_after_a_failure),
		TEST(a_script_that_is_gone_is_forgotten),
		TEST(http_writes_the_file_before_the_call),
		TEST(files_follow_no_link_and_stay_if_changed),
		TEST(a_folder_that_does_not_let_go_is_told),
		TEST(checks_before_anything_starts),
		TEST(values_with_blanks_are_refused),
		TEST(the_environment_is_dehydrateds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
