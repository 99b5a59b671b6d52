/*
 * A test records what it writes in the account's row first, so that the next test takes away what a
 * killed one left.
 */
#include "flow/dns_look.h"

#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "dns/txt.h"
#include "flow/dns.h"
#include "flow/lease.h"
#include "sys/hash.h"
#include "sys/names.h"

#define VALUE_BYTES 32
#define LEFT_MEMBERS 4 /* of each value in left_over: name, zone, zone ID, value */

struct records dns_seen_of(struct arena *a, const struct settle_report *report)
{
	static const char *const states[] = { [SETTLE_HAS] = "has it",
		                              [SETTLE_HAS_NOT] = "has not",
		                              [SETTLE_SILENT] = "silent",
		                              [SETTLE_ERROR] = "error" };
	struct dns_seen *v = ARENA_ARRAY(a, struct dns_seen, report->n + 1);

	for (size_t i = 0; i < report->n; i++)
		v[i] = (struct dns_seen){
			.zone = arena_strdup(a, report->v[i].zone),
			.name = arena_strdup(a, report->v[i].name),
			.address = arena_strdup(a, report->v[i].address),
			.state = states[report->v[i].state],
			.said = arena_strdup(a, report->v[i].said),
			.own = report->v[i].own,
		};
	return (struct records){ v, report->n };
}

const char *dns_seen_words(struct arena *a, const struct settle_report *report)
{
	return arena_printf(a, "seen at %zu of %zu name server%s", report->n_has, report->n,
	                    report->n == 1 ? "" : "s");
}

/* One account's work at one name. */
struct
try {
	struct run *run;
	struct arena *arena;
	struct dns_use *use;
	const char *account;
	struct dns_placement *v;
	size_t n;
	struct records seen;
};

static void try_look(void *ctx, const struct settle_report *report)
{
	struct try *t = ctx;

	t->seen = dns_seen_of(t->arena, report);
	run_step(t->run, t->account, dns_seen_words(t->arena, report));
}

static int try_find(struct try *t, const char *name, const struct strings *values, struct err *e)
{
	struct strings account = { &t->account, 1 };
	const char **domains = ARENA_ARRAY(t->arena, const char *, values->n);
	const struct dns_view view = dns_view_for(t->run, t->arena, NULL, t->run->public_only);
	struct dns_choice *choices;
	size_t n;

	t->v = ARENA_ARRAY(t->arena, struct dns_placement, values->n);
	t->n = values->n;
	for (size_t i = 0; i < values->n; i++) {
		domains[i] = name;
		t->v[i].asked = name;
		t->v[i].value = values->v[i];
	}
	TRY(dns_use_choices(t->use, &account, &choices, &n, e));
	return place_find(t->arena, choices, n, &view, domains, t->v, t->n, t->run->cancel, e);
}

static int try_settle(struct try *t, struct err *e)
{
	const struct dns_view view = dns_view_for(t->run, t->arena, NULL, t->run->public_only);
	const struct settle_how how = {
		.view = &view, .cancel = t->run->cancel, .look = try_look, .ctx = t
	};

	run_step(t->run, t->account, "waiting for the name servers");
	return settle_wait(t->arena, t->v, t->n, &how, e);
}

static int try_add(struct try *t, struct err *e)
{
	run_step(t->run, t->account, "writing the record");
	TRY(place_add(t->arena, t->v, t->n, e));
	return try_settle(t, e);
}

/* Even for somebody who wants to stop. */
static int try_remove(struct try *t, struct err *e)
{
	int result;

	run_step(t->run, t->account, "removing the record");
	dns_use_steadfast(t->use, true);
	result = place_remove(t->arena, t->v, t->n, NULL, e);
	dns_use_steadfast(t->use, false);
	return result;
}

static void path_of(const struct try *t, struct dns_path *out)
{
	const struct dns_placement *p = &t->v[0];

	*out = (struct dns_path){ .asked = p->asked,
		                  .name = p->name,
		                  .via = p->via,
		                  .account = t->account,
		                  .provider = p->session->provider->name,
		                  .zone = p->zone.name };
	for (size_t i = 0; i < t->n; i++)
		strings_add(t->arena, &out->values, t->v[i].value);
}

static int try_begin(struct try *t, const char *name, const struct strings *values, struct err *e)
{
	struct dns_account x;

	TRY(dns_account_enabled(t->run, t->arena, t->account, &x, e));
	return try_find(t, zone_name(t->arena, name), values, e);
}

static int present(struct try *t, const char *name, const struct strings *values, struct err *e)
{
	struct err second;

	TRY(try_begin(t, name, values, e));
	int result = try_add(t, e);
	if (result < 0 && try_remove(t, &second) < 0)
		log_warn("after that failure: %s", second.text);
	return result;
}

static int cleanup(struct try *t, const char *name, const struct strings *values, struct err *e)
{
	TRY(try_begin(t, name, values, e));
	return try_remove(t, e);
}

static int with_try(struct run *r, struct arena *a, const char *account, const char *name,
                    const struct strings *values, struct dns_path *out,
                    int (*act)(struct try *, const char *, const struct strings *, struct err *),
                    struct err *e)
{
	struct dns_use *use CLEANUP(dns_use_cleanup) = dns_use_new(r, a);
	struct try t = { .run = r, .arena = a, .use = use, .account = account };
	int result = act(&t, name, values, e);

	run_step(r, account, NULL);
	if (result == 0)
		path_of(&t, out);
	return result;
}

int dns_present(struct run *r, struct arena *a, const char *account, const char *name,
                const struct strings *values, struct dns_path *out, struct err *e)
{
	return with_try(r, a, account, name, values, out, present, e);
}

int dns_cleanup(struct run *r, struct arena *a, const char *account, const char *name,
                const struct strings *values, struct dns_path *out, struct err *e)
{
	return with_try(r, a, account, name, values, out, cleanup, e);
}

/* test */

/* What is kept of a test: before it writes, and after. left_over NULL = as it is. */
static int note(struct try *t, const struct strings *left_over, const struct err *failure,
                struct err *e)
{
	struct store *s = dns_store(t->run);
	struct dns_account x;
	int result;

	TRY(store_begin(s, e));
	result = st_dns_get(s, t->arena, t->account, &x, e);
	if (result == 0) {
		x.left_over = left_over ? *left_over : x.left_over;
		if (failure) {
			x.last_test_at = clock_now();
			x.last_error = failure->code != ERR_NONE ? failure->text : NULL;
		}
		result = st_dns_put(s, &x, e);
	}
	if (result < 0) {
		store_rollback(s);
		return result;
	}
	return store_commit(s, e);
}

static int take_away_left_over(struct try *t, const struct dns_account *x, struct err *e)
{
	const struct strings *left = &x->left_over;
	const struct strings nothing = { 0 };
	struct dns_session *session;

	if (left->n == 0 || left->n % LEFT_MEMBERS)
		return 0;
	TRY(dns_use_open(t->use, t->account, false, &session, e));
	t->n = left->n / LEFT_MEMBERS;
	t->v = ARENA_ARRAY(t->arena, struct dns_placement, t->n);
	for (size_t i = 0; i < t->n; i++) {
		const char *const *m = left->v + i * LEFT_MEMBERS;
		t->v[i] = (struct dns_placement){
			.asked = m[0],
			.name = m[0],
			.session = session,
			.zone = { .name = m[1], .id = *m[2] ? m[2] : NULL },
			.value = m[3],
		};
	}
	log_detail("taking away what an earlier test left");
	TRY(try_remove(t, e));
	return note(t, &nothing, NULL, e);
}

/* Whether a single value was surely not written. */
static bool is_refused(const struct err *e)
{
	return e->code == ERR_DENIED || e->code == ERR_NOT_FOUND || e->code == ERR_INPUT ||
	       e->code == ERR_CONFIG;
}

static int test_write(struct try *t, struct dns_test *out, struct err *e)
{
	const struct dns_placement *p = &t->v[0];
	int64_t begin = clock_monotonic_ms();
	struct strings left = { 0 };
	int result;

	strings_add(t->arena, &left, p->name);
	strings_add(t->arena, &left, p->zone.name);
	strings_add(t->arena, &left, p->zone.id ? p->zone.id : "");
	strings_add(t->arena, &left, p->value);
	TRY(note(t, &left, NULL, e));
	run_step(t->run, t->account, "writing the record");
	result = place_add(t->arena, t->v, t->n, e);
	if (result < 0)
		return result;
	out->written = true;
	result = try_settle(t, e);
	out->seen = result == 0;
	out->seconds = (clock_monotonic_ms() - begin + 999) / 1000;
	out->servers = t->seen;
	return result;
}

/* What the account cannot do is in *failure; the record is taken away whatever happened. */
static int test_account(struct try *t, const struct dns_account *x, const char *name,
                        struct dns_test *out, struct err *failure)
{
	struct strings value = { &out->value, 1 };
	struct err second;
	int result;

	TRY(take_away_left_over(t, x, failure));
	TRY(try_find(t, name, &value, failure));
	path_of(t, &out->path);
	result = test_write(t, out, failure);
	if (result < 0 && !out->written && is_refused(failure))
		return result;
	out->removed = try_remove(t, &second) == 0;
	if (out->removed)
		return result;
	err_ctx(&second, "the test's record may still be there, the next test removes it");
	if (result < 0)
		log_warn("%s", second.text);
	else
		*failure = second;
	return -(int)failure->code;
}

static int test_leased(struct try *t, const char *name, struct dns_test *out, struct err *e)
{
	const struct strings nothing = { 0 };
	struct err failure = { 0 };
	struct dns_account x;

	TRY(dns_account_enabled(t->run, t->arena, t->account, &x, e));
	if (test_account(t, &x, name, out, &failure) < 0)
		out->failure = failure;
	bool gone = out->removed || (out->path.name && !out->written && is_refused(&failure));
	return note(t, gone ? &nothing : NULL, &out->failure, e);
}

int dns_test(struct run *r, struct arena *a, const char *account, const char *domain,
             struct dns_test *out, struct err *e)
{
	struct dns_use *use CLEANUP(dns_use_cleanup) = dns_use_new(r, a);
	struct try t = { .run = r, .arena = a, .use = use, .account = account };
	const char *lease = arena_printf(a, "dns/%s", account);
	unsigned char random[VALUE_BYTES];
	struct dns_account x;
	struct dns_test test = { 0 };
	enum name_kind kind;
	const char *name;
	int result;

	TRY(dns_account_enabled(r, a, account, &x, e));
	TRY(name_normalize(a, domain, &name, &kind, e));
	if (kind == NAME_IP)
		return err_set(e, ERR_USAGE, "%s is an address; the DNS proves names", domain);
	TRY(hash_random(random, sizeof(random), e));
	test.value = base64url_encode(a, random, sizeof(random));
	name = arena_printf(a, "_acme-challenge.%s", name_base(name));
	TRY(lease_take(r, lease, e));
	result = test_leased(&t, name, &test, e);
	lease_drop(r, lease);
	run_step(r, account, NULL);
	if (result == 0)
		*out = test;
	return result;
}
