/* flow/witness: who speaks against a clock, as a table; daemon/doubt: what the scheduler makes of
 * it, step by step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "daemon/doubt.h"

#define HOUR INT64_C(3600)
#define DAY INT64_C(86400)
#define YEAR (365 * DAY)
#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */

static void who_speaks_against_it(void **state)
{
	static const struct {
		const char *what;
		struct witnesses w;
		enum clock_verdict want;
		const char *why; /* a part of it */
	} cases[] = {
		{ "nobody knows", { .now = NOW }, CLOCK_UNDISPUTED, NULL },
		{ "it goes on", { .now = NOW, .known_at = NOW - 600 }, CLOCK_UNDISPUTED, NULL },
		{ "off for a day", { .now = NOW, .known_at = NOW - DAY }, CLOCK_UNDISPUTED, NULL },
		{ "a little behind, as another node's may be",
		  { .now = NOW, .known_at = NOW + 1800 },
		  CLOCK_UNDISPUTED,
		  NULL },
		{ "the database agrees",
		  { .now = NOW, .known_at = NOW - 600, .database_at = NOW - 2 },
		  CLOCK_UNDISPUTED,
		  NULL },
		{ "1970", { .now = 0 }, CLOCK_WRONG, "1970-01-01" },
		{ "2019, and whatever a CA says",
		  { .now = 1546300800, .ca_at = 1546300800, .ca_is_proved = true, .ca = "x" },
		  CLOCK_WRONG,
		  "2019-01-01T00:00:00Z, when this program" },
		{ "a year behind",
		  { .now = NOW - YEAR, .known_at = NOW },
		  CLOCK_WRONG,
		  "done here at 2027-01-15T08:00:00Z" },
		{ "two hours behind", { .now = NOW - 2 * HOUR, .known_at = NOW }, CLOCK_WRONG, "" },
		{ "behind what was written when it was ahead: a CA knows better",
		  { .now = NOW,
		    .known_at = NOW + YEAR,
		    .ca_at = NOW + 5,
		    .ca_is_proved = true,
		    .ca = "x" },
		  CLOCK_VOUCHED,
		  NULL },
		{ "the same, by a CA that anybody may have been",
		  { .now = NOW, .known_at = NOW + YEAR, .ca_at = NOW + 5, .ca = "x" },
		  CLOCK_WRONG,
		  "done here at" },
		{ "far ahead, and nobody says",
		  { .now = NOW + 3 * DAY, .known_at = NOW },
		  CLOCK_UNSURE,
		  "no CA says" },
		{ "far ahead, and it is so late",
		  { .now = NOW + YEAR,
		    .known_at = NOW,
		    .ca_at = NOW + YEAR - HOUR,
		    .ca_is_proved = true,
		    .ca = "x" },
		  CLOCK_VOUCHED,
		  NULL },
		{ "far ahead, and anybody says so",
		  { .now = NOW + YEAR, .known_at = NOW, .ca_at = NOW + YEAR, .ca = "x" },
		  CLOCK_UNSURE,
		  "no CA says" },
		{ "far ahead, and it is not",
		  { .now = NOW + YEAR,
		    .known_at = NOW,
		    .ca_at = NOW + 60,
		    .ca_is_proved = true,
		    .ca = "letsencrypt" },
		  CLOCK_WRONG,
		  "the CA letsencrypt says 2027-01-15T08:01:00Z" },
		{ "the same, by one whose certificate looks expired",
		  { .now = NOW + YEAR, .known_at = NOW, .ca_at = NOW + 60, .ca = "x" },
		  CLOCK_WRONG,
		  "the CA x says" },
		{ "the database does not agree",
		  { .now = NOW, .known_at = NOW - 600, .database_at = NOW - 2 * HOUR },
		  CLOCK_WRONG,
		  "that of the database 2027-01-15T06:00:00Z" },
		{ "it is the database's that is wrong",
		  { .now = NOW,
		    .known_at = NOW - 600,
		    .database_at = NOW - YEAR,
		    .ca_at = NOW,
		    .ca_is_proved = true,
		    .ca = "x" },
		  CLOCK_VOUCHED,
		  NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
		const char *why = NULL;
		enum clock_verdict got = witness_judge(a, &cases[i].w, &why);

		if (got != cases[i].want || !why != !cases[i].why ||
		    (why && !strstr(why, cases[i].why)))
			fail_msg("%s: %d, \"%s\"", cases[i].what, got, why ? why : "");
	}
}

struct step {
	const char *what;
	int64_t at; /* after NOW */
	int heard;  /* a verdict; -1 = only time passes, -2 = it jumps, -3 = one begins */
	enum doubt_state want;
	size_t allows;
};

static void walk(const struct step *v, size_t n)
{
	struct doubt d = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (v[i].heard >= 0)
			(void)doubt_hear(&d, d.era, (enum clock_verdict)v[i].heard, "why",
			                 NOW + v[i].at);
		if (v[i].heard == -2)
			doubt_begin(&d);
		if (v[i].heard == -3)
			doubt_began(&d, 1, NOW + v[i].at);
		(void)doubt_pass(&d, NOW + v[i].at);
		if (d.state != v[i].want || doubt_allows(&d, NOW + v[i].at) != v[i].allows)
			fail_msg("%s: state %d, allows %zu", v[i].what, d.state,
			         doubt_allows(&d, NOW + v[i].at));
	}
}

static void an_ordinary_start(void **state)
{
	static const struct step steps[] = {
		{ "nothing before it was looked", 0, -1, DOUBT_UNHEARD, 0 },
		{ "undisputed", 1, CLOCK_UNDISPUTED, DOUBT_NONE, SIZE_MAX },
		{ "a jump", 50, -2, DOUBT_UNHEARD, 0 },
		{ "vouched for", 51, CLOCK_VOUCHED, DOUBT_NONE, SIZE_MAX },
		{ "once is enough", 52, CLOCK_WRONG, DOUBT_NONE, SIZE_MAX },
	};

	walk(steps, ARRAY_LEN(steps));
}

static void a_wrong_clock(void **state)
{
	static const struct step steps[] = {
		{ "wrong", 1, CLOCK_WRONG, DOUBT_WRONG, 0 },
		{ "time alone mends nothing", 10 * YEAR, -1, DOUBT_WRONG, 0 },
		{ "nor a CA that is away now", 10 * YEAR, CLOCK_UNSURE, DOUBT_WRONG, 0 },
		{ "put right", 2, -2, DOUBT_UNHEARD, 0 },
		{ "and seen to be", 3, CLOCK_UNDISPUTED, DOUBT_NONE, SIZE_MAX },
	};

	walk(steps, ARRAY_LEN(steps));
}

static void nobody_says(void **state)
{
	static const struct step steps[] = {
		{ "unsure", 0, CLOCK_UNSURE, DOUBT_UNSURE, 0 },
		{ "still", 1799, CLOCK_UNSURE, DOUBT_UNSURE, 0 },
		{ "believed, one by one", 1800, -1, DOUBT_SPREAD, 1 },
		{ "the first", 1800, -3, DOUBT_SPREAD, 0 },
		{ "soon", 1829, -1, DOUBT_SPREAD, 0 },
		{ "the next", 1830, -1, DOUBT_SPREAD, 1 },
		{ "what was written now proves nothing", 1900, CLOCK_UNDISPUTED, DOUBT_SPREAD, 1 },
		{ "all, after an hour", 5400, -1, DOUBT_NONE, SIZE_MAX },
	};
	static const struct step late[] = {
		{ "unsure", 0, CLOCK_UNSURE, DOUBT_UNSURE, 0 },
		{ "believed, one by one", 1800, -1, DOUBT_SPREAD, 1 },
		{ "now a CA says it is wrong", 1860, CLOCK_WRONG, DOUBT_WRONG, 0 },
	};
	static const struct step soon[] = {
		{ "unsure", 0, CLOCK_UNSURE, DOUBT_UNSURE, 0 },
		{ "a CA says it is right", 60, CLOCK_VOUCHED, DOUBT_NONE, SIZE_MAX },
	};

	walk(steps, ARRAY_LEN(steps));
	walk(late, ARRAY_LEN(late));
	walk(soon, ARRAY_LEN(soon));
}

static void what_was_said_of_the_clock_of_before_is_void(void **state)
{
	struct doubt d = { 0 };
	unsigned era = d.era;

	assert_true(doubt_wants_look(&d, 0));
	assert_false(doubt_wants_look(&d, 59999));
	assert_true(doubt_wants_look(&d, 60000));
	doubt_begin(&d);
	assert_true(doubt_wants_look(&d, 60001));
	assert_false(doubt_hear(&d, era, CLOCK_VOUCHED, NULL, NOW));
	assert_int_equal(d.state, DOUBT_UNHEARD);
	assert_true(doubt_wants_look(&d, 60002)); /* at once again */
	assert_true(doubt_hear(&d, d.era, CLOCK_VOUCHED, NULL, NOW));
	assert_false(doubt_wants_look(&d, 900000));
}

static void whoever_was_told_of_it_hears_that_it_is_over(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct doubt d = { 0 };

	assert_true(doubt_hear(&d, d.era, CLOCK_UNDISPUTED, NULL, NOW));
	assert_null(doubt_words(a, &d));
	doubt_begin(&d);
	assert_true(doubt_hear(&d, d.era, CLOCK_WRONG, "it says 1970", NOW));
	assert_string_equal(doubt_words(a, &d), "it says 1970: nothing is begun until it is right");
	doubt_begin(&d);
	assert_true(doubt_hear(&d, d.era, CLOCK_UNDISPUTED, NULL, NOW));
	assert_string_equal(doubt_words(a, &d), "the clock is believed: work goes on");
	doubt_begin(&d);
	assert_true(doubt_hear(&d, d.era, CLOCK_UNDISPUTED, NULL, NOW));
	assert_null(doubt_words(a, &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_speaks_against_it),
		cmocka_unit_test(an_ordinary_start),
		cmocka_unit_test(a_wrong_clock),
		cmocka_unit_test(nobody_says),
		cmocka_unit_test(what_was_said_of_the_clock_of_before_is_void),
		cmocka_unit_test(whoever_was_told_of_it_hears_that_it_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
