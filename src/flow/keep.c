/*
 * The only place where versions are made.
 */
#include "flow/keep.h"

#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "flow/deliver.h"
#include "flow/limits.h"
#include "flow/nightly.h"
#include "flow/plan.h"
#include "flow/tell.h"
#include "flow/tell_plan.h"
#include "sys/csr.h"
#include "sys/key.h"

#define STAND_IN_DAYS 90

static int job_follow(struct run *r, const struct cert *c, struct err *e)
{
	struct plan p;

	nightly_plan(r->config->set.renew_window, c, clock_now(), &p);
	return st_job_set(r->store, c->name, p.run_at, e);
}

static int record_in_transaction(struct run *r, struct cert *c, const char *kind, const char *text,
                                 struct err *e)
{
	c->updated_at = clock_now();
	c->tell_at = tell_next(c, c->told_until);
	TRY(st_cert_put(r->store, c, e));
	TRY(job_follow(r, c, e));
	return text ? st_event_add(r->store, c->name, kind, e, "%s", text) : 0;
}

/* What one transaction changes beside the certificate's record and its job row. */
struct kept {
	struct version *v;       /* NULL = none */
	const char *kind, *text; /* an event; text NULL = none */
	bool release;
	const struct err *failure; /* an attempt's; NULL = none */
};

static int keep_once(struct run *r, struct cert *c, const struct kept *k, struct err *e)
{
	struct plan p;

	nightly_plan(r->config->set.renew_window, c, clock_now(), &p);
	c->renew_at = p.renew_at;
	TRY(store_begin(r->store, e));
	if ((k->v && st_version_put(r->store, k->v, e) < 0) ||
	    record_in_transaction(r, c, k->kind, k->text, e) < 0 ||
	    (k->failure && tell_failure(r, c, k->failure, e) < 0) ||
	    (k->release && st_job_lease_end(r->store, c->name, e) < 0)) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

/* What came of acts outside is not given up because the database's connection ended in the middle:
 * nothing of it was kept, so it is written again. */
static int keep_together(struct run *r, struct cert *c, const struct kept *k, struct err *e)
{
	const struct cert cert = *c;
	const struct version version = k->v ? *k->v : (struct version){ 0 };
	int rc = keep_once(r, c, k, e);

	while (rc < 0 && err_is_of_database(e)) {
		*c = cert;
		if (k->v)
			*k->v = version;
		rc = keep_once(r, c, k, e);
	}
	return rc;
}

int keep_record(struct run *r, struct arena *a, struct cert *c, const char *kind, const char *text,
                struct err *e)
{
	(void)a;
	return keep_together(r, c, &(struct kept){ .kind = kind, .text = text }, e);
}

int keep_failure(struct run *r, struct cert *c, const char *kind, const struct err *failure,
                 struct err *e)
{
	return keep_together(
	    r, c,
	    &(struct kept){ .kind = kind, .text = kind ? failure->text : NULL, .failure = failure },
	    e);
}

int keep_live(struct run *r, struct cert *c, struct version *v, const char *text, struct err *e)
{
	return keep_together(r, c, &(struct kept){ v, "live", text, false }, e);
}

int keep_and_release(struct run *r, struct cert *c, struct err *e)
{
	return keep_together(r, c, &(struct kept){ .release = true }, e);
}

void keep_finished(struct cert *c)
{
	c->unfinished = false;
	c->failures = c->last_error_at = c->failing_since = 0;
	c->hook_failures = c->hook_retry_at = 0;
	c->retry_at = plan_rest(c, clock_now());
	c->last_error = NULL;
}

static void version_from_chain(const struct x509_chain *chain, struct version *v)
{
	const struct x509_info *leaf = &chain->v[0];

	v->fullchain = chain->fullchain_pem;
	v->serial = leaf->serial;
	v->issuer = leaf->issuer_cn ? leaf->issuer_cn : leaf->issuer;
	v->fingerprint = leaf->fingerprint;
	v->spki_sha256 = leaf->spki_sha256;
	v->ari_id = leaf->ari_id;
	v->not_before = leaf->not_before;
	v->not_after = leaf->not_after;
	v->issued_at = clock_now();
}

static void record_from_version(struct cert *c, const struct version *v)
{
	c->status = "issued";
	c->serial = v->serial;
	c->issuer = v->issuer;
	c->spki_sha256 = v->spki_sha256;
	c->not_before = v->not_before;
	c->not_after = v->not_after;
	c->ari_id = v->ari_id;
	c->ari_start = c->ari_end = c->ari_renew_at = 0;
	c->ari_check_at = v->ari_id
	                      ? clock_now()
	                      : 0; /* due at once (RFC 9773 4.3), by whichever run comes first */
	c->ari_explanation_url = NULL;
	c->failures = c->retry_at = c->failing_since = 0;
	c->hook_failures = c->hook_retry_at = 0;
	c->last_error = NULL;
	c->last_error_at = 0;
	c->new_key_needed = false;
	c->unfinished = true; /* until it is live and its hooks have run */
	c->retry_at = plan_rest(c, clock_now());
}

static int check_issued(struct arena *a, const struct order *row, const struct x509_chain *chain,
                        struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct csr_info csr;
	struct bytes der;

	if (row->spki_sha256)
		return x509_chain_check(chain, NULL, row->spki_sha256, &row->domains, clock_now(),
		                        e);
	if (row->key) {
		TRY(key_parse(row->key, strlen(row->key), &k, e));
		return x509_chain_check(chain, k, NULL, &row->domains, clock_now(), e);
	}
	TRY(base64url_decode(a, row->csr, &der, e));
	TRY(csr_parse(a, der.v, der.n, &csr, e));
	return x509_chain_check(chain, NULL, csr.spki_sha256, &row->domains, clock_now(), e);
}

static int store_issued(struct run *r, struct arena *a, const struct cert *before, struct cert *c,
                        struct order *row, struct version *v, struct err *e)
{
	row->state = "done";
	row->key = NULL; /* the version has it */
	row->updated_at = clock_now();
	TRY(limits_issued(r, a, row, e));
	TRY(st_version_put(r->store, v, e));
	TRY(st_order_put(r->store, row, e));
	TRY(tell_issued(r, before, v, e));
	return record_in_transaction(r, c, "issued",
	                             arena_printf(a, "issued by %s, serial %s, valid until %s",
	                                          v->issuer, v->serial,
	                                          clock_rfc3339(a, v->not_after)),
	                             e);
}

/* A key revoked for compromise, by another process meanwhile, is never put to work. */
static int refuse_blocked(struct run *r, const struct x509_chain *chain, struct err *e)
{
	bool blocked;

	TRY(st_key_is_blocked(r->store, chain->v[0].spki_sha256, &blocked, e));
	return blocked
	           ? err_set(e, ERR_ACME,
	                     "its key was revoked for compromise; the next attempt makes another")
	           : 0;
}

int keep_issued(struct run *r, struct arena *a, struct cert *c, struct order *row,
                const struct x509_chain *chain, const char *certificate_url, struct err *e)
{
	struct version v = {
		.cert = c->name,
		.n = deliver_next_number(r, a, c),
		.key = row->key,
		.csr = row->csr,
		.account = row->account,
		.ca = c->ca,
		.certificate_url = certificate_url,
		.order_url = row->url,
		.task = row->task,
	};
	struct order done = *row;
	struct cert next = *c; /* the record in memory changes only with the one on disk */
	struct plan p;

	if (check_issued(a, row, chain, e) < 0) {
		e->code = ERR_ACME; /* the CA's final word: asking again for the same order brings
		                       the same */
		return err_ctx(e, "the CA's certificate is not what was asked for");
	}
	TRY(refuse_blocked(r, chain, e));
	version_from_chain(chain, &v);
	record_from_version(&next, &v);
	next.issued_identity = row->identity;
	next.account = row->account; /* its renewals stay with this account */
	nightly_plan(r->config->set.renew_window, &next, clock_now(), &p);
	next.renew_at = p.renew_at;
	TRY(store_begin(r->store, e));
	if (store_issued(r, a, c, &next, &done, &v, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	TRY(store_commit(r->store, e));
	*c = next;
	*row = done;
	plan_warn(c);
	return 0;
}

int keep_stand_in(struct run *r, struct arena *a, struct cert *c, struct err *e)
{
	struct csr_spec spec = {
		.subject = { csr_common_name(&c->domains), c->country, c->province, c->city,
		             c->organization, c->unit, c->subject_email },
		.names = c->domains,
		.digest = HASH_SHA256,
	};
	struct version v = { .cert = c->name,
		             .self_signed = true,
		             .n = deliver_next_number(r, a, c) };
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct x509_chain chain;
	char *cert_pem, *key_text;

	if (c->own_csr)
		return err_set(
		    e, ERR_USAGE,
		    "%s: with --csr there is no private key here for a self-signed stand-in",
		    c->name);
	if (c->own_key)
		TRY(key_parse(c->own_key, strlen(c->own_key), &k, e));
	else
		TRY(key_generate(key_type_parse(c->key_type), &k, e));
	TRY(x509_self_signed(a, k, &spec, STAND_IN_DAYS, &cert_pem, e));
	TRY(x509_chain_parse(a, cert_pem, strlen(cert_pem), &chain, e));
	TRY(key_pem(a, k, &key_text, e));
	version_from_chain(&chain, &v);
	v.key = key_text;
	v.ari_id = NULL;
	TRY(st_version_put(r->store, &v, e));
	return st_event_add(r->store, c->name, "stand-in", e,
	                    "a self-signed certificate stands in until the real one is there");
}
