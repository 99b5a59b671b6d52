/* flow/plan: when a certificate renews, as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/arena.h"
#include "flow/plan.h"

#define DAY INT64_C(86400)
#define START INT64_C(1800000000)

static void renewal_instants(void **state)
{
	static const struct {
		const char *what;
		struct cert c;
		enum plan_reason reason;
		int64_t renew_at, run_at;
	} cases[] = {
		{ "90 days: one third left",
		  { .status = "issued", .not_before = START, .not_after = START + 90 * DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + 60 * DAY },
		{ "six days: one half left",
		  { .status = "issued", .not_before = START, .not_after = START + 6 * DAY },
		  PLAN_LIFETIME,
		  START + 3 * DAY,
		  START + 3 * DAY },
		{ "ten days are not short",
		  { .status = "issued", .not_before = START, .not_after = START + 10 * DAY },
		  PLAN_LIFETIME,
		  START + 10 * DAY - 10 * DAY / 3,
		  START + 10 * DAY - 10 * DAY / 3 },
		{ "own policy in days",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .renew_before = "15d" },
		  PLAN_POLICY,
		  START + 75 * DAY,
		  START + 75 * DAY },
		{ "own policy as a fraction",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .renew_before = "1/9" },
		  PLAN_POLICY,
		  START + 80 * DAY,
		  START + 80 * DAY },
		{ "the CA's word comes first",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .renew_before = "15d",
		    .ari_renew_at = START + 5 * DAY },
		  PLAN_CA,
		  START + 5 * DAY,
		  START + 5 * DAY },
		{ "asking the CA again is due sooner",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .ari_check_at = START + DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + DAY },
		{ "a failure holds it back",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .retry_at = START + 61 * DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + 61 * DAY },
		{ "not issued yet",
		  { .status = "pending", .created_at = START },
		  PLAN_FIRST,
		  START,
		  START },
		{ "first attempt failed",
		  { .status = "failed", .created_at = START, .retry_at = START + 300 },
		  PLAN_FIRST,
		  START + 300,
		  START + 300 },
		{ "first attempts failed for less than a day",
		  { .status = "failed",
		    .created_at = START,
		    .failing_since = START,
		    .last_error_at = START + DAY - 300,
		    .retry_at = START + DAY },
		  PLAN_FIRST,
		  START + DAY,
		  START + DAY },
		{ "and then no more",
		  { .status = "failed",
		    .created_at = START,
		    .failing_since = START,
		    .last_error_at = START + DAY - 299,
		    .retry_at = START + DAY + 1 },
		  PLAN_GIVEN_UP,
		  0,
		  0 },
		{ "nor when a limit of the CA opens after that",
		  { .status = "failed",
		    .created_at = START,
		    .failing_since = START,
		    .last_error_at = START + DAY - 700,
		    .retry_at = START + DAY + 20 },
		  PLAN_GIVEN_UP,
		  0,
		  0 },
		{ "but one that opens days later is waited for",
		  { .status = "failed",
		    .created_at = START,
		    .failing_since = START,
		    .last_error_at = START + 7200,
		    .retry_at = START + 3 * DAY },
		  PLAN_FIRST,
		  START + 3 * DAY,
		  START + 3 * DAY },
		{ "a renewal is never given up",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .failing_since = START + 60 * DAY,
		    .last_error_at = START + 70 * DAY,
		    .retry_at = START + 71 * DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + 71 * DAY },
		{ "its hooks failed, and run again",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .failures = 3,
		    .hook_failures = 3,
		    .hook_retry_at = START + 59 * DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + 59 * DAY },
		{ "a renewal that is due does not wait for them",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .failures = 3,
		    .hook_failures = 3,
		    .hook_retry_at = START + 61 * DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + 60 * DAY },
		{ "nor does asking the CA again",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .failures = 3,
		    .hook_failures = 3,
		    .hook_retry_at = START + 20 * DAY,
		    .ari_check_at = START + 19 * DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + 19 * DAY },
		{ "both failed: whichever is first",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .failures = 4,
		    .hook_failures = 3,
		    .retry_at = START + 61 * DAY,
		    .hook_retry_at = START + 62 * DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + 61 * DAY },
		{ "an order that is open waits for neither the renewal nor the hooks",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .unfinished = true,
		    .failures = 4,
		    .hook_failures = 3,
		    .retry_at = START + DAY,
		    .hook_retry_at = START + 2 * DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + DAY },
		{ "nor do the hooks wait for it",
		  { .status = "issued",
		    .not_before = START,
		    .not_after = START + 90 * DAY,
		    .unfinished = true,
		    .failures = 4,
		    .hook_failures = 3,
		    .retry_at = START + 2 * DAY,
		    .hook_retry_at = START + DAY },
		  PLAN_LIFETIME,
		  START + 60 * DAY,
		  START + DAY },
		{ "revoked",
		  { .status = "revoked", .not_before = START, .not_after = START + 90 * DAY },
		  PLAN_NEVER,
		  0,
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct plan p;
		plan_next(&cases[i].c, START, &p);
		print_message("%s\n", cases[i].what);
		assert_int_equal(p.reason, cases[i].reason);
		assert_int_equal(p.renew_at, cases[i].renew_at);
		assert_int_equal(p.run_at, cases[i].run_at);
	}
}

static void policies(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1 = refused */
	} cases[] = {
		{ "15d", 15 * DAY }, { "1d", DAY },   { "1/3", 30 * DAY },
		{ "2/3", 60 * DAY }, { "", -1 },      { "d", -1 },
		{ "0d", -1 },        { "-1d", -1 },   { "+1d", -1 },
		{ "15", -1 },        { "15 d", -1 },  { "3/3", -1 },
		{ "1/0", -1 },       { "0/3", -1 },   { "1/3d", -1 },
		{ "1/-3", -1 },      { "4000d", -1 }, { "99999999999999999999d", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t before = -7;
		struct err e;
		int result = plan_policy_parse(cases[i].text, 90 * DAY, &before, &e);
		print_message("\"%s\"\n", cases[i].text);
		assert_int_equal(result, cases[i].want < 0 ? -ERR_USAGE : 0);
		assert_int_equal(before, cases[i].want < 0 ? -7 : cases[i].want);
	}
}

static void waits(void **state)
{
	const struct cert first = { .status = "failed", .failures = 7 },
	                  renewal = { .status = "issued",
		                      .not_before = START,
		                      .not_after = START + 90 * DAY,
		                      .failures = 2 },
	                  hooks_too = { .status = "issued",
		                        .not_before = START,
		                        .not_after = START + 90 * DAY,
		                        .failures = 10,
		                        .hook_failures = 9 },
	                  brief = { .status = "issued",
		                    .not_before = START,
		                    .not_after = START + 8 };

	(void)state;
	assert_int_equal(plan_wait(&first, 0), 300);
	assert_int_equal(plan_wait(&first, 3600), 3600);
	assert_int_equal(plan_wait(&renewal, 0), 600);
	assert_int_equal(plan_wait(&hooks_too, 0), 300);
	/* just issued: due at its time, or again at once, by a clock that is wrong */
	assert_int_equal(plan_rest(&renewal, START), 0);
	assert_int_equal(plan_rest(&renewal, START + 80 * DAY), START + 81 * DAY);
	assert_int_equal(plan_rest(&brief, START + 5), START + 5 + 2);
}

static void backoff(void **state)
{
	(void)state;
	assert_int_equal(plan_backoff(1, 0), 300);
	assert_int_equal(plan_backoff(2, 0), 600);
	assert_int_equal(plan_backoff(5, 0), 4800);
	assert_int_equal(plan_backoff(100, 0), DAY);
	assert_int_equal(plan_backoff(1, 7200), 7200); /* what the CA asks for is the least */
	assert_int_equal(plan_backoff(100, 60), DAY);
}

static void shown_status(void **state)
{
	struct cert c = { .status = "issued", .not_after = START };

	(void)state;
	assert_string_equal(plan_status(&c, START - 1), "issued");
	assert_string_equal(plan_status(&c, START), "expired");
	c.status = "revoked";
	assert_string_equal(plan_status(&c, START), "revoked");
}

static void explanations(void **state)
{
	struct arena *a = arena_new(0);
	struct cert c = { .status = "issued", .not_before = START, .not_after = START + 90 * DAY };

	(void)state;
	assert_non_null(strstr(plan_explain(a, &c, START),
	                       "one third of its lifetime is left at 2027-03-16T08:00:00Z"));
	c.renew_before = "15d";
	assert_non_null(
	    strstr(plan_explain(a, &c, START), "its own policy says 15d before the end"));
	c.ari_start = START + DAY;
	c.ari_end = START + 2 * DAY;
	c.ari_renew_at = START + DAY + 3600;
	assert_non_null(
	    strstr(plan_explain(a, &c, START), "the CA's renewal information suggests"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renewal_instants),
		cmocka_unit_test(policies),
		cmocka_unit_test(waits),
		cmocka_unit_test(backoff),
		cmocka_unit_test(shown_status),
		cmocka_unit_test(explanations),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
