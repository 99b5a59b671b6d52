/* flow/limits_plan, the arithmetic of rate limits: counted as the CA counts. A naive model
 * remembers every charge and refills in small steps; nothing that the ledger lets through is ever
 * refused by it, and nothing waits that need not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow/limits_plan.h"
#include "sys/suffix.h"

#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)
#define START INT64_C(1800000000)

/* random, the same in every run */
static uint64_t seed;

static uint64_t below(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

/* One token each interval, at most `count`: tokens as a number of milliseconds' worth. */
struct naive {
	int64_t count, interval_ms, tokens_ms, at_ms;
};

static void naive_to(struct naive *m, int64_t now_ms)
{
	m->tokens_ms += now_ms - m->at_ms;
	if (m->tokens_ms > m->count * m->interval_ms)
		m->tokens_ms = m->count * m->interval_ms;
	m->at_ms = now_ms;
}

static void random_traces(void **state)
{
	static const struct limit_rule rules[] = { { 300, 3 * HOUR }, { 50, 7 * DAY },
		                                   { 5, 7 * DAY },    { 5, HOUR },
		                                   { 1, HOUR },       { 30000, 7 * DAY },
		                                   { 7, 100 } };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rules); k++) {
		int64_t interval = limit_interval_ms(&rules[k]), now = START * 1000;
		struct naive m = { rules[k].count, interval, rules[k].count * interval, now };
		struct bucket b = { 0 };
		size_t let = 0, held = 0;

		seed = k;
		for (int i = 0; i < 20000; i++) {
			int64_t opens;

			now += (int64_t)below(3) ? (int64_t)below((uint64_t)interval * 2) : 0;
			naive_to(&m, now);
			assert_int_equal(bucket_left(&rules[k], &b, now), m.tokens_ms / interval);
			opens = bucket_opens_ms(&rules[k], &b, 1, now);
			assert_int_equal(opens == 0, m.tokens_ms >= interval);
			if (opens == 0) {
				bucket_charge(&rules[k], &b, now);
				m.tokens_ms -= interval;
				let++;
				continue;
			}
			/* exactly then, not a millisecond sooner or later */
			assert_int_equal(opens - now, interval - m.tokens_ms);
			held++;
		}
		assert_true(let > 100 && (held > 100 || rules[k].count > 1000));
	}
}

/* What is under way takes its place, and only as long as it is. */
static void reservations(void **state)
{
	const struct limit_rule rule = { 3, 3 * HOUR };
	int64_t now = START * 1000;
	struct bucket b = { 0 }, only_charged = { 0 };

	(void)state;
	bucket_charge(&rule, &b, now);
	bucket_charge(&rule, &only_charged, now);
	assert_int_equal(bucket_left(&rule, &b, now), 2);
	bucket_reserve(&b, now);
	bucket_reserve(&b, now);
	assert_int_equal(bucket_left(&rule, &b, now), 0);
	assert_int_equal(bucket_opens_ms(&rule, &b, 1, now), now + HOUR * 1000);
	bucket_unreserve(&b);
	assert_int_equal(bucket_left(&rule, &b, now), 1);
	now += 2 * HOUR * 1000; /* time does not work on what is not charged */
	assert_int_equal(bucket_left(&rule, &b, now), 2);
	bucket_unreserve(&b);
	bucket_charge(&rule, &b, now);
	bucket_charge(&rule, &only_charged, now);
	assert_int_equal(b.tat_ms, only_charged.tat_ms);
	bucket_reserve(&b, now);
	assert_false(bucket_is_full(&b, now + 4 * HOUR * 1000));
	assert_true(bucket_is_full(&b, now + 8 * DAY * 1000)); /* forgotten */
	bucket_unreserve(&b);
	bucket_unreserve(&b);
	assert_int_equal(b.reserved, 0);
}

/* One that waits for orders under way looks soon whether they have come to nothing, and less and
 * less often; never before what is charged lets it, nor after what is reserved does. */
static void looks_again(void **state)
{
	static const struct {
		int charged, reserved;
		int64_t stood_s, want_s; /* 0: it fits */
	} cases[] = {
		{ 0, 2, 0, 0 },       { 3, 0, 0, HOUR },        { 2, 1, 0, 10 },
		{ 2, 1, 9, 10 },      { 2, 1, 11, 11 },         { 0, 3, 600, 600 },
		{ 0, 3, 3000, 3000 }, { 0, 4, 2 * HOUR, HOUR }, { 3, 1, 0, HOUR },
		{ 3, 2, HOUR, HOUR }, { 0, 1, 8 * DAY, 0 },     { 3, 1, 8 * DAY, HOUR },
	};
	const struct limit_rule rule = { 3, 3 * HOUR };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t now = START * 1000, look;
		struct bucket b = { 0 };

		for (int k = 0; k < cases[i].reserved; k++)
			bucket_reserve(&b, now - cases[i].stood_s * 1000);
		for (int k = 0; k < cases[i].charged; k++)
			bucket_charge(&rule, &b, now);
		look = bucket_look_ms(&rule, &b, 1, now);
		if ((look ? look - now : 0) != cases[i].want_s * 1000)
			fail_msg("case %zu: %lld", i, (long long)(look - now));
	}
}

static void charges_beyond_what_is_left(void **state)
{
	const struct limit_rule rule = { 3, HOUR };
	struct bucket b = { 0 };
	int64_t now = START * 1000;

	(void)state;
	for (int i = 0; i < 10; i++)
		bucket_charge(&rule, &b, now);
	assert_int_equal(b.tat_ms, now + HOUR * 1000);
	assert_int_equal(bucket_opens_ms(&rule, &b, 1, now), now + HOUR * 1000 / 3);
}

/* Used up by what was in force then. */
static void figures_that_changed(void **state)
{
	static const struct {
		struct limit_rule now;
		int64_t left, opens_s;
	} cases[] = { { { 5, 7 * DAY }, 0, 7 * DAY / 5 },
		      { { 5, DAY }, 0, DAY / 5 },
		      { { 10, 14 * DAY }, 5, 0 },
		      { { 1, HOUR }, 0, HOUR },
		      { { 0 }, 0, 0 } };
	const struct limit_rule before = { 5, 7 * DAY };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bucket b = { 0 };
		int64_t now = START * 1000, opens;

		for (int k = 0; k < 5; k++)
			bucket_charge(&before, &b, now);
		assert_int_equal(bucket_left(&cases[i].now, &b, now), cases[i].left);
		opens = bucket_opens_ms(&cases[i].now, &b, 1, now);
		assert_int_equal(opens ? opens - now : 0, cases[i].opens_s * 1000);
	}
}

static void what_the_ca_says_holds(void **state)
{
	const struct limit_rule rules[] = { { 5, HOUR }, { 0 }, { 1, DAY } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		int64_t now = START * 1000, until = now + 5 * HOUR * 1000;
		struct bucket b = { 0 };

		bucket_charge(&rules[i], &b, now);
		b.told = "wait";
		bucket_hold(&rules[i], &b, 1, until, true);
		assert_int_equal(bucket_opens_ms(&rules[i], &b, 1, now), until);
		assert_int_equal(bucket_opens_ms(&rules[i], &b, 1, until - 1), until);
		assert_int_equal(bucket_opens_ms(&rules[i], &b, 1, until), 0);
		bucket_hold(&rules[i], &b, 1, now + 1, false); /* it may not have meant this */
		assert_int_equal(bucket_opens_ms(&rules[i], &b, 1, now), until);
	}
}

/* From the tests of publicsuffix.org, and what CAs do with addresses and suffixes. */
static void registered_domains(void **state)
{
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ "example.com", "example.com" },
		{ "b.example.com", "example.com" },
		{ "a.b.example.com", "example.com" },
		{ "*.example.com", "example.com" },
		{ "*.a.b.example.com", "example.com" },
		{ "b.domain.biz", "domain.biz" },
		{ "test.ac.jp", "test.ac.jp" },
		{ "www.test.ac.jp", "test.ac.jp" },
		{ "a.b.ide.kyoto.jp", "b.ide.kyoto.jp" },
		{ "b.c.kobe.jp", "b.c.kobe.jp" },
		{ "a.b.c.kobe.jp", "b.c.kobe.jp" },
		{ "www.city.kobe.jp", "city.kobe.jp" },
		{ "test.ck", "test.ck" },
		{ "b.test.ck", "b.test.ck" },
		{ "a.b.test.ck", "b.test.ck" },
		{ "www.www.ck", "www.ck" },
		{ "www.test.k12.ak.us", "test.k12.ak.us" },
		{ "www.xn--85x722f.com.cn", "xn--85x722f.com.cn" },
		{ "shishi.xn--55qx5d.cn", "shishi.xn--55qx5d.cn" },
		{ "shop.example.co.uk", "example.co.uk" },
		{ "me.github.io", "me.github.io" },
		{ "github.io", "github.io" },
		{ "a.b.example.nosuchsuffix", "example.nosuchsuffix" },
		{ "192.0.2.17", "192.0.2.17" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
		{ "2001:db8::1", "2001:db8::/64" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(name_registered_domain(a, cases[i].name), cases[i].want);
	arena_free(a);
}

static struct strings list(struct arena *a, const char *const *v)
{
	struct strings s = { 0 };

	for (; *v; v++)
		strings_add(a, &s, *v);
	return s;
}

static void buckets_of_an_order(void **state)
{
	static const char *const v[] = { "www.example.org", "*.example.org", "example.org",
		                         "a.example.net", NULL };
	static const char *const other_order[] = { "example.org", "a.example.net",
		                                   "www.example.org", "*.example.org", NULL };
	struct limit_rule rules[N_LIMITS] = { 0 };
	struct arena *a = arena_new(0);
	struct strings x = list(a, v), y = list(a, other_order);
	struct strings set = limits_buckets(a, LIMIT_EXACT_SET, "https://ca/dir", "u", &x);
	struct strings same = limits_buckets(a, LIMIT_EXACT_SET, "https://ca/dir", "w", &y);
	static const size_t counted[] = { [EXEMPT_NOTHING] = 1 + 2 + 1 + 4 + 4,
		                          [EXEMPT_SAME_SET] = 1 + 4 + 4,
		                          [EXEMPT_IN_TIME] = 4,
		                          [EXEMPT_BOTH] = 4 };
	static const size_t used_up[] = { [EXEMPT_NOTHING] = 1 + 2 + 1,
		                          [EXEMPT_SAME_SET] = 1,
		                          [EXEMPT_IN_TIME] = 2 + 1,
		                          [EXEMPT_BOTH] = 1 };
	size_t n;

	(void)state;
	assert_int_equal(set.n, 1);
	assert_string_equal(set.v[0], same.v[0]); /* of all accounts, whatever the order of names */
	y.n--;
	assert_string_not_equal(set.v[0],
	                        limits_buckets(a, LIMIT_EXACT_SET, "https://ca/dir", "u", &y).v[0]);
	for (int exempt = EXEMPT_NOTHING; exempt <= EXEMPT_BOTH; exempt++) {
		struct limit_ask *asks = limits_of_order(a, rules, "https://ca/dir", "https://ca/1",
		                                         &x, (enum limits_exempt)exempt, &n);
		size_t counts = 0, uses = 0;

		assert_int_equal(n, 1 + 2 + 1 + 4 + 4);
		for (size_t i = 0; i < n; i++) {
			counts += asks[i].counts;
			uses += asks[i].reserve;
		}
		assert_int_equal(counts, counted[exempt]);
		assert_int_equal(uses, used_up[exempt]);
	}
	arena_free(a);
}

static void decisions(void **state)
{
	const int64_t now = START * 1000;
	const struct limit_rule rule = { 1, HOUR };
	struct limit_ask v[] = {
		{ LIMIT_NEW_ORDERS, rule, { .tat_ms = now + 1000 }, "all", true, true },
		{ LIMIT_DOMAIN, rule, { .tat_ms = now + 9000 }, "example.org", true, true },
		{ LIMIT_EXACT_SET, rule, { .tat_ms = now + 99000 }, "a,b", false, true },
		{ LIMIT_CONSECUTIVE,
		  { 3, 3 * DAY },
		  { .tat_ms = now + 2 * DAY * 1000 },
		  "a",
		  false,
		  false },
	};
	int64_t opens;

	(void)state;
	assert_ptr_equal(limits_decide(v, 4, now, &opens), &v[1]); /* the last that counts */
	assert_int_equal(opens, now + 9000);
	v[3].counts = true; /* one is left, and is not risked */
	assert_ptr_equal(limits_decide(v, 4, now, &opens), &v[3]);
	assert_int_equal(opens, now + DAY * 1000);
	assert_null(limits_decide(v, 4, now + DAY * 1000, &opens));
	assert_int_equal(opens, 0);
}

static void words_of_a_refusal(void **state)
{
	static const struct {
		const char *text;
		int kind; /* -1 = they do not say */
		int64_t at;
	} cases[] = {
		{ "too many new orders (300) from this account in the last 3h0m0s, retry after "
		  "2027-01-15 08:00:36 UTC: see https://letsencrypt.org/docs/rate-limits/"
		  "#new-orders-per-account",
		  LIMIT_NEW_ORDERS, 1800000036 },
		{ "too many certificates (5) already issued for this exact set of identifiers in "
		  "the "
		  "last 168h0m0s, retry after 2027-01-15 08:00:00 UTC: see https://x",
		  LIMIT_EXACT_SET, 1800000000 },
		{ "too many certificates (50) already issued for \"example.org\" in the last "
		  "168h0m0s",
		  LIMIT_DOMAIN, 0 },
		{ "too many failed authorizations (5) for \"a.example.org\" in the last 1h0m0s",
		  LIMIT_FAILED, 0 },
		{ "too many new registrations (10) from this IP address in the last 3h0m0s",
		  LIMIT_NEW_ACCOUNTS, 0 },
		{ "Your account is temporarily prevented from requesting certificates for "
		  "a.example.org "
		  "and possibly others. Please visit: https://portal.example/unpause?jwt=abc.def.",
		  LIMIT_CONSECUTIVE, 0 },
		{ "slow down, retry after lunch", -1, 0 },
		{ "", -1, 0 },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum limit_kind kind = N_LIMITS;
		bool told = limits_told_kind(cases[i].text, &kind);

		assert_int_equal(told ? (int)kind : -1, cases[i].kind);
		assert_int_equal(limits_told_time(cases[i].text), cases[i].at);
	}
	assert_string_equal(limits_told_url(a, cases[5].text),
	                    "https://portal.example/unpause?jwt=abc.def");
	assert_null(limits_told_url(a, "no address"));
	arena_free(a);
}

static void periods(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* 0 = refused */
	} cases[] = { { "90s", 90 },     { "15m", 900 }, { "3h", 3 * HOUR }, { "7d", 7 * DAY },
		      { "", 0 },         { "7", 0 },     { "d", 0 },         { "-1d", 0 },
		      { "0h", 0 },       { "+3h", 0 },   { "3hh", 0 },       { "3w", 0 },
		      { "9999999d", 0 }, { " 3h", 0 } };
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t got = 0;

		assert_int_equal(limit_period_parse(cases[i].text, &got), cases[i].want != 0);
		assert_int_equal(got, cases[i].want);
		if (got)
			assert_int_equal(limit_period_parse(limit_period_text(a, got), &got), true);
		assert_int_equal(got, cases[i].want);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_traces),
		cmocka_unit_test(reservations),
		cmocka_unit_test(looks_again),
		cmocka_unit_test(charges_beyond_what_is_left),
		cmocka_unit_test(figures_that_changed),
		cmocka_unit_test(what_the_ca_says_holds),
		cmocka_unit_test(registered_domains),
		cmocka_unit_test(buckets_of_an_order),
		cmocka_unit_test(decisions),
		cmocka_unit_test(words_of_a_refusal),
		cmocka_unit_test(periods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
