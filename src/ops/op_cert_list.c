/* Certificates read: lists, one, its versions, why it renews when it does; requests that wait for
 * somebody; the overview. What is not of whom asks does not exist. */
#include <string.h>

#include "base/clock.h"
#include "flow/plan.h"
#include "ops/internal.h"
#include "ops/op_cert.h"
#include "ops/ops_limits.h"
#include "ops/owner.h"
#include "ops/people.h"

#define DAY_S 86400
#define DAYS_DEFAULT 30
#define DAYS_MOST 366
#define EXPIRING_MOST 36500
#define FAILURES_MOST 50

static int wrong(struct err *e, const char *member, const char *text)
{
	err_set(e, ERR_USAGE, "\"%s\" must be %s", member, text);
	return err_member(e, member);
}

static int order_of(const char *sort, const char *order, struct cert_page *p, struct err *e)
{
	static const char *const words[] = { [CERT_BY_NAME] = "name",
		                             [CERT_BY_END] = "not_after",
		                             [CERT_BY_RENEWAL] = "renew_at",
		                             [CERT_BY_AGE] = "created_at",
		                             NULL };

	TRY(list_word("sort", sort, words, e));
	for (size_t i = 0; sort && words[i]; i++)
		if (strcmp(words[i], sort) == 0)
			p->order = (enum cert_order)i;
	return list_order(order, &p->descending, e);
}

/* Nobody looks further than what is theirs. *none: they ask for somebody else's. */
static void of_owner(const struct ops *o, const char *asked, const char **owner, bool *none)
{
	const char *own = owner_filter(o);

	*owner = own ? own : asked;
	*none = own && asked && strcmp(own, asked) != 0;
}

static int check_status(const char *status, struct err *e)
{
	static const char *const words[] = { "pending", "issued",  "failed",
		                             "revoked", "expired", NULL };

	return list_word("status", status, words, e);
}

static int check_method(const char *method, struct err *e)
{
	static const char *const words[] = { "webroot", "standalone",  "alpn",  "dns", "manual",
		                             "hook",    "dns-persist", "agent", NULL };

	return list_word("method", method, words, e);
}

/* A name is written as people write it; it is kept as the DNS has it. */
static int search_of(struct arena *a, const char *q, const char **out, struct err *e)
{
	const char *made = NULL;

	if (q && strlen(q) > 253)
		return wrong(e, "q", "at most 253 bytes");
	for (const char *p = q; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			made = intake_cert_name(a, q);
	*out = made ? made : q;
	return 0;
}

static const char *order_word(const struct cert_page *p)
{
	static const char *const words[] = { "name", "end", "renewal", "age" };
	static const char *const down[] = { "name-", "end-", "renewal-", "age-" };

	return p->descending ? down[p->order] : words[p->order];
}

static int64_t ordered_by(const struct cert_page *p, const struct cert *c)
{
	switch (p->order) {
	case CERT_BY_NAME:
		return 0;
	case CERT_BY_END:
		return c->not_after;
	case CERT_BY_RENEWAL:
		return c->renew_at;
	case CERT_BY_AGE:
		return c->created_at;
	}
	return 0;
}

/* One more than the page is asked for, which says whether there is a next one. */
static int read_page(struct ops *o, struct arena *a, struct cert_page *p, const char *cursor,
                     struct cert **out, size_t *n, const char **next, struct err *e)
{
	size_t limit = p->limit;

	if (cursor)
		TRY(place_of(a, cursor, order_word(p), &p->after_value, &p->after_name, e));
	p->limit = limit + 1;
	p->now = clock_now();
	TRY(st_cert_page(o->run.store, a, p, out, n, e));
	*next = NULL;
	if (*n <= limit)
		return 0;
	*n = limit;
	*next = place_cursor(a, order_word(p), ordered_by(p, &(*out)[limit - 1]),
	                     (*out)[limit - 1].name);
	return 0;
}

int op_cert_list(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct cert_ask *in = in_record;
	struct list_page *out = out_record;
	struct cert_page p = {
		.status = in->status, .ca = in->ca, .account = in->account, .scope = owner_scope(o)
	};
	struct cert *v = NULL;
	size_t n = 0;
	bool none;

	TRY(page_limit(in->limit, &p.limit, e));
	TRY(order_of(in->sort, in->order, &p, e));
	TRY(check_status(in->status, e));
	if (in->expiring < 0 || in->expiring > EXPIRING_MOST)
		return wrong(e, "expiring", "a number of days");
	if (in->expiring)
		p.expires_before = clock_now() + in->expiring * DAY_S;
	TRY(search_of(a, in->q, &p.search, e));
	of_owner(o, in->owner, &p.owner, &none);
	if (none)
		return 0;
	TRY(read_page(o, a, &p, in->cursor, &v, &n, &out->next, e));
	for (size_t i = 0; i < n; i++) {
		v[i].status = plan_status(&v[i], clock_now());
		cert_show_to(o, a, &v[i]);
	}
	out->items = (struct records){ v, n };
	return 0;
}

int op_cert_show(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct named *in = in_record;
	struct cert_said *out = out_record, said;
	struct cert_details d;

	TRY(ops_show(o, a, in->name, &d, e));
	TRY(cert_say(o, a, &d.cert, &said, e));
	said.renewal_reason = d.renewal_reason;
	*out = said;
	return 0;
}

int op_cert_versions(struct ops *o, struct arena *a, void *in_record, void *out_record,
                     struct err *e)
{
	const struct version_ask *in = in_record;
	struct cert_details d;

	TRY(ops_show(o, a, in->name, &d, e));
	return list_cut(a, &version_rule, in, d.versions, d.n_versions, out_record, e);
}

int op_cert_explain(struct ops *o, struct arena *a, void *in_record, void *out_record,
                    struct err *e)
{
	const struct named *in = in_record;
	const char *name;

	TRY(ops_cert_name(o, a, in->name, &name, e));
	return ops_explain(o, a, name, out_record, e);
}

/* requests */

int op_request_list(struct ops *o, struct arena *a, void *in_record, void *out_record,
                    struct err *e)
{
	const struct request_ask *in = in_record;
	struct list_page *out = out_record;
	struct cert_page p = { .waiting = true,
		               .status = in->status,
		               .method = in->method,
		               .ca = in->ca,
		               .scope = owner_scope(o) };
	struct cert_said *said;
	struct cert *v;
	size_t n;
	bool none;

	TRY(page_limit(in->limit, &p.limit, e));
	TRY(order_of(in->sort, in->order, &p, e));
	TRY(check_status(in->status, e));
	TRY(check_method(in->method, e));
	TRY(search_of(a, in->q, &p.search, e));
	of_owner(o, in->owner, &p.owner, &none);
	if (none)
		return 0;
	TRY(read_page(o, a, &p, in->cursor, &v, &n, &out->next, e));
	said = ARENA_ARRAY(a, struct cert_said, n + 1);
	for (size_t i = 0; i < n; i++) {
		v[i].status = plan_status(&v[i], clock_now());
		TRY(cert_say(o, a, &v[i], &said[i], e));
	}
	out->items = (struct records){ said, n };
	return 0;
}

/* overview */

static struct records counts_say(struct arena *a, const struct overview *v, int64_t *total)
{
	struct count_said *said = ARENA_ARRAY(a, struct count_said, ARRAY_LEN(v->counts) + 1);
	size_t n = 0;

	*total = 0;
	for (size_t i = 0; v->counts[i].status; i++) {
		bool issued = strcmp(v->counts[i].status, "issued") == 0;

		*total += v->counts[i].n;
		said[n++] = (struct count_said){ v->counts[i].status,
			                         v->counts[i].n - (issued ? v->ended : 0) };
	}
	if (v->ended)
		said[n++] = (struct count_said){ "expired", v->ended };
	return (struct records){ said, n };
}

static struct records days_say(struct arena *a, const struct overview *v, int64_t now)
{
	struct day_said *said = ARENA_ARRAY(a, struct day_said, v->n_days + 1);

	for (size_t i = 0; i < v->n_days; i++)
		said[i] = (struct day_said){ (now / DAY_S + (int64_t)i) * DAY_S, v->renewals[i],
			                     v->ends[i] };
	return (struct records){ said, v->n_days };
}

static int failures_say(struct ops *o, struct arena *a, const struct whose *w, struct records *out,
                        struct err *e)
{
	struct failing_said *said;
	struct cert *v;
	size_t n;

	TRY(st_cert_failing(o->run.store, a, w, FAILURES_MOST, &v, &n, e));
	said = ARENA_ARRAY(a, struct failing_said, n + 1);
	for (size_t i = 0; i < n; i++)
		said[i] = (struct failing_said){
			.name = v[i].name,
			.owner = v[i].owner,
			.status = plan_status(&v[i], clock_now()),
			.last_error = cert_text_shown(o, a, v[i].last_error),
			.last_error_at = v[i].last_error_at,
			.failing_since = v[i].failing_since,
			.failures = v[i].failures,
			.next_at = v[i].renew_at,
			.not_after = v[i].not_after,
		};
	*out = (struct records){ said, n };
	return 0;
}

int op_overview(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct overview_ask *in = in_record;
	struct overview_said *out = out_record, said = { 0 };
	const struct whose w = { owner_filter(o), owner_scope(o) };
	int64_t now = clock_now();
	struct overview v;

	if (in->days < 0 || in->days > DAYS_MOST)
		return wrong(e, "days", "from 1 to 366");
	TRY(st_overview(o->run.store, a, &w, now, in->days ? (size_t)in->days : DAYS_DEFAULT, &v,
	                e));
	said.counts = counts_say(a, &v, &said.total);
	said.days = days_say(a, &v, now);
	TRY(failures_say(o, a, &w, &said.failures, e));
	*out = said;
	return 0;
}
