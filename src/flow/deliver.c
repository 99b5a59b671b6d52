/*
 * Files first, then the record that says they are live, then the hooks, then the record that says
 * they ran: a kill between two of them repeats the later one.
 */
#include "flow/deliver.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/turn.h"
#include "deploy/deploy_hook.h"
#include "deploy/live.h"
#include "flow/hooks.h"
#include "flow/keep.h"
#include "flow/lease.h"
#include "sys/csr.h"
#include "sys/key.h"
#include "sys/keystore.h"
#include "sys/x509.h"

int deliver_keystore(struct arena *a, const struct cert *c, const struct version *v,
                     struct bytes *out, const char **file, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct keystore_spec spec = { .fullchain_pem = v->fullchain,
		                      .alias = c->name,
		                      .password = c->keystore_password };
	bool jks = c->keystore && strcmp(c->keystore, "jks") == 0;

	*out = (struct bytes){ 0 };
	*file = NULL;
	if (!c->keystore || strcmp(c->keystore, "pem") == 0 || !v->key)
		return 0;
	TRY(key_parse(v->key, strlen(v->key), &k, e));
	spec.key = k;
	*file = jks ? "keystore.jks" : "keystore.p12";
	return jks ? keystore_jks(a, &spec, out, e) : keystore_pkcs12(a, &spec, out, e);
}

struct switching {
	struct run *run;
	struct arena *arena;
	const struct cert *cert;
};

static int before_switch(void *ctx, const char *folder, struct err *e)
{
	struct switching *w = ctx;

	return hooks_sync_cert(w->run, w->arena, w->cert, folder, e);
}

/* dehydrated's hooks are told of the request's file too. */
static int hook_csr(struct arena *a, const struct cert *c, const struct version *v,
                    const char **out, struct err *e)
{
	struct bytes der;
	char *pem;

	if (!v->csr || strcmp(c->method, "hook") != 0)
		return 0;
	TRY(base64url_decode(a, v->csr, &der, e));
	TRY(csr_pem(a, &der, &pem, e));
	*out = pem;
	return 0;
}

static bool has_hooks(const struct cert *c)
{
	return c->deploy_hooks.n > 0 || (c->method && strcmp(c->method, "hook") == 0);
}

/* With nothing to run afterwards it is deployed once it is live. */
static int record_live(struct run *r, struct arena *a, struct cert *c, struct version *v,
                       bool finishes, struct err *e)
{
	struct cert next = *c;

	next.live_version = v->n;
	next.live_self_signed = v->self_signed;
	next.redeliver = false;
	if (!has_hooks(c)) {
		v->deployed = true;
		if (finishes)
			keep_finished(&next);
	}
	TRY(keep_live(r, &next, v,
	              arena_printf(a, "version %lld is live in %s", (long long)v->n,
	                           live_path(a, r->state_dir, c->name)),
	              e));
	*c = next;
	return 0;
}

static int files_of(struct arena *a, const struct cert *c, const struct version *v,
                    struct live_files *f, struct err *e)
{
	*f = (struct live_files){
		.cert_name = c->name, .n = v->n, .key_pem = v->key, .fullchain_pem = v->fullchain
	};
	TRY(x509_chain_split(a, v->fullchain, &f->leaf_pem, &f->chain_pem, e));
	TRY(hook_csr(a, c, v, &f->csr_pem, e));
	return deliver_keystore(a, c, v, &f->keystore, &f->keystore_file, e);
}

/* One at a time: a certificate's turn and what follows other nodes may have the same version to
 * place. Others do not wait meanwhile, since a hook may run before the switch. */
static int place(const struct run *r, struct arena *a, const struct live_files *f, struct err *e)
{
	const struct turns turns = { .file = fs_join(a, r->state_dir, "live.lock"),
		                     .cancel = r->cancel };
	int turn CLEANUP(turn_end) = -1;

	TRY(turn_take(&turns, f->cert_name, &turn, e));
	return live_write(r->state_dir, f, e);
}

int deliver_here(struct run *r, struct arena *a, const struct cert *c, struct err *e)
{
	struct live_files f;
	struct version v;

	TRY(st_version_get(r->store, a, c->name, c->live_version, &v, e));
	TRY(files_of(a, c, &v, &f, e));
	return place(r, a, &f, e);
}

static int write_live(struct run *r, struct arena *a, struct cert *c, struct version *v,
                      bool finishes, struct err *e)
{
	struct switching w = { r, a, c };
	struct live_files f;

	TRY(files_of(a, c, v, &f, e));
	f.before_switch = before_switch;
	f.ctx = &w;
	run_step(r, c->name, "putting it in place");
	TRY(lease_look(r, e));
	TRY(place(r, a, &f, e));
	return record_live(r, a, c, v, finishes, e);
}

bool deliver_is_put_back(const struct err *hook_failure)
{
	return err_is_crowded(hook_failure) || hook_failure->code == ERR_CANCELLED;
}

/* The first failure is kept in *failure, the others are logged. */
static void hook_failed(struct run *r, const struct cert *c, const struct err *what,
                        struct err *failure)
{
	struct err e;

	if (deliver_is_put_back(what)) {
		if (failure->code == ERR_NONE)
			*failure = *what;
		return;
	}
	if (st_event_add(r->store, c->name, "hook-failed", &e, "%s", what->text) < 0)
		log_warn("%s", e.text);
	if (failure->code == ERR_NONE || deliver_is_put_back(failure))
		*failure = *what;
	else
		log_error("%s", what->text);
}

static void run_hooks(struct run *r, struct arena *a, const struct cert *c, const struct version *v,
                      struct err *failure)
{
	struct err e;

	if (!v->self_signed && hooks_deploy_cert(r, a, c, v->issued_at, &e) < 0)
		hook_failed(r, c, &e, failure);
	/* those behind one that is not called yet have their turn with it */
	for (size_t i = 0; i < c->deploy_hooks.n && !deliver_is_put_back(failure); i++) {
		struct deploy_hook_spec spec = {
			.hook = c->deploy_hooks.v[i],
			.lineage = live_path(a, r->state_dir, c->name),
			.domains = c->domains,
			.cancel = r->cancel,
			.turns = hooks_turns(r, a, c->name),
		};
		run_step(r, c->name, arena_printf(a, "running %s", spec.hook));
		if (deploy_hook_run(a, &spec, &e) < 0)
			hook_failed(r, c, &e, failure);
		else if (st_event_add(r->store, c->name, "hook", &e, "ran %s", spec.hook) < 0)
			log_warn("%s", e.text);
	}
}

/* The same certificate and key again, for a folder of its own. */
static int copy_version(struct run *r, struct arena *a, const struct cert *c, struct version *v,
                        struct err *e)
{
	v->id = 0;
	v->n = deliver_next_number(r, a, c);
	v->deployed = false;
	return st_version_put(r->store, v, e);
}

int deliver(struct run *r, struct arena *a, struct cert *c, struct delivery *d, struct err *e)
{
	struct version v;
	struct err err;
	int result = st_version_get(r->store, a, c->name, 0, &v, &err);
	bool was_live;

	d->deployed = false;
	d->hook_failure = (struct err){ 0 };
	if (result == -ERR_NOT_FOUND || r->dry_run)
		return 0;
	if (result < 0) {
		*e = err;
		return result;
	}
	if (c->redeliver && v.n == c->live_version)
		TRY(copy_version(r, a, c, &v, e));
	was_live = v.n == c->live_version;
	if (!was_live || !fs_exists(live_path(a, r->state_dir, c->name)))
		TRY(write_live(r, a, c, &v, d->finishes, e));
	d->deployed = v.deployed;
	if (v.deployed || d->hooks_later || (d->hooks_rest && was_live))
		return 0;
	TRY(lease_look(r, e));
	run_hooks(r, a, c, &v, &d->hook_failure);
	if (d->hook_failure.code != ERR_NONE)
		return 0;
	v.deployed = true;
	TRY(st_version_put(r->store, &v, e));
	d->deployed = true;
	return 0;
}

char *deliver_path(const struct run *r, struct arena *a, const char *cert_name)
{
	return live_path(a, r->state_dir, cert_name);
}

int64_t deliver_next_number(const struct run *r, struct arena *a, const struct cert *c)
{
	int64_t newest = live_newest(a, r->state_dir, c->name);

	return newest > c->live_version ? newest + 1 : 0;
}
