/* AWS's profile files and the words of a credential_process: what people write, and what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "dns/aws_impl.h"

static struct arena *a;
static char path[] = "/tmp/everleaf-ini-XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	a = arena_new(0);
	json_setup();
	return fd < 0 || close(fd) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)unlink(path);
	arena_free(a);
	return 0;
}

static int read_text(const char *text, struct aws_ini *ini, struct err *e)
{
	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600, e), 0);
	*ini = (struct aws_ini){ 0 };
	return aws_ini_read(a, path, ini, e);
}

static void sections_and_settings(void **state)
{
	struct aws_ini ini;
	struct err e = { 0 };

	assert_int_equal(read_text("# first\r\n; second\n[default]\nregion=eu-west-1\r\n"
	                           "s3 =\n    region = nested\n\n[ profile a b ]\n"
	                           "Role_ARN = arn:x # why\nkey = va#l;ue\nempty =\n"
	                           "[default]\nregion = us-east-1\n[alone]",
	                           &ini, &e),
	                 0);
	assert_string_equal(aws_ini_get(&ini, "default", "region"), "us-east-1");
	assert_string_equal(aws_ini_get(&ini, "profile a b", "role_arn"), "arn:x");
	assert_string_equal(aws_ini_get(&ini, "profile a b", "key"), "va#l;ue");
	assert_null(aws_ini_get(&ini, "profile a b", "empty"));
	assert_null(aws_ini_get(&ini, "profile a b", "region"));
	assert_null(aws_ini_get(&ini, "a b", "key"));
	assert_true(aws_ini_has(&ini, "alone"));
	assert_false(aws_ini_has(&ini, "profile"));
	assert_int_equal(read_text("", &ini, &e), 0);
	assert_false(aws_ini_has(&ini, "default"));
}

static void what_is_no_such_file_is_refused_without_its_content(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "[default\nsecret = s3cr3t\n", ":1: a section without its ]" },
		{ "secret = s3cr3t\n", ":1: a setting before the first [section]" },
		{ "[default]\n\ns3cr3t\n", ":3: neither [section] nor name = value" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct aws_ini ini;
		struct err e = { 0 };

		assert_int_equal(read_text(rows[i].text, &ini, &e), -ERR_CONFIG);
		assert_non_null(strstr(e.text, rows[i].want));
		assert_null(strstr(e.text, "s3cr3t"));
	}
}

static void a_command_is_split_without_a_shell(void **state)
{
	static const struct {
		const char *command, *want; /* words joined by '|'; NULL = refused */
	} rows[] = {
		{ "/opt/bin/get --account 1", "/opt/bin/get|--account|1" },
		{ "  \"/opt/my tools/get\"\t'a \"b\" \\c' \"d 'e' \\\"f\\\"\" g\\ h",
		  "/opt/my tools/get|a \"b\" \\c|d 'e' \"f\"|g h" },
		{ "get $HOME `id` ; rm *", "get|$HOME|`id`|;|rm|*" },
		{ "a\"b c\"d ''", "ab cd|" },
		{ "", NULL },
		{ "   ", NULL },
		{ "get 'x", NULL },
		{ "get \"x\\\"", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const *words = aws_words(a, rows[i].command);
		struct strings list = { 0 };

		if (!rows[i].want) {
			assert_null(words);
			continue;
		}
		assert_non_null(words);
		while (*words)
			strings_add(a, &list, *words++);
		assert_string_equal(strings_join(a, &list, "|"), rows[i].want);
	}
	assert_null(aws_words(a, "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
	                         "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
	                         "a"));
}

static void keys_as_json(void **state)
{
	static const struct {
		const char *text, *want; /* of the error; NULL = fine */
	} rows[] = {
		{ "{\"AccessKeyId\":\"AKIA1\",\"SecretAccessKey\":\"s\"}", NULL },
		{ "{\"Version\":1,\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s\","
		  "\"SessionToken\":\"t\",\"Expiration\":\"2026-11-22T04:00:00Z\"}",
		  NULL },
		{ "{\"AccessKeyId\":\"AKIA1\"}", "is missing" },
		{ "{\"AccessKeyId\":\"AKIA1\",\"SecretAccessKey\":\"\"}", "is missing" },
		{ "{\"AccessKeyId\":\"AKIA1\",\"SecretAccessKey\":7}", "is missing" },
		{ "{\"AccessKeyId\":\"A\\r\\nX: y\",\"SecretAccessKey\":\"s3cr3t\"}",
		  "blanks or other characters" },
		{ "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s3cr3t\",\"Expiration\":\"soon\"}",
		  "no time" },
		{ "[]", "no JSON object" },
		{ "s3cr3t", "no JSON object" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct aws_keys k = { 0 };
		struct err e = { 0 };
		int rc =
		    aws_keys_of_json(a, rows[i].text, strlen(rows[i].text), "the test", &k, &e);

		assert_int_equal(rc, rows[i].want ? -ERR_CONFIG : 0);
		if (rows[i].want) {
			assert_non_null(strstr(e.text, rows[i].want));
			assert_non_null(strstr(e.text, "the test"));
			assert_null(strstr(e.text, "s3cr3t"));
			assert_null(k.access_key_id);
		}
	}
}

/* Keys that end are taken anew five minutes before; those without an end are kept. */
static void keys_are_taken_anew_in_time(void **state)
{
	static const int64_t now = 1800000000;
	static const struct {
		int64_t expires_at;
		bool is_kept;
	} rows[] = {
		{ 0, true },
		{ now + 302, true },
		{ now + 300, false },
		{ now - 1, false },
	};
	static const struct aws_settings set = { .access_key_id = "NEW", .secret_access_key = "s" };

	clock_set(now);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_session s = { .arena = a };
		struct aws_caller c = { .s = &s,
			                .set = &set,
			                .keys = { "OLD", "s", NULL, rows[i].expires_at },
			                .has_keys = true };
		struct err e = { 0 };

		assert_int_equal(aws_keys_get(&c, &e), 0);
		assert_string_equal(c.keys.access_key_id, rows[i].is_kept ? "OLD" : "NEW");
	}
	clock_set(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_settings),
		cmocka_unit_test(what_is_no_such_file_is_refused_without_its_content),
		cmocka_unit_test(a_command_is_split_without_a_shell),
		cmocka_unit_test(keys_as_json),
		cmocka_unit_test(keys_are_taken_anew_in_time),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
