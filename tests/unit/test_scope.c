/* How far a token goes: the rule as a table, the same in SQL for each way to read certificates, and
 * which operations are for it. */
#include "ops/operation.h"
#include "store_place.h"

static struct strings list(struct arena *a, const char *words)
{
	struct strings out = { 0 };
	char *copy = arena_strdup(a, words ? words : ""), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		strings_add(a, &out, w);
	return out;
}

static struct scope scope_of(struct arena *a, const char *certificates, const char *domains)
{
	return (struct scope){ "full", list(a, certificates), list(a, domains) };
}

/* Some have a name of which another of their names is a part, which cert_names holds once. */
static const struct {
	const char *name, *domains;
} certs[] = {
	{ "a.example.org", "a.example.org" },
	{ "apex", "example.org www.example.org" },
	{ "below", "www.shop.example.org shop.example.org" },
	{ "ip", "192.0.2.1" },
	{ "mixed", "www.shop.example.org example.org" },
	{ "net", "www.example.org www.example.net" },
	{ "not", "notexample.org" },
	{ "web-1", "one.example.net" },
	{ "web-2", "two.example.net" },
	{ "web1", "x.example.com" },
	{ "wild", "*.example.org" },
};

static const struct {
	const char *certificates, *domains, *want;
} rows[] = {
	{ "apex", NULL, "apex" },
	{ "apex nobody", NULL, "apex" },
	{ "web-*", NULL, "web-1 web-2" },
	{ "web*", NULL, "web-1 web-2 web1" },
	{ "a.example.org web-2 w*", NULL, "a.example.org web-1 web-2 web1 wild" },
	{ "*", NULL, "a.example.org apex below ip mixed net not web-1 web-2 web1 wild" },
	{ "APEX", NULL, "" },
	{ NULL, "example.org", "a.example.org apex below mixed wild" },
	{ NULL, "shop.example.org", "below" },
	{ NULL, "www.shop.example.org", "" },
	{ NULL, "www.shop.example.org example.org", "a.example.org apex below mixed wild" },
	{ NULL, "www.example.org", "" },
	{ NULL, "example.org example.net", "a.example.org apex below mixed net web-1 web-2 wild" },
	{ NULL, "*.example.org", "wild" },
	{ NULL, "192.0.2.1", "ip" },
	{ NULL, "one.example.net two.example.net", "web-1 web-2" },
	{ "web-* apex", "example.net", "web-1 web-2" },
	{ "apex mixed", "shop.example.org", "" },
};

static void test_rule(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scope s = scope_of(a, rows[i].certificates, rows[i].domains);
		struct strings names = { 0 };

		scope_tidy(a, &s);
		assert_true(scope_is_narrow(&s));
		for (size_t k = 0; k < ARRAY_LEN(certs); k++) {
			const struct strings domains = list(a, certs[k].domains);

			if (scope_covers(&s, certs[k].name, &domains))
				strings_add(a, &names, certs[k].name);
		}
		if (strcmp(strings_join(a, &names, " "), rows[i].want) != 0)
			fail_msg("%s: %s", scope_text(a, &s), strings_join(a, &names, " "));
	}
	arena_free(a);
}

static void test_nothing_is_under_no_domain(void **state)
{
	struct arena *a = arena_new(0);
	const struct scope s = scope_of(a, NULL, "example.org");
	const struct strings none = { 0 };

	(void)state;
	assert_false(scope_covers(&s, "example.org", &none));
	assert_true(scope_covers(NULL, "example.org", &none));
	assert_true(scope_covers_name(&s, "www.example.org"));
	assert_false(scope_covers_name(&s, "other"));
	arena_free(a);
}

static void test_tidy(void **state)
{
	struct arena *a = arena_new(0);
	struct scope x = scope_of(a, "web b web", "b.example.org example.org c.net *.example.org"),
	             y = scope_of(a, "b web", "c.net example.org");

	(void)state;
	scope_tidy(a, &x);
	scope_tidy(a, &y);
	assert_string_equal(scope_text(a, &x),
	                    "full; certificates b, web; domains c.net, example.org");
	assert_string_equal(scope_text(a, &y), scope_text(a, &x));
	arena_free(a);
}

/* in SQL */

static void fill(struct place *p)
{
	clock_set(1000);
	for (size_t i = 0; i < ARRAY_LEN(certs); i++) {
		struct cert c = { .name = certs[i].name,
			          .status = "issued",
			          .owner = i % 2 ? "anna" : "bert",
			          .domains = list(p->a, certs[i].domains),
			          .not_after = 100000 + (int64_t)i,
			          .renew_at = 90000,
			          .failures = 1,
			          .last_error_at = 2000 - (int64_t)i };

		OK(st_cert_put(p->s, &c, E));
		OK(st_event_add(p->s, c.name, "requested", E, "asked for"));
	}
	OK(st_event_add(p->s, NULL, "token", E, "about no certificate"));
}

static const char *named(struct place *p, const struct cert *v, size_t n)
{
	struct strings names = { 0 };

	for (size_t i = 0; i < n; i++)
		strings_add(p->a, &names, v[i].name);
	return strings_join(p->a, &names, " ");
}

static const char *page(struct place *p, struct cert_page q)
{
	struct strings names = { 0 };
	struct cert *v;
	size_t n;

	q.limit = 2;
	q.now = 1000;
	do {
		OK(st_cert_page(p->s, p->a, &q, &v, &n, E));
		for (size_t i = 0; i < n; i++)
			strings_add(p->a, &names, v[i].name);
		if (n) {
			q.after_name = v[n - 1].name;
			q.after_value = v[n - 1].not_after;
		}
	} while (n == 2);
	return strings_join(p->a, &names, " ");
}

static const char *events(struct place *p, const struct scope *s)
{
	const struct event_page q = { .scope = s, .limit = 50 };
	struct strings names = { 0 };
	struct event *v;
	size_t n;

	OK(st_event_page(p->s, p->a, &q, &v, &n, E));
	for (size_t i = 0; i < n; i++)
		strings_add(p->a, &names, v[i].cert ? v[i].cert : "none");
	return strings_join(p->a, &names, " ");
}

static const char *failing(struct place *p, const struct whose *w)
{
	struct cert *v;
	size_t n;

	OK(st_cert_failing(p->s, p->a, w, 50, &v, &n, E));
	return named(p, v, n);
}

static int64_t overview(struct place *p, const struct whose *w)
{
	struct overview v;
	int64_t n = 0, ends = 0, renewals = 0;

	OK(st_overview(p->s, p->a, w, 1000, 30, &v, E));
	for (size_t i = 0; v.counts[i].status; i++)
		n += v.counts[i].n;
	for (size_t i = 0; i < v.n_days; i++) {
		ends += v.ends[i];
		renewals += v.renewals[i];
	}
	assert_int_equal(n, ends);
	assert_int_equal(n, renewals);
	return n;
}

/* Every way to read them finds the same. */
static void test_in_sql(void **state)
{
	struct place *p = *state;

	fill(p);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scope s = scope_of(p->a, rows[i].certificates, rows[i].domains);
		const struct whose w = { .scope = &s };
		const struct strings want = list(p->a, rows[i].want);

		scope_tidy(p->a, &s);
		assert_string_equal(page(p, (struct cert_page){ .scope = &s }), rows[i].want);
		assert_string_equal(
		    page(p, (struct cert_page){ .scope = &s, .order = CERT_BY_END }), rows[i].want);
		assert_string_equal(page(p, (struct cert_page){ .scope = &s, .status = "issued" }),
		                    rows[i].want);
		assert_string_equal(events(p, &s), rows[i].want);
		assert_string_equal(failing(p, &w), rows[i].want);
		assert_int_equal(overview(p, &w), want.n);
	}
}

static void test_with_other_filters(void **state)
{
	struct place *p = *state;
	const struct scope web = scope_of(p->a, "web-*", NULL),
	                   org = scope_of(p->a, NULL, "example.org");
	const struct whose annas = { "anna", &org };
	const struct event_page q = { .scope = &org, .cert = "net", .limit = 5 };
	struct event *v;
	size_t n;

	fill(p);
	assert_string_equal(page(p, (struct cert_page){ .scope = &web, .search = "example.org" }),
	                    "");
	assert_string_equal(page(p, (struct cert_page){ .scope = &web, .search = "web" }),
	                    "web-1 web-2");
	assert_string_equal(page(p, (struct cert_page){ .scope = &web, .search = "example.net" }),
	                    "web-1 web-2");
	assert_string_equal(page(p, (struct cert_page){ .scope = &org, .owner = "anna" }), "apex");
	assert_string_equal(
	    page(p, (struct cert_page){ .scope = &org, .owner = "bert", .search = "example.org" }),
	    "a.example.org below mixed wild");
	assert_string_equal(failing(p, &annas), "apex");
	assert_int_equal(overview(p, &annas), 1);
	OK(st_event_page(p->s, p->a, &q, &v, &n, E));
	assert_int_equal(n, 0);
}

/* As many as there may be, beside all other filters. */
static void test_the_most(void **state)
{
	struct place *p = *state;
	struct scope s = scope_of(p->a, NULL, NULL);

	fill(p);
	for (int i = 0; i < SCOPE_MOST - 1; i++) {
		strings_add(p->a, &s.certificates, arena_printf(p->a, "x%d*", i));
		strings_add(p->a, &s.domains, arena_printf(p->a, "x%d.example.com", i));
	}
	strings_add(p->a, &s.certificates, "web-1");
	strings_add(p->a, &s.domains, "example.net");
	assert_string_equal(page(p, (struct cert_page){ .scope = &s,
	                                                .status = "issued",
	                                                .search = "web",
	                                                .expires_before = 200000 }),
	                    "web-1");
	assert_string_equal(events(p, &s), "web-1");
	strings_add(p->a, &s.domains, "too.many");
	assert_string_equal(page(p, (struct cert_page){ .scope = &s }), "");
}

static void test_jobs(void **state)
{
	struct place *p = *state;
	struct scope web = scope_of(p->a, "web", NULL), other = scope_of(p->a, "web", "a.org");
	struct task all = { .operation = "certificate_renew", .user = "anna", .role = "user" },
	            of_web = all, *v;
	struct task_filter f = { .user = "anna", .limit = 5, .scope = &web };
	size_t n;

	of_web.scope = web;
	OK(st_task_add(p->s, &all, E));
	OK(st_task_add(p->s, &of_web, E));
	OK(st_task_list(p->s, p->a, &f, &v, &n, E));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].id, of_web.id);
	assert_true(strings_same(&v[0].scope.certificates, &web.certificates));
	f.scope = &other;
	OK(st_task_list(p->s, p->a, &f, &v, &n, E));
	assert_int_equal(n, 0);
}

/* which operations */

static void test_allowed(void **state)
{
	static const struct {
		enum role role;
		const char *may, *certificate;
		enum operation_id op;
		bool want;
	} table[] = {
		{ ROLE_ADMIN, "full", NULL, OP_USER_LIST, true },
		{ ROLE_ADMIN, "full", NULL, OP_TOKEN_CREATE, true },
		{ ROLE_ADMIN, "full", "web", OP_USER_LIST, false },
		{ ROLE_ADMIN, "full", "web", OP_TOKEN_LIST, false },
		{ ROLE_ADMIN, "full", "web", OP_TOKEN_CREATE, false },
		{ ROLE_ADMIN, "full", "web", OP_SETTINGS, false },
		{ ROLE_ADMIN, "full", "web", OP_LIMITS, false },
		{ ROLE_ADMIN, "full", "web", OP_PREFLIGHT, false },
		{ ROLE_ADMIN, "full", "web", OP_CA_LIST, false },
		{ ROLE_ADMIN, "full", "web", OP_RENEWAL_INFORMATION_REFRESH, false },
		{ ROLE_ADMIN, "full", "web", OP_CERTIFICATE_LIST, true },
		{ ROLE_ADMIN, "full", "web", OP_CERTIFICATE_CREATE, true },
		{ ROLE_ADMIN, "full", "web", OP_OVERVIEW, true },
		{ ROLE_ADMIN, "full", "web", OP_VERSION, true },
		{ ROLE_ADMIN, "read", NULL, OP_USER_LIST, true },
		{ ROLE_ADMIN, "read", NULL, OP_ACCOUNT_EXPORT, false },
		{ ROLE_ADMIN, "export", NULL, OP_ACCOUNT_EXPORT, false },
		{ ROLE_ADMIN, "read", NULL, OP_TOKEN_CREATE, false },
		{ ROLE_ADMIN, "read", NULL, OP_EVENTS_VERIFY, false },
		{ ROLE_ADMIN, "read", NULL, OP_CERTIFICATE_EXPORT, false },
		{ ROLE_ADMIN, "export", NULL, OP_CERTIFICATE_EXPORT, true },
		{ ROLE_AUDITOR, "export", NULL, OP_CERTIFICATE_EXPORT, false },
		{ ROLE_ADMIN, "export", NULL, OP_CERTIFICATE_SEND, false },
		{ ROLE_ADMIN, "export", NULL, OP_CERTIFICATE_SET, false },
		{ ROLE_ADMIN, "whatever", NULL, OP_CERTIFICATE_SET, false },
		{ ROLE_ADMIN, "whatever", NULL, OP_CERTIFICATE_EXPORT, false },
		{ ROLE_USER, "full", "web", OP_EXPIRING, false },
		{ ROLE_AUDITOR, "full", "web", OP_EXPIRING, true },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct scope s = { table[i].may, list(a, table[i].certificate), { 0 } };
		const struct who w = { .user = "root", .role = table[i].role, .scope = &s };

		if ((operation_allowed(&w, &operations[table[i].op], E) == 0) != table[i].want)
			fail_msg("%s %s by %s %s", operations[table[i].op].id, role_word(w.role),
			         s.may, table[i].certificate ? "narrowed" : "");
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_nothing_is_under_no_domain),
		cmocka_unit_test(test_tidy),
		ROW(test_in_sql),
		ROW(test_with_other_filters),
		ROW(test_the_most),
		ROW(test_jobs),
		cmocka_unit_test(test_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
