/* What people read: spans and days, names cut to a width, tables, the result of issue and renew,
 * roff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "cli/help.h"
#include "cli/print.h"
#include "cli/print_result.h"
#include "cli/prose.h"

#define NOW 1800000000 /* 2027-01-15T08:00:00Z */
#define DAY 86400

static void spans(void **state)
{
	static const struct {
		int64_t after;
		const char *span, *day;
	} cases[] = {
		{ 90 * DAY, "in 90 days", "2027-04-15 90d" },
		{ 47 * 3600, "in 47 hours", "2027-01-17 47h" },
		{ 3599, "in 59 minutes", "2027-01-15 59m" },
		{ 60, "in 1 minute", "2027-01-15 1m" },
		{ 5, "in a moment", "2027-01-15 0m" },
		{ -5, "just now", "2027-01-15 -0m" },
		{ -2 * DAY, "2 days ago", "2027-01-13 -2d" },
		{ -2 * 3600, "2 hours ago", "2027-01-15 -2h" },
	};
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(shown_span(a, NOW + cases[i].after, NOW), cases[i].span);
		assert_string_equal(shown_day(a, NOW + cases[i].after, NOW), cases[i].day);
	}
	assert_string_equal(shown_time(a, NOW + 90 * DAY, NOW),
	                    "2027-04-15 08:00 UTC (in 90 days)");
	assert_string_equal(shown_time(a, 0, NOW), "-");
	assert_string_equal(shown_day(a, 0, NOW), "-");
}

static void names(void **state)
{
	static const struct {
		size_t n, width;
		const char *want;
	} cases[] = {
		{ 0, 20, "-" },
		{ 1, 0, "a.example.org" },
		{ 1, 10, "a.examp..." },
		{ 3, 0, "a.example.org, b\xc3\xbc.example.org, c.example.org" },
		{ 3, 44, "a.example.org, b\xc3\xbc.example.org, c.example.org" },
		{ 3, 43, "a.example.org, b\xc3\xbc.example.org +1" },
		{ 3, 20, "a.example.org +2" },
		{ 3, 12, "a.exam... +2" },
	};
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);
	const char *all[] = { "a.example.org", "b\xc3\xbc.example.org", "c.example.org" };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct strings list = { all, cases[i].n };
		const char *got = shown_names(a, &list, cases[i].width);

		assert_string_equal(got, cases[i].want);
		if (cases[i].width)
			assert_true(text_width(got) <= cases[i].width);
	}
}

static void cut_between_characters(void **state)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);

	assert_int_equal(text_width("\xc3\xbc\xe2\x82\xac!"), 3);
	assert_string_equal(text_cut(a, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 4),
	                    "\xc3\xbc...");
	assert_string_equal(text_cut(a, "abc", 3), "abc");
	/* two columns each */
	assert_int_equal(text_width("\xe4\xbe\x8b\xe3\x81\x88.jp"), 7);
	assert_int_equal(text_width("\xed\x95\x9c\xf0\xa0\x80\x8b\xcf\x80"), 5);
	assert_string_equal(text_cut(a, "\xe4\xbe\x8b\xe3\x81\x88.jp", 6), "\xe4\xbe\x8b...");
	/* cut in the middle of a character */
	assert_int_equal(text_width("\xe4\xbe"), 1);
	assert_string_equal(shown(a, "a\x1b[31mb\n"), "a?[31mb?");
	assert_string_equal(shown(a, NULL), "-");
}

static char *captured(void (*write)(FILE *out, void *ctx), void *ctx)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	write(out, ctx);
	fclose(out);
	return text;
}

static void write_table(FILE *out, void *ctx)
{
	table_print(ctx, out);
}

static void tables(void **state)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);
	static const char *const rows[][3] = { { "NAME", "STATUS", "NAMES" },
		                               { "b\xc3\xbc.example", "issued", "x" },
		                               { "a", "failed", "y, z" } };
	struct table t = { .arena = a, .n_columns = 3, .status_column = 1 };
	char *text;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		table_row(&t, rows[i]);
	text = captured(write_table, &t);
	assert_string_equal(text, "NAME        STATUS  NAMES\n"
	                          "b\xc3\xbc.example  issued  x\n"
	                          "a           failed  y, z\n");
	free(text);
}

static void result_document(void **state)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);
	struct challenge challenge = { .type = "dns-01",
		                       .domain = "c.example",
		                       .location = "_acme-challenge.c.example",
		                       .value = "v",
		                       .token = "t" };
	struct cert_failure failure = { "b.example",
		                        { .code = ERR_RATE_LIMITED,
		                          .retry_s = 60,
		                          .problem = "rateLimited",
		                          .text = "b.example: too many" } };
	struct cert_pending pending = { "c.example", &challenge, 1 };
	struct issue_result r = {
		.failed = &failure, .n_failed = 1, .pending = &pending, .n_pending = 1
	};

	strings_add(a, &r.issued, "a.example");
	json_auto_t *object = result_json(&r);
	assert_string_equal(json_text(a, object),
	                    "{\"issued\":[\"a.example\"],\"renewed\":[],\"unchanged\":[],"
	                    "\"failed\":[{\"name\":\"b.example\",\"error\":\"b.example: too "
	                    "many\",\"code\":\"rate-limited\",\"problem\":\"rateLimited\","
	                    "\"retry_after\":60}],"
	                    "\"pending\":[{\"name\":\"c.example\",\"challenges\":[{\"type\":\"dns-"
	                    "01\",\"domain\":\"c.example\","
	                    "\"name\":\"_acme-challenge.c.example\",\"value\":\"v\"}]}]}");
}

static void write_prose(FILE *out, void *ctx)
{
	prose_print(out, ctx, "DESCRIPTION");
}

static void prose(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "# DESCRIPTION\nOne `--two` _three_.\n",
		  ".SH DESCRIPTION\nOne \\fB\\-\\-two\\fR \\fIthree\\fR.\n" },
		{ "# DESCRIPTION\n.hidden\n\n'quote\n",
		  ".SH DESCRIPTION\n\\&.hidden\n.PP\n\\&\\(aqquote\n" },
		{ "# DESCRIPTION\nNO_COLOR and _$A_B/c_.\n",
		  ".SH DESCRIPTION\nNO_COLOR and \\fI$A_B/c\\fR.\n" },
		{ "# DESCRIPTION\n    a \\\n    b\n",
		  ".SH DESCRIPTION\n.PP\n.RS 4\n.EX\na \\e\nb\n.EE\n.RE\n" },
		{ "# DESCRIPTION\nterm\n: meaning\n# FILES\nx\n",
		  ".SH DESCRIPTION\n.TP\nterm\nmeaning\n" },
		{ "# FILES\nx\n", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = captured(write_prose, (void *)(uintptr_t)cases[i].text);

		assert_string_equal(text, cases[i].want);
		free(text);
	}
	assert_true(prose_has("# A\nx\n# B\n", "B"));
	assert_false(prose_has("# A\nx\n# B\n", "C"));
}

static void write_help(FILE *out, void *ctx)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);
	struct cli c = { .arena = a };
	struct err e;

	assert_int_equal(help_print(&c, ctx, NULL, out, &e), 0);
}

static void help_fits(void **state)
{
	for (size_t i = 0;; i++) {
		const struct command *command = commands[i].words ? &commands[i] : NULL;
		char *text = captured(write_help, (void *)(uintptr_t)command);

		for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
			if (strcspn(line, "\n") > 80 && strncmp(line, "usage:", 6) != 0)
				fail_msg("wider than 80 columns: %.*s", (int)strcspn(line, "\n"),
				         line);
		}
		free(text);
		if (!command)
			return;
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans),
		cmocka_unit_test(names),
		cmocka_unit_test(cut_between_characters),
		cmocka_unit_test(tables),
		cmocka_unit_test(result_document),
		cmocka_unit_test(prose),
		cmocka_unit_test(help_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
