/*
 * set, list, show, log, check, delete, revoke, master-key rotate: what is asked about one
 * certificate, or of all.
 */
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "flow/deliver.h"
#include "flow/intake.h"
#include "flow/keep.h"
#include "flow/lease.h"
#include "flow/ping.h"
#include "flow/witness.h"
#include "flow/plan.h"
#include "flow/retire.h"
#include "flow/session.h"
#include "ops/internal.h"
#include "ops/owner.h"

#define DAY_S 86400
#define CHECK_DAYS 7
#define LOG_AT_ONCE 1000
#define FILE_MAX_BYTES ((size_t)256 << 10)

/* Names for people of all that a change brings. */
static struct strings changed(struct arena *a, const struct cert_change *ch)
{
	struct strings names = strings_dup(a, &ch->given);

	if (ch->key_file || ch->key_text)
		strings_add(a, &names, "key");
	if (ch->csr_file || ch->csr_text)
		strings_add(a, &names, "csr");
	if (ch->keystore_password_file && !strings_has(&names, "keystore_password"))
		strings_add(a, &names, "keystore_password");
	return names;
}

int ops_set(struct ops *o, struct arena *a, const char *name, struct cert_change *change,
            struct err *e)
{
	struct strings what = changed(a, change);
	struct cert c;
	int result;

	TRY(ops_cert_name(o, a, name, &name, e));
	TRY(lease_take(&o->run, name, e));
	result = store_condition_look(o->run.store, e);
	if (result == 0 && what.n > 0)
		result = intake_set(&o->run, a, name, change, &c, e);
	if (result == 0 && what.n > 0)
		result =
		    keep_record(&o->run, a, &c, "set",
		                arena_printf(a, "changed: %s", strings_join(a, &what, ", ")), e);
	lease_drop(&o->run, name);
	return result;
}

struct listing {
	const struct list_options *opt;
	int64_t now;
	int (*row)(void *ctx, const struct cert *c, struct arena *a, struct err *e);
	void *ctx;
};

static int list_row(void *ctx, const struct cert *c, struct arena *a, struct err *e)
{
	struct listing *l = ctx;
	struct cert shown = *c;

	shown.status = plan_status(c, l->now);
	if (l->opt->status && strcmp(l->opt->status, shown.status) != 0)
		return 0;
	return l->row(l->ctx, &shown, a, e);
}

int ops_list(struct ops *o, const struct list_options *opt,
             int (*row)(void *ctx, const struct cert *c, struct arena *a, struct err *e), void *ctx,
             struct err *e)
{
	struct listing l = { opt, clock_now(), row, ctx };
	struct cert_filter filter = {
		.owner = opt->owner,
		.scope = owner_scope(o),
		.expires_before =
		    opt->expiring_days ? l.now + (int64_t)opt->expiring_days * DAY_S : 0,
	};

	if (owner_filter(o)) {
		if (opt->owner && strcmp(opt->owner, owner_filter(o)) != 0)
			return 0;
		filter.owner = owner_filter(o);
	}
	return o->run.store ? st_cert_each(o->run.store, &filter, list_row, &l, e) : 0;
}

/* What who asks may have of them. */
static size_t versions_seen(const struct ops *o, struct version *v, size_t n)
{
	struct arena *read CLEANUP(arena_cleanup) = arena_new(0);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (owner_may_have(o, read, &v[i]))
			v[kept++] = v[i];
	return kept;
}

int ops_show(struct ops *o, struct arena *a, const char *name, struct cert_details *out,
             struct err *e)
{
	struct cert_details d = { 0 };
	const char *live;

	TRY(ops_cert_name(o, a, name, &name, e));
	live = deliver_path(&o->run, a, name);
	TRY(st_cert_get(o->run.store, a, name, &d.cert, e));
	TRY(st_version_list(o->run.store, a, name, &d.versions, &d.n_versions, e));
	d.n_versions = versions_seen(o, d.versions, d.n_versions);
	TRY(st_challenge_list(o->run.store, a, name, &d.challenges, &d.n_challenges, e));
	d.renewal_reason = plan_explain(a, &d.cert, clock_now());
	d.cert.status = plan_status(&d.cert, clock_now());
	d.live_path = fs_exists(live) ? live : NULL;
	*out = d;
	return 0;
}

int ops_log(struct ops *o, struct arena *a, const char *name, int64_t after_id, struct event **out,
            size_t *n, struct err *e)
{
	const struct event_page page = {
		.cert = name,
		.owner = owner_filter(o),
		.scope = owner_scope(o),
		.after_id = after_id,
		.limit = LOG_AT_ONCE,
	};

	return st_event_page(o->run.store, a, &page, out, n, e);
}

struct checking {
	struct arena *arena;
	int days;
	int64_t now;
	struct expiring *v;
	size_t n, cap, most;
	int64_t total;
};

static int64_t check_limit(const struct checking *w, const struct cert *c)
{
	int64_t limit = (int64_t)(w->days ? w->days : CHECK_DAYS) * DAY_S,
	        quarter = (c->not_after - c->not_before) / 4;

	return !w->days && quarter < limit ? quarter : limit;
}

static int check_row(void *ctx, const struct cert *c, struct arena *a, struct err *e)
{
	struct checking *w = ctx;

	(void)a;
	(void)e;
	if (c->not_after == 0 || strcmp(c->status, "revoked") == 0 ||
	    c->not_after - w->now >= check_limit(w, c))
		return 0;
	if (w->total++ >= (int64_t)w->most)
		return 0;
	if (w->n == w->cap) {
		struct expiring *more =
		    ARENA_ARRAY(w->arena, struct expiring, w->cap ? w->cap * 2 : 16);
		if (w->n)
			memcpy(more, w->v, w->n * sizeof(*more));
		w->v = more;
		w->cap = w->cap ? w->cap * 2 : 16;
	}
	w->v[w->n++] = (struct expiring){ arena_strdup(w->arena, c->name),
		                          arena_strdup(w->arena, plan_status(c, w->now)),
		                          c->not_after, arena_strdup(w->arena, c->last_error) };
	return 0;
}

int ops_check(struct ops *o, struct arena *a, int days, struct expiring **out, size_t *n,
              int64_t *total, struct err *e)
{
	struct checking w = {
		.arena = a,
		.days = days,
		.now = clock_now(),
		.most = o->who ? CHECK_MOST : SIZE_MAX / 2,
	};
	struct cert_filter soon = {
		.owner = owner_filter(o),
		.scope = owner_scope(o),
		.expires_before = w.now + (int64_t)(days ? days : CHECK_DAYS) * DAY_S,
	};

	TRY(st_cert_each(o->run.store, &soon, check_row, &w, e));
	ops_tell(o, true);
	*out = w.v;
	*n = w.n;
	*total = w.total;
	return 0;
}

/* With the certificate's lease, so that nothing is issued or deployed meanwhile. */
static int leased(struct ops *o, struct arena *a, const char *name, const char *reason,
                  int (*act)(struct ops *o, struct arena *a, struct cert *c, const char *reason,
                             struct err *e),
                  struct err *e)
{
	struct cert c;
	int result;

	TRY(owner_check_write(o, e));
	TRY(ops_cert_name(o, a, name, &name, e));
	TRY(lease_take(&o->run, name, e));
	result = store_condition_look(o->run.store, e);
	if (result == 0)
		result = st_cert_get(o->run.store, a, name, &c, e);
	if (result == 0)
		result = act(o, a, &c, reason, e);
	lease_drop(&o->run, name);
	run_step(&o->run, name, NULL);
	return result < 0 ? err_about(e, name) : 0;
}

static int act_revoke(struct ops *o, struct arena *a, struct cert *c, const char *reason,
                      struct err *e)
{
	struct version *v;
	size_t n, i = 0;

	TRY(st_version_list(o->run.store, a, c->name, &v, &n, e));
	while (i < n && v[i].self_signed)
		i++;
	if (i < n)
		TRY(owner_check_version(o, a, &v[i], false, e));
	run_step(&o->run, c->name, "revoking");
	return retire_revoke(&o->run, a, c, reason, e);
}

static int act_delete(struct ops *o, struct arena *a, struct cert *c, const char *reason,
                      struct err *e)
{
	(void)reason;
	return retire_delete(&o->run, a, c, e);
}

int ops_revoke(struct ops *o, struct arena *a, const char *name, const char *reason, struct err *e)
{
	TRY(leased(o, a, name, reason ? reason : "unspecified", act_revoke, e));
	ops_tell(o, false);
	return 0;
}

int ops_delete(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	return leased(o, a, name, NULL, act_delete, e);
}

static int revoke_foreign(struct ops *o, struct arena *a, const struct bytes *cert,
                          const struct bytes *key, const char *ca_name, const char *reason,
                          struct err *e)
{
	struct ca ca;

	TRY(ops_ca_named(o, a, ca_name, &ca, e));
	return retire_revoke_foreign(&o->run, a, &ca, (const char *)cert->v, cert->n,
	                             (const char *)key->v, key->n, reason ? reason : "unspecified",
	                             e);
}

int ops_revoke_foreign(struct ops *o, struct arena *a, const char *cert, const char *key,
                       const char *ca, const char *reason, struct err *e)
{
	const struct bytes c = { arena_memdup(a, cert, strlen(cert) + 1), strlen(cert) },
	                   k = { arena_memdup(a, key, strlen(key) + 1), strlen(key) };

	return revoke_foreign(o, a, &c, &k, ca, reason, e);
}

int ops_revoke_file(struct ops *o, struct arena *a, const char *cert_file, const char *key_file,
                    const char *ca, const char *reason, struct err *e)
{
	char *cert, *key;
	struct bytes c, k;

	TRY(owner_check_host(o, "naming files", e));
	TRY(fs_read(a, cert_file, FILE_MAX_BYTES, &cert, &c.n, e));
	TRY(fs_read(a, key_file, FILE_MAX_BYTES, &key, &k.n, e));
	c.v = (unsigned char *)cert;
	k.v = (unsigned char *)key;
	if (revoke_foreign(o, a, &c, &k, ca, reason, e) < 0)
		return err_ctx(e, "%s", cert_file);
	return 0;
}

int ops_last_pass(struct ops *o, int64_t *last, bool *overdue, struct err *e)
{
	return ping_is_overdue(&o->run, last, overdue, e);
}

int ops_clock_wrong(struct ops *o, struct arena *a, const char **why, struct err *e)
{
	enum clock_verdict verdict;
	const char *words = NULL;

	TRY(witness_look(&o->run, a, false, &verdict, &words, e));
	*why = verdict == CLOCK_WRONG ? words : NULL;
	return 0;
}

int ops_master_key_rotate(struct ops *o, struct err *e)
{
	TRY(owner_check_host(o, "the master key", e));
	TRY(store_rotate_master_key(o->run.store, e));
	return st_event_add(o->run.store, NULL, "master-key", e,
	                    "everything is sealed with a new master key");
}
