/*
 * Signature Version 4 against AWS's own vectors: the worked example of its documentation, which is
 * here, and its test suite, which is read from the folder of test data where that is there
 * (EVERLEAF_TEST_DATA, or ../shared/data beside the source).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>

#include "base/clock.h"
#include "base/fs.h"
#include "dns/aws_sign.h"

#define SUITE "aws/aws4_testsuite"

static struct arena *a;
static const struct aws_keys keys = {
	.access_key_id = "AKIDEXAMPLE",
	.secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
static const char session_token[] =
    "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
    ""
    ""
    ""
    "";

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

static struct aws_signature sign(const struct aws_request *req, const char *service)
{
	struct aws_scope scope = { .region = "us-east-1", .service = service };
	struct aws_signature s = { 0 };
	struct err e = { 0 };

	assert_int_equal(clock_parse_rfc3339("2015-08-30T12:36:00Z", &scope.at, &e), 0);
	if (aws_sign(a, &keys, req, &scope, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

/* "Create a signed AWS API request", the example with IAM. */
static void the_example_of_the_documentation(void **state)
{
	static const struct http_header headers[] = {
		{ "Host", "iam.amazonaws.com" },
		{ "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
		{ "X-Amz-Date", "20150830T123600Z" },
	};
	struct aws_request req = { .method = "GET",
		                   .path = "/",
		                   .query = "Version=2010-05-08&Action=ListUsers",
		                   .headers = headers,
		                   .n_headers = 3 };
	struct aws_signature s = sign(&req, "iam");

	assert_string_equal(
	    s.canonical,
	    "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
	    "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
	    "host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n"
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(
	    s.to_sign, "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
	               "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
	assert_string_equal(
	    s.authorization,
	    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
	    "SignedHeaders=content-type;host;x-amz-date, "
	    "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

/* What is escaped already is escaped once more in the path, and not in the query. */
static void paths_and_queries_are_escaped(void **state)
{
	static const struct {
		const char *path, *query, *want;
	} rows[] = {
		{ "/", "", "GET\n/\n\n" },
		{ "/a%20b/c", "x=%2A&y", "GET\n/a%2520b/c\nx=%2A&y=\n" },
		{ "/a/", "name=_a.b.&maxitems=1&maxitems=%31%",
		  "GET\n/a/\nmaxitems=1&maxitems=1%25&name=_a.b.\n" },
		{ "/../a/../..", "a=%zz&a=%4", "GET\n/\na=%254&a=%25zz\n" },
		{ "/a//b/./..", "&&", "GET\n/a/\n=&=\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct aws_request req = { .method = "GET",
			                   .path = rows[i].path,
			                   .query = rows[i].query };
		struct aws_signature s = sign(&req, "service");

		if (strncmp(s.canonical, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("row %zu: %s", i, s.canonical);
	}
}

static const char *data_folder(void)
{
	const char *given = getenv("EVERLEAF_TEST_DATA");
	const char *const places[] = { given ? given : "", "../shared/data", "../../shared/data",
		                       "../../../shared/data" };
	const char *source;

	for (size_t i = given ? 0 : 1; i < (given ? 1 : ARRAY_LEN(places)); i++)
		if (fs_exists(fs_join(a, places[i], SUITE)))
			return fs_join(a, places[i], SUITE);
	source = arena_printf(a, "%.*s../../../shared/data",
	                      (int)(strrchr(__FILE__, '/') - __FILE__ + 1), __FILE__);
	return !given && fs_exists(fs_join(a, source, SUITE)) ? fs_join(a, source, SUITE) : NULL;
}

static const char *file_of(const char *folder, const char *name, const char *ending)
{
	struct err e = { 0 };
	char *text = NULL;

	if (fs_read(a, arena_printf(a, "%s/%s.%s", folder, name, ending), 65536, &text, NULL, &e) <
	    0)
		fail_msg("%s", e.text);
	return text;
}

struct parsed {
	struct aws_request req;
	struct http_header headers[16];
};

/* "GET /path?query HTTP/1.1", headers (a line that begins with a space goes on with the one
 * before), an empty line, the body. */
static void parse_request(char *text, struct parsed *p)
{
	char *body = strstr(text, "\n\n"), *line, *rest = text, *target;
	size_t n = 0;

	if (body) {
		*body = '\0';
		p->req.body = body + 2;
		p->req.body_len = strlen(p->req.body);
	}
	line = strsep(&rest, "\n");
	p->req.method = strsep(&line, " ");
	*strrchr(line, ' ') = '\0';
	target = line;
	p->req.path = strsep(&target, "?");
	p->req.query = target;
	while ((line = strsep(&rest, "\n")) && *line) {
		assert_true(n < ARRAY_LEN(p->headers));
		if (*line == ' ') {
			p->headers[n - 1].value =
			    arena_printf(a, "%s\n%s", p->headers[n - 1].value, line);
			continue;
		}
		p->headers[n].name = strsep(&line, ":");
		p->headers[n++].value = line;
	}
	p->req.headers = p->headers;
	p->req.n_headers = n;
}

static void check_vector(const char *folder, const char *name)
{
	struct parsed p = { 0 };
	struct aws_signature s;

	parse_request(arena_strdup(a, file_of(folder, name, "req")), &p);
	/* The suite's own runner adds the token of its context here. */
	if (strcmp(name, "get-vanilla-with-session-token") == 0)
		p.headers[p.req.n_headers++] =
		    (struct http_header){ "X-Amz-Security-Token", session_token };
	s = sign(&p.req, "service");
	if (strcmp(s.canonical, file_of(folder, name, "creq")) != 0)
		fail_msg("%s: canonical request\n%s\n-- wanted\n%s", name, s.canonical,
		         file_of(folder, name, "creq"));
	assert_string_equal(s.to_sign, file_of(folder, name, "sts"));
	assert_string_equal(s.authorization, file_of(folder, name, "authz"));
}

static size_t check_folder(const char *folder, unsigned depth)
{
	size_t n = 0;
	DIR *d = opendir(folder);

	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d));) {
		const char *path = fs_join(a, folder, entry->d_name);
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		if (len > 4 && strcmp(entry->d_name + len - 4, ".req") == 0) {
			check_vector(folder, arena_strndup(a, entry->d_name, len - 4));
			n++;
		} else if (entry->d_type == DT_DIR && depth < 3) {
			n += check_folder(path, depth + 1);
		}
	}
	closedir(d);
	return n;
}

static void all_vectors_of_the_test_suite(void **state)
{
	const char *folder = data_folder();

	if (!folder) {
		print_message("skipped: no folder " SUITE " (set EVERLEAF_TEST_DATA)\n");
		skip();
	}
	assert_int_equal(check_folder(folder, 0), 34);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_example_of_the_documentation, setup, teardown),
		cmocka_unit_test_setup_teardown(paths_and_queries_are_escaped, setup, teardown),
		cmocka_unit_test_setup_teardown(all_vectors_of_the_test_suite, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
