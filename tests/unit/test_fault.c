/* base/fault: counting, ending and failing at the n-th point; compiled in here whatever the build
 * says. */
#ifndef EVERLEAF_FAULT_POINTS
#define EVERLEAF_FAULT_POINTS
#endif
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

#include "base/fault.c"

static char file[] = "/tmp/everleaf-fault-XXXXXX";

/* The environment is read once a process, so each case has its own. Passes five points; the exit
 * status tells which of them failed (0 = none). */
static int status_with(const char *fault, const char *log)
{
	pid_t pid = fork();
	int status, failed = 0;

	if (pid == 0) {
		setenv("EVERLEAF_FAULT", fault, 1);
		if (log)
			setenv("EVERLEAF_FAULT_LOG", log, 1);
		for (int i = 1; i <= 5; i++) {
			struct err e = { 0 };
			int rc = fault_point(i == 2 ? FAULT_COMMIT : FAULT_SEND, &e);

			if (rc == -ERR_IO && strstr(e.text, "fault injected at point "))
				failed = failed * 10 + i;
			else if (rc != 0)
				failed = 99;
		}
		exit(failed);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_file(const char *want)
{
	char got[200] = "";
	FILE *f = fopen(file, "r");

	assert_non_null(f);
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(got, want);
}

static void test_faults(void **state)
{
	static const struct {
		const char *fault;
		int want;
	} rows[] = { { "", 0 },       { "exit:1", 137 }, { "exit:5", 137 },
		     { "exit:6", 0 }, { "fail:1", 1 },   { "fail:4", 4 },
		     { "fail:6", 0 }, { "exit:0", 0 },   { "nonsense", 0 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(status_with(rows[i].fault, NULL), rows[i].want);
}

static void test_count(void **state)
{
	int fd = mkstemp(file);
	char fault[100];

	assert_true(fd >= 0);
	close(fd);
	snprintf(fault, sizeof(fault), "count:%s", file);
	assert_int_equal(status_with(fault, NULL), 0);
	assert_file("5\n");
	assert_int_equal(truncate(file, 0), 0);
	assert_int_equal(status_with("exit:3", file), 137);
	assert_file("1 send\n2 commit\n3 send\n");
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_faults),
		                            cmocka_unit_test(test_count) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
