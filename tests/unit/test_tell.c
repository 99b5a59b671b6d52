/* flow/tell_plan, flow/nightly: what is told when, and when a renewal waits for the night, as
 * tables. notify/message: a mail's bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flow/nightly.h"
#include "flow/post.h"
#include "flow/tell_plan.h"
#include "notify/message.h"
#include "sys/mail.h"

#define HOUR INT64_C(3600)
#define DAY INT64_C(86400)
#define START INT64_C(1800000000) /* 2027-01-15T08:00:00Z */
#define END (START + 90 * DAY)

#define NINETY                                                                                     \
	.status = "issued", .not_before = START, .not_after = END, .renew_at = START + 60 * DAY

/* As flow/tell does it. */
static bool says_something(struct cert *c, const struct warn_days *days, int64_t at)
{
	struct tell_reached r;

	tell_reached(c, days, at, &r);
	if (r.failing == TELL_NOTHING && r.warning < 0)
		return false;
	c->told_until = at;
	return true;
}

static void next_instants(void **state)
{
	static const struct {
		const char *what;
		struct cert c;
		int64_t want[12]; /* when something is said, until 0 */
		struct warn_days days;
	} cases[] = {
		{ "90 days: a third is left when the first warning would be due",
		  { NINETY },
		  { END - 30 * DAY, END - 14 * DAY, END - 7 * DAY, END - 3 * DAY, END - DAY,
		    END } },
		{ "an own policy of 10 days: nothing before it",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = END,
		    .renew_before = "10d",
		    .renew_at = END - 10 * DAY },
		  { END - 10 * DAY, END - 7 * DAY, END - 3 * DAY, END - DAY, END } },
		{ "a year: days as they are",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 365 * DAY,
		    .renew_at = START + 243 * DAY },
		  { START + 335 * DAY, START + 351 * DAY, START + 358 * DAY, START + 362 * DAY,
		    START + 364 * DAY, START + 365 * DAY } },
		{ "six days: scaled down, and not before the renewal is due",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 6 * DAY,
		    .renew_at = START + 3 * DAY },
		  { START + 4 * DAY, START + 6 * DAY - 22 * HOUR - 24 * 60,
		    START + 6 * DAY - 11 * HOUR - 12 * 60, START + 6 * DAY - 4 * HOUR - 48 * 60,
		    START + 6 * DAY - HOUR - 36 * 60, START + 6 * DAY } },
		{ "failing since a month before the end",
		  { NINETY, .failing_since = END - 28 * DAY, .told_until = END - 28 * DAY },
		  { END - 27 * DAY, END - 14 * DAY, END - 7 * DAY, END - 3 * DAY, END - DAY,
		    END } },
		{ "failing since two days before the end: half a day is what lasts",
		  { NINETY, .failing_since = END - 2 * DAY, .told_until = END - 2 * DAY },
		  { END - 36 * HOUR, END - DAY, END - 12 * HOUR, END } },
		{ "never issued: told once, after a day",
		  { .status = "failed", .failing_since = START },
		  { START + DAY } },
		{ "revoked",
		  { .status = "revoked",
		    .not_before = START,
		    .not_after = END,
		    .failing_since = START },
		  { 0 } },
		{ "pending", { .status = "pending" }, { 0 } },
		{ "90 days, two warnings of one's own",
		  { NINETY },
		  { END - 20 * DAY, END - 2 * DAY, END },
		  { { 20, 2 }, 2 } },
		{ "45 days: half of those",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 45 * DAY,
		    .renew_at = START + 30 * DAY },
		  { START + 35 * DAY, START + 44 * DAY, START + 45 * DAY },
		  { { 20, 2 }, 2 } },
		{ "six days: a fifteenth",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 6 * DAY,
		    .renew_at = START + 3 * DAY },
		  { START + 6 * DAY - 32 * HOUR, START + 6 * DAY - 192 * 60, START + 6 * DAY },
		  { { 20, 2 }, 2 } },
		{ "before a renewal is due: then",
		  { NINETY },
		  { END - 30 * DAY, END - 5 * DAY, END },
		  { { 60, 45, 5 }, 3 } },
		{ "more days than it has, and no renewal",
		  { .status = "issued", .not_before = START, .not_after = END },
		  { END - 60 * DAY, END },
		  { { 365, 91, 60 }, 3 } },
		{ "years: days as they are",
		  { .status = "issued", .not_before = START, .not_after = START + 10 * DAY * 90 },
		  { START + 540 * DAY, START + 899 * DAY, START + 900 * DAY },
		  { { 360, 1 }, 2 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cert c = cases[i].c;
		const int64_t *want = cases[i].want;
		int looks = 0;

		print_message("%s\n", cases[i].what);
		for (int64_t at = 0; (at = tell_next(&c, at)) != 0; looks++)
			if (says_something(&c, &cases[i].days, at))
				assert_int_equal(at, *want++);
		assert_int_equal(*want, 0);
		assert_true(looks <= WARN_DAY_MOST + 4); /* how often it is looked at in vain */
	}
}

/* The days are changed while it is looked at. */
static void other_days(void **state)
{
	static const struct warn_days few = { { 20, 2 }, 2 }, many = { { 25, 18, 7 }, 3 };
	static const struct {
		const char *what;
		int64_t change_at;
		struct warn_days before, after;
		int64_t want[8];
	} cases[] = {
		{ "before a renewal is due",
		  END - 40 * DAY,
		  few,
		  many,
		  { END - 25 * DAY, END - 18 * DAY, END - 7 * DAY, END } },
		{ "before the first, some have passed: the last of them, at the next look",
		  END - 22 * DAY - HOUR,
		  few,
		  many,
		  { END - 22 * DAY, END - 18 * DAY, END - 7 * DAY, END } },
		{ "after the first",
		  END - 19 * DAY - HOUR,
		  few,
		  many,
		  { END - 20 * DAY, END - 18 * DAY, END - 7 * DAY, END } },
		{ "there and back",
		  END - 17 * DAY,
		  many,
		  few,
		  { END - 25 * DAY, END - 18 * DAY, END - 2 * DAY, END } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cert c = { NINETY };
		const int64_t *want = cases[i].want;

		print_message("%s\n", cases[i].what);
		for (int64_t at = 0; (at = tell_next(&c, at)) != 0;)
			if (says_something(
			        &c, at < cases[i].change_at ? &cases[i].before : &cases[i].after,
			        at))
				assert_int_equal(at, *want++);
		assert_int_equal(*want, 0);
	}
}

static void looks(void **state)
{
	static const struct {
		const char *what;
		struct cert c;
		int64_t after, want;
	} cases[] = {
		{ "nothing before a renewal is due", { NINETY }, 0, END - 30 * DAY },
		{ "then each day", { NINETY }, END - 30 * DAY, END - 29 * DAY },
		{ "not one for each that passed", { NINETY }, END - 5 * DAY - HOUR, END - 5 * DAY },
		{ "the end", { NINETY }, END - DAY, END },
		{ "nothing after it", { NINETY }, END, 0 },
		{ "a failure's between them",
		  { NINETY, .failing_since = END - 30 * DAY - HOUR },
		  END - 29 * DAY - 2 * HOUR,
		  END - 29 * DAY - HOUR },
		{ "six days: a ninetieth",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 6 * DAY,
		    .renew_at = START + 3 * DAY },
		  START + 3 * DAY,
		  START + 3 * DAY + 96 * 60 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].what);
		assert_int_equal(tell_next(&cases[i].c, cases[i].after), cases[i].want);
	}
}

static void what_is_reached(void **state)
{
	static const struct {
		const char *what;
		struct cert c;
		int64_t now;
		enum tell_stage failing;
		int warning;
		struct warn_days days;
	} cases[] = {
		{ "nothing yet", { NINETY }, END - 31 * DAY, TELL_NOTHING, -1 },
		{ "the first", { NINETY }, END - 30 * DAY, TELL_NOTHING, 30 },
		{ "told already",
		  { NINETY, .told_until = END - 30 * DAY },
		  END - 29 * DAY,
		  TELL_NOTHING,
		  -1 },
		{ "long away: the last of those that passed",
		  { NINETY, .told_until = END - 29 * DAY },
		  END - 2 * DAY,
		  TELL_NOTHING,
		  3 },
		{ "at the end", { NINETY, .told_until = END - DAY }, END, TELL_NOTHING, 0 },
		{ "failing for a day",
		  { NINETY, .failing_since = END - 29 * DAY, .told_until = END - 29 * DAY },
		  END - 28 * DAY,
		  TELL_DAY,
		  -1 },
		{ "failing for half",
		  { NINETY, .failing_since = END - 20 * DAY, .told_until = END - 13 * DAY },
		  END - 10 * DAY,
		  TELL_HALF,
		  -1 },
		{ "a quarter is left",
		  { NINETY, .failing_since = END - 20 * DAY, .told_until = END - 6 * DAY },
		  END - 5 * DAY,
		  TELL_QUARTER,
		  -1 },
		{ "the end",
		  { NINETY, .failing_since = END - 20 * DAY, .told_until = END - HOUR },
		  END + HOUR,
		  TELL_END,
		  0 },
		{ "one's own", { NINETY }, END - 19 * DAY, TELL_NOTHING, 20, { { 20, 2 }, 2 } },
		{ "those between are not there",
		  { NINETY, .told_until = END - 20 * DAY },
		  END - 3 * DAY,
		  TELL_NOTHING,
		  -1,
		  { { 20, 2 }, 2 } },
		{ "set while it was told already: the days that have passed count",
		  { NINETY, .told_until = END - 30 * DAY },
		  END - 18 * DAY,
		  TELL_NOTHING,
		  20,
		  { { 25, 20, 2 }, 3 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tell_reached r;

		print_message("%s\n", cases[i].what);
		tell_reached(&cases[i].c, &cases[i].days, cases[i].now, &r);
		assert_int_equal(r.failing, cases[i].failing);
		assert_int_equal(r.warning, cases[i].warning);
	}
}

/* the night */

static void times_of_day(void **state)
{
	static const struct {
		const char *text;
		int want; /* -1: refused */
	} cases[] = { { "01:30", 90 }, { "00:00", 0 },  { "23:59", 1439 }, { "24:00", -1 },
		      { "1:30", -1 },  { "01:60", -1 }, { "01.30", -1 },   { "", -1 },
		      { "aa:bb", -1 }, { "01:30 ", -1 } };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int minute = -1;

		print_message("\"%s\"\n", cases[i].text);
		assert_int_equal(nightly_parse(cases[i].text, &minute, &e),
		                 cases[i].want < 0 ? -ERR_CONFIG : 0);
		assert_int_equal(minute, cases[i].want);
	}
}

static void local_times(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	assert_int_equal(nightly_next(START, 90), START + 17 * HOUR + HOUR / 2);
	assert_int_equal(nightly_next(START, 8 * 60), START);
	assert_int_equal(nightly_next(START + 1, 8 * 60), START + DAY);
	setenv("TZ", "Europe/Berlin", 1); /* 09:00 there */
	tzset();
	assert_int_equal(nightly_next(START, 90), START + 16 * HOUR + HOUR / 2);
	/* 2027-03-28: 02:30 does not exist there, and a time is found all the same */
	assert_in_range(nightly_next(1806192000, 150), 1806192000, 1806192000 + DAY);
	setenv("TZ", "UTC", 1);
	tzset();
}

static void waiting_for_the_night(void **state)
{
	static const struct {
		const char *what, *window;
		struct cert c;
		bool waits;
	} cases[] = {
		{ "no window", NULL, { .name = "a", NINETY }, false },
		{ "90 days can wait", "01:30", { .name = "a", NINETY }, true },
		{ "after a failure it does not",
		  "01:30",
		  { .name = "a", NINETY, .failures = 1 },
		  false },
		{ "what was begun is not put off",
		  "01:30",
		  { .name = "a", NINETY, .unfinished = true },
		  false },
		{ "one day left cannot",
		  "01:30",
		  { .name = "a",
		    .status = "issued",
		    .not_before = START,
		    .not_after = START + 2 * DAY },
		  false },
		{ "the CA's window is longer",
		  "01:30",
		  { .name = "a",
		    NINETY,
		    .ari_renew_at = START + 50 * DAY,
		    .ari_start = START + 49 * DAY,
		    .ari_end = START + 52 * DAY },
		  true },
		{ "the CA's window ends before",
		  "01:30",
		  { .name = "a",
		    NINETY,
		    .ari_renew_at = START + 50 * DAY,
		    .ari_start = START + 49 * DAY,
		    .ari_end = START + 50 * DAY + HOUR },
		  false },
		{ "never issued",
		  "01:30",
		  { .name = "a", .status = "failed", .created_at = START },
		  false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct plan plain, p;

		print_message("%s\n", cases[i].what);
		plan_next(&cases[i].c, START, &plain);
		nightly_plan(cases[i].window, &cases[i].c, START, &p);
		if (!cases[i].waits) {
			assert_memory_equal(&plain, &p, sizeof(p));
			continue;
		}
		/* at night, within the hour from 01:30 on, and the next one */
		assert_in_range((p.renew_at % DAY), HOUR * 3 / 2, HOUR * 5 / 2);
		assert_in_range(p.renew_at - plain.renew_at, 0, DAY);
		assert_int_equal(p.run_at, p.renew_at);
	}
}

static void the_night_is_spread(void **state)
{
	struct plan p[3];
	const char *const names[] = { "a.example.org", "b.example.org", "a.example.org" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct cert c = { .name = names[i], NINETY };

		nightly_plan("01:30", &c, START, &p[i]);
	}
	assert_int_not_equal(p[0].renew_at, p[1].renew_at);
	assert_int_equal(p[0].renew_at, p[2].renew_at);
}

static void tries(void **state)
{
	(void)state;
	assert_int_equal(post_backoff(1), 60);
	assert_int_equal(post_backoff(2), 120);
	assert_int_equal(post_backoff(5), 960);
	assert_int_equal(post_backoff(1000), 4 * HOUR);
}

/* mail */

static void addresses(void **state)
{
	static const struct {
		const char *text;
		bool fine;
	} cases[] = { { "a@example.org", true },
		      { "a+b@example.org", true },
		      { "a", false },
		      { "@example.org", false },
		      { "a@", false },
		      { "a@b@c", false },
		      { "a b@example.org", false },
		      { "a@example.org\r\nBcc: x@y", false },
		      { "a@example.org,b@c", false },
		      { "<a@example.org>", false },
		      { "-a@example.org", false },
		      { "", false },
		      { "\xc3\xa4@example.org", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].text);
		assert_int_equal(mail_is_address(cases[i].text), cases[i].fine);
	}
}

static char *write_letter(struct arena *a, const struct letter *l)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(1 << 20);
	struct err e;

	assert_int_equal(letter_write(a, l, &b, &e), 0);
	return arena_strdup(a, b.data);
}

static void a_plain_letter(void **state)
{
	struct arena *a = arena_new(0);
	struct letter l = { .from = "everleaf@example.org",
		            .subject = "a test",
		            .text = "x\ny\n",
		            .id = "0a1b",
		            .at = START };

	(void)state;
	strings_add(a, &l.to, "a@example.org");
	strings_add(a, &l.to, "b@example.org");
	assert_string_equal(write_letter(a, &l),
	                    "From: Everleaf <everleaf@example.org>\r\n"
	                    "To: <a@example.org>,\r\n <b@example.org>\r\n"
	                    "Subject: a test\r\n"
	                    "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
	                    "Message-ID: <0a1b@example.org>\r\n"
	                    "Auto-Submitted: auto-generated\r\n"
	                    "MIME-Version: 1.0\r\n"
	                    "Content-Type: text/plain; charset=utf-8\r\n"
	                    "Content-Transfer-Encoding: 7bit\r\n\r\nx\r\ny\r\n");
	arena_free(a);
}

static void nothing_gets_into_the_head(void **state)
{
	static const char *const subjects[] = { "a\r\nBcc: x@example.org", "a\nBcc: x@example.org",
		                                "=?UTF-8?B?YQ==?=", "a\r\n\r\nbody" };
	struct arena *a = arena_new(0);
	struct letter l = { .from = "e@example.org", .text = "x\n", .id = "00", .at = START };

	(void)state;
	strings_add(a, &l.to, "a@example.org");
	for (size_t i = 0; i < ARRAY_LEN(subjects); i++) {
		const char *text;

		l.subject = subjects[i];
		text = write_letter(a, &l);
		assert_null(strstr(text, "\r\nBcc:"));
		assert_null(strstr(text, "\nbody"));
		assert_null(strstr(text, "=?UTF-8?B?YQ==?="));
	}
	arena_free(a);
}

static void long_lines_are_folded(void **state)
{
	struct arena *a = arena_new(0);
	char subject[600], *text;
	struct letter l = { .from = "e@example.org",
		            .text = "Gr\xc3\xbc\xc3\x9f\x65\n",
		            .id = "00",
		            .at = START,
		            .subject = subject };

	(void)state;
	strings_add(a, &l.to, "a@example.org");
	for (size_t i = 0; i + 2 < sizeof(subject); i += 2) {
		subject[i] = '\xc3';
		subject[i + 1] = '\xbc';
	}
	subject[598] = '\0';
	text = write_letter(a, &l);
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		assert_in_range(strcspn(p, "\r"), 0, 78);
	assert_non_null(strstr(text, "Content-Transfer-Encoding: base64"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_instants),
		cmocka_unit_test(other_days),
		cmocka_unit_test(looks),
		cmocka_unit_test(what_is_reached),
		cmocka_unit_test(times_of_day),
		cmocka_unit_test(local_times),
		cmocka_unit_test(waiting_for_the_night),
		cmocka_unit_test(the_night_is_spread),
		cmocka_unit_test(tries),
		cmocka_unit_test(addresses),
		cmocka_unit_test(a_plain_letter),
		cmocka_unit_test(nothing_gets_into_the_head),
		cmocka_unit_test(long_lines_are_folded),
	};

	return cmocka_run_group_tests_name("tell", tests, NULL, NULL);
}
