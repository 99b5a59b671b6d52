/*
 * A record is judged as the CA would judge it: its issuer, its account in the format asked for, its
 * policy, its end. Whatever else stands at the name is told and left alone.
 */
#include "flow/persist_dns.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "dns/settle.h"
#include "flow/dns.h"
#include "sys/dns.h"

/* looking */

static int resolvers_of(struct arena *a, const struct persist_row *row, struct strings *out,
                        struct err *e)
{
	*out = (struct strings){ 0 };
	if (!row->resolver)
		return dns_system_resolvers(a, out, e);
	strings_add(a, out, row->resolver);
	return 0;
}

static bool is_answer(const struct dns_question *q)
{
	return !q->why.code && (q->answer.rcode == DNS_NOERROR || q->answer.rcode == DNS_NXDOMAIN);
}

static void keep_found(struct arena *a, const struct dns_question *q, struct persist_row *row)
{
	row->p.found = (struct strings){ 0 };
	for (size_t i = 0; i < q->answer.n_answer && row->p.found.n < DNS_MAX_STRINGS; i++)
		if (q->answer.answer[i].type == DNS_TXT) /* whatever alias led there */
			strings_add(a, &row->p.found, q->answer.answer[i].text);
}

/* Asks each record's k-th resolver; returns whether any had one. */
static int ask_round(struct run *r, struct arena *a, struct persist_row *v, size_t n, size_t k,
                     bool *answered, bool *asked, struct err *e)
{
	struct dns_question *q = ARENA_ARRAY(a, struct dns_question, n ? n : 1);
	size_t *of = ARENA_ARRAY(a, size_t, n ? n : 1), n_asked = 0;

	for (size_t i = 0; i < n; i++) {
		struct strings resolvers;

		if (answered[i])
			continue;
		if (resolvers_of(a, &v[i], &resolvers, &q[n_asked].why) < 0) {
			v[i].p.why = arena_strdup(a, q[n_asked].why.text);
			continue;
		}
		if (k >= resolvers.n)
			continue;
		q[n_asked].server = resolvers.v[k];
		q[n_asked].name = v[i].p.name;
		q[n_asked].type = DNS_TXT;
		q[n_asked].recursive = true;
		of[n_asked++] = i;
	}
	*asked = n_asked > 0;
	TRY(dns_ask_all(a, q, n_asked, 0, r->cancel, e));
	for (size_t i = 0; i < n_asked; i++) {
		struct persist_row *row = &v[of[i]];

		answered[of[i]] = is_answer(&q[i]);
		if (answered[of[i]])
			keep_found(a, &q[i], row);
		else
			row->p.why = q[i].why.code
			                 ? arena_strdup(a, q[i].why.text)
			                 : arena_printf(a, "%s answers %s", q[i].server,
			                                dns_rcode_name(q[i].answer.rcode));
	}
	return 0;
}

/* judging */

struct judged {
	bool there, ended, no_wildcard, old_format, endless;
	int64_t ends_at; /* the latest of those that are there */
};

static void judge_one(struct arena *a, struct persist_row *row, const char *found, int64_t now,
                      struct judged *j)
{
	struct acme_persist_record rec;
	bool in_time;

	if (!acme_persist_read(a, found, &row->spec, &rec) ||
	    strcasecmp(rec.issuer, row->spec.issuer) != 0)
		return;
	if (!rec.ours && !rec.our_url && !strings_has(&row->strangers, found))
		return;
	if (!rec.ours && !rec.our_url) {
		strings_add(a, &row->p.others, rec.account_uri ? rec.account_uri : "(none named)");
		return;
	}
	in_time = !rec.has_until || rec.until > now;
	j->old_format = j->old_format || rec.our_url;
	j->ended = j->ended || !in_time;
	j->no_wildcard = j->no_wildcard || (row->p.wildcard && !rec.wildcard);
	strings_add(a, &row->ours, found);
	if (rec.our_url || !in_time || (row->p.wildcard && !rec.wildcard))
		return;
	j->there = true;
	j->endless = j->endless || !rec.has_until;
	j->ends_at = rec.until > j->ends_at ? rec.until : j->ends_at;
}

static void say(struct arena *a, struct persist_row *row, const struct judged *j, int64_t now,
                int64_t soon_s)
{
	struct persist *p = &row->p;
	char at[CLOCK_RFC3339_SIZE] = "";
	bool near = j->there && !j->endless && j->ends_at - now < soon_s;

	p->ends_at = j->there && !j->endless ? j->ends_at : 0;
	if (p->ends_at)
		clock_format_rfc3339(p->ends_at, at);
	p->state = near                              ? "near its end"
	           : j->there                        ? "there"
	           : j->old_format || j->no_wildcard ? "wrong"
	           : j->ended                        ? "ended"
	                                             : "missing";
	p->why = near       ? arena_printf(a, "it ends at %s; publish it again before", at)
	         : j->there ? NULL
	         : j->old_format
	             ? "it is in the format of an earlier draft, which this CA takes no more"
	         : j->no_wildcard ? "it lacks policy=wildcard"
	         : j->ended       ? "its persistUntil is over"
	                          : "there is no record for this account";
	if (p->others.n)
		p->why = arena_printf(a, "%s%sother accounts may prove this name too: %s",
		                      p->why ? p->why : "", p->why ? "; " : "",
		                      strings_join(a, &p->others, ", "));
}

static void judge(struct arena *a, struct persist_row *row, int64_t soon_s)
{
	struct judged j = { 0 };
	int64_t now = clock_now();

	row->p.others = row->ours = (struct strings){ 0 };
	for (size_t i = 0; i < row->p.found.n; i++)
		judge_one(a, row, row->p.found.v[i], now, &j);
	say(a, row, &j, now, soon_s);
}

/* Another account of our own at the same CA is nobody else's: by its URL, or as another record
 * wanted at this name. */
static bool is_known(struct arena *a, const struct account *accounts, size_t n_accounts,
                     const struct persist_row *v, size_t n, const struct persist_row *row,
                     const char *found)
{
	struct acme_persist_record rec;

	if (!acme_persist_read(a, found, &row->spec, &rec) || !rec.account_uri)
		return false;
	for (size_t i = 0; i < n_accounts; i++)
		if (accounts[i].url && strcmp(accounts[i].url, rec.account_uri) == 0)
			return true;
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].p.domain, row->p.domain) == 0 &&
		    acme_persist_read(a, found, &v[i].spec, &rec) && rec.ours)
			return true;
	return false;
}

static void forget_known(struct arena *a, const struct account *accounts, size_t n_accounts,
                         const struct persist_row *v, size_t n, struct persist_row *row)
{
	struct strings strangers = { 0 };

	for (size_t i = 0; i < row->p.found.n; i++)
		if (!is_known(a, accounts, n_accounts, v, n, row, row->p.found.v[i]))
			strings_add(a, &strangers, row->p.found.v[i]);
	row->strangers = strangers;
}

int persist_look(struct run *r, struct arena *a, struct persist_row *v, size_t n, int64_t soon_s,
                 struct err *e)
{
	bool *answered = ARENA_ARRAY(a, bool, n ? n : 1), asked = true;
	struct account *accounts;
	size_t n_accounts;

	TRY(st_account_list(r->store, a, &accounts, &n_accounts, e));
	for (size_t k = 0; asked; k++)
		TRY(ask_round(r, a, v, n, k, answered, &asked, e));
	for (size_t i = 0; i < n; i++) {
		if (answered[i]) {
			forget_known(a, accounts, n_accounts, v, n, &v[i]);
			judge(a, &v[i], soon_s);
		} else {
			v[i].p.state = "unknown";
		}
	}
	return 0;
}

/* publishing */

static bool is_to_be_put(const struct persist_row *row)
{
	return strcmp(row->p.state, "there") != 0;
}

/* The accounts asked for, or every one that may be used. */
static int accounts_for(struct run *r, struct arena *a, const struct strings *given,
                        struct strings *out, struct err *e)
{
	struct dns_account *v;
	size_t n;

	if (given->n) {
		*out = *given;
		return 0;
	}
	TRY(st_dns_list(dns_store(r), a, &v, &n, e));
	*out = (struct strings){ 0 };
	for (size_t i = 0; i < n; i++)
		if (v[i].enabled)
			strings_add(a, out, v[i].name);
	if (!out->n)
		return err_set(e, ERR_NOT_FOUND,
		               "there is no DNS account to publish through; `everleaf dns add` "
		               "makes one");
	return 0;
}

struct putting {
	struct dns_placement *v;
	const char **domains;
	size_t n;
};

static struct putting placements(struct arena *a, const struct persist_row *v, size_t n,
                                 bool former)
{
	struct putting p = { 0 };
	size_t most = n;

	for (size_t i = 0; former && i < n; i++)
		most += v[i].ours.n;
	p.v = ARENA_ARRAY(a, struct dns_placement, most + 1);
	p.domains = ARENA_ARRAY(a, const char *, most + 1);
	for (size_t i = 0; i < n; i++) {
		if (!is_to_be_put(&v[i]))
			continue;
		for (size_t k = 0; k < (former ? v[i].ours.n : 1); k++) {
			const char *value = former ? v[i].ours.v[k] : v[i].p.value;

			if (former && strcmp(value, v[i].p.value) == 0)
				continue;
			p.domains[p.n] = v[i].p.domain;
			p.v[p.n].asked = v[i].p.name;
			p.v[p.n++].value = value;
		}
	}
	return p;
}

/* One for all: what is not asked for one of them is not asked. */
static struct dns_view view_of(struct arena *a, const struct persist_row *v, size_t n)
{
	struct dns_view view = { 0 };

	if (n && v[0].resolver)
		strings_add(a, &view.resolvers, v[0].resolver);
	for (size_t i = 0; i < n; i++)
		view.public_only = view.public_only || v[i].public_only;
	return view;
}

int persist_put(struct run *r, struct arena *a, struct persist_row *v, size_t n,
                const struct strings *dns, struct err *e)
{
	struct dns_use *use CLEANUP(dns_use_cleanup) = dns_use_new(r, a);
	struct putting now = placements(a, v, n, false), before = placements(a, v, n, true);
	struct dns_view view = view_of(a, v, n);
	struct settle_how how = { .view = &view, .cancel = r->cancel };
	struct dns_choice *choices;
	struct strings accounts;
	size_t n_choices;

	if (now.n == 0)
		return 0;
	TRY(accounts_for(r, a, dns, &accounts, e));
	TRY(dns_use_choices(use, &accounts, &choices, &n_choices, e));
	TRY(place_find(a, choices, n_choices, &view, now.domains, now.v, now.n, r->cancel, e));
	TRY(place_add(a, now.v, now.n, e));
	TRY(settle_wait(a, now.v, now.n, &how, e));
	if (before.n == 0)
		return 0;
	TRY(place_find(a, choices, n_choices, &view, before.domains, before.v, before.n, r->cancel,
	               e));
	return place_remove(a, before.v, before.n, NULL, e);
}
