/*
 * Between the order and its solver. The journal writes each challenge down before it is published;
 * rows go only after it was taken away.
 */
#include "flow/solve.h"

#include <string.h>

#include "acme/authz.h"
#include "acme/jws.h"
#include "base/clock.h"
#include "base/log.h"
#include "challenge/dns01.h"
#include "challenge/dnspersist01.h"
#include "challenge/solver.h"
#include "flow/daemon.h"
#include "flow/dns_solve.h"
#include "flow/hooks.h"
#include "flow/lease.h"
#include "flow/order.h"
#include "flow/session.h"
#include "flow/sweep.h"
#include "sys/dns.h"
#include "sys/names.h"

#define POLL_LIMIT_S 30

/* the journal */

static int journal_put(struct run *r, struct challenge *v, size_t n, const char *state,
                       struct err *e)
{
	TRY(store_begin(r->store, e));
	for (size_t i = 0; i < n; i++) {
		v[i].state = state;
		v[i].created_at = v[i].created_at ? v[i].created_at : clock_now();
		if (st_challenge_put(r->store, &v[i], e) < 0) {
			store_rollback(r->store);
			return -(int)e->code;
		}
	}
	return store_commit(r->store, e);
}

static int journal_about(void *ctx, struct challenge *v, size_t n, struct err *e)
{
	return journal_put(ctx, v, n, "about", e);
}

/* A sweep takes away what is about to be there like what is there; the difference matters to a
 * person who is waited for, and where a process that goes on must not publish again. */
static int journal_placed(void *ctx, struct challenge *v, size_t n, struct err *e)
{
	const struct solver *solver = n ? solver_find(v[0].method) : NULL;

	if (!solver || !(solver->waits_for_person || solver->puts_once))
		return 0;
	return journal_put(ctx, v, n, "placed", e);
}

static int journal_removed(void *ctx, struct challenge *v, size_t n, struct err *e)
{
	struct run *r = ctx;

	TRY(store_begin(r->store, e));
	for (size_t i = 0; i < n; i++)
		if (v[i].id && st_challenge_delete(r->store, v[i].id, e) < 0) {
			store_rollback(r->store);
			return -(int)e->code;
		}
	return store_commit(r->store, e);
}

/* The account's name at the CA, where a record is named after it. */
static const char *account_url(struct run *r, struct arena *a, const struct cert *c)
{
	struct account account;
	struct err ignored;

	if (!c->ca || !c->challenge || strcmp(c->challenge, "dns-account-01") != 0)
		return NULL;
	return account_for_cert(r, a, c, &account, &ignored) == 0 ? account.url : NULL;
}

/* Where it listens: the address given, or the daemon's own responder. */
static const char *listen_of(const struct run *r, const struct cert *c)
{
	if (c->listen || !c->method)
		return c->listen;
	if (strcmp(c->method, "standalone") == 0)
		return r->http;
	return strcmp(c->method, "alpn") == 0 ? r->alpn : NULL;
}

struct solve *solve_new_in(struct run *r, struct run *journal, struct arena *a,
                           const struct cert *c)
{
	struct solver_journal *j = ARENA_NEW(a, struct solver_journal);
	struct solve *s = ARENA_NEW(a, struct solve);

	*j = (struct solver_journal){ journal_about, journal_placed, journal_removed, journal };
	*s = (struct solve){
		.method = c->method,
		.type = c->challenge,
		.webroot = c->webroot,
		.listen = listen_of(r, c),
		.hook = c->hook,
		.well_known = c->well_known,
		.hook_chain = c->hook_chain,
		.hook_env = hooks_env(r, a, c),
		.turns = hooks_turns(r, a, c->name),
		.domains = c->domains,
		.account_url = account_url(r, a, c),
		.dns = dns_solve_new(r, a, c),
		.journal = j,
		.cancel = r->cancel,
		.arena = a,
	};
	return s;
}

struct solve *solve_new(struct run *r, struct arena *a, const struct cert *c)
{
	return solve_new_in(r, r, a, c);
}

int solve_check(struct run *r, const struct cert *c, struct solve *s, struct err *e)
{
	const struct solver *solver = solver_find(c->method);

	if (!solver)
		return err_set(e, ERR_CONFIG,
		               "%s has no way to prove its names; say how with `everleaf set %s "
		               "--webroot DIR` or another method",
		               c->name, c->name);
	if (!solver->check || !c->preflight || solver->check(s, e) == 0)
		return 0;
	if (e->code == ERR_IO && c->listen)
		daemon_explain_port(r, s->arena, c->listen, e);
	return -(int)e->code;
}

void solve_done(const struct cert *c, struct solve *s)
{
	const struct solver *solver = solver_find(c->method);

	if (solver && solver->close)
		solver->close(s);
	dns_solve_done(s->dns);
}

int solve_try(struct run *r, struct arena *a, const struct cert *c, struct err *e)
{
	struct solve *s = solve_new(r, a, c);
	int result;

	s->local = true;
	result = solve_check(r, c, s, e);
	solve_done(c, s);
	return result;
}

/* choosing */

static const char *offered(struct arena *a, const struct acme_authz *z)
{
	struct strings types = { 0 };

	for (size_t i = 0; i < z->n_challenges; i++)
		strings_add(a, &types, z->challenges[i].type);
	return types.n ? strings_join(a, &types, ", ") : "none that Everleaf knows";
}

/* What the DNS says of a record that a person publishes once (dns-persist-01). */
enum record { RECORD_UNKNOWN, RECORD_THERE, RECORD_MISSING };

static int choose_persist(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                          const struct acme_challenge *ch, struct challenge *out,
                          enum record *record, struct err *e)
{
	struct dnspersist how = { NULL, acme_account_url(ca), acme_account_key(ca), out->wildcard };
	struct strings found;
	struct ca seen_from;
	struct err unknown;

	TRY(acme_directory(ca, &how.directory, e));
	TRY(dnspersist_fill(a, out, ch, &how, e));
	TRY(ca_resolve(r, a, c->ca, &seen_from, e));
	if (dns_txt(a, seen_from.resolver, out->location, &found, &unknown) < 0) {
		log_detail("%s: %s", out->domain, unknown.text);
		*record = RECORD_UNKNOWN;
	} else {
		*record = dnspersist_is_there(out, ch, &how, &found, clock_now()) ? RECORD_THERE
		                                                                  : RECORD_MISSING;
	}
	return 0;
}

/* An authorization for a name that nobody asked for is not answered. */
static int check_identifier(struct arena *a, const struct cert *c, const struct acme_authz *z,
                            struct err *e)
{
	enum name_kind kind;
	const char *name;
	struct err ignored;

	if (name_normalize(a, z->identifier, &name, &kind, &ignored) == 0)
		for (size_t i = 0; i < c->domains.n; i++)
			if (strcmp(name_base(c->domains.v[i]), name) == 0)
				return 0;
	return err_set(e, ERR_PROTOCOL, "the CA wants a proof for \"%s\", which was not asked for",
	               z->identifier);
}

static int choose(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                  const struct acme_authz *z, const struct acme_order *order, struct challenge *out,
                  enum record *record, struct err *e)
{
	const struct acme_challenge *ch = acme_authz_challenge(z, c->challenge);
	char *key_authorization;

	if (!ch)
		return err_set(
		    e, ERR_ACME,
		    "%s: the CA does not offer %s for it (offered: %s); choose another method",
		    z->identifier, c->challenge, offered(a, z));
	*out = (struct challenge){
		.cert = c->name,
		.order_url = order->url,
		.url = ch->url,
		.authz_url = z->url,
		.domain = z->identifier,
		.wildcard = z->wildcard,
		.type = ch->type,
		.method = c->method,
		.token = ch->token,
	};
	*record = RECORD_UNKNOWN;
	if (strcmp(ch->type, "dns-persist-01") == 0)
		return choose_persist(r, a, ca, c, ch, out, record, e);
	TRY(jws_key_authorization(a, ch->token, acme_account_key(ca), &key_authorization, e));
	TRY(solver_fill(a, out, key_authorization, e));
	return strcmp(ch->type, "dns-account-01") == 0
	           ? dns01_account_name(a, acme_account_url(ca), z->identifier, &out->location, e)
	           : 0;
}

static bool is_text(const char *recorded, const char *s)
{
	return recorded && s && strcmp(recorded, s) == 0;
}

/* A row that was recorded for the same challenge before a kill (or for a person) keeps its id, and
 * says what was published where. With another value it is that of an account key which was changed
 * meanwhile, and of no use. */
static void take_recorded(struct challenge *v, size_t n, const struct challenge *old, size_t n_old)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n_old; k++) {
			const struct challenge *o = &old[k];
			if (!is_text(o->url, v[i].url) || !is_text(o->method, v[i].method) ||
			    !is_text(o->value, v[i].value))
				continue;
			v[i].id = o->id;
			v[i].created_at = o->created_at;
			v[i].state = o->state;
			v[i].place = o->place;
			v[i].made_dirs = o->made_dirs;
			v[i].dns_account = o->dns_account;
			v[i].dns_zone = o->dns_zone;
			v[i].dns_zone_id = o->dns_zone_id;
			v[i].dns_name = o->dns_name;
		}
}

static bool is_among(const struct challenge *c, const struct challenge *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].id == c->id)
			return true;
	return false;
}

/* The pending authorizations' challenges. */
struct collected {
	struct challenge *v;
	size_t n;
	size_t n_there, n_missing; /* of the records that a person publishes */
};

/* Rows of another order, of another way, of an authorization that is valid already: what they say
 * is published is taken away, and shown to a person no more. */
static int drop_others(struct run *r, struct arena *a, const struct cert *c,
                       const struct collected *got, struct challenge *old, size_t n_old,
                       struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < n_old; i++) {
		if (is_among(&old[i], got->v, got->n))
			continue;
		if (solver_find(old[i].method))
			old[n++] = old[i];
		else
			TRY(st_challenge_delete(r->store, old[i].id, e));
	}
	sweep_rows(r, a, c, old, n, true);
	return 0;
}

static int collect(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                   const struct acme_order *order, struct collected *out, struct err *e)
{
	struct acme_authz *z = ARENA_ARRAY(a, struct acme_authz, order->authorizations.n);
	struct collected got = { .v = ARENA_ARRAY(a, struct challenge, order->authorizations.n) };
	struct challenge *old;
	size_t n_old;

	run_step(r, c->name, "reading its authorizations");
	TRY(acme_authz_get(ca, a, &order->authorizations, z, e));
	for (size_t i = 0; i < order->authorizations.n; i++) {
		enum record record;
		TRY(check_identifier(a, c, &z[i], e));
		if (strcmp(z[i].status, "pending") != 0)
			continue;
		TRY(choose(r, a, ca, c, &z[i], order, &got.v[got.n++], &record, e));
		got.n_there += record == RECORD_THERE;
		got.n_missing += record == RECORD_MISSING;
	}
	TRY(st_challenge_list(r->store, a, c->name, &old, &n_old, e));
	take_recorded(got.v, got.n, old, n_old);
	TRY(drop_others(r, a, c, &got, old, n_old, e));
	*out = got;
	return 0;
}

/* waiting */

static int await(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                 struct acme_order *order, const char *while_status, const char *what,
                 struct err *e)
{
	int64_t limit_s = r->config->set.wait_s ? r->config->set.wait_s : CONFIG_WAIT_S;
	int64_t end = clock_monotonic_ms() + limit_s * 1000;
	const char *list[] = { while_status, NULL };

	for (;;) {
		int64_t left_s = (end - clock_monotonic_ms()) / 1000;
		int result = acme_order_poll(
		    ca, a, order, list,
		    left_s < POLL_LIMIT_S ? (uint32_t)(left_s > 0 ? left_s : 1) : POLL_LIMIT_S, e);
		if (result != -ERR_AGAIN)
			return result;
		if (clock_monotonic_ms() + (int64_t)e->retry_s * 1000 >= end)
			return err_set(e, ERR_AGAIN,
			               "the CA has not finished %s in %lld s; the order stays "
			               "open, `everleaf renew %s` goes on with it",
			               what, (long long)limit_s, c->name);
		TRY(cancel_sleep_ms(r->cancel, (int64_t)e->retry_s * 1000, e));
	}
}

static const char *what_to_do(struct arena *a, const struct cert *c)
{
	if (strcmp(c->method, "manual") == 0)
		return arena_printf(a, "; `everleaf verify %s --new` gives another challenge",
		                    c->name);
	if (strcmp(c->method, "dns") == 0)
		return arena_printf(
		    a, "; `everleaf dns test %s %s` shows what each name server says",
		    strrchr(c->dns.v[0], '=') ? strrchr(c->dns.v[0], '=') + 1 : c->dns.v[0],
		    name_base(c->domains.v[0]));
	if (strcmp(c->challenge, "http-01") == 0)
		return "; each name must lead to this server's port 80 from the Internet, over "
		       "IPv6 too if it has an AAAA record";
	if (strcmp(c->challenge, "tls-alpn-01") == 0)
		return "; each name must lead to this listener's port 443 from the Internet, with "
		       "nothing in between that ends TLS";
	return "";
}

/* What the authorizations of an invalid order say: one text for all names that failed. */
static int explain_invalid(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                           struct order *row, const struct acme_order *order, struct err *e)
{
	struct acme_authz *z = ARENA_ARRAY(a, struct acme_authz, order->authorizations.n);
	struct strings texts = { 0 };
	const char *type = order->error_type;

	TRY(order_authz_ended(r, a, ca, row, order, z, e));
	for (size_t i = 0; i < order->authorizations.n; i++) {
		if (strcmp(z[i].status, "invalid") != 0)
			continue;
		const char *why = z[i].error_text ? z[i].error_text : "the CA gives no reason";
		strings_add(
		    a, &texts,
		    arena_printf(a, "%s%s: %s", z[i].wildcard ? "*." : "", z[i].identifier, why));
		type = z[i].error_type ? z[i].error_type : type;
		hooks_invalid_challenge(r, a, c, z[i].identifier, why);
	}
	if (texts.n == 0)
		strings_add(a, &texts,
		            order->error_text ? order->error_text : "the CA gives no reason");
	err_set(e, ERR_VALIDATION, "the CA could not validate %s%s", strings_join(a, &texts, "; "),
	        what_to_do(a, c));
	if (type)
		strncpy(e->problem, type, sizeof(e->problem) - 1);
	return -ERR_VALIDATION;
}

static int answer(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                  struct order *row, struct acme_order *order, const struct challenge *v, size_t n,
                  struct err *e)
{
	struct strings urls = { 0 };

	for (size_t i = 0; i < n; i++)
		strings_add(a, &urls, v[i].url);
	run_step(
	    r, c->name,
	    arena_printf(a, "waiting for the CA to validate %zu name%s", n, n == 1 ? "" : "s"));
	TRY(lease_look(r, e));
	TRY(acme_challenge_answer(ca, a, &urls, e));
	row->answered = true;
	TRY(await(r, a, ca, c, order, "pending", "validating", e));
	if (strcmp(order->status, "invalid") == 0)
		return explain_invalid(r, a, ca, c, row, order, e);
	return 0;
}

/* Whether there is nothing to answer yet: a person publishes first. What the DNS says counts more
 * than the person's word, since the CA will look there too. */
static bool has_to_wait(const struct cert *c, const struct solver *solver,
                        const struct collected *got, bool person_is_ready)
{
	if (!solver->waits_for_person || got->n_there == got->n)
		return false;
	if (got->n_missing == 0)
		return !person_is_ready;
	if (person_is_ready)
		log_warn("%zu of %zu records are not in the DNS yet; nothing was asked of the CA, "
		         "run `everleaf verify %s` again",
		         got->n_missing, got->n, c->name);
	return true;
}

/* Another process that took over, while this one stood still, goes on with the order: what it has
 * rows of is in use, and its to take away. */
static void leave_to_others(struct run *r, struct arena *a, const struct cert *c,
                            struct collected *got)
{
	struct challenge *v;
	size_t n, left = 0;
	struct err e;

	if (lease_look(r, &e) == 0 || !err_is_taken_over(&e) ||
	    st_challenge_list(r->store, a, c->name, &v, &n, &e) < 0)
		return;
	for (size_t i = 0; i < got->n; i++) {
		bool in_use = false;
		for (size_t k = 0; k < n && !in_use; k++)
			in_use = v[k].url && strcmp(v[k].url, got->v[i].url) == 0;
		if (!in_use)
			got->v[left++] = got->v[i];
	}
	got->n = left;
}

static void withdraw_own(struct run *r, struct arena *a, const struct cert *c, struct solve *s,
                         struct collected *got)
{
	struct err e;

	leave_to_others(r, a, c, got);
	if (solver_find(c->method)->withdraw(s, got->v, got->n, &e) < 0)
		log_warn("what was published could not be taken away, the next run tries again: %s",
		         e.text);
}

int solve_all(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
              struct solve *s, struct order *row, struct acme_order *order, bool person_is_ready,
              bool *waits, struct err *e)
{
	const struct solver *solver = solver_find(c->method);
	struct collected got;
	int result;

	*waits = false;
	TRY(collect(r, a, ca, c, order, &got, e));
	if (got.n == 0)
		return await(r, a, ca, c, order, "pending", "validating", e);
	run_step(r, c->name,
	         arena_printf(a, "publishing %zu challenge%s", got.n, got.n == 1 ? "" : "s"));
	if (solver->publish(s, got.v, got.n, e) < 0) {
		if (err_is_taken_over(e)) /* else the solver has done it */
			withdraw_own(r, a, c, s, &got);
		return -(int)e->code;
	}
	if (has_to_wait(c, solver, &got, person_is_ready)) {
		*waits = true;
		return 0;
	}
	result = answer(r, a, ca, c, row, order, got.v, got.n, e);
	s->settled = strcmp(order->status, "pending") != 0;
	withdraw_own(r, a, c, s, &got);
	return result;
}
