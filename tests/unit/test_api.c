/* api: paths and the operations they mean, decoding, rates; and what every row must keep to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "api/match.h"
#include "api/rate.h"
#include "api/request.h"
#include "base/json.h"

static struct arena *a;
static struct err e;

static int setup(void **state)
{
	(void)state;
	json_setup();
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

static void decoding_of_parts(void **state)
{
	static const struct {
		const char *in, *want; /* NULL = refused */
	} cases[] = {
		{ "", "" },       { "abc", "abc" },         { "%41%62", "Ab" }, { "%2541", "%41" },
		{ "a+b", "a+b" }, { "%c3%a4", "\xc3\xa4" }, { "%", NULL },      { "%4", NULL },
		{ "a%4", NULL },  { "%zz", NULL },          { "%00", NULL },    { "%ff", NULL },
		{ "\xff", NULL }, { "%c3", NULL },          { "%2", NULL },     { "%-1", NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *out = NULL;
		int rc = percent_decode(a, cases[i].in, strlen(cases[i].in), &out, &e);

		if (cases[i].want) {
			assert_int_equal(rc, 0);
			assert_string_equal(out, cases[i].want);
		} else {
			assert_int_equal(rc, -ERR_INPUT);
			assert_null(out);
		}
	}
	assert_string_equal(percent_encode(a, "a/b \xc3\xa4~"), "a%2Fb%20%C3%A4~");
}

static void shapes_of_paths(void **state)
{
	static const struct {
		const char *template, *path, *values; /* joined with '|'; NULL = does not fit */
	} cases[] = {
		{ "/users", "/users", "" },
		{ "/users", "/users/", NULL },
		{ "/users", "/user", NULL },
		{ "/users/{name}", "/users/anna", "anna" },
		{ "/users/{name}", "/users/", NULL },
		{ "/users/{name}", "/users/a/b", NULL },
		{ "/users/{name}/domains/{domain}", "/users/a/domains/b%2Fc", "a|b%2Fc" },
		{ "/users/{name}", "users/anna", NULL },
		{ "/users/{name}", "", NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct path_parts parts = { 0 };
		bool fits = path_fits(a, cases[i].template, cases[i].path, &parts);

		assert_int_equal(fits, cases[i].values != NULL);
		if (fits)
			assert_string_equal(strings_join(a, &parts.values, "|"), cases[i].values);
	}
}

static void the_operation_that_is_meant(void **state)
{
	static const struct {
		const char *method, *path;
		int rc;
		const char *id; /* NULL with 0: the methods in allow */
		const char *allow;
	} cases[] = {
		{ "GET", "/version", 0, "VERSION", NULL },
		{ "HEAD", "/version", 0, "VERSION", NULL },
		{ "POST", "/version", 0, NULL, "GET" },
		{ "POST", "/accounts/import", 0, "ACCOUNT_IMPORT", NULL },
		{ "GET", "/accounts/import", 0, "ACCOUNT_SHOW", NULL },
		{ "get", "/version", 0, NULL, "GET" },
		{ "GET", "/versions", -ERR_NOT_FOUND, NULL, NULL },
		{ "GET", "/users/a%2fb", -ERR_INPUT, NULL, NULL },
		{ "GET", "/users/a%01", -ERR_INPUT, NULL, NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct operation *op = NULL;
		struct path_parts parts;
		const char *allow = NULL;

		assert_int_equal(
		    match_operation(a, cases[i].method, cases[i].path, &op, &parts, &allow, &e),
		    cases[i].rc);
		if (cases[i].id)
			assert_string_equal(op->id, cases[i].id);
		if (cases[i].allow)
			assert_string_equal(allow, cases[i].allow);
	}
}

/* The path says what is meant; what is given is what the body gives. */
static void given_members(void **state)
{
	const struct operation *op = &operations[OP_USER_UPDATE];
	const struct query_pairs none = { 0 };
	struct path_parts parts = { 0 };
	const char *text = NULL, *body = "{\"email\":null,\"enabled\":true}";
	void *in = NULL;
	(void)state;

	strings_add(a, &parts.names, "name");
	strings_add(a, &parts.values, "anna");
	assert_int_equal(request_decode(a, op, &parts, &none, body, strlen(body), &in, &text, &e),
	                 0);
	assert_string_equal(strings_join(a, in, ","), "email,enabled");
	assert_string_equal(FIELD_STRING(field_find(op->in, "name"), in), "anna");
	assert_string_equal(text, "{\"name\":\"anna\",\"email\":null,\"enabled\":true}");
	body = "{\"name\":\"berta\"}";
	assert_int_equal(request_decode(a, op, &parts, &none, body, strlen(body), &in, &text, &e),
	                 -ERR_INPUT);
	assert_string_equal(e.member, "name");
}

static void check_parts(const struct operation *op)
{
	for (const char *p = op->path; (p = strchr(p, '{')); p++) {
		char *name = arena_strndup(a, p + 1, strcspn(p + 1, "}"));
		const struct field *f = field_find(op->in, name);

		if (!f || f->flags & F_HIDDEN || (f->type != FT_STRING && f->type != FT_INT))
			fail_msg("%s: {%s} is no member of its input", op->id, name);
	}
}

static void check_list(const struct operation *op)
{
	const struct field *items = field_find(op->out, "items"),
	                   *limit = field_find(op->in, "limit"),
	                   *cursor = field_find(op->in, "cursor");

	if (!items || items->type != FT_RECORDS || op->out_size != sizeof(struct list_page) ||
	    !limit || limit->type != FT_INT || !cursor || cursor->type != FT_STRING)
		fail_msg("%s is no list", op->id);
	if (!(op->flags & OP_OPEN))
		return;
	limit = field_find(op->in, "after");
	cursor = field_find(items->of, "id");
	if (!limit || limit->type != FT_INT || !cursor || cursor->type != FT_INT)
		fail_msg("%s cannot be a stream", op->id);
}

static void what_every_row_keeps_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OPERATIONS; i++) {
		const struct operation *op = &operations[i];

		check_parts(op);
		if (op->flags & OP_LIST)
			check_list(op);
		if (strcmp(op->method, "GET") == 0 &&
		    op->flags & (OP_JOB | OP_CREATES | OP_SESSION | OP_GIVEN))
			fail_msg("%s changes something with GET", op->id);
		if (op->flags & OP_OPEN && !(op->flags & OP_LIST))
			fail_msg("%s is a stream of no list", op->id);
		if (op->path[0] != '/' || !op->help[0])
			fail_msg("%s has no path or help", op->id);
		for (size_t j = 0; j < i; j++)
			if (strcmp(operations[j].path, op->path) == 0 &&
			    strcmp(operations[j].method, op->method) == 0)
				fail_msg("%s and %s are the same route", op->id, operations[j].id);
	}
}

static void rates(void **state)
{
	struct rate *r = rate_new();
	uint32_t retry_s = 0;
	int n = 0;
	(void)state;

	while (n < 1000 && rate_take(r, RATE_FAILURE, "192.0.2.1", &retry_s))
		n++;
	assert_in_range(n, 30, 32);
	assert_in_range(retry_s, 1, 3);
	assert_false(rate_has(r, RATE_FAILURE, "192.0.2.1", &retry_s));
	assert_true(rate_has(r, RATE_FAILURE, "192.0.2.2", &retry_s));
	assert_true(rate_has(r, RATE_REQUEST, "192.0.2.1", &retry_s));
	/* a provider's customer has a whole network of them */
	for (n = 0; n < 100; n++)
		(void)rate_take(r, RATE_FAILURE, arena_printf(a, "2001:db8::%d", n + 1), &retry_s);
	assert_false(rate_has(r, RATE_FAILURE, "2001:db8::ffff", &retry_s));
	assert_true(rate_has(r, RATE_FAILURE, "2001:db8:0:1::1", &retry_s));
	/* IPv4 addresses are not one network for being written so */
	assert_false(rate_has(r, RATE_FAILURE, "::ffff:192.0.2.1", &retry_s));
	assert_true(rate_has(r, RATE_FAILURE, "::ffff:192.0.2.2", &retry_s));
	/* who floods the table with names does not grow it */
	for (n = 0; n < 20000; n++)
		(void)rate_take(r, RATE_FAILURE, arena_printf(a, "name%d", n), &retry_s);
	assert_true(rate_has(r, RATE_FAILURE, "somebody else", &retry_s));
	rate_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(decoding_of_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(shapes_of_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(the_operation_that_is_meant, setup, teardown),
		cmocka_unit_test_setup_teardown(given_members, setup, teardown),
		cmocka_unit_test_setup_teardown(what_every_row_keeps_to, setup, teardown),
		cmocka_unit_test_setup_teardown(rates, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
