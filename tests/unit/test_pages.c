/* Lists a page at a time: every order, both ways, filters and searches, against sorting by hand;
 * tasks and their leases. */
#include "store_place.h"

static void put(struct place *p, const char *name, const char *domain, const char *owner,
                int64_t not_after)
{
	struct cert c = { .name = name,
		          .status = not_after ? "issued" : "pending",
		          .owner = owner,
		          .not_after = not_after,
		          .renew_at = not_after / 2,
		          .created_at = 5000 - not_after,
		          .ca = "pebble" };

	strings_add(p->a, &c.domains, domain);
	OK(st_cert_put(p->s, &c, E));
}

static void fill(struct place *p)
{
	clock_set(1000);
	put(p, "a.example.org", "a.example.org", "anna", 3000);
	put(p, "b.example.org", "b.example.org", "bert", 2000);
	put(p, "c.example.org", "c.example.org", "anna", 2000);
	put(p, "d.example.net", "*.d.example.net", "bert", 900);
	put(p, "shop", "www.example.org", "anna", 0);
	put(p, "www.example.net", "www.example.net", NULL, 0);
}

/* All pages of one certificate each or two, as one text. */
static const char *pages(struct place *p, struct cert_page q, size_t limit)
{
	struct strings names = { 0 };
	struct cert *v;
	size_t n = 0;

	q.now = 1000;
	q.limit = limit;
	for (int i = 0; i < 20; i++) {
		OK(st_cert_page(p->s, p->a, &q, &v, &n, E));
		assert_true(n <= limit);
		for (size_t k = 0; k < n; k++)
			strings_add(p->a, &names, v[k].name);
		if (n < limit)
			break;
		q.after_name = v[n - 1].name;
		q.after_value = q.order == CERT_BY_END       ? v[n - 1].not_after
		                : q.order == CERT_BY_RENEWAL ? v[n - 1].renew_at
		                                             : v[n - 1].created_at;
	}
	return strings_join(p->a, &names, " ");
}

static void test_pages(void **state)
{
	static const struct {
		struct cert_page q;
		const char *want;
	} rows[] = {
		{ { 0 },
		  "a.example.org b.example.org c.example.org d.example.net shop www.example.net" },
		{ { .descending = true },
		  "www.example.net shop d.example.net c.example.org b.example.org a.example.org" },
		{ { .order = CERT_BY_END },
		  "shop www.example.net d.example.net b.example.org c.example.org a.example.org" },
		{ { .order = CERT_BY_END, .descending = true },
		  "a.example.org c.example.org b.example.org d.example.net www.example.net shop" },
		{ { .order = CERT_BY_AGE },
		  "a.example.org b.example.org c.example.org d.example.net shop www.example.net" },
		{ { .order = CERT_BY_RENEWAL, .owner = "anna" },
		  "shop c.example.org a.example.org" },
		{ { .owner = "anna" }, "a.example.org c.example.org shop" },
		{ { .status = "expired" }, "d.example.net" },
		{ { .status = "issued" }, "a.example.org b.example.org c.example.org" },
		{ { .status = "pending", .owner = "anna" }, "shop" },
		{ { .expires_before = 2500 }, "b.example.org c.example.org d.example.net" },
		{ { .ca = "pebble", .account = "nobody" }, "" },
		{ { .ca = "pebble", .owner = "anna" }, "a.example.org c.example.org shop" },
		{ { .ca = "pebble", .order = CERT_BY_RENEWAL, .status = "issued" },
		  "b.example.org c.example.org a.example.org" },
		{ { .ca = "other", .order = CERT_BY_AGE }, "" },
		{ { .search = "www", .owner = "anna" }, "shop" },
		{ { .search = "c.", .owner = "bert" }, "" },
		{ { .search = "example.org" }, "a.example.org b.example.org c.example.org shop" },
		{ { .search = "EXAMPLE.net", .descending = true },
		  "www.example.net d.example.net" },
		{ { .search = "www." }, "shop www.example.net" },
		{ { .search = "sh" }, "shop" },
		{ { .search = "d.example.net" }, "d.example.net" },
		{ { .search = "xample" }, "" },
		{ { .search = "example.org", .owner = "anna" },
		  "a.example.org c.example.org shop" },
		{ { .search = "example.org", .order = CERT_BY_END },
		  "shop b.example.org c.example.org a.example.org" },
	};
	struct place *p = *state;

	fill(p);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t limit = 1; limit <= 7; limit += 2) {
			const char *got = pages(p, rows[i].q, limit);

			if (strcmp(got, rows[i].want))
				fail_msg("row %zu, pages of %zu: \"%s\"", i, limit, got);
		}
}

/* One that is found by many of its names is one line of a page, and not all of them. */
static void test_found_by_many_names(void **state)
{
	struct place *p = *state;
	struct cert many = { .name = "many", .status = "pending", .ca = "pebble" };

	for (int i = 0; i < 9; i++)
		strings_add(p->a, &many.domains, arena_printf(p->a, "web%d.example.org", i));
	OK(st_cert_put(p->s, &many, E));
	put(p, "other", "web.example.net", NULL, 0);
	for (size_t limit = 1; limit <= 7; limit++)
		assert_string_equal(pages(p, (struct cert_page){ .search = "web" }, limit),
		                    "many other");
}

static void test_names_follow_the_record(void **state)
{
	struct place *p = *state;
	struct cert c;

	fill(p);
	OK(st_cert_get(p->s, p->a, "shop", &c, E));
	c.domains = (struct strings){ 0 };
	strings_add(p->a, &c.domains, "other.test");
	OK(st_cert_put(p->s, &c, E));
	assert_string_equal(pages(p, (struct cert_page){ .search = "other.test" }, 5), "shop");
	assert_string_equal(pages(p, (struct cert_page){ .search = "www.example.org" }, 5), "");
	OK(st_cert_delete(p->s, "shop", E));
	assert_string_equal(pages(p, (struct cert_page){ .search = "other.test" }, 5), "");
}

static void test_overview(void **state)
{
	struct place *p = *state;
	struct overview o;

	fill(p);
	put(p, "later", "later.test", "anna", 1000 + 2 * 86400);
	OK(st_overview(p->s, p->a, &(struct whose){ 0 }, 1000, 3, &o, E));
	assert_int_equal(o.ended, 1);
	assert_int_equal(o.ends[0], 3);
	assert_int_equal(o.ends[2], 1);
	assert_int_equal(o.renewals[1], 1);
	OK(st_overview(p->s, p->a, &(struct whose){ .owner = "anna" }, 1000, 3, &o, E));
	assert_int_equal(o.ended, 0);
	assert_int_equal(o.ends[0], 2);
}

/* tasks */

static int64_t add(struct place *p, const char *subject, const char *user)
{
	struct task t = { .operation = "certificate_renew",
		          .subject = subject,
		          .user = user,
		          .role = "user",
		          .input = "{\"key\":\"SECRET\"}" };

	OK(st_task_add(p->s, &t, E));
	return t.id;
}

static void test_task_way(void **state)
{
	struct place *p = *state;
	int64_t id = add(p, "one", "anna");
	struct task t, *v;
	bool taken;
	size_t n;

	OK(st_task_look(p->s, p->a, 10, &v, &n, E));
	assert_int_equal(n, 1);
	assert_null(v[0].input);
	OK(st_task_take(p->s, p->a, id, "test", 60, &t, &taken, E));
	assert_true(taken);
	assert_string_equal(t.input, "{\"key\":\"SECRET\"}");
	OK(st_task_take(p->s, p->a, id, "test", 60, &t, &taken, E));
	assert_false(taken); /* this process lives */
	OK(st_task_look(p->s, p->a, 10, &v, &n, E));
	assert_int_equal(n, 0);
	OK(st_task_keep_own(p->s, 600, E));
	OK(st_task_get(p->s, p->a, id, &t, E));
	assert_string_equal(t.state, "running");
	assert_true(t.lease_until > clock_now() + 500);
	OK(st_task_park(p->s, &t, E));
	FAILS(ERR_BUSY, st_task_end(p->s, &t, E)); /* its lease is gone */
	OK(st_task_take(p->s, p->a, id, "test", 60, &t, &taken, E));
	assert_true(taken);
	t.result = "{\"issued\":[]}";
	OK(st_task_end(p->s, &t, E));
	FAILS(ERR_BUSY, st_task_end(p->s, &t, E));
	OK(st_task_get(p->s, p->a, id, &t, E));
	assert_string_equal(t.state, "done");
	OK(st_task_forget(p->s, clock_now() + 1, E));
	FAILS(ERR_NOT_FOUND, st_task_get(p->s, p->a, id, &t, E));
}

static void test_task_of_the_dead(void **state)
{
	struct place *p = *state;
	int64_t id = add(p, "one", "anna");
	struct task t;
	bool taken;

	OK(st_task_take(p->s, p->a, id, "test", 60, &t, &taken, E));
	sql(p, "update tasks set lease = 'elsewhere|b|1|1|everleaf serve|1', lease_until = "
	       "4000000000");
	OK(st_task_take(p->s, p->a, id, "test", 60, &t, &taken, E));
	assert_false(taken);
	sql(p, "update tasks set lease_until = 1");
	OK(st_task_take(p->s, p->a, id, "test", 60, &t, &taken, E));
	assert_true(taken);
}

static void test_task_lists(void **state)
{
	struct place *p = *state;
	int64_t one = add(p, "one", "anna"), two = add(p, "two", "bert"),
	        three = add(p, "one", "bert");
	struct task_filter f = { .limit = 2 };
	struct task *v;
	size_t n;

	OK(st_task_list(p->s, p->a, &f, &v, &n, E));
	assert_int_equal(n, 2);
	assert_int_equal(v[0].id, three);
	f.before_id = v[1].id;
	OK(st_task_list(p->s, p->a, &f, &v, &n, E));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].id, one);
	f = (struct task_filter){ .user = "bert", .subject = "two", .state = "queued", .limit = 5 };
	OK(st_task_list(p->s, p->a, &f, &v, &n, E));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].id, two);
	OK(st_task_cancel(p->s, two, "{}", E));
	FAILS(ERR_BUSY, st_task_cancel(p->s, two, "{}", E));
}

static void test_events(void **state)
{
	struct place *p = *state;
	struct event_page q = { .owner = "anna", .limit = 10 };
	struct event *v;
	size_t n;

	fill(p);
	OK(st_event_add(p->s, "shop", "requested", E, "of an earlier one of that name"));
	clock_set(6000);
	OK(st_event_add(p->s, "shop", "requested", E, "one"));
	OK(st_event_add(p->s, "b.example.org", "requested", E, "two"));
	OK(st_event_add(p->s, "shop", "failed", E, "three"));
	OK(st_event_page(p->s, p->a, &q, &v, &n, E));
	assert_int_equal(n, 2);
	q = (struct event_page){ .newest_first = true, .limit = 1 };
	OK(st_event_page(p->s, p->a, &q, &v, &n, E));
	assert_string_equal(v[0].text, "three");
	q.after_id = v[0].id;
	OK(st_event_page(p->s, p->a, &q, &v, &n, E));
	assert_string_equal(v[0].text, "two");
	q = (struct event_page){ .kind = "failed", .cert = "shop", .since = 1, .limit = 5 };
	OK(st_event_page(p->s, p->a, &q, &v, &n, E));
	assert_int_equal(n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_pages),
		ROW(test_names_follow_the_record),
		ROW(test_found_by_many_names),
		ROW(test_overview),
		ROW(test_task_way),
		ROW(test_task_lists),
		ROW(test_task_of_the_dead),
		ROW(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
