/*
 * Issuing, one line a step. What each step writes down before it acts is in the step's own file.
 */
#include "flow/issue.h"

#include <string.h>

#include "acme/authz.h"
#include "acme/issued.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "flow/hooks.h"
#include "flow/keep.h"
#include "flow/lease.h"
#include "flow/limits.h"
#include "flow/order.h"
#include "flow/preflight.h"
#include "flow/session.h"
#include "flow/solve.h"
#include "flow/sweep.h"

#define POLL_LIMIT_S 30

/* The order has every authorization; it becomes valid (RFC 8555 7.4). Resumed ones may be further
 * on already. */
static int finalize(struct run *r, struct arena *a, struct acme *ca, const struct order *row,
                    struct acme_order *order, struct err *e)
{
	static const char *const unfinished[] = { "pending", "ready", "processing", NULL };
	int64_t end = clock_monotonic_ms() +
	              (r->config->set.wait_s ? r->config->set.wait_s : CONFIG_WAIT_S) * 1000;
	struct bytes csr;

	if (strcmp(order->status, "ready") == 0) {
		run_step(r, row->cert, "sending the signing request");
		TRY(base64url_decode(a, row->csr, &csr, e));
		TRY(lease_look(r, e));
		TRY(acme_order_finalize(ca, a, order, &csr, e));
	}
	run_step(r, row->cert, "waiting for the CA to issue");
	for (;;) {
		int result = acme_order_poll(ca, a, order, unfinished, POLL_LIMIT_S, e);
		if (result != -ERR_AGAIN ||
		    clock_monotonic_ms() + (int64_t)e->retry_s * 1000 >= end)
			return result;
		TRY(cancel_sleep_ms(r->cancel, (int64_t)e->retry_s * 1000, e));
	}
}

static int download(struct run *r, struct arena *a, struct acme *ca, struct cert *c,
                    struct order *row, const struct acme_order *order, struct err *e)
{
	struct x509_chain chain;
	bool matched;

	if (strcmp(order->status, "valid") != 0 || !order->certificate)
		return err_set(e, ERR_ACME, "the CA did not issue: its order is %s%s%s",
		               order->status, order->error_text ? ": " : "",
		               order->error_text ? order->error_text : "");
	run_step(r, c->name, "downloading the certificate");
	TRY(acme_certificate_get(ca, a, order->certificate, c->preferred_chain, &chain, &matched,
	                         e));
	if (c->preferred_chain && !matched)
		log_warn("the CA offers no chain that ends with \"%s\"; its default chain is taken",
		         c->preferred_chain);
	return keep_issued(r, a, c, row, &chain, order->certificate, e);
}

/* A failure that the order does not survive closes it; anything else leaves it to be resumed. */
static int order_failed(struct run *r, struct arena *a, struct cert *c, struct acme *ca,
                        const struct account *account, struct order *row,
                        const struct acme_order *order, struct err *e)
{
	struct err closing;
	/* a final word of the CA; what is lost on the way, or fails here, is gone on with */
	bool over = strcmp(order->status, "invalid") == 0 || e->code == ERR_ACME;

	hooks_request_failure(r, a, c, e);
	if (strcmp(order->status, "invalid") == 0)
		order_count_failures(r, a, ca, account, row, order);
	if (e->code == ERR_RATE_LIMITED && strcmp(e->problem, "rateLimited") == 0)
		limits_taught(r, a, account->directory_url, account->url, &row->domains,
		              LIMIT_NEW_ORDERS, e);
	if (over && strcmp(order->status, "ready") == 0 &&
	    (strcmp(e->problem, "badCSR") == 0 || strcmp(e->problem, "badPublicKey") == 0)) {
		/* the order stays ready (RFC 8555 7.4): the next attempt sends another request for
		 * it */
		row->key = row->csr = NULL;
		if (st_order_put(r->store, row, &closing) < 0)
			log_warn("%s", closing.text);
		return -(int)e->code;
	}
	if (over) {
		c->unfinished = false;
		row->never_issued =
		    strcmp(order->status, "processing") != 0 && strcmp(order->status, "valid") != 0;
		if (order_close(r, a, row, "failed", &closing) < 0)
			log_warn("%s", closing.text);
	}
	return -(int)e->code;
}

/* *stale: it failed for good, with an order of an earlier run. */
static int issue_with(struct run *r, struct arena *a, struct cert *c, struct acme *ca,
                      struct account *account, struct solve *s, bool person_is_ready, bool *stale,
                      enum issue_outcome *outcome, struct err *e)
{
	struct acme_order order;
	struct order row;
	bool waits = false;

	*stale = false;
	if (order_resume_or_new(r, a, ca, c, account, &row, &order, e) < 0) {
		hooks_request_failure(r, a, c, e);
		return -(int)e->code;
	}
	if (strcmp(order.status, "pending") != 0)
		TRY(sweep_all(r, a, c, e)); /* the CA has looked */
	if (strcmp(order.status, "pending") == 0 &&
	    solve_all(r, a, ca, c, s, &row, &order, person_is_ready, &waits, e) < 0) {
		order_failed(r, a, c, ca, account, &row, &order, e);
		*stale = row.resumed && strcmp(row.state, "failed") == 0;
		return -(int)e->code;
	}
	if (waits) {
		*outcome = ISSUE_WAITS_FOR_PERSON;
		return 0;
	}
	if (finalize(r, a, ca, &row, &order, e) < 0 || download(r, a, ca, c, &row, &order, e) < 0)
		return order_failed(r, a, c, ca, account, &row, &order, e);
	*outcome = ISSUE_DONE;
	return 0;
}

int issue(struct run *r, struct arena *a, struct cert *c, bool person_is_ready,
          enum issue_outcome *outcome, struct err *e)
{
	struct account account;
	struct acme *ca;
	struct solve *s;
	struct err first;
	bool stale;
	int result;

	TRY(account_for_cert(r, a, c, &account, e));
	TRY(session_for_account(r, a, &account, &ca, e));
	TRY(sweep_old(r, a, c, e));
	s = solve_new(r, a, c);
	if (solve_check(r, c, s, e) < 0 || preflight_before_order(r, a, c, ca, s, e) < 0) {
		solve_done(c, s);
		return -(int)e->code;
	}
	result = issue_with(r, a, c, ca, &account, s, person_is_ready, &stale, outcome, &first);
	/* an earlier run had answered, and the CA looked while nothing was published: that says
	 * nothing about this run */
	if (result < 0 && stale && strcmp(c->method, "manual") != 0)
		result =
		    issue_with(r, a, c, ca, &account, s, person_is_ready, &stale, outcome, &first);
	solve_done(c, s);
	if (result < 0)
		*e = first;
	return result;
}

static int deactivate_pending(struct run *r, struct arena *a, struct acme *ca, struct order *row,
                              struct err *e)
{
	struct strings pending = { 0 };
	struct acme_order order;
	struct acme_authz *z;

	TRY(acme_order_get(ca, a, row->url, &order, e));
	row->never_issued =
	    strcmp(order.status, "processing") != 0 && strcmp(order.status, "valid") != 0;
	if (strcmp(order.status, "pending") != 0)
		return 0;
	z = ARENA_ARRAY(a, struct acme_authz, order.authorizations.n);
	TRY(acme_authz_get(ca, a, &order.authorizations, z, e));
	for (size_t i = 0; i < order.authorizations.n; i++)
		if (strcmp(z[i].status, "pending") == 0)
			strings_add(a, &pending, z[i].url);
	(void)r;
	return pending.n ? acme_authz_deactivate(ca, a, &pending, e) : 0;
}

int issue_abandon(struct run *r, struct arena *a, struct cert *c, struct err *e)
{
	struct account account;
	struct order row;
	struct acme *ca;
	struct err err;
	int result;

	TRY(sweep_all(r, a, c, e));
	c->unfinished = false;
	result = st_order_open(r->store, a, c->name, &row, &err);
	if (result == -ERR_NOT_FOUND)
		return 0;
	if (result < 0) {
		*e = err;
		return result;
	}
	row.never_issued = !row.url;
	if (row.url && account_for_cert(r, a, c, &account, &err) == 0 &&
	    session_for_account(r, a, &account, &ca, &err) == 0 &&
	    deactivate_pending(r, a, ca, &row, &err) < 0)
		log_warn("%s: its old authorizations stay open at the CA until they end: %s",
		         c->name, err.text);
	return order_close(r, a, &row, "failed", e);
}
