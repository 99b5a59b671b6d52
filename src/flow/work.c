/*
 * The decision what a certificate needs now, and the record of how it went.
 */
#include "flow/work.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/deliver.h"
#include "flow/hooks.h"
#include "flow/identity.h"
#include "flow/issue.h"
#include "flow/keep.h"
#include "flow/lease.h"
#include "flow/nightly.h"
#include "flow/limits.h"
#include "flow/plan.h"
#include "flow/renewal.h"
#include "flow/solve.h"
#include "flow/sweep.h"
#include "flow/tell.h"

#define DAY_S 86400
#define PENDING_S 300
#define FOLLOWS_S 300 /* whoever asked for it goes on; should they not, the daemon does */
#define LEFT_OVER_S 300
#define HOLD_MOST_S 60 /* how long one that somebody waits for may be held back */

/* How a run finds the certificate, before its hooks run again and fail again. */
struct found {
	bool open;              /* an order for what is wanted is under way */
	bool of_task;           /* it was made for the very job that is taken up anew now */
	enum work_outcome done; /* what was issued for that job already; WORK_UNCHANGED: nothing */
	bool
	    rested; /* the wait after the last failure is over, or a person does not want to wait */
};

/* Whether it is to be issued now; *why says why not. */
static int decide(const struct run *r, struct arena *a, struct cert *c,
                  const struct work_options *opt, const struct found *f, bool *go, const char **why,
                  struct err *e)
{
	int64_t now = clock_now();
	const char *identity;
	struct plan p;

	nightly_plan(opt->named ? NULL : r->config->set.renew_window, c, now, &p);
	*why = plan_explain(a, c, now);
	TRY(cert_identity(a, c, &identity, e));
	*go = opt->force || opt->new_challenge;
	if (*go || p.reason == PLAN_NEVER)
		return 0;
	if (c->not_after == 0) {
		*go = f->rested && (opt->named || p.reason != PLAN_GIVEN_UP);
		if (!*go && p.reason != PLAN_GIVEN_UP)
			*why = arena_printf(a,
			                    "its last attempt failed; the next one is due at %s, "
			                    "`everleaf renew %s` tries at once",
			                    clock_rfc3339(a, c->retry_at), c->name);
		return 0;
	}
	if (!opt->only_renew && c->issued_identity && strcmp(identity, c->issued_identity) != 0)
		*go = true;
	else if (opt->days > 0)
		*go = c->not_after - now < (int64_t)opt->days * DAY_S;
	if (!*go && (f->open || p.renew_at <= now))
		*go = f->rested;
	return 0;
}

static void note_words(struct arena *a, struct cert *c, const struct err *failure)
{
	if (c->failures == 0 || c->failing_since == 0)
		c->failing_since = clock_now();
	c->failures++;
	c->last_error = arena_strdup(a, failure->text);
	c->last_error_at = clock_now();
}

static void note_failure(struct arena *a, struct cert *c, const struct err *failure)
{
	note_words(a, c, failure);
	c->retry_at = clock_now() + plan_wait(c, failure->retry_s);
	if (c->hook_failures > 0 && c->hook_retry_at <= clock_now()) /* it did not come to them */
		c->hook_retry_at = c->retry_at;
}

/* They are tried again less and less often; a renewal that is due does not wait for them. open: an
 * order is to be gone on with. */
static void note_hook_failure(struct arena *a, struct cert *c, bool open, const struct err *failure)
{
	if (c->failures > c->hook_failures) /* what the CA said is what has to be mended */
		c->failures++;
	else
		note_words(a, c, failure);
	c->hook_failures++;
	c->hook_retry_at = clock_now() + plan_backoff(c->hook_failures, 0);
	c->unfinished = open;
}

/* What remains are failures of another kind. */
static void note_hooks_done(struct cert *c)
{
	c->failures = c->failures > c->hook_failures ? c->failures - c->hook_failures : 0;
	c->hook_failures = c->hook_retry_at = 0;
	if (c->failures > 0)
		return;
	c->failing_since = c->last_error_at = 0;
	c->last_error = NULL;
}

/* Inside the window that the CA suggests, its limits do not hold a replacement back. */
static void note_hold(struct arena *a, struct cert *c, const struct err *hold)
{
	int64_t now = clock_now();

	c->last_error = arena_strdup(a, hold->text);
	c->last_error_at = now;
	c->retry_at = now + hold->retry_s;
	if (c->ari_id && c->ari_start > now && c->ari_start < c->retry_at)
		c->retry_at = c->ari_start;
}

static int record_end_held(struct run *r, struct arena *a, const struct cert *c, struct err *e)
{
	TRY(st_event_add(r->store, c->name, "given-up", e, "%s", plan_explain(a, c, clock_now())));
	return tell_given_up(r, c, e);
}

/* The last of its first attempts. */
static int record_end(struct run *r, struct arena *a, const struct cert *c, struct err *e)
{
	struct plan p;

	plan_next(c, clock_now(), &p);
	if (p.reason != PLAN_GIVEN_UP)
		return 0;
	TRY(store_begin(r->store, e));
	if (record_end_held(r, a, c, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

static void record_failure(struct run *r, struct arena *a, struct cert *c,
                           const struct err *failure)
{
	struct err e;
	bool held = limits_is_hold(failure); /* nothing was asked of the CA yet: it did not fail */
	bool told = limits_is_brief(failure) && c->last_error && c->failures == 0;

	if (held)
		note_hold(a, c, failure);
	else
		note_failure(a, c, failure);
	if (c->not_after == 0 && !held)
		c->status = "failed";
	if (keep_failure(r, c,
	                 told   ? NULL
	                 : held ? "waits"
	                        : "failed",
	                 failure, &e) < 0 ||
	    record_end(r, a, c, &e) < 0)
		log_warn("the failure could not be recorded: %s", e.text);
}

static int pending_result(struct run *r, struct arena *a, struct cert *c, struct work_result *out,
                          struct err *e)
{
	TRY(st_challenge_list(r->store, a, c->name, &out->challenges, &out->n_challenges, e));
	out->outcome = WORK_PENDING;
	if (c->not_after == 0)
		c->status = "pending";
	TRY(keep_record(r, a, c, "pending",
	                "waits for what has to be published; then run `everleaf verify`", e));
	/* a person is waited for: a daemon looks now and then whether it is there */
	return r->is_daemon ? st_job_set(r->store, c->name, clock_now() + PENDING_S, e) : 0;
}

/* Its hooks may have failed: then they run again when their time comes, or for somebody. */
static bool are_hooks_at_rest(const struct cert *c, const struct work_options *opt)
{
	return !opt->named && c->hook_failures > 0 && clock_now() < c->hook_retry_at;
}

/* Whether the record is another now. */
static bool note_delivery(struct arena *a, struct cert *c, bool open, const struct delivery *d)
{
	bool was_unfinished = c->unfinished, had_failed = c->hook_failures > 0;

	if (deliver_is_put_back(&d->hook_failure)) /* and is unfinished as it was */
		return false;
	if (d->hook_failure.code != ERR_NONE) {
		note_hook_failure(a, c, open, &d->hook_failure);
		return true;
	}
	if (!d->deployed) {
		if (d->hooks_rest)
			c->unfinished = open;
		return c->unfinished != was_unfinished;
	}
	if (had_failed)
		note_hooks_done(c);
	if (was_unfinished && d->finishes) /* else the record that it is live says so */
		keep_finished(c);
	return had_failed || (was_unfinished && d->finishes);
}

/* Delivers what is stored and not in use yet. *news: what an earlier run, or this one, began is
 * finished now and was never told. A hook's failure is the certificate's last error; the hooks are
 * tried again. */
static int deliver_and_record(struct run *r, struct arena *a, struct cert *c,
                              const struct work_options *opt, bool open, struct work_result *out,
                              bool *news, struct err *e)
{
	bool was_told = c->failures > 0; /* with the failure of its hooks */
	struct delivery d = { .finishes = c->unfinished && !open,
		              .hooks_rest = are_hooks_at_rest(c, opt),
		              .hooks_later = opt->only_stand_in };

	*news = false;
	TRY(deliver(r, a, c, &d, e));
	out->failure = d.hook_failure;
	if ((out->failure.code != ERR_NONE && !deliver_is_put_back(&out->failure)) ||
	    (d.deployed && d.finishes))
		*news = !was_told;
	return note_delivery(a, c, open, &d) ? keep_record(r, a, c, NULL, NULL, e) : 0;
}

/* Held back here, before the CA was asked: what the CA itself limits is waited for where it is
 * asked (acme/session). */
static bool is_over_soon(const struct err *e, uint32_t waited_s)
{
	return e->code == ERR_RATE_LIMITED && e->http_status == 0 && e->retry_s > 0 &&
	       e->retry_s <= HOLD_MOST_S - waited_s;
}

static int issue_patiently(struct run *r, struct arena *a, struct cert *c,
                           const struct work_options *opt, enum issue_outcome *outcome,
                           struct err *e)
{
	uint32_t waited_s = 0;

	for (;;) {
		int result = issue(r, a, c, opt->person_is_ready, outcome, e);

		if (result == 0 || !opt->patient || r->is_daemon || !is_over_soon(e, waited_s))
			return result;
		log_info("waiting %u s: %s", e->retry_s, e->text);
		run_step(r, c->name,
		         arena_printf(a, "waiting %u s for a rate limit of the CA", e->retry_s));
		waited_s += e->retry_s;
		TRY(cancel_sleep_ms(r->cancel, e->retry_s * INT64_C(1000), e));
	}
}

static int issue_now(struct run *r, struct arena *a, struct cert *c, const struct work_options *opt,
                     struct work_result *out, struct err *e)
{
	enum work_outcome done = c->not_after > 0 ? WORK_RENEWED : WORK_ISSUED;
	enum issue_outcome outcome;
	bool news;

	if (opt->named && c->not_after == 0) /* somebody wants it again: another day of attempts */
		c->failures = c->failing_since = c->hook_failures = c->hook_retry_at = 0;
	if (opt->new_challenge)
		TRY(issue_abandon(r, a, c, e));
	TRY(issue_patiently(r, a, c, opt, &outcome, e));
	if (outcome == ISSUE_WAITS_FOR_PERSON)
		return pending_result(r, a, c, out, e);
	out->outcome = done;
	return deliver_and_record(r, a, c, opt, false, out, &news, e);
}

/* The order that is open for what is wanted now; one for something else is given up. */
static int look_for_open_order(struct run *r, struct arena *a, struct cert *c, struct found *f,
                               struct err *e)
{
	const char *identity;
	struct order row;
	struct err err;
	int result = st_order_open(r->store, a, c->name, &row, &err);

	if (result == -ERR_NOT_FOUND)
		return 0;
	if (result < 0) {
		*e = err;
		return result;
	}
	TRY(cert_identity(a, c, &identity, e));
	f->open = row.identity && strcmp(row.identity, identity) == 0;
	f->of_task = f->open && r->task && row.task && strcmp(row.task, r->task) == 0;
	return f->open ? 0 : issue_abandon(r, a, c, e);
}

/* Whatever is stored and not in use yet; then the stand-in, if it was asked for. */
static int deliver_first(struct run *r, struct arena *a, struct cert *c,
                         const struct work_options *opt, bool open, struct work_result *out,
                         struct err *e)
{
	bool news, had_one = c->live_version > 0 && !c->live_self_signed;
	struct delivery stand_in = { .hooks_later = opt->only_stand_in };

	TRY(deliver_and_record(r, a, c, opt, open, out, &news, e));
	out->outcome = WORK_UNCHANGED;
	if (c->live_version > 0 && !c->live_self_signed) {
		if (news)
			out->outcome = had_one ? WORK_RENEWED : WORK_ISSUED;
		return 0;
	}
	if (!c->self_signed_first || c->live_version > 0 || r->dry_run)
		return 0;
	TRY(keep_stand_in(r, a, c, e));
	TRY(deliver(r, a, c, &stand_in, e));
	out->failure = stand_in.hook_failure;
	return 0;
}

static int ask_the_ca(struct run *r, struct arena *a, struct cert *c,
                      const struct work_options *opt, struct err *e)
{
	bool due = c->ari_check_at > 0 && c->ari_check_at <= clock_now();

	if (c->not_after == 0 || opt->force || strcmp(c->status, "revoked") == 0 ||
	    !(due || opt->named))
		return 0;
	renewal_info_refresh(r, a, c);
	return keep_record(r, a, c, NULL, NULL, e);
}

/* Whoever asked for it goes on at once; until then its first attempt is not due. */
static int leave_the_rest(struct run *r, struct arena *a, struct cert *c, struct err *e)
{
	c->retry_at = clock_now() + FOLLOWS_S;
	return keep_record(r, a, c, NULL, NULL, e);
}

/* What was issued for the job before it was cut short and taken up anew. */
static int look_for_task(struct run *r, struct arena *a, const struct cert *c, struct found *f,
                         struct err *e)
{
	struct version *v;
	bool found = false;
	size_t n;

	f->done = WORK_UNCHANGED;
	if (!r->task)
		return 0;
	TRY(st_version_list(r->store, a, c->name, &v, &n, e));
	for (size_t i = 0; i < n; i++) { /* the newest is first */
		if (found && !v[i].self_signed) {
			f->done = WORK_RENEWED;
			return 0;
		}
		found = found || (v[i].task && strcmp(v[i].task, r->task) == 0);
	}
	f->done = found ? WORK_ISSUED : WORK_UNCHANGED;
	return 0;
}

/* What makes a job issue, whatever the state of things, does so once. */
static struct work_options once(const struct work_options *opt, const struct found *f)
{
	struct work_options rest = *opt;

	if (f->of_task && rest.new_challenge) {
		rest.new_challenge = false;
		rest.force = true;
	}
	if (f->done != WORK_UNCHANGED) {
		rest.force = rest.new_challenge = rest.person_is_ready = false;
		rest.days = 0;
	}
	return rest;
}

static int work_asked(struct run *r, struct arena *a, struct cert *c,
                      const struct work_options *opt, const struct found *f,
                      struct work_result *out, struct err *e)
{
	bool go;

	TRY(deliver_first(r, a, c, opt, f->open, out, e));
	if (out->outcome == WORK_UNCHANGED)
		out->outcome = f->done;
	if (opt->only_stand_in)
		return leave_the_rest(r, a, c, e);
	if (opt->person_is_ready) {
		if (!f->open)
			return err_set(
			    e, ERR_INPUT,
			    "no request is waiting; `everleaf verify %s --new` makes another",
			    c->name);
		return issue_now(r, a, c, opt, out, e);
	}
	TRY(ask_the_ca(r, a, c, opt, e));
	TRY(decide(r, a, c, opt, f, &go, &out->why, e));
	if (go)
		return issue_now(r, a, c, opt, out, e);
	return out->outcome == WORK_UNCHANGED && out->failure.code == ERR_NONE &&
	               c->hook_failures == 0 && c->live_version > 0 && !c->live_self_signed
	           ? hooks_unchanged_cert(r, a, c, e)
	           : 0;
}

static int work_leased(struct run *r, struct arena *a, struct cert *c,
                       const struct work_options *opt, struct work_result *out, struct err *e)
{
	struct found f = { .rested = opt->named || c->retry_at <= clock_now() };
	struct work_options rest;

	if (!opt->only_stand_in)
		TRY(hooks_startup(r, a, c, e));
	TRY(sweep_old(r, a, c, e));
	TRY(look_for_open_order(r, a, c, &f, e));
	TRY(look_for_task(r, a, c, &f, e));
	rest = once(opt, &f);
	return work_asked(r, a, c, &rest, &f, out, e);
}

/* With the lease: the record as it is now, or as it is asked for. */
static int take_up(struct run *r, struct arena *a, const char *cert_name, struct intake *change,
                   struct cert *c, struct err *e)
{
	if (change) {
		TRY(solve_try(r, a, &change->wanted,
		              e)); /* a web root or port that cannot be used: nothing is stored */
		TRY(intake_store(r, a, change, e));
	}
	return st_cert_get(r->store, a, cert_name, c, e);
}

/* A new certificate's renewal information is due at once. It is recorded with the end of the lease:
 * should that not come to pass, the next run asks again. */
static bool is_to_be_asked_for(const struct run *r, const struct cert *c,
                               const struct work_result *out)
{
	return (out->outcome == WORK_ISSUED || out->outcome == WORK_RENEWED) && !r->dry_run &&
	       c->ari_id && c->ari_check_at > 0 && c->ari_check_at <= clock_now();
}

static void work_with_lease(struct run *r, struct arena *a, const char *cert_name,
                            struct intake *change, const struct work_options *opt,
                            struct work_result *out)
{
	struct err e = { 0 }, lost;
	struct cert c;
	bool asked = false;

	if (store_condition_look(r->store, &e) < 0 ||
	    take_up(r, a, cert_name, change, &c, &e) < 0) {
		out->failure = e;
		return;
	}
	if (work_leased(r, a, &c, opt, out, &e) < 0) {
		/* what went live before it failed is told all the same */
		if (out->outcome != WORK_ISSUED && out->outcome != WORK_RENEWED)
			out->outcome = WORK_FAILED;
		out->failure = e;
		/* It is another's to tell; or it failed for no fault of its own, and is due still.
		 */
		if (lease_look(r, &lost) < 0 || err_is_of_database(&e) || err_is_crowded(&e) ||
		    (opt->only_stand_in && e.code == ERR_BUSY))
			return;
		if (e.code != ERR_CANCELLED && (e.code != ERR_USAGE || r->is_daemon) &&
		    !(opt->person_is_ready && e.code == ERR_INPUT))
			record_failure(r, a, &c, &e);
	} else if (is_to_be_asked_for(r, &c, out)) {
		renewal_info_refresh(r, a, &c);
		asked = true;
	} else if (r->is_daemon && out->outcome == WORK_UNCHANGED && !opt->only_stand_in &&
	           keep_record(r, a, &c, NULL, NULL, &e) < 0) {
		out->failure = e; /* its job row may say that it is due, and would say so again */
	}
	if (!opt->only_stand_in && !err_is_crowded(&out->failure))
		hooks_exit(r, a, &c, out->failure.code != ERR_NONE ? &out->failure : NULL);
	if (asked && keep_and_release(r, &c, &e) < 0 && out->failure.code == ERR_NONE)
		out->failure = e;
}

/* What is published still, since the turn ended before it came to that, or it could not be taken
 * away (the database was lost just then), is taken away now, or by the daemon again soon: it would
 * stay until the next renewal. */
static void leave_nothing(struct run *r, struct arena *a, const char *cert_name)
{
	struct challenge *v;
	struct cert c;
	struct err e;
	size_t n, left;

	if (lease_look(r, &e) < 0 || st_challenge_list(r->store, a, cert_name, &v, &n, &e) < 0 ||
	    n == 0 || st_cert_get(r->store, a, cert_name, &c, &e) < 0 ||
	    sweep_rest(r, a, &c, &left, &e) < 0 || left == 0 || !r->is_daemon)
		return;
	if (st_job_set(r->store, cert_name, clock_now() + LEFT_OVER_S, &e) < 0)
		log_warn("what is left published stays for longer: %s", e.text);
}

void work_on(struct run *r, struct arena *a, const char *cert_name, struct intake *change,
             const struct work_options *opt, struct work_result *out)
{
	struct log_context former = log_context_set("%s", cert_name);
	struct err e = { 0 };

	*out = (struct work_result){ .outcome = WORK_FAILED };
	if (lease_take(r, cert_name, &e) < 0) {
		out->failure = e;
	} else {
		out->begun = true;
		work_with_lease(r, a, cert_name, change, opt, out);
		if (!opt->only_stand_in) /* whoever asked for it goes on */
			leave_nothing(r, a, cert_name);
		lease_drop(r, cert_name);
	}
	run_step(r, cert_name, NULL);
	log_context_restore(&former);
}
