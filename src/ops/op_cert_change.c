/*
 * Certificates changed: made, set, renewed, revoked, deleted. Each is the command of that name;
 * over the network what waits for the outside is a job, and what need not wait for it is refused
 * before.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/internal.h"
#include "ops/op_cert.h"
#include "ops/ops_preflight.h"
#include "ops/owner.h"

#define PATIENCE_S 3

/* A client is told soon that somebody else is at work; a command line waits longer. */
static struct ops at_once(const struct ops *o)
{
	struct ops quick = *o;

	quick.run.patience_s = o->who ? PATIENCE_S : 0;
	return quick;
}

static int say(struct arena *a, int result, const struct issue_result *r, void *out_record)
{
	if (result == 0)
		issue_say(a, r, out_record);
	return result;
}

/* Those that a person asks for by name, and may change. */
static int find_to_change(struct ops *o, struct arena *a, const char *typed, const char **name,
                          struct err *e)
{
	TRY(owner_check_write(o, e));
	return ops_cert_name(o, a, typed, name, e);
}

int check_cert_create(struct ops *o, struct arena *a, void *in_record, struct err *e)
{
	struct cert_change change;
	struct intake in;

	TRY(owner_check_write(o, e));
	TRY(cert_change_of(o, a, in_record, &change, e));
	TRY(intake(&o->run, a, &change, &in, e));
	return ((const struct cert_in *)in_record)->dry_run
	           ? 0
	           : ops_issue_account(o, a, &in.wanted, e);
}

int op_cert_create(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct cert_in *in = in_record;
	const struct issue_options opt = { .force = in->force, .dry_run = in->dry_run, .jobs = 1 };
	struct issue_result r = { 0 };
	struct cert_change change;

	TRY(owner_check_write(o, e));
	TRY(cert_change_of(o, a, in, &change, e));
	return say(a, ops_issue(o, a, &change, 1, &opt, &r, e), &r, out_record);
}

void cert_prepare(struct ops *o, struct arena *a, const struct cert_in *in)
{
	const struct work_options opt = { .named = true, .only_stand_in = true };
	struct ops quick = at_once(o);
	struct cert_change change;
	struct work_result result;
	struct intake taken;
	struct err e;

	if (!in->c.self_signed_first || in->dry_run)
		return;
	if (cert_change_of(o, a, in, &change, &e) < 0 ||
	    intake(&o->run, a, &change, &taken, &e) < 0)
		return; /* the job tells why */
	/* the caller is a thread of the server: what may wait for others (a hook script, what an
	 * earlier request left at the CA or in the DNS) is the job's */
	if (taken.stored.id || (taken.wanted.method && strcmp(taken.wanted.method, "hook") == 0))
		return;
	work_on(&quick.run, a, taken.wanted.name, &taken, &opt, &result);
	if (result.failure.code != ERR_NONE)
		log_warn("%s: the stand-in is left to the job: %s", taken.wanted.name,
		         result.failure.text);
}

/* It is how the certificate was found, and cannot be changed. */
static void drop_name(struct arena *a, struct strings *given)
{
	struct strings rest = { 0 };

	for (size_t i = 0; i < given->n; i++)
		if (strcmp(given->v[i], "name") != 0)
			strings_add(a, &rest, given->v[i]);
	*given = rest;
}

int op_cert_set(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct cert_in *in = in_record;
	struct ops quick = at_once(o);
	struct cert_said *out = out_record, said;
	struct cert_change change;
	struct cert_details d;
	const char *name;

	TRY(find_to_change(o, a, in->c.name, &name, e));
	TRY(cert_change_of(o, a, in, &change, e));
	drop_name(a, &change.given);
	TRY(ops_set(&quick, a, name, &change, e));
	TRY(ops_show(o, a, name, &d, e));
	TRY(cert_say(o, a, &d.cert, &said, e));
	said.renewal_reason = d.renewal_reason;
	*out = said;
	return 0;
}

int op_cert_delete(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct named *in = in_record;
	struct ops quick = at_once(o);
	const char *name;

	(void)out_record;
	TRY(find_to_change(o, a, in->name, &name, e));
	return ops_delete(&quick, a, name, e);
}

/* renew, verify */

/* Of every record that begins with the certificate's name. */
int check_cert_named(struct ops *o, struct arena *a, void *in_record, struct err *e)
{
	const struct named *in = in_record;
	const char *name;

	return find_to_change(o, a, in->name, &name, e);
}

static int check_days(int64_t days, struct err *e)
{
	if (days >= 0 && days <= 36500)
		return 0;
	err_set(e, ERR_USAGE, "\"days\" must be a number of days");
	return err_member(e, "days");
}

int op_cert_renew(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct renew_in *in = in_record;
	struct renew_options opt = { .force = in->force, .dry_run = in->dry_run, .jobs = 1 };
	struct issue_result r = { 0 };
	const char *name;

	TRY(check_days(in->days, e));
	opt.days = (int)in->days;
	TRY(find_to_change(o, a, in->name, &name, e));
	strings_add(a, &opt.names, name);
	return say(a, ops_renew(o, a, &opt, &r, e), &r, out_record);
}

int check_cert_renew_due(struct ops *o, struct arena *a, void *in_record, struct err *e)
{
	const struct renew_due_in *in = in_record;

	(void)a;
	TRY(owner_check_write(o, e));
	return check_days(in->days, e);
}

int op_cert_renew_due(struct ops *o, struct arena *a, void *in_record, void *out_record,
                      struct err *e)
{
	const struct renew_due_in *in = in_record;
	const char *own = owner_filter(o);
	struct renew_options opt = { .owner = own ? own : in->owner,
		                     .force = in->force,
		                     .dry_run = in->dry_run,
		                     .days = (int)in->days };
	struct issue_result r = { 0 };

	TRY(owner_check_write(o, e));
	if (own && in->owner && strcmp(own, in->owner) != 0)
		return say(a, 0, &r, out_record);
	return say(a, ops_renew(o, a, &opt, &r, e), &r, out_record);
}

static int verify(struct ops *o, struct arena *a, const char *typed, bool anew, void *out_record,
                  struct err *e)
{
	struct issue_result r = { 0 };
	const char *name;

	TRY(find_to_change(o, a, typed, &name, e));
	return say(a, ops_verify(o, a, name, anew, &r, e), &r, out_record);
}

int op_cert_verify(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct named *in = in_record;

	return verify(o, a, in->name, false, out_record, e);
}

int op_cert_new_challenge(struct ops *o, struct arena *a, void *in_record, void *out_record,
                          struct err *e)
{
	const struct named *in = in_record;

	return verify(o, a, in->name, true, out_record, e);
}

/* the rest */

int check_cert_revoke(struct ops *o, struct arena *a, void *in_record, struct err *e)
{
	static const char *const reasons[] = { "unspecified", "keyCompromise", "superseded",
		                               "cessationOfOperation", "affiliationChanged" };
	const struct revoke_in *in = in_record;
	const char *name;

	TRY(find_to_change(o, a, in->name, &name, e));
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (!in->reason || strcmp(reasons[i], in->reason) == 0)
			return 0;
	err_set(e, ERR_USAGE,
	        "\"reason\" must be unspecified, keyCompromise, superseded, cessationOfOperation "
	        "or affiliationChanged");
	return err_member(e, "reason");
}

int op_cert_revoke(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct revoke_in *in = in_record;
	const char *name;

	(void)out_record;
	TRY(find_to_change(o, a, in->name, &name, e));
	return ops_revoke(o, a, name, in->reason, e);
}

int op_cert_preflight(struct ops *o, struct arena *a, void *in_record, void *out_record,
                      struct err *e)
{
	const struct named *in = in_record;
	struct findings_said *out = out_record;
	const struct cert_change none = { 0 };
	struct strings names = { 0 };
	struct finding *v;
	const char *name;
	size_t n;

	TRY(find_to_change(o, a, in->name, &name, e));
	strings_add(a, &names, name);
	TRY(ops_preflight(o, a, &names, &none, &v, &n, e));
	out->findings = (struct records){ v, n };
	return 0;
}

int op_ask_again(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	struct refresh_said *out = out_record;
	int64_t n;

	(void)a;
	(void)in_record;
	TRY(st_ari_ask_again(o->run.store, clock_now(), &n, e));
	TRY(st_event_add(o->run.store, NULL, "renewal-information", e,
	                 "asked for again at once, of %lld certificates", (long long)n));
	if (o->task_added)
		o->task_added(o->task_added_ctx);
	out->certificates = n;
	return 0;
}
