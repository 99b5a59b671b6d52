/* Records: every field comes back, filters, transactions, events, what is due. */
#include "store_place.h"

static void fill_record(struct arena *a, const struct field *fields, void *record, int salt)
{
	int64_t i = salt;

	FIELD_EACH (f, fields) {
		i++;
		if (f->flags & (F_KEY | F_NOT_STORED))
			continue;
		switch (f->type) {
		case FT_STRING:
		case FT_SECRET:
		case FT_JSON:
			FIELD_STRING(f, record) =
			    arena_printf(a, "%s \"%lld\" \xc3\xa9", f->name, (long long)i);
			break;
		case FT_INT:
		case FT_TIME:
			FIELD_INT(f, record) = i * 1000000007;
			break;
		case FT_BOOL:
			FIELD_BOOL(f, record) = i % 2;
			break;
		case FT_STRINGS:
			FIELD_STRINGS(f, record) = (struct strings){ 0 };
			strings_add(a, &FIELD_STRINGS(f, record), f->name);
			strings_add(a, &FIELD_STRINGS(f, record),
			            arena_printf(a, "%lld", (long long)i));
			break;
		case FT_RECORDS: /* never a column */
			break;
		}
	}
}

static void same_text(const struct field *f, const char *x, const char *y)
{
	if ((!x) != (!y) || (x && strcmp(x, y)))
		fail_msg("%s: \"%s\" is not \"%s\"", f->name, x ? x : "(null)", y ? y : "(null)");
}

static void same_record(const struct field *fields, const void *x, const void *y)
{
	FIELD_EACH (f, fields) {
		switch (f->type) {
		case FT_STRING:
		case FT_SECRET:
		case FT_JSON:
			same_text(f, FIELD_STRING(f, x), FIELD_STRING(f, y));
			break;
		case FT_INT:
		case FT_TIME:
			if (FIELD_INT(f, x) != FIELD_INT(f, y))
				fail_msg("%s differs", f->name);
			break;
		case FT_BOOL:
			if (FIELD_BOOL(f, x) != FIELD_BOOL(f, y))
				fail_msg("%s differs", f->name);
			break;
		case FT_STRINGS:
			if (!strings_same(&FIELD_STRINGS(f, x), &FIELD_STRINGS(f, y)))
				fail_msg("%s differs", f->name);
			break;
		case FT_RECORDS:
			break;
		}
	}
}

static void test_cert_round_trip(void **state)
{
	struct place *p = *state;
	struct cert c = { 0 }, got = { 0 };

	for (int salt = 0; salt < 2; salt++) {
		fill_record(p->a, cert_fields, &c, salt);
		c.name = "example.org";
		OK(st_cert_put(p->s, &c, E));
		assert_true(c.id > 0);
		reopen(p);
		OK(st_cert_get(p->s, p->a, "example.org", &got, E));
		same_record(cert_fields, &c, &got);
	}
	got = (struct cert){ .name = "example.org", .status = "pending" };
	FAILS(ERR_EXISTS, st_cert_put(p->s, &got, E));
	assert_non_null(strstr(err.text, "example.org"));
	assert_int_equal(got.id, 0);
	FAILS(ERR_NOT_FOUND, st_cert_get(p->s, p->a, "example.net", &got, E));
	assert_non_null(strstr(err.text, "example.net"));
}

/* Indexes on columns that stay as they are are not written anew. */
static void test_update_names_what_changes(void **state)
{
	struct place *p = *state;
	struct cert c = { 0 }, got;

	fill_record(p->a, cert_fields, &c, 0);
	c.name = "example.org";
	OK(st_cert_put(p->s, &c, E));
	if (!p->server)
		sql(p,
		    "create trigger untouched before update of name, owner, renew_at, created_at "
		    "on certs begin select raise(abort, 'it was named'); end");
	c.last_error = "a reason";
	c.failures += 1;
	OK(st_cert_put(p->s, &c, E));
	OK(st_cert_put(p->s, &c, E)); /* nothing changes */
	OK(st_cert_get(p->s, p->a, c.name, &got, E));
	assert_string_equal(got.last_error, "a reason");
	assert_int_equal(got.failures, c.failures);
	c.renew_at += 1;
	if (!p->server)
		assert_true(st_cert_put(p->s, &c, E) < 0); /* the trigger is one */
}

static void test_empty_values(void **state)
{
	struct place *p = *state;
	struct cert c = { .name = "a", .status = "pending" }, got = { 0 };

	OK(st_cert_put(p->s, &c, E));
	OK(st_cert_get(p->s, p->a, "a", &got, E));
	same_record(cert_fields, &c, &got);
	assert_null(got.own_key);
	assert_int_equal(got.domains.n, 0);
	assert_true(got.created_at > 1700000000 && got.updated_at == got.created_at);
}

static void test_version_round_trip(void **state)
{
	struct place *p = *state;
	struct version v = { 0 }, got = { 0 }, *list = NULL;
	size_t n = 0;

	put_cert(p, "a");
	fill_record(p->a, version_fields, &v, 0);
	v.cert = "a";
	v.n = 0;
	OK(st_version_put(p->s, &v, E));
	assert_int_equal(v.n, 1);
	OK(st_version_get(p->s, p->a, "a", 1, &got, E));
	same_record(version_fields, &v, &got);
	OK(st_version_by_fingerprint(p->s, p->a, v.fingerprint, &got, E));
	assert_string_equal(got.key, v.key);
	v.id = v.n = 0;
	OK(st_version_put(p->s, &v, E));
	assert_int_equal(v.n, 2);
	OK(st_version_list(p->s, p->a, "a", &list, &n, E));
	assert_int_equal(n, 2);
	assert_int_equal(list[0].n, 2);
	assert_null(list[0].key);
	list[0].deployed = !list[0].deployed; /* written back from a list: the key stays */
	OK(st_version_put(p->s, &list[0], E));
	OK(st_version_get(p->s, p->a, "a", 2, &got, E));
	assert_string_equal(got.key, v.key);
	v.id = 0;
	FAILS(ERR_EXISTS, st_version_put(p->s, &v, E));
	v = (struct version){ .cert = "missing", .fullchain = "x" };
	FAILS(ERR_NOT_FOUND, st_version_put(p->s, &v, E));
	FAILS(ERR_NOT_FOUND, st_version_get(p->s, p->a, "a", 3, &got, E));
	OK(st_version_get(p->s, p->a, "a", 0, &got, E)); /* the newest */
	assert_int_equal(got.n, 2);
	FAILS(ERR_NOT_FOUND, st_version_get(p->s, p->a, "missing", 0, &got, E));
}

static void test_order_round_trip(void **state)
{
	struct place *p = *state;
	struct order o = { 0 }, got = { 0 };

	put_cert(p, "a");
	fill_record(p->a, order_fields, &o, 0);
	o.cert = "a";
	o.state = "new";
	OK(st_order_put(p->s, &o, E));
	OK(st_order_open(p->s, p->a, "a", &got, E));
	same_record(order_fields, &o, &got);
	got.id = 0;
	FAILS(ERR_EXISTS, st_order_put(p->s, &got, E)); /* one under way */
	o.state = "done";
	o.key = NULL;
	OK(st_order_put(p->s, &o, E));
	FAILS(ERR_NOT_FOUND, st_order_open(p->s, p->a, "a", &got, E));
	o.id = 0;
	o.state = "open";
	OK(st_order_put(p->s, &o, E));
	OK(st_order_open(p->s, p->a, "a", &got, E));
	assert_null(got.key);
}

static void test_challenge_round_trip(void **state)
{
	struct place *p = *state;
	struct challenge c = { 0 }, *list = NULL;
	struct strings certs = { 0 };
	size_t n = 0;

	put_cert(p, "a");
	put_cert(p, "b");
	fill_record(p->a, challenge_fields, &c, 0);
	c.cert = "b";
	OK(st_challenge_put(p->s, &c, E));
	OK(st_challenge_list(p->s, p->a, "b", &list, &n, E));
	assert_int_equal(n, 1);
	same_record(challenge_fields, &c, &list[0]);
	OK(st_challenge_certs(p->s, p->a, &certs, E));
	assert_int_equal(certs.n, 1);
	assert_string_equal(certs.v[0], "b");
	OK(st_challenge_delete(p->s, c.id, E));
	OK(st_challenge_list(p->s, p->a, "b", &list, &n, E));
	assert_int_equal(n, 0);
}

static void test_account_round_trip(void **state)
{
	struct place *p = *state;
	struct account x = { 0 }, y = { 0 }, got = { 0 }, *list = NULL;
	size_t n = 0;

	fill_record(p->a, account_fields, &x, 0);
	x.name = "one";
	x.ca = y.ca = "letsencrypt";
	x.is_default = y.is_default = true;
	OK(st_account_put(p->s, &x, E));
	OK(st_account_get(p->s, p->a, "one", &got, E));
	same_record(account_fields, &x, &got);
	y.name = "two";
	y.status = "registering";
	OK(st_account_put(p->s, &y, E));
	OK(st_account_list(p->s, p->a, &list, &n, E));
	assert_int_equal(n, 2);
	assert_false(list[0].is_default); /* one default for a CA */
	assert_true(list[1].is_default);
	x.next_key = NULL;
	OK(st_account_put(p->s, &x, E));
	OK(st_account_get(p->s, p->a, "one", &got, E));
	assert_null(got.next_key);
	assert_string_equal(got.key, x.key);
	OK(st_account_delete(p->s, "one", E));
	FAILS(ERR_NOT_FOUND, st_account_delete(p->s, "one", E));
	FAILS(ERR_NOT_FOUND, st_account_put(p->s, &x, E));
}

static void test_ca_round_trip(void **state)
{
	struct place *p = *state;
	struct ca c = { 0 }, *list = NULL;
	size_t n = 0;

	fill_record(p->a, ca_fields, &c, 0);
	OK(st_ca_put(p->s, &c, E));
	OK(st_ca_list(p->s, p->a, &list, &n, E));
	assert_int_equal(n, 1);
	same_record(ca_fields, &c, &list[0]);
	OK(st_ca_delete(p->s, c.name, E));
	FAILS(ERR_NOT_FOUND, st_ca_delete(p->s, c.name, E));
}

static void test_blocked_keys(void **state)
{
	struct place *p = *state;
	bool blocked = true;

	OK(st_key_is_blocked(p->s, "aa", &blocked, E));
	assert_false(blocked);
	OK(st_key_block(p->s, "aa", "keyCompromise", E));
	OK(st_key_block(p->s, "aa", "again", E));
	OK(st_key_is_blocked(p->s, "aa", &blocked, E));
	assert_true(blocked);
}

static void test_events(void **state)
{
	struct place *p = *state;
	struct event *list = NULL;
	size_t n = 0;

	put_cert(p, "a");
	clock_set(1800000000);
	OK(st_event_add(p->s, "a", "order", E, "order %d", 1));
	OK(st_event_add(p->s, NULL, "account", E, "made"));
	OK(st_event_add(p->s, "a", "failed", E, "the CA says \x1b[31mred\r\n \xc3\xa9 \xff%s",
	                "!"));
	OK(st_cert_delete(p->s, "a", E)); /* events stay */
	OK(st_event_list(p->s, p->a, "a", 0, 0, &list, &n, E));
	assert_int_equal(n, 2);
	assert_string_equal(list[0].text, "order 1");
	assert_string_equal(list[0].actor, "cli:tester");
	assert_in_range(list[0].at, 1800000000, 1800000005);
	assert_string_equal(list[1].text, "the CA says ?[31mred?? \xc3\xa9 ?!");
	OK(st_event_list(p->s, p->a, "a", list[0].id, 10, &list, &n, E));
	assert_int_equal(n, 1);
	OK(st_event_list(p->s, p->a, NULL, 0, 2, &list, &n, E));
	assert_int_equal(n, 2);
	assert_null(list[1].cert);
}

static int count_rows(void *ctx, const struct cert *c, struct arena *a, struct err *e)
{
	char **names = ctx, *longer = NULL;

	assert_true(asprintf(&longer, "%s%s ", *names, c->name) > 0);
	free(*names);
	*names = longer;
	return strcmp(c->name, "stop") ? 0 : err_set(e, ERR_CANCELLED, "stopped");
}

static void test_cert_filters(void **state)
{
	static const struct {
		struct cert_filter f;
		const char *want;
	} rows[] = {
		{ { 0 }, "a b c " },
		{ { .status = "issued" }, "a c " },
		{ { .owner = "mia" }, "b c " },
		{ { .expires_before = 200 }, "a " },
		{ { .status = "issued", .owner = "mia", .expires_before = 999 }, "c " },
	};
	struct place *p = *state;
	struct cert certs[] = {
		{ .name = "b", .status = "failed", .owner = "mia" },
		{ .name = "c", .status = "issued", .owner = "mia", .not_after = 200 },
		{ .name = "a", .status = "issued", .not_after = 100 },
	};

	for (size_t i = 0; i < ARRAY_LEN(certs); i++)
		OK(st_cert_put(p->s, &certs[i], E));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *names = strdup("");
		struct cert *list = NULL;
		size_t n = 0;

		OK(st_cert_each(p->s, &rows[i].f, count_rows, &names, E));
		assert_string_equal(names, rows[i].want);
		OK(st_cert_list(p->s, p->a, &rows[i].f, &list, &n, E));
		assert_int_equal(n, strlen(rows[i].want) / 2);
		free(names);
	}
}

static void test_each_stops(void **state)
{
	struct place *p = *state;
	char *names = strdup("");

	put_cert(p, "stop");
	put_cert(p, "to");
	FAILS(ERR_CANCELLED, st_cert_each(p->s, NULL, count_rows, &names, E));
	assert_string_equal(names, "stop ");
	put_cert(p, "write"); /* the cut-off reading is over */
	free(names);
}

static void test_delete_takes_all(void **state)
{
	struct place *p = *state;
	struct version v = { .cert = "a", .fullchain = "x" };
	struct order o = { .cert = "a", .state = "new" };
	struct challenge c = { .cert = "a", .domain = "a", .type = "http-01", .state = "about" };
	struct strings due = { 0 };

	put_cert(p, "a");
	OK(st_version_put(p->s, &v, E));
	OK(st_order_put(p->s, &o, E));
	OK(st_challenge_put(p->s, &c, E));
	OK(st_job_set(p->s, "a", 5, E));
	OK(st_cert_delete(p->s, "a", E));
	FAILS(ERR_NOT_FOUND, st_version_get(p->s, p->a, "a", 1, &v, E));
	FAILS(ERR_NOT_FOUND, st_order_open(p->s, p->a, "a", &o, E));
	OK(st_challenge_certs(p->s, p->a, &due, E));
	assert_int_equal(due.n, 0);
	OK(st_job_due(p->s, p->a, 10, 0, &due, E));
	assert_int_equal(due.n, 0);
	FAILS(ERR_NOT_FOUND, st_cert_delete(p->s, "a", E));
}

static void test_transaction(void **state)
{
	struct place *p = *state;
	struct cert got = { 0 };

	OK(store_begin(p->s, E));
	put_cert(p, "a");
	OK(st_event_add(p->s, "a", "requested", E, "x"));
	store_rollback(p->s);
	FAILS(ERR_NOT_FOUND, st_cert_get(p->s, p->a, "a", &got, E));
	OK(store_begin(p->s, E));
	put_cert(p, "a");
	OK(store_commit(p->s, E));
	OK(st_cert_get(p->s, p->a, "a", &got, E));
}

static void test_due(void **state)
{
	struct place *p = *state;
	struct strings due = { 0 };

	put_cert(p, "never");
	OK(st_job_set(p->s, "late", 30, E));
	OK(st_job_set(p->s, "soon", 10, E));
	OK(st_job_set(p->s, "next", 20, E));
	OK(st_job_due(p->s, p->a, 20, 0, &due, E));
	assert_int_equal(due.n, 2);
	assert_string_equal(due.v[0], "soon");
	assert_string_equal(due.v[1], "next");
	OK(st_job_due(p->s, p->a, 99, 1, &due, E));
	assert_int_equal(due.n, 1);
	OK(st_job_set(p->s, "soon", 0, E));
	OK(st_job_due(p->s, p->a, 99, 0, &due, E));
	assert_int_equal(due.n, 2);
}

static int nothing(void *ctx, const struct cert *c, struct arena *a, struct err *e)
{
	return 0;
}

/* Not a limit, a number to look at. */
static void test_speed(void **state)
{
	struct place *p = *state;
	int64_t from;
	struct strings due = { 0 };

	OK(store_begin(p->s, E));
	for (int i = 0; i < 5000; i++) {
		struct cert c = { .name = arena_printf(p->a, "www%d.example.org", i),
			          .status = "issued",
			          .ca = "letsencrypt",
			          .key_type = "ec256",
			          .serial = "04aabbccddeeff",
			          .issuer = "E7",
			          .not_after = 1800000000,
			          .method = "webroot",
			          .webroot = "/srv/www",
			          .preflight = true,
			          .live_version = 3 };

		strings_add(p->a, &c.domains, c.name);
		OK(st_cert_put(p->s, &c, E));
		OK(st_job_set(p->s, c.name, 1900000000, E));
	}
	OK(store_commit(p->s, E));
	from = clock_monotonic_ms();
	reopen(p);
	print_message("open: %lld ms\n", (long long)(clock_monotonic_ms() - from));
	from = clock_monotonic_ms();
	OK(st_cert_each(p->s, NULL, nothing, NULL, E));
	print_message("each of 5000: %lld ms\n", (long long)(clock_monotonic_ms() - from));
	from = clock_monotonic_ms();
	OK(st_job_due(p->s, p->a, 1800000000, 0, &due, E));
	assert_int_equal(due.n, 0);
	print_message("none due of 5000: %lld ms\n", (long long)(clock_monotonic_ms() - from));
}

struct wanted {
	struct place *p;
	const char *status;
	int asked;
};

/* Reads within the transaction; another process cannot write meanwhile. */
static int has_status(void *ctx, struct err *e)
{
	struct wanted *w = ctx;
	struct cert c;

	w->asked++;
	TRY(st_cert_get(w->p->s, w->p->a, "x", &c, e));
	return strcmp(c.status, w->status) == 0 ? 0 : err_set(e, ERR_CHANGED, "not any more");
}

/* A second store is another process, or another host. */
static void test_a_change_rests_on_what_was_seen(void **state)
{
	struct place *p = *state;
	struct wanted seen = { p, "pending", 0 };
	struct store *other;
	struct cert c, changed;

	put_cert(p, "x");
	OK(st_cert_get(p->s, p->a, "x", &c, E));
	OK(open_as(p, false, &other, E));
	/* asked once, in the transaction of the change, and not for what others change */
	store_condition(p->s, has_status, NULL, &seen);
	OK(st_job_set(other, "x", 5, E));
	assert_int_equal(seen.asked, 0);
	OK(st_job_lease(p->s, "x", "test", 60, E)); /* that is no change */
	assert_int_equal(seen.asked, 0);
	st_job_release(p->s, "x");
	OK(st_cert_put(p->s, &c, E));
	assert_int_equal(seen.asked, 1);
	OK(st_cert_put(p->s, &c, E));
	assert_int_equal(seen.asked, 1);
	/* changed by another process after it was seen: nothing is written, also of what belongs to
	 * a greater transaction */
	OK(st_cert_get(other, p->a, "x", &changed, E));
	changed.status = "issued";
	OK(st_cert_put(other, &changed, E));
	store_condition(p->s, has_status, NULL, &seen);
	FAILS(ERR_CHANGED, st_cert_put(p->s, &c, E));
	FAILS(ERR_CHANGED, store_begin(p->s, E));
	FAILS(ERR_CHANGED, store_condition_look(p->s, E));
	FAILS(ERR_CHANGED, st_event_add(p->s, "x", "k", E, "text"));
	OK(st_cert_get(p->s, p->a, "x", &c, E));
	assert_string_equal(c.status, "issued");
	/* rolled back, it is asked again by the next; looked at, it is not */
	seen.status = "issued";
	seen.asked = 0;
	OK(store_begin(p->s, E));
	OK(st_cert_put(p->s, &c, E));
	store_rollback(p->s);
	OK(store_condition_look(p->s, E));
	assert_int_equal(seen.asked, 2);
	OK(st_cert_put(p->s, &c, E));
	assert_int_equal(seen.asked, 2);
	/* taken back */
	seen.status = "pending";
	store_condition(p->s, has_status, NULL, &seen);
	store_condition(p->s, NULL, NULL, NULL);
	OK(st_cert_put(p->s, &c, E));
	store_close(other);
}

static int note_made(void *ctx, struct err *e)
{
	const struct wanted *w = ctx;

	return st_event_add(w->p->s, "x", "made", e, "made");
}

static size_t n_events(struct place *p)
{
	const struct event_page page = { .cert = "x", .limit = 100 };
	struct event *v;
	size_t n;

	OK(st_event_page(p->s, p->a, &page, &v, &n, E));
	return n;
}

/* That it was made is written with the change: not before, not without it, once. */
static void test_a_change_that_was_made_is_noted_with_it(void **state)
{
	struct place *p = *state;
	struct wanted seen = { p, "pending", 0 };
	struct cert c;

	put_cert(p, "x");
	OK(st_cert_get(p->s, p->a, "x", &c, E));
	store_condition(p->s, has_status, note_made, &seen);
	OK(store_condition_look(p->s, E));
	OK(store_condition_look(p->s, E));
	assert_int_equal(n_events(p), 0);
	OK(st_job_lease(p->s, "x", "test", 60, E)); /* that is no change */
	assert_int_equal(n_events(p), 0);
	OK(store_begin(p->s, E));
	OK(st_cert_put(p->s, &c, E));
	store_rollback(p->s);
	assert_int_equal(n_events(p), 0);
	c.status = "issued"; /* by oneself: nothing is asked again */
	OK(st_cert_put(p->s, &c, E));
	assert_int_equal(n_events(p), 1);
	OK(st_cert_put(p->s, &c, E));
	assert_int_equal(n_events(p), 1);
	assert_int_equal(seen.asked, 1);
	st_job_release(p->s, "x");
	/* not looked at before: asked and noted in one */
	seen = (struct wanted){ p, "issued", 0 };
	store_condition(p->s, has_status, note_made, &seen);
	OK(st_cert_put(p->s, &c, E));
	assert_int_equal(n_events(p), 2);
	assert_int_equal(seen.asked, 1);
	seen.status = "pending";
	store_condition(p->s, has_status, note_made, &seen);
	FAILS(ERR_CHANGED, st_cert_put(p->s, &c, E));
	store_condition(p->s, NULL, NULL, NULL);
	assert_int_equal(n_events(p), 2);
}

static void test_what_events_are_about(void **state)
{
	struct place *p = *state;
	struct strings names;
	int64_t id = 0;

	OK(st_event_add(p->s, "x", "live", E, "1"));
	OK(st_event_add(p->s, NULL, "live", E, "of none"));
	OK(st_event_add(p->s, "y", "deleted", E, "2"));
	OK(st_event_add(p->s, "y", "live", E, "3"));
	OK(st_event_certs(p->s, p->a, "live", &id, INT64_MAX, 1, &names, E));
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "x");
	OK(st_event_certs(p->s, p->a, "live", &id, INT64_MAX, 10, &names, E));
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "y");
	OK(st_event_certs(p->s, p->a, "live", &id, INT64_MAX, 10, &names, E));
	assert_int_equal(names.n, 0);
	id = 0;
	OK(st_event_certs(p->s, p->a, "deleted", &id, 1, 10, &names, E));
	assert_int_equal(names.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_cert_round_trip),
		ROW(test_update_names_what_changes),
		ROW(test_empty_values),
		ROW(test_version_round_trip),
		ROW(test_order_round_trip),
		ROW(test_challenge_round_trip),
		ROW(test_account_round_trip),
		ROW(test_ca_round_trip),
		ROW(test_blocked_keys),
		ROW(test_events),
		ROW(test_what_events_are_about),
		ROW(test_a_change_rests_on_what_was_seen),
		ROW(test_a_change_that_was_made_is_noted_with_it),
		ROW(test_cert_filters),
		ROW(test_each_stops),
		ROW(test_delete_takes_all),
		ROW(test_transaction),
		ROW(test_due),
		ROW(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
