/* base/proc: what a child sees, what comes back, and that no child outlives its limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"

#define SH(text) ((const char *const[]){ "/bin/sh", "-c", (text), NULL })

static struct arena *a;

static int setup(void **state)
{
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(a);
	return 0;
}

static struct proc_result run(struct proc_spec spec)
{
	struct proc_result r = { 0 };
	struct err e;

	assert_int_equal(proc_run(a, &spec, &r, &e), 0);
	return r;
}

static void test_status_and_output(void **state)
{
	static const struct {
		const char *script;
		int status;
		const char *out, *err;
	} rows[] = {
		{ "echo hello", 0, "hello\n", "" },
		{ "echo no >&2; exit 3", 3, "", "no\n" },
		{ "kill -9 $$", 137, "", "" },
		{ "printf 'a\\nb'; printf c >&2", 0, "a\nb", "c" },
		{ ":", 0, "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct proc_result r = run((struct proc_spec){ .argv = SH(rows[i].script) });

		assert_int_equal(r.status, rows[i].status);
		assert_string_equal(r.out, rows[i].out);
		assert_string_equal(r.err_tail, rows[i].err);
	}
}

static void test_environment_is_clean(void **state)
{
	const char *const env[] = { "CERTBOT_DOMAIN=example.org", "TZ=Etc/GMT-3", NULL };
	struct proc_result r;

	setenv("EVERLEAF_TOKEN", "hunter2", 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("TZ", "UTC", 1);
	r = run((struct proc_spec){ .argv = (const char *const[]){ "env", NULL }, .env = env });
	assert_null(strstr(r.out, "hunter2"));
	assert_non_null(strstr(r.out, "CERTBOT_DOMAIN=example.org\n"));
	assert_non_null(strstr(r.out, "LANG=C.UTF-8\n"));
	assert_non_null(strstr(r.out, "TZ=Etc/GMT-3\n"));
	assert_null(strstr(r.out, "TZ=UTC\n"));
	assert_non_null(strstr(r.out, "PATH="));
	unsetenv("TZ");
}

static void test_no_descriptors_leak(void **state)
{
	int leaky[10]; /* without close-on-exec, as a library might open them */
	struct proc_result r;

	for (size_t i = 0; i < ARRAY_LEN(leaky); i++)
		leaky[i] = open("/dev/null", O_RDONLY);
	r = run((struct proc_spec){ .argv = (const char *const[]){ "ls", "/proc/self/fd", NULL } });
	assert_string_equal(r.out, "0\n1\n2\n3\n"); /* the last is ls reading the folder */
	for (size_t i = 0; i < ARRAY_LEN(leaky); i++)
		close(leaky[i]);
}

static void test_signals_are_default(void **state)
{
	struct proc_result r;
	sigset_t set, old;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	r = run((struct proc_spec){ .argv = SH("grep -E 'Sig(Blk|Ign)' /proc/self/status") });
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* The C library keeps signals 32 and 33 for itself: older ones leave them ignored in the
	 * child, newer ones do not. */
	if (strcmp(r.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n"))
		assert_string_equal(r.out,
		                    "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void test_input(void **state)
{
	size_t n = 300000;
	char *big = arena_alloc(a, n + 1);
	struct proc_result r;

	memset(big, 'x', n);
	r = run((struct proc_spec){ .argv = SH("wc -c"), .input = big });
	assert_int_equal(atol(r.out), n);
	r = run((struct proc_spec){ .argv = SH("exit 0"),
	                            .input = big }); /* not read: no signal, no hang */
	assert_int_equal(r.status, 0);
	r = run((struct proc_spec){ .argv = SH("cat"), .input = "line\n" });
	assert_string_equal(r.out, "line\n");
	r = run((struct proc_spec){ .argv = SH("cat") });
	assert_string_equal(r.out, "");
}

static void test_folder(void **state)
{
	struct err e;
	struct proc_result r = run((struct proc_spec){ .argv = SH("pwd"), .cwd = "/proc" });
	struct proc_spec nowhere = { .argv = SH("pwd"), .cwd = "/nowhere/at/all" };

	assert_string_equal(r.out, "/proc\n");
	assert_int_equal(proc_run(a, &nowhere, &r, &e), -ERR_HOOK);
}

static void test_output_is_bounded(void **state)
{
	static const char script[] =
	    "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
	    "echo $i-12345678901234567890 >&2; i=$((i+1)); done; echo end >&2";
	struct proc_result r = run((struct proc_spec){ .argv = SH(script), .output_limit = 1000 });

	assert_int_equal(r.status, 0);
	assert_int_equal(strlen(r.out), 1000);
	assert_int_equal(strlen(r.err_tail), 2048);
	assert_string_equal(r.err_tail + 2048 - 31, "\n2999-12345678901234567890\nend\n");
	r = run((struct proc_spec){ .argv = SH(script) });
	assert_int_equal(strlen(r.out), 65536);
}

static void test_cannot_start(void **state)
{
	static const char *const names[] = { "/nowhere/hook", "no-such-command-anywhere",
		                             "/etc/passwd", "/tmp" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct proc_spec spec = { .argv = (const char *const[]){ names[i], NULL } };
		struct proc_result r = { .status = 77 };
		struct err e;

		assert_int_equal(proc_run(a, &spec, &r, &e), -ERR_HOOK);
		assert_non_null(strstr(e.text, names[i]));
		assert_int_equal(r.status, 77);
	}
}

static void assert_gone(const char *pid_file)
{
	struct err e;
	struct proc_spec spec = { .argv = (const char *const[]){ "cat", pid_file, NULL } };
	struct proc_result r;

	assert_int_equal(proc_run(a, &spec, &r, &e), 0);
	assert_true(atol(r.out) > 1);
	/* Killed, it is init's to reap, which may take a moment. */
	for (int i = 0; i < 1000 && kill((pid_t)atol(r.out), 0) == 0; i++) {
		struct proc_spec state_of = {
			.argv = SH(arena_printf(a, "grep -s State: /proc/%ld/status", atol(r.out)))
		};
		struct proc_result st;

		assert_int_equal(proc_run(a, &state_of, &st, &e), 0);
		if (!st.out[0] || strstr(st.out, "Z (zombie)"))
			return;
		assert_int_equal(cancel_sleep_ms(NULL, 5, &e), 0);
	}
	assert_int_equal(kill((pid_t)atol(r.out), 0), -1);
}

static void test_limit_kills_the_group(void **state)
{
	char dir[] = "/tmp/everleaf-proc-XXXXXX", *pid_file, *script;
	struct proc_result r = { .status = 77 };
	struct proc_spec spec = { .limit_s = 1 };
	int64_t start = clock_monotonic_ms();
	struct err e;

	assert_non_null(mkdtemp(dir));
	pid_file = arena_printf(a, "%s/pid", dir);
	script = arena_printf(a, "(trap '' TERM; while :; do sleep 1; done) & echo $! > %s; wait",
	                      pid_file);
	spec.argv = SH(script);
	assert_int_equal(proc_run(a, &spec, &r, &e), -ERR_HOOK);
	assert_string_equal(e.text, "sh did not end within 1 s and was killed");
	assert_int_equal(r.status, 77);
	assert_true(clock_monotonic_ms() - start < 30000);
	assert_gone(pid_file);
	unlink(pid_file);
	rmdir(dir);
}

static void test_term_is_ignored(void **state)
{
	struct proc_spec spec = { .argv = SH("trap '' TERM; while :; do sleep 1; done"),
		                  .limit_s = 1 };
	struct proc_result r;
	struct err e;

	assert_int_equal(proc_run(a, &spec, &r, &e), -ERR_HOOK);
}

static void *set_token(void *p)
{
	cancel_set(p, SIGINT);
	return NULL;
}

static void test_cancelled(void **state)
{
	struct cancel c = { 0 };
	struct proc_spec spec = { .argv = SH("exec sleep 600"), .cancel = &c };
	int64_t start = clock_monotonic_ms();
	struct proc_result r;
	pthread_t id;
	struct err e;

	assert_int_equal(pthread_create(&id, NULL, set_token, &c), 0);
	assert_int_equal(proc_run(a, &spec, &r, &e), -ERR_CANCELLED);
	assert_string_equal(e.text, "sh was killed: interrupted");
	assert_true(clock_monotonic_ms() - start < 60000);
	pthread_join(id, NULL);
}

/* A hook that starts a service in the background keeps our pipes open in it. */
static void test_background_is_not_waited_for(void **state)
{
	int64_t start = clock_monotonic_ms();
	struct proc_result r =
	    run((struct proc_spec){ .argv = SH("sleep 20 & echo $!"), .limit_s = 15 });

	assert_int_equal(r.status, 0);
	assert_true(clock_monotonic_ms() - start < 10000);
	assert_int_equal(kill((pid_t)atol(r.out), SIGKILL), 0);
}

static char logged[4][200];
static int n_logged;

static void remember(enum log_level level, const char *line, void *ctx)
{
	assert_int_equal(level, LOG_DETAIL);
	if (n_logged < 4)
		strncpy(logged[n_logged++], line, sizeof(logged[0]) - 1);
}

static void test_error_lines_are_logged(void **state)
{
	log_set_level(LOG_DETAIL);
	log_set_sink(remember, NULL);
	run((struct proc_spec){
	    .argv = SH("echo one >&2; echo >&2; printf 'two\\033[2J\\nthree' >&2") });
	log_set_sink(NULL, NULL);
	log_set_level(LOG_INFO);
	assert_int_equal(n_logged, 3);
	assert_string_equal(logged[0], "sh: one");
	assert_string_equal(logged[1], "sh: two?[2J");
	assert_string_equal(logged[2], "sh: three");
}

static struct strings list(const char *first, const char *second)
{
	struct strings s = { 0 };

	strings_add(a, &s, first);
	if (second)
		strings_add(a, &s, second);
	return s;
}

static void test_secrets_are_hidden(void **state)
{
	struct strings masked = list("hunter2", "top-secret-key");
	struct proc_result r;

	n_logged = 0;
	log_set_level(LOG_DETAIL);
	log_set_sink(remember, NULL);
	r = run((struct proc_spec){
	    .argv = SH("echo it is hunter2, hunter2 >&2; printf 'xx%01020dtop-sec' 0 >&2; "
	               "printf 'ret-key more\nlast top-sec' >&2; echo hunter2"),
	    .masked = &masked });
	log_set_sink(NULL, NULL);
	log_set_level(LOG_INFO);
	assert_string_equal(logged[0], "sh: it is *******, *******");
	assert_null(strstr(r.err_tail, "hunter2"));
	assert_non_null(strstr(r.err_tail, "it is *******, *******\n"));
	/* A long line is cut, and neither half of a secret shows; nor what may be the start of one.
	 */
	assert_null(strstr(r.err_tail, "top-sec"));
	assert_null(strstr(r.err_tail, "ret-key"));
	assert_non_null(strstr(r.err_tail, "\nlast *******\n"));
	assert_string_equal(r.out, "hunter2\n"); /* standard output is the caller's own */
}

static void test_walls(void **state)
{
	char dir[] = "/tmp/everleaf-proc-XXXXXX", outside[] = "/tmp/everleaf-proc-XXXXXX";
	struct walls walls = walls_system(a);
	struct strings none = { 0 };
	struct proc_result r;
	const char *script;

	if (!walls_available())
		skip();
	assert_non_null(mkdtemp(dir));
	assert_non_null(mkdtemp(outside));
	strings_add(a, &walls.writable, dir);
	script = arena_printf(
	    a,
	    "cd %s && echo one >file && mv file other && cat other && mkdir d && rm -r d; "
	    "cat /etc/hostname >/dev/null && echo etc; : >/dev/null && echo null; "
	    "ls %s && echo listed; echo x >%s/file && echo written; "
	    "grep NoNewPrivs /proc/self/status; rm other",
	    dir, outside, outside);
	r = run((struct proc_spec){ .argv = SH(script), .walls = &walls, .masked = &none });
	assert_string_equal(r.out, "one\netc\nnull\nNoNewPrivs:\t1\n");
	/* They stand around that child alone. */
	r = run((struct proc_spec){
	    .argv = SH(arena_printf(a, "ls %s && grep NoNewPrivs /proc/self/status", outside)) });
	assert_string_equal(r.out, "NoNewPrivs:\t0\n");
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(outside), 0);
}

static void test_nothing_is_left_running(void **state)
{
	char dir[] = "/tmp/everleaf-proc-XXXXXX", *pid_file;
	struct proc_result r;

	assert_non_null(mkdtemp(dir));
	pid_file = arena_printf(a, "%s/pid", dir);
	r = run((struct proc_spec){
	    .argv = SH(arena_printf(a, "sleep 600 >/dev/null 2>&1 & echo $! >%s", pid_file)),
	    .alone = true });
	assert_int_equal(r.status, 0);
	assert_gone(pid_file);
	unlink(pid_file);
	rmdir(dir);
}

#define WITH_ARENA(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARENA(test_status_and_output),
		WITH_ARENA(test_environment_is_clean),
		WITH_ARENA(test_no_descriptors_leak),
		WITH_ARENA(test_signals_are_default),
		WITH_ARENA(test_input),
		WITH_ARENA(test_folder),
		WITH_ARENA(test_output_is_bounded),
		WITH_ARENA(test_cannot_start),
		WITH_ARENA(test_limit_kills_the_group),
		WITH_ARENA(test_term_is_ignored),
		WITH_ARENA(test_cancelled),
		WITH_ARENA(test_background_is_not_waited_for),
		WITH_ARENA(test_error_lines_are_logged),
		WITH_ARENA(test_secrets_are_hidden),
		WITH_ARENA(test_walls),
		WITH_ARENA(test_nothing_is_left_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
