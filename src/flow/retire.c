/*
 * Revocation is final at the CA, so a repeated one ("alreadyRevoked") is success: a kill after the
 * CA acted is mended by doing it again.
 */
#include "flow/retire.h"

#include <string.h>

#include "acme/issued.h"
#include "base/clock.h"
#include "base/log.h"
#include "deploy/live.h"
#include "flow/keep.h"
#include "flow/limits.h"
#include "flow/lease.h"
#include "flow/session.h"
#include "flow/sweep.h"
#include "flow/tell.h"
#include "sys/key.h"

static int reason_parse(const char *reason, int *code, struct err *e)
{
	*code = acme_reason_code(reason);
	if (*code < 0)
		return err_set(e, ERR_USAGE,
		               "\"%s\" is no reason for a revocation: unspecified, keyCompromise, "
		               "affiliationChanged, superseded or cessationOfOperation",
		               reason);
	return 0;
}

/* By the certificate's own key: no account is needed. */
static int revoke_by_key(struct run *r, struct arena *a, const struct ca *ca,
                         const struct bytes *der, int code, const struct key *k, bool *already,
                         struct err *e)
{
	struct acme *acme;
	int result;

	TRY(lease_look(r, e));
	TRY(session_open(r, ca, &acme, e));
	result = acme_revoke(acme, a, der, code, k, already, e);
	acme_close(acme);
	return result;
}

/* The account that it was issued to, if it is still here and in force. */
static int revoke_by_account(struct run *r, struct arena *a, const struct version *v,
                             const struct bytes *der, int code, bool *already, struct err *e)
{
	struct account account;
	struct acme *acme;

	if (!v->account)
		return err_set(e, ERR_NOT_FOUND, "it was issued to no account that is known here");
	TRY(st_account_get(r->store, a, v->account, &account, e));
	TRY(session_for_account(r, a, &account, &acme, e));
	TRY(lease_look(r, e));
	return acme_revoke(acme, a, der, code, NULL, already, e);
}

static int revoke_version(struct run *r, struct arena *a, const struct cert *c,
                          const struct version *v, int code, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct x509_chain chain;
	struct ca ca;
	bool already, compromised = code == 1;

	TRY(x509_chain_parse(a, v->fullchain, strlen(v->fullchain), &chain, e));
	TRY(ca_resolve(r, a, v->ca ? v->ca : c->ca, &ca, e));
	/* a compromised key proves itself: the CA then blocks it everywhere */
	if (!(compromised && v->key)) {
		int result = revoke_by_account(r, a, v, &chain.v[0].der, code, &already, e);
		bool no_account = result == -ERR_NOT_FOUND || result == -ERR_DENIED;
		if (!no_account || !v->key)
			return result;
	}
	TRY(key_parse(v->key, strlen(v->key), &k, e));
	return revoke_by_key(r, a, &ca, &chain.v[0].der, code, k, &already, e);
}

static int record_revoked(struct run *r, struct cert *c, struct version *v, const char *reason,
                          struct err *e)
{
	v->revoked_at = clock_now();
	v->revocation_reason = reason;
	c->status = "revoked";
	c->renew_at = c->tell_at = 0;
	c->updated_at = clock_now();
	if (strcmp(reason, "keyCompromise") == 0)
		c->new_key_needed = true;
	TRY(st_version_put(r->store, v, e));
	TRY(st_cert_put(r->store, c, e));
	TRY(st_job_set(r->store, c->name, 0, e));
	TRY(tell_revoked(r, c, v, reason, e));
	return st_event_add(r->store, c->name, "revoked", e, "revoked: serial %s, reason %s",
	                    v->serial, reason);
}

/* The newest version that the CA issued. */
static int newest_issued(struct run *r, struct arena *a, const struct cert *c, struct version *out,
                         struct err *e)
{
	struct version *v;
	size_t n;

	TRY(st_version_list(r->store, a, c->name, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		if (!v[i].self_signed)
			return st_version_get(r->store, a, c->name, v[i].n, out, e);
	return err_set(e, ERR_INPUT, "%s has never been issued; there is nothing to revoke",
	               c->name);
}

int retire_revoke(struct run *r, struct arena *a, struct cert *c, const char *reason, struct err *e)
{
	struct version v;
	int code;

	TRY(reason_parse(reason, &code, e));
	TRY(newest_issued(r, a, c, &v, e));
	if (v.revoked_at && code != 1) {
		log_info("it was revoked already (%s)",
		         v.revocation_reason ? v.revocation_reason : "unspecified");
		return 0;
	}
	/* refused from here on, whatever becomes of the request */
	if (code == 1)
		TRY(st_key_block(r->store, v.spki_sha256, "revoked for key compromise", e));
	TRY(revoke_version(r, a, c, &v, code, e));
	TRY(store_begin(r->store, e));
	if (record_revoked(r, c, &v, reason, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

int retire_revoke_foreign(struct run *r, struct arena *a, const struct ca *ca,
                          const char *cert_text, size_t cert_len, const char *key_text,
                          size_t key_len, const char *reason, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct x509_info info;
	char *spki;
	bool already;
	int code;

	TRY(reason_parse(reason, &code, e));
	TRY(x509_parse(a, cert_text, cert_len, &info, e));
	TRY(key_parse(key_text, key_len, &k, e));
	TRY(key_spki_sha256(a, k, &spki, e));
	if (strcmp(spki, info.spki_sha256) != 0)
		return err_set(e, ERR_INPUT, "the key is not the certificate's key");
	if (code == 1)
		TRY(st_key_block(r->store, spki, "revoked for key compromise", e));
	TRY(revoke_by_key(r, a, ca, &info.der, code, k, &already, e));
	return st_event_add(r->store, NULL, "revoked", e,
	                    "revoked by its key: serial %s, reason %s", info.serial, reason);
}

/* What its open order has reserved of the CA's limits: nobody goes on with it. */
static int release_order(struct run *r, struct arena *a, const char *name, struct err *e)
{
	struct order row;
	struct err err;
	int result = st_order_open(r->store, a, name, &row, &err);

	if (result < 0 && result != -ERR_NOT_FOUND) {
		*e = err;
		return result;
	}
	if (result < 0 || row.charged.n == 0)
		return 0;
	if (!row.url)
		TRY(limits_ordered(r, a, &row, e));
	return limits_released(r, a, &row, e);
}

int retire_delete(struct run *r, struct arena *a, struct cert *c, struct err *e)
{
	struct err sweeping;

	if (sweep_all(r, a, c, &sweeping) < 0)
		log_warn("%s: what was published could not be taken away: %s", c->name,
		         sweeping.text);
	TRY(live_delete(r->state_dir, c->name, e));
	TRY(store_begin(r->store, e));
	if (release_order(r, a, c->name, e) < 0 ||
	    st_event_add(r->store, c->name, "deleted", e,
	                 "forgotten here; what was issued stays valid") < 0 ||
	    st_cert_delete(r->store, c->name, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}
