/*
 * Before newOrder leaves, the row with the private key and the CSR is committed; when its answer
 * was lost the order is made again with the same key. From then on the URL is known and the order
 * is only ever resumed.
 */
#include "flow/order.h"

#include <string.h>

#include "acme/authz.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "flow/hooks.h"
#include "flow/identity.h"
#include "flow/lease.h"
#include "flow/limits.h"
#include "sys/csr.h"
#include "sys/key.h"

#define AUTHZ_LOOK_MS 100
#define AUTHZ_LOOK_MOST_MS 2000
#define AUTHZ_END_MS 5000 /* somebody waits; what is undecided by then counts as failed */

static enum hash_alg signature_digest(const struct cert *c)
{
	if (c->signature && strcmp(c->signature, "sha384") == 0)
		return HASH_SHA384;
	if (c->signature && strcmp(c->signature, "sha512") == 0)
		return HASH_SHA512;
	return HASH_SHA256;
}

static int refuse_blocked(struct run *r, struct arena *a, const struct key *k, struct err *e)
{
	bool blocked;
	char *spki;

	TRY(key_spki_sha256(a, k, &spki, e));
	TRY(st_key_is_blocked(r->store, spki, &blocked, e));
	if (blocked)
		return err_set(e, ERR_DENIED,
		               "this key was revoked for compromise and is never used again; give "
		               "another with --key, or none for a new one");
	return 0;
}

/* The newest version's key, for --key-policy same; NULL when there is none that may be used. */
static int key_of_last_version(struct run *r, struct arena *a, const struct cert *c,
                               struct key **out, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct version v;
	struct err err;
	int result = st_version_get(r->store, a, c->name, 0, &v, &err);

	*out = NULL;
	if (result == -ERR_NOT_FOUND || (result == 0 && (!v.key || v.self_signed)))
		return 0;
	if (result < 0) {
		*e = err;
		return result;
	}
	TRY(key_parse(v.key, strlen(v.key), &k, e));
	if (key_type(k) == key_type_parse(c->key_type) && refuse_blocked(r, a, k, &err) == 0)
		*out = TAKE(k);
	return 0;
}

static int choose_key(struct run *r, struct arena *a, struct cert *c, struct key **out,
                      struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;

	if (c->own_key) {
		TRY(key_parse(c->own_key, strlen(c->own_key), &k, e));
		if (c->new_key_needed || refuse_blocked(r, a, k, e) < 0) {
			if (!c->new_key_needed && e->code != ERR_DENIED)
				return -(int)e->code;
			log_warn("its own key was revoked for compromise and is never used again; "
			         "a new one takes its place");
			c->own_key = NULL;
			key_free(TAKE(k));
		}
	} else if (strcmp(c->key_policy, "same") == 0 && !c->new_key_needed) {
		TRY(key_of_last_version(r, a, c, &k, e));
	}
	if (!k)
		TRY(key_generate(key_type_parse(c->key_type), &k, e));
	*out = TAKE(k);
	return 0;
}

/* A request made elsewhere: the person's --csr, or a hook's generate_csr. */
static int take_foreign_csr(struct run *r, struct arena *a, const void *text, size_t len,
                            struct order *row, struct err *e)
{
	struct csr_info info;
	bool blocked;

	TRY(csr_parse(a, text, len, &info, e));
	TRY(st_key_is_blocked(r->store, info.spki_sha256, &blocked, e));
	if (blocked)
		return err_set(e, ERR_DENIED,
		               "the key of this request was revoked for compromise and is never "
		               "used again; make a request with another key");
	row->key = NULL;
	row->csr = base64url_encode(a, info.der.v, info.der.n);
	row->spki_sha256 = info.spki_sha256;
	return 0;
}

static int prepare_csr(struct run *r, struct arena *a, struct cert *c, struct order *row,
                       struct err *e)
{
	struct csr_spec spec = {
		.subject = { csr_common_name(&c->domains), c->country, c->province, c->city,
		             c->organization, c->unit, c->subject_email },
		.names = c->domains,
		.digest = signature_digest(c),
	};
	struct key *k CLEANUP(key_cleanup) = NULL;
	const char *hook_csr = NULL;
	struct bytes der;
	char *pem, *spki;

	if (c->own_csr) {
		TRY(base64url_decode(a, c->own_csr, &der, e));
		return take_foreign_csr(r, a, der.v, der.n, row, e);
	}
	TRY(hooks_generate_csr(r, a, c, &hook_csr, e));
	if (hook_csr)
		return take_foreign_csr(r, a, hook_csr, strlen(hook_csr), row, e);
	TRY(choose_key(r, a, c, &k, e));
	TRY(key_pem(a, k, &pem, e));
	TRY(key_spki_sha256(a, k, &spki, e));
	TRY(csr_make(a, k, &spec, &der, e));
	row->key = pem;
	row->spki_sha256 = spki;
	row->csr = base64url_encode(a, der.v, der.n);
	return 0;
}

static int order_write_down(struct run *r, struct arena *a, struct cert *c,
                            const struct account *account, struct order *row, struct err *e)
{
	struct order o = {
		.cert = c->name,
		.account = account->name,
		.state = "new",
		.domains = c->domains,
		.profile = c->profile,
		.renewal = c->not_after > 0,
		.task = r->task,
		.created_at = clock_now(),
		.updated_at = clock_now(),
	};
	struct limits_wish wish = { account, &o.domains, EXEMPT_NOTHING, c->preflight };
	struct cert next;

	TRY(limits_exemption(r, a, c, account, &o.replaces, &wish.exempt, e));
	TRY(prepare_csr(r, a, c, &o, e));
	TRY(cert_identity(a, c, &o.identity, e));
	next = *c;
	next.unfinished = true;
	TRY(store_begin(r->store, e));
	if (limits_reserve(r, a, &wish, &o, e) < 0 || st_order_put(r->store, &o, e) < 0 ||
	    st_cert_put(r->store, &next, e) < 0 ||
	    st_job_set(r->store, c->name, clock_now(), e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	TRY(store_commit(r->store, e));
	*c = next;
	*row = o;
	return 0;
}

/* A newOrder is sent once more: without what the CA refused, or because its first answer was lost
 * (the CA may have counted that one). */
static int order_count_again(struct run *r, struct arena *a, const struct cert *c,
                             const struct account *account, struct order *row, bool lost,
                             struct err *e)
{
	struct limits_wish wish = { account, &row->domains, EXEMPT_NOTHING, c->preflight };
	struct order counted = *row;
	struct cert asked = *c;
	const char *replaces;

	if (!row->replaces)
		asked.ari_id = NULL;
	TRY(limits_exemption(r, a, &asked, account, &replaces, &wish.exempt, e));
	TRY(store_begin(r->store, e));
	if ((lost && limits_ordered(r, a, &counted, e) < 0) ||
	    limits_released(r, a, &counted, e) < 0 ||
	    limits_reserve(r, a, &wish, &counted, e) < 0 ||
	    st_order_put(r->store, &counted, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	TRY(store_commit(r->store, e));
	*row = counted;
	return 0;
}

static int order_send(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                      const struct account *account, struct order *row, struct acme_order *order,
                      bool *unknown, struct err *e)
{
	bool refused = false;
	struct acme_new_order want = { .names = row->domains,
		                       .profile = row->profile,
		                       .replaces = row->replaces,
		                       .replaces_refused = &refused,
		                       .unknown = unknown };
	struct err first;

	run_step(r, row->cert, "ordering");
	if (acme_order_new(ca, a, &want, order, &first) == 0)
		return 0;
	if (!refused) {
		*e = first;
		return -(int)e->code;
	}
	row->replaces = want.replaces = NULL;
	TRY(order_count_again(r, a, c, account, row, false, e));
	TRY(lease_look(r, e));
	return acme_order_new(ca, a, &want, order, e);
}

static int give_back(struct run *r, struct arena *a, struct order *row, bool counted, struct err *e)
{
	struct order next = *row;

	TRY(store_begin(r->store, e));
	if ((counted && limits_ordered(r, a, &next, e) < 0) ||
	    limits_released(r, a, &next, e) < 0 || st_order_put(r->store, &next, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	TRY(store_commit(r->store, e));
	*row = next;
	return 0;
}

/* There is no order, or none that is known of, so that its places are free for others until it is
 * tried again. unknown: the CA may have made it, and counted that. A no may have said which limit
 * is used up. */
static void order_not_made(struct run *r, struct arena *a, const struct account *account,
                           struct order *row, bool unknown, const struct err *why)
{
	struct err e;

	if (err_is_of_database(why) || err_is_taken_over(why))
		return;
	if (row->charged.n && give_back(r, a, row, unknown, &e) < 0)
		log_warn("%s", e.text);
	if (why->code == ERR_RATE_LIMITED && !limits_is_hold(why))
		limits_taught(r, a, account->directory_url, account->url, &row->domains,
		              LIMIT_NEW_ORDERS, why);
}

static int order_note_once(struct run *r, struct arena *a, struct order *row, const char *url,
                           struct err *e)
{
	struct order next = *row;

	next.url = url;
	next.state = "open";
	next.updated_at = clock_now();
	TRY(store_begin(r->store, e));
	if (limits_ordered(r, a, &next, e) < 0 || st_order_put(r->store, &next, e) < 0 ||
	    st_event_add(r->store, next.cert, "order", e, "ordered: %s", url) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	TRY(store_commit(r->store, e));
	*row = next;
	return 0;
}

/* The CA has made it: a database that goes away at this moment is written to when it is back. */
static int order_note(struct run *r, struct arena *a, struct order *row, const char *url,
                      struct err *e)
{
	int rc;

	do {
		rc = order_note_once(r, a, row, url, e);
	} while (rc < 0 && err_is_of_database(e));
	return rc;
}

static int order_make(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                      const struct account *account, struct order *row, struct acme_order *order,
                      struct err *e)
{
	bool unknown = false;

	if (order_send(r, a, ca, c, account, row, order, &unknown, e) < 0) {
		order_not_made(r, a, account, row, unknown, e);
		return -(int)e->code;
	}
	return order_note(r, a, row, order->url, e);
}

static int release_and_put(struct run *r, struct arena *a, struct order *row, struct err *e)
{
	TRY(store_begin(r->store, e));
	if ((!row->url && limits_ordered(r, a, row, e) < 0) || /* it may have been made */
	    limits_released(r, a, row, e) < 0 || st_order_put(r->store, row, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

int order_close(struct run *r, struct arena *a, struct order *row, const char *state, struct err *e)
{
	row->state = state;
	row->updated_at = clock_now();
	if (strcmp(state, "failed") == 0)
		row->key = NULL; /* it never got a certificate */
	if (row->never_issued && row->charged.n)
		return release_and_put(r, a, row, e);
	return st_order_put(r->store, row, e);
}

/* What is still undecided may fail yet. */
static void note_authz(struct arena *a, const struct acme_authz *z, bool answered,
                       struct strings *failed, struct strings *passed)
{
	const char *name = arena_printf(a, "%s%s", z->wildcard ? "*." : "", z->identifier);

	if (strcmp(z->status, "invalid") == 0 || (answered && strcmp(z->status, "pending") == 0))
		strings_add(a, failed, name);
	else if (strcmp(z->status, "valid") == 0)
		strings_add(a, passed, name);
}

/* Reads again what is pending still. */
static int read_pending(struct arena *a, struct acme *ca, struct acme_authz *z, size_t n,
                        size_t *n_pending, struct err *e)
{
	struct acme_authz *now = ARENA_ARRAY(a, struct acme_authz, n + 1);
	struct strings urls = { 0 };
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(z[i].status, "pending") == 0)
			strings_add(a, &urls, z[i].url);
	if (urls.n > 0)
		TRY(acme_authz_get(ca, a, &urls, now, e));
	for (size_t i = 0, k = 0; i < n; i++)
		if (strcmp(z[i].status, "pending") == 0) {
			z[i] = now[k++];
			left += strcmp(z[i].status, "pending") == 0;
		}
	*n_pending = left;
	return 0;
}

static size_t count_pending(const struct acme_authz *z, size_t n)
{
	size_t pending = 0;

	for (size_t i = 0; i < n; i++)
		pending += strcmp(z[i].status, "pending") == 0;
	return pending;
}

/* What cannot be read again stays as it was read last. */
static void await_ended(struct run *r, struct arena *a, struct acme *ca, struct acme_authz *z,
                        size_t n)
{
	int64_t end = clock_monotonic_ms() + AUTHZ_END_MS, wait_ms = AUTHZ_LOOK_MS;
	size_t pending = count_pending(z, n);
	struct err e;

	while (pending > 0 && clock_monotonic_ms() < end &&
	       cancel_sleep_ms(r->cancel, wait_ms, &e) == 0 &&
	       read_pending(a, ca, z, n, &pending, &e) == 0)
		wait_ms = wait_ms < AUTHZ_LOOK_MOST_MS ? wait_ms * 2 : wait_ms;
}

int order_authz_ended(struct run *r, struct arena *a, struct acme *ca, struct order *row,
                      const struct acme_order *order, struct acme_authz *z, struct err *e)
{
	size_t n = order->authorizations.n;
	bool no_more;

	TRY(acme_authz_get(ca, a, &order->authorizations, z, e));
	if (row->answered)
		await_ended(r, a, ca, z, n);
	/* who is stopped has not waited for the others */
	no_more = row->answered && !cancel_is_set(r->cancel);
	row->failed = row->passed = (struct strings){ 0 };
	for (size_t i = 0; i < n; i++)
		note_authz(a, &z[i], no_more, &row->failed, &row->passed);
	row->looked_at = true;
	return 0;
}

void order_count_failures(struct run *r, struct arena *a, struct acme *ca,
                          const struct account *account, struct order *row,
                          const struct acme_order *order)
{
	struct acme_authz *z = ARENA_ARRAY(a, struct acme_authz, order->authorizations.n + 1);
	struct err e;

	if (row->failures_counted || !limits_count_failures(r, a, account->directory_url))
		return;
	if (!row->looked_at && order_authz_ended(r, a, ca, row, order, z, &e) < 0)
		row->failed = row->domains; /* one of them, at least */
	if (limits_failed(r, a, account, &row->failed, row, &e) < 0 ||
	    (row->passed.n && limits_unpaused(r, a, account, &row->passed, &e) < 0))
		log_warn("the failures could not be counted: %s", e.text);
}

/* Whether the open row may be gone on with: *usable. Fetches its order when its URL is known. */
static int order_look_again(struct run *r, struct arena *a, struct acme *ca, const struct cert *c,
                            const struct account *account, struct order *row,
                            struct acme_order *order, bool *usable, struct err *e)
{
	const char *identity;
	struct err err;
	int result;

	*usable = false;
	TRY(cert_identity(a, c, &identity, e));
	if (!row->identity || strcmp(row->identity, identity) != 0 ||
	    strcmp(row->account, account->name) != 0)
		return 0;
	if (!row->url) {
		*usable = true;
		return 0;
	}
	run_step(r, c->name, "resuming its order");
	result = acme_order_get(ca, a, row->url, order, &err);
	if (result == -ERR_NOT_FOUND ||
	    result == -ERR_ACME) /* gone, or not ours: no word of it will change that */
		return 0;
	if (result < 0) {
		*e = err;
		return result;
	}
	*usable = strcmp(order->status, "invalid") != 0;
	if (!*usable) { /* while nobody looked */
		row->never_issued = true;
		order_count_failures(r, a, ca, account, row, order);
	}
	return 0;
}

/* What comes of it is this job's by now, whoever goes on with it should this one be cut short. */
static int order_note_task(struct run *r, struct order *row, struct err *e)
{
	if (!r->task || (row->task && strcmp(row->task, r->task) == 0))
		return 0;
	row->task = r->task;
	return st_order_put(r->store, row, e);
}

/* A resumed order's key may have been revoked for compromise meanwhile. */
static int drop_blocked_csr(struct run *r, struct arena *a, struct order *row, struct err *e)
{
	struct csr_info info;
	struct bytes der;
	bool blocked;

	if (!row->csr)
		return 0;
	TRY(base64url_decode(a, row->csr, &der, e));
	TRY(csr_parse(a, der.v, der.n, &info, e));
	TRY(st_key_is_blocked(r->store, info.spki_sha256, &blocked, e));
	if (blocked)
		row->key = row->csr = NULL;
	return 0;
}

int order_resume_or_new(struct run *r, struct arena *a, struct acme *ca, struct cert *c,
                        const struct account *account, struct order *row, struct acme_order *order,
                        struct err *e)
{
	struct order found;
	struct err none;
	bool usable = false;
	int result = st_order_open(r->store, a, c->name, &found, &none);

	if (result < 0 && result != -ERR_NOT_FOUND) {
		*e = none;
		return result;
	}
	if (result == 0) {
		TRY(order_look_again(r, a, ca, c, account, &found, order, &usable, e));
		if (!usable)
			TRY(order_close(r, a, &found, "failed", e));
	}
	if (!usable)
		TRY(order_write_down(r, a, c, account, &found, e));
	if (usable)
		TRY(order_note_task(r, &found, e));
	found.resumed = usable && found.url;
	if (usable)
		TRY(drop_blocked_csr(r, a, &found, e));
	if (!found.csr) { /* the CA did not like the last one, or its key was revoked */
		TRY(prepare_csr(r, a, c, &found, e));
		TRY(st_order_put(r->store, &found, e));
	}
	if (!found.url && usable)
		TRY(order_count_again(r, a, c, account, &found, true, e));
	if (!found.url)
		TRY(order_make(r, a, ca, c, account, &found, order, e));
	*row = found;
	return 0;
}
