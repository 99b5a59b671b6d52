/* dns/child, dns/dnsapi: environments as people write them, users, and what scripts want kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dns/dnsapi_impl.h"

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

static void test_environment(void **state)
{
	static const struct {
		const char *text, *want; /* want NULL: refused */
	} rows[] = {
		{ NULL, "" },
		{ "A=1\nB=two words\n", "A=1|B=two words" },
		{ "# a comment\r\n  export A=x=y\r\n\r\n", "A=x=y" },
		{ "A=", "A=" },
		{ "{\"A\": \"1\", \"B\": 2, \"C\": true, \"D\": \"a\\nb\"}",
		  "A=1|B=2|C=true|D=a\nb" },
		{ "[\"A=1\", \"B=2\"]", "A=1|B=2" },
		{ "[{\"A\": \"1\"}, \"B=2\"]", "A=1|B=2" },
		{ "A", NULL },
		{ "=secret", NULL },
		{ "A B=secret", NULL },
		{ "1A=secret", NULL },
		{ "A-B=secret", NULL },
		{ "LD_PRELOAD=secret", NULL },
		{ "IFS=secret", NULL },
		{ "EVERLEAF_OWN_USER=secret", NULL },
		{ "{\"A\": [\"secret\"]}", NULL },
		{ "{\"A\": null}", NULL },
		{ "[\"A=1\", 7]", NULL },
		{ "{secret", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strings out = { 0 };
		struct err e = { 0 };
		int rc = child_environment(a, rows[i].text, &out, &e);

		if (rows[i].want) {
			assert_int_equal(rc, 0);
			assert_string_equal(strings_join(a, &out, "|"), rows[i].want);
		} else {
			assert_int_equal(rc, -ERR_CONFIG);
			assert_non_null(strstr(e.text, "environment"));
			assert_null(strstr(e.text, "secret"));
		}
	}
}

static void test_user(void **state)
{
	struct child_user user;
	struct err e;

	assert_int_equal(child_user(a, NULL, &user, &e), 0);
	assert_false(user.change);
	assert_int_equal(child_user(a, "no-such-user-here", &user, &e), -ERR_CONFIG);
	assert_non_null(strstr(e.text, "no-such-user-here"));
	if (geteuid() == 0) {
		assert_int_equal(child_user(a, "nobody", &user, &e), 0);
		assert_true(user.change);
		assert_int_equal(child_user(a, "root", &user, &e), 0);
		assert_false(user.change);
	} else {
		assert_int_equal(child_user(a, "nobody", &user, &e), -ERR_CONFIG);
	}
}

static void test_argv(void **state)
{
	static const char *const argv[] = { "prog", "x", NULL };
	struct child_user same = { 0 }, other = { .change = true, .uid = 7, .gid = 8 };
	const char **v = child_argv(a, &same, false, argv);

	assert_string_equal(v[0], "prog");
	assert_null(v[2]);
	v = child_argv(a, &same, true, argv);
	assert_string_equal(v[0], "setpriv");
	assert_string_equal(v[1], "--no-new-privs");
	assert_string_equal(v[3], "prog");
	v = child_argv(a, &other, true, argv);
	assert_string_equal(v[1], "--reuid=7");
	assert_string_equal(v[2], "--regid=8");
	assert_string_equal(v[3], "--clear-groups");
}

static const char *joined(const char **v)
{
	struct strings s = { 0 };

	for (; *v; v++)
		strings_add(a, &s, *v);
	return strings_join(a, &s, "|");
}

static void test_env(void **state)
{
	struct strings own = { 0 }, more = { 0 };

	strings_add(a, &own, "https_proxy=http://own/");
	strings_add(a, &more, "DEBUG=1");
	setenv("https_proxy", "http://machine/", 1);
	setenv("no_proxy", "localhost", 1);
	assert_string_equal(joined(child_env(a, &own, &more)),
	                    "https_proxy=http://own/|no_proxy=localhost|DEBUG=1");
	unsetenv("https_proxy");
	unsetenv("no_proxy");
}

#define SAVED                                                                                      \
	"{\"account\":{\"SAVED_A\":\"secret one\"},\"domain\":{\"x.example\":{\"B\":\"2\"},"       \
	"\"y.example\":{\"B\":\"other\"}}}"

static void test_lines(void **state)
{
	struct strings masked = { 0 };
	struct err e;
	char *lines;

	assert_int_equal(dnsapi_saved_lines(a, SAVED, "x.example", &lines, &masked, &e), 0);
	assert_string_equal(lines, "account SAVED_A c2VjcmV0IG9uZQ==\ndomain B Mg==\n");
	assert_true(strings_has(&masked, "secret one"));
	assert_int_equal(dnsapi_saved_lines(a, NULL, "x.example", &lines, &masked, &e), 0);
	assert_string_equal(lines, "");
	assert_int_equal(dnsapi_saved_lines(a, "[1]", "x", &lines, &masked, &e), -ERR_DAMAGED);
	assert_int_equal(dnsapi_saved_lines(a, "{", "x", &lines, &masked, &e), -ERR_DAMAGED);
}

static void test_said(void **state)
{
	static const struct {
		const char *saved, *printed, *want; /* NULL = as before */
	} rows[] = {
		{ SAVED, "account SAVED_A c2VjcmV0IG9uZQ==\ndomain B Mg==\n", NULL },
		{ NULL, "", NULL },
		{ NULL, "account A MQ==\n", "{\"account\":{\"A\":\"1\"}}" },
		{ NULL, "account A \n", "{\"account\":{\"A\":\"\"}}" },
		{ NULL, "domain B Mg==\n", "{\"domain\":{\"x.example\":{\"B\":\"2\"}}}" },
		/* what this call does not print is forgotten; another name's is not touched */
		{ SAVED, "", "{\"domain\":{\"y.example\":{\"B\":\"other\"}}}" },
		{ "{\"account\":{\"A\":\"1\"}}", "", "{}" },
		/* neither text that JSON cannot hold, nor other words */
		{ NULL, "account A /w==\n", NULL },
		{ NULL, "account A !!!\n", NULL },
		{ NULL, "other A MQ==\nnonsense\n\n account\n", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dnsapi_said said;
		struct err e;

		assert_int_equal(
		    dnsapi_said(a, rows[i].saved, "x.example", rows[i].printed, &said, &e), 0);
		if (rows[i].want)
			assert_string_equal(said.saved, rows[i].want);
		else
			assert_null(said.saved);
		assert_string_equal(said.problem, "");
	}
}

static void test_said_problem(void **state)
{
	struct dnsapi_said said;
	struct err e;
	char *big;

	assert_int_equal(dnsapi_said(a, NULL, "x", "error YmFkIGtleQo=\noptions A B \n", &said, &e),
	                 0);
	assert_string_equal(said.problem, "bad key\n");
	assert_string_equal(said.options, "A B ");
	big = arena_alloc(a, 400001);
	memset(big, 'Q', 400000);
	assert_int_equal(
	    dnsapi_said(a, NULL, "x", arena_printf(a, "account A %s\n", big), &said, &e),
	    -ERR_INPUT);
}

static void test_find(void **state)
{
	static const char *const wrong[] = {
		"cf",          "dns_", "dns_cf.py",   "dns_../x",    "dns_cf;echo",
		"a/dns_cf.sh", "",     "/etc/passwd", "dns_nowhere", "/nowhere/dns_cf.sh"
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct dnsapi d = { .script = wrong[i] };
		struct dnsapi_script script;
		struct err e;

		assert_int_equal(dnsapi_find(a, &d, &script, &e), -ERR_CONFIG);
		assert_non_null(strstr(e.text, "script"));
	}
}

#define WITH_ARENA(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARENA(test_environment),  WITH_ARENA(test_user),  WITH_ARENA(test_argv),
		WITH_ARENA(test_env),          WITH_ARENA(test_lines), WITH_ARENA(test_said),
		WITH_ARENA(test_said_problem), WITH_ARENA(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
