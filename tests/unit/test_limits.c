/* flow/limits, the ledger on a store: what an order reserves, what comes of it, what the CA
 * teaches. */
#include "store_place.h"

#include "flow/limits.h"

#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)
#define START INT64_C(1800000000)
#define CA "https://acme-v02.api.letsencrypt.org/directory"

struct bench {
	struct place *p;
	struct config config;
	struct run run;
	struct account account;
};

static void bench_up(struct bench *b, struct place *p)
{
	memset(b, 0, sizeof(*b));
	b->p = p;
	b->run.store = p->s;
	b->run.config = &b->config;
	b->account = (struct account){ .name = "acct", .directory_url = CA, .url = "https://ca/1" };
	clock_set(START);
	put_cert(p, "c");
}

static int reserve(struct bench *b, struct order *row, const char *name, enum limits_exempt exempt,
                   bool consult)
{
	struct limits_wish w = { &b->account, &row->domains, exempt, consult };
	struct order o = { .cert = "c", .account = "acct", .state = "done" };
	int result;

	strings_add(b->p->a, &o.domains, name);
	*row = o;
	OK(store_begin(b->p->s, E));
	result = limits_reserve(&b->run, b->p->a, &w, row, E);
	if (result < 0) {
		store_rollback(b->p->s);
		return result;
	}
	OK(st_order_put(b->p->s, row, E));
	OK(store_commit(b->p->s, E));
	return 0;
}

static int64_t used(struct bench *b, const char *limit)
{
	struct limit_state *v;
	bool more;
	size_t n;

	OK(limits_in_use(&b->run, b->p->a, CA, 1000, &v, &n, &more, E));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].limit, limit) == 0)
			return v[i].used;
	return 0;
}

static void step(struct bench *b,
                 int (*fn)(struct run *, struct arena *, struct order *, struct err *),
                 struct order *row)
{
	OK(store_begin(b->p->s, E));
	OK(fn(&b->run, b->p->a, row, E));
	OK(store_commit(b->p->s, E));
}

static void test_an_order_is_counted(void **state)
{
	struct bench b;
	struct order row;

	bench_up(&b, *state);
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	assert_int_equal(row.charged.n, 3);
	assert_int_equal(used(&b, "new-orders"), 1);
	assert_int_equal(used(&b, "certificates-per-domain"), 1);
	assert_int_equal(used(&b, "exact-set"), 1);
	step(&b, limits_ordered, &row);
	assert_int_equal(row.charged.n, 2);
	assert_int_equal(used(&b, "new-orders"), 1);
	step(&b, limits_released, &row); /* it came to nothing: the order counts, no certificate */
	assert_int_equal(used(&b, "new-orders"), 1);
	assert_int_equal(used(&b, "certificates-per-domain"), 0);
	assert_int_equal(used(&b, "exact-set"), 0);
}

static void test_a_certificate_counts_when_it_is_issued(void **state)
{
	struct bench b;
	struct order row, more;
	int n = 0;

	bench_up(&b, *state);
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	step(&b, limits_ordered, &row);
	clock_set(START + 6 * DAY);
	step(&b, limits_issued, &row);
	assert_int_equal(row.charged.n, 0);
	while (reserve(&b, &more, "www.example.org", EXEMPT_SAME_SET, true) == 0) {
		step(&b, limits_ordered, &more);
		step(&b, limits_issued, &more);
		n++;
	}
	assert_int_equal(n, 4); /* five, and one of them just now */
	assert_int_equal(err.code, ERR_RATE_LIMITED);
	assert_true(limits_is_hold(&err));
	assert_true(err.retry_s > 0 && err.retry_s <= 7 * DAY / 5 + 2);
	assert_non_null(strstr(err.text, "letsencrypt allows 5 certificates for exactly this set"));
	assert_non_null(strstr(err.text, "add or remove a name"));
	clock_set(START + 6 * DAY + err.retry_s);
	OK(reserve(&b, &more, "www.example.org", EXEMPT_SAME_SET, true));
	FAILS(ERR_RATE_LIMITED, reserve(&b, &more, "www.example.org", EXEMPT_SAME_SET, true));
	OK(reserve(&b, &more, "www.example.org", EXEMPT_BOTH, true));     /* it replaces in time */
	OK(reserve(&b, &more, "www.example.org", EXEMPT_NOTHING, false)); /* --no-preflight */
	OK(reserve(&b, &more, "www2.example.org", EXEMPT_NOTHING, true));
}

/* Two at once for the last place: who comes second looks soon whether the first has come to
 * nothing.
 */
static void test_the_last_place_is_looked_at_again(void **state)
{
	struct bench b;
	struct order first, second;

	bench_up(&b, *state);
	for (int i = 0; i < 5; i++)
		OK(reserve(&b, &first, "www.example.org", EXEMPT_NOTHING, true));
	FAILS(ERR_RATE_LIMITED, reserve(&b, &second, "www.example.org", EXEMPT_NOTHING, true));
	assert_in_range(err.retry_s, 10, 11);
	assert_non_null(strstr(err.text, "taken by orders under way"));
	step(&b, limits_released, &first); /* no newOrder was answered */
	clock_set(START + err.retry_s);
	OK(reserve(&b, &second, "www.example.org", EXEMPT_NOTHING, true));
	step(&b, limits_ordered, &second);
	step(&b, limits_issued, &second);
	clock_set(START + 60);
	FAILS(ERR_RATE_LIMITED, reserve(&b, &second, "www.example.org", EXEMPT_NOTHING, true));
	assert_in_range(err.retry_s, 49, 51); /* four are under way still */
}

static enum limits_exempt exemption(struct bench *b, const char *cert, const char *name)
{
	struct cert c = { .name = cert, .ca = "letsencrypt" };
	enum limits_exempt exempt = EXEMPT_IN_TIME;
	const char *replaces = "";

	strings_add(b->p->a, &c.domains, name);
	OK(limits_exemption(&b->run, b->p->a, &c, &b->account, &replaces, &exempt, E));
	assert_null(replaces);
	return exempt;
}

/* The CA looks at the names alone: whoever ordered them, for whichever certificate. */
static void test_a_set_is_a_renewal_whoever_ordered_it(void **state)
{
	struct account other = { .name = "other",
		                 .ca = "c",
		                 .status = "valid",
		                 .key = "k",
		                 .directory_url = "https://other.example/dir" };
	struct account x = { .name = "acct",
		             .ca = "letsencrypt",
		             .status = "valid",
		             .key = "k",
		             .directory_url = CA };
	struct bench b;
	struct order row;

	bench_up(&b, *state);
	OK(st_account_put(b.p->s, &x, E));
	OK(st_account_put(b.p->s, &other, E));
	assert_int_equal(exemption(&b, "c", "www.example.org"), EXEMPT_NOTHING);
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	step(&b, limits_ordered, &row);
	assert_int_equal(exemption(&b, "c", "www.example.org"), EXEMPT_NOTHING);
	step(&b, limits_issued, &row);
	assert_int_equal(exemption(&b, "c", "www.example.org"), EXEMPT_SAME_SET);
	assert_int_equal(exemption(&b, "of another name", "www.example.org"), EXEMPT_SAME_SET);
	assert_int_equal(exemption(&b, "c", "example.org"), EXEMPT_NOTHING);
	b.account.url = "https://ca/2"; /* another account */
	assert_int_equal(exemption(&b, "c", "www.example.org"), EXEMPT_SAME_SET);
	b.account.directory_url = "https://other.example/dir"; /* another CA */
	assert_int_equal(exemption(&b, "c", "www.example.org"), EXEMPT_NOTHING);
	b.account.directory_url = CA;
	OK(st_cert_delete(b.p->s, "c", E));
	assert_int_equal(exemption(&b, "c", "www.example.org"), EXEMPT_SAME_SET);
	clock_set(START + 120 * DAY);
	assert_int_equal(exemption(&b, "c", "www.example.org"), EXEMPT_NOTHING);
}

static void test_failures_are_counted_once(void **state)
{
	struct bench b;
	struct order row;
	struct strings names = { 0 };

	bench_up(&b, *state);
	strings_add(b.p->a, &names, "www.example.org");
	for (int i = 0; i < 5; i++) {
		OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
		step(&b, limits_ordered, &row);
		OK(limits_failed(&b.run, b.p->a, &b.account, &names, &row, E));
		OK(limits_failed(&b.run, b.p->a, &b.account, &names, &row, E));
		step(&b, limits_released, &row);
		assert_int_equal(used(&b, "failed-validations"), i + 1);
		assert_int_equal(used(&b, "consecutive-failures"), i + 1);
	}
	FAILS(ERR_RATE_LIMITED, reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	assert_non_null(strstr(err.text, "failed-validations"));
	assert_in_range(err.retry_s, 12 * 60, 12 * 60 + 1);
	b.account.url = "https://ca/2"; /* counted for each account */
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	b.account.url = "https://ca/1";
	clock_set(START + HOUR);
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	step(&b, limits_issued, &row);
	assert_int_equal(used(&b, "consecutive-failures"), 0);
}

static void test_the_ca_teaches(void **state)
{
	struct err told = { .code = ERR_RATE_LIMITED, .retry_s = 600 };
	struct bench b;
	struct order row;
	struct strings names = { 0 };

	bench_up(&b, *state);
	b.account.directory_url = "https://other.example/dir"; /* it publishes no figures */
	strings_add(b.p->a, &names, "www.example.org");
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	assert_int_equal(row.charged.n, 0);
	strncpy(told.text,
	        "the CA says: rateLimited: enough of \"example.org\": too many certificates",
	        sizeof(told.text) - 1);
	limits_taught(&b.run, b.p->a, b.account.directory_url, b.account.url, &names,
	              LIMIT_NEW_ORDERS, &told);
	FAILS(ERR_RATE_LIMITED, reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	assert_in_range(err.retry_s, 600, 601);
	assert_non_null(strstr(err.text, "enough of"));
	OK(reserve(&b, &row, "www.example.net", EXEMPT_NOTHING, true));
	clock_set(START + 600);
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
}

static void test_paused(void **state)
{
	struct err told = { .code = ERR_RATE_LIMITED };
	struct bench b;
	struct order row;
	struct strings names = { 0 };

	bench_up(&b, *state);
	strings_add(b.p->a, &names, "www.example.org");
	strncpy(told.text,
	        "the CA says: rateLimited: Your account is temporarily prevented from requesting "
	        "certificates for www.example.org and possibly others. Please visit: "
	        "https://portal.example/unpause?jwt=abc",
	        sizeof(told.text) - 1);
	limits_taught(&b.run, b.p->a, CA, b.account.url, &names, LIMIT_NEW_ORDERS, &told);
	FAILS(ERR_RATE_LIMITED, reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	assert_non_null(strstr(err.text, "https://portal.example/unpause?jwt=abc"));
	assert_in_range(err.retry_s, DAY, DAY + 1);
	OK(limits_unpaused(&b.run, b.p->a, &b.account, &names, E));
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
}

static void test_rows_go_when_they_are_full(void **state)
{
	struct bench b;
	struct order row;
	struct bucket *v;
	size_t n;

	bench_up(&b, *state);
	for (int i = 0; i < 40; i++)
		OK(reserve(&b, &row, arena_printf(b.p->a, "www.example%d.org", i), EXEMPT_NOTHING,
		           true));
	OK(st_limit_list(b.p->s, b.p->a, 0, &v, &n, E));
	assert_int_equal(n, 81);
	clock_set(START + 8 * DAY);
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	OK(st_limit_list(b.p->s, b.p->a, 0, &v, &n, E));
	assert_int_equal(n, 3);
}

static void test_configured(void **state)
{
	struct limit_words v[] = {
		{ .ca = "letsencrypt", .limit = "exact-set", .count = 1, .per = "1h" },
		{ .ca = CA, .limit = "new-orders", .count = 0 }
	};
	struct limit_rule rules[N_LIMITS];
	struct bench b;
	struct order row;

	bench_up(&b, *state);
	b.config.limits = (struct records){ v, 2 };
	OK(limits_rules(&b.run, b.p->a, CA, rules, E));
	assert_int_equal(rules[LIMIT_EXACT_SET].per_s, HOUR);
	assert_int_equal(rules[LIMIT_NEW_ORDERS].count, 0);
	assert_int_equal(rules[LIMIT_DOMAIN].count, 50);
	OK(reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
	assert_int_equal(used(&b, "new-orders"), 0);
	FAILS(ERR_RATE_LIMITED, reserve(&b, &row, "www.example.org", EXEMPT_NOTHING, true));
}

static void test_a_hundred_names(void **state)
{
	struct bench b;
	struct order row = { .cert = "c", .account = "acct", .state = "done" };
	struct limits_wish w = { &b.account, &row.domains, EXEMPT_NOTHING, true };

	bench_up(&b, *state);
	for (int i = 0; i < 100; i++)
		strings_add(b.p->a, &row.domains, arena_printf(b.p->a, "www.example%d.org", i));
	for (int k = 0; k < 2; k++) {
		OK(store_begin(b.p->s, E));
		OK(limits_reserve(&b.run, b.p->a, &w, &row, E));
		OK(store_commit(b.p->s, E));
	}
	assert_int_equal(row.charged.n, 102);
	assert_int_equal(used(&b, "certificates-per-domain"), 2);
	step(&b, limits_released, &row);
	assert_int_equal(used(&b, "certificates-per-domain"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_an_order_is_counted),
		ROW(test_a_certificate_counts_when_it_is_issued),
		ROW(test_the_last_place_is_looked_at_again),
		ROW(test_a_set_is_a_renewal_whoever_ordered_it),
		ROW(test_failures_are_counted_once),
		ROW(test_the_ca_teaches),
		ROW(test_paused),
		ROW(test_rows_go_when_they_are_full),
		ROW(test_configured),
		ROW(test_a_hundred_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
