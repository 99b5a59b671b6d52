/*
 * The rows of a dry run are made in the other store, worked on as any, and deleted again.
 */
#include "ops/dry_run.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "flow/lease.h"
#include "flow/register.h"
#include "flow/retire.h"
#include "flow/session.h"

/* The staging CA of a certificate's CA, known to the other store as well. */
static int staging_ca(struct ops *o, struct ops *dry, struct arena *a, const char *name,
                      struct ca *out, struct err *e)
{
	struct ca ca, staging;
	struct err err;

	TRY(ca_resolve(&o->run, a, name, &ca, e));
	if (!ca.staging)
		return err_set(
		    e, ERR_USAGE,
		    "the CA %s has no staging directory that is known, so there is no --dry-run; "
		    "give it one with `everleaf ca add NAME URL --staging URL`",
		    ca.name);
	TRY(ca_resolve(&o->run, a, ca.staging, &staging, e));
	if (ca_resolve(&dry->run, a, staging.url, out, &err) == 0 && (out->known || out->id))
		return 0;
	/* a laboratory's: it sees the world as its production sibling does */
	staging.id = 0;
	staging.name = arena_printf(a, "%s-staging", ca.name);
	staging.ca_bundle = staging.ca_bundle ? staging.ca_bundle : ca.ca_bundle;
	staging.resolver = staging.resolver ? staging.resolver : ca.resolver;
	staging.http_port = staging.http_port ? staging.http_port : ca.http_port;
	staging.tls_port = staging.tls_port ? staging.tls_port : ca.tls_port;
	staging.public_only = staging.public_only || ca.public_only;
	staging.created_at = clock_now();
	TRY(st_ca_put(dry->run.store, &staging, e));
	*out = staging;
	return 0;
}

static int staging_account(struct ops *o, struct ops *dry, struct arena *a, const struct cert *c,
                           const struct ca *staging, const struct issue_options *opt, struct err *e)
{
	struct register_spec spec = { .ca = staging, .agree_tos = true, .emails = opt->emails };
	struct account account;
	struct err err;
	int result = account_of_ca(&dry->run, a, staging, &account, &err);

	if (result != -ERR_NOT_FOUND) {
		if (result < 0)
			*e = err;
		return result;
	}
	/* whoever has an account agreed to the CA's terms; its contacts serve here too */
	if (account_for_cert(&o->run, a, c, &account, &err) == 0 && spec.emails.n == 0)
		spec.emails = account.contacts;
	else if (!opt->agree_tos && !o->config.set.agree_tos)
		return err_set(e, ERR_USAGE,
		               "there is no account at %s yet: give --email ADDR --agree-tos",
		               c->ca);
	return account_register(&dry->run, a, &spec, &account, e);
}

/* A copy that asks for the same and has nothing yet. */
static int copy_request(struct ops *dry, struct arena *a, const struct cert *c,
                        const struct ca *staging, struct err *e)
{
	struct cert copy = *c, old;
	struct err err;

	copy.id = st_cert_get(dry->run.store, a, c->name, &old, &err) == 0 ? old.id : 0;
	copy.status = "pending";
	copy.ca = staging->name;
	copy.account = NULL;
	copy.owner = NULL;
	copy.preferred_chain = NULL; /* staging has other roots */
	copy.self_signed_first = false;
	copy.live_version = 0;
	copy.live_self_signed = false;
	copy.serial = copy.issuer = copy.spki_sha256 = copy.issued_identity = NULL;
	copy.not_before = copy.not_after = copy.renew_at = copy.retry_at = copy.failures = 0;
	copy.last_error = NULL;
	copy.last_error_at = 0;
	copy.ari_id = copy.ari_explanation_url = NULL;
	copy.ari_start = copy.ari_end = copy.ari_renew_at = copy.ari_check_at = 0;
	copy.created_at = copy.updated_at = clock_now();
	return st_cert_put(dry->run.store, &copy, e);
}

static void forget(struct ops *dry, struct arena *a, const struct strings *names)
{
	struct cert c;
	struct err e;

	for (size_t i = 0; i < names->n; i++)
		if (st_cert_get(dry->run.store, a, names->v[i], &c, &e) < 0
		        ? e.code != ERR_NOT_FOUND
		        : retire_delete(&dry->run, a, &c, &e) < 0)
			log_warn("%s: the dry run left something behind: %s", names->v[i], e.text);
}

static int prepare(struct ops *o, struct ops *dry, struct arena *a, const struct intake *in,
                   size_t n, const struct issue_options *opt, struct strings *names, struct err *e)
{
	struct ca staging;

	for (size_t i = 0; i < n; i++) {
		TRY(staging_ca(o, dry, a, in[i].wanted.ca, &staging, e));
		TRY(staging_account(o, dry, a, &in[i].wanted, &staging, opt, e));
		strings_add(a, names, in[i].wanted.name);
		TRY(copy_request(dry, a, &in[i].wanted, &staging, e));
	}
	return 0;
}

/* What a dry run that was killed left published is taken away, and its rows. */
static void sweep_killed(struct ops *dry, struct arena *a)
{
	struct strings left = { 0 };
	struct err e;

	if (st_challenge_certs(dry->run.store, a, &left, &e) < 0)
		log_warn("%s", e.text);
	for (size_t i = 0; i < left.n; i++) {
		struct strings one = { &left.v[i], 1 };
		if (st_job_lease(dry->run.store, left.v[i], dry->run.command, 3600, &e) < 0)
			continue; /* a dry run that lives */
		forget(dry, a, &one);
		lease_drop(&dry->run, left.v[i]);
	}
}

void dry_run_sweep(struct ops *o, struct arena *a)
{
	struct ops *dry;
	struct err e;

	if (!fs_exists(arena_printf(a, "%s/dry-run/everleaf.db", o->run.state_dir)))
		return;
	if (ops_dry(o, &dry, &e) < 0)
		log_warn("%s", e.text);
	else
		sweep_killed(dry, a);
}

int dry_run(struct ops *o, struct arena *a, const struct intake *in, size_t n,
            const struct issue_options *opt, struct issue_result *out, struct err *e)
{
	struct work_options work = { .force = true, .named = true };
	struct strings names = { 0 };
	struct ops *dry;
	int result;

	for (size_t i = 0; i < n; i++)
		if (strcmp(in[i].wanted.method, "manual") == 0 ||
		    strcmp(in[i].wanted.method, "dns-persist") == 0)
			return err_set(e, ERR_USAGE,
			               "%s: a dry run waits for nobody, so not with --%s",
			               in[i].wanted.name, in[i].wanted.method);
	TRY(ops_dry(o, &dry, e));
	sweep_killed(dry, a);
	result = prepare(o, dry, a, in, n, opt, &names, e);
	if (result == 0)
		result = ops_work(dry, a, &names, NULL, opt->jobs, &work, out, e);
	forget(dry, a, &names);
	return result;
}

int dry_run_names(struct ops *o, struct arena *a, const struct strings *names,
                  const struct renew_options *opt, struct issue_result *out, struct err *e)
{
	struct issue_options as_issue = { .jobs = opt->jobs };
	struct intake *in = ARENA_ARRAY(a, struct intake, names->n + 1);

	for (size_t i = 0; i < names->n; i++)
		TRY(st_cert_get(o->run.store, a, names->v[i], &in[i].wanted, e));
	return dry_run(o, a, in, names->n, &as_issue, out, e);
}
