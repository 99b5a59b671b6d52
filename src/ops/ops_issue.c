/*
 * issue, renew, verify: which certificates, and what became of them in one line. Their turns are in
 * turns.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "flow/intake.h"
#include "flow/ping.h"
#include "flow/register.h"
#include "flow/session.h"
#include "ops/dry_run.h"
#include "ops/internal.h"
#include "ops/owner.h"
#include "store/people.h"

#define DUE_AT_ONCE 100000
#define DUE_AT_ONCE_FROM_AFAR 10000 /* within the daemon's memory; the rest is due still */
#define FROM_MAX_BYTES ((size_t)16 << 20)
#define FROM_MAX_LINES 100000

static bool is_live(const struct issue_result *r, const char *name)
{
	return strings_has(&r->issued, name) || strings_has(&r->renewed, name);
}

static int one_error(const struct issue_result *r, const struct cert_failure *f, struct err *e)
{
	*e = f->err;
	return is_live(r, f->name) ? err_ctx(e, "%s is live, but", f->name) : err_about(e, f->name);
}

int issue_result_error(const struct issue_result *r, struct err *e)
{
	size_t n = r->issued.n + r->renewed.n + r->unchanged.n + r->n_pending + r->n_failed;
	bool alike = true;

	if (r->n_failed == 0)
		return 0;
	for (size_t i = 0; i < r->n_failed; i++) {
		alike = alike && err_exit_status(r->failed[i].err.code) ==
		                     err_exit_status(r->failed[0].err.code);
		n -= is_live(r, r->failed[i].name) ||
		     strings_has(&r->unchanged, r->failed[i].name); /* named there too */
	}
	if (n == 1)
		return one_error(r, &r->failed[0], e);
	if (n == r->n_failed)
		return err_set(e, alike ? r->failed[0].err.code : ERR_PARTIAL,
		               "all %zu certificates failed; the first was %s: %s", n,
		               r->failed[0].name, r->failed[0].err.text);
	return err_set(e, ERR_PARTIAL, "%zu of %zu certificates failed; the first was %s: %s",
	               r->n_failed, n, r->failed[0].name, r->failed[0].err.text);
}

/* issue */

/* The account that a certificate will need, registered on the fly if that was allowed. Before
 * anything is stored. */
static int ensure_account(struct ops *o, struct arena *a, const struct cert *c,
                          const struct issue_options *opt, struct err *e)
{
	struct strings emails = opt->emails.n ? opt->emails : o->config.set.email;
	struct register_spec spec = { .emails = emails,
		                      .agree_tos = opt->agree_tos || o->config.set.agree_tos };
	struct account account;
	struct err err;
	struct ca ca;
	int result = account_for_cert(&o->run, a, c, &account, &err);

	if (result == 0 || result != -ERR_NOT_FOUND || emails.n == 0) {
		if (result == -ERR_NOT_FOUND)
			err.code = ERR_USAGE;
		if (result < 0)
			*e = err;
		return result < 0 ? -(int)err.code : 0;
	}
	TRY(ca_resolve(&o->run, a, c->ca, &ca, e));
	spec.ca = &ca;
	run_step(&o->run, c->name, "registering an account");
	result = account_register(&o->run, a, &spec, &account, e);
	run_step(&o->run, c->name, NULL);
	return result;
}

int ops_issue_account(struct ops *o, struct arena *a, const struct cert *c, struct err *e)
{
	struct account account;
	struct err err;
	int result = account_for_cert(&o->run, a, c, &account, &err);

	if (result == 0 ||
	    (result == -ERR_NOT_FOUND && o->config.set.email.n && o->config.set.agree_tos))
		return 0;
	*e = err;
	if (result != -ERR_NOT_FOUND)
		return result;
	e->code = ERR_USAGE;
	return err_member(e, c->account ? "account" : "ca");
}

static int take_in(struct ops *o, struct arena *a, const struct cert_change *v, size_t n,
                   struct intake *in, struct strings *names, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (intake(&o->run, a, &v[i], &in[i], e) < 0)
			return v[i].origin ? err_ctx(e, "%s", v[i].origin) : -(int)e->code;
		strings_add(a, names, in[i].wanted.name);
	}
	return 0;
}

/* A profile that the CA does not offer is refused before anything is stored. */
static int check_profiles(struct ops *o, struct arena *a, const struct intake *in, size_t n,
                          struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (in[i].wanted.profile &&
		    (i == 0 || !in[i - 1].wanted.profile ||
		     strcmp(in[i].wanted.profile, in[i - 1].wanted.profile) != 0) &&
		    session_check_profile(&o->run, a, &in[i].wanted, e) < 0)
			return err_about(e, in[i].wanted.name);
	return 0;
}

/* Sorted copies: a list of thousands is checked for doubles without comparing each with each. */
static int compare_names(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int refuse_doubles(struct arena *a, const struct strings *names, struct err *e)
{
	const char **v = arena_memdup(a, names->v, names->n * sizeof(*v));

	qsort(v, names->n, sizeof(*v), compare_names);
	for (size_t i = 1; i < names->n; i++)
		if (strcmp(v[i - 1], v[i]) == 0)
			return err_set(e, ERR_USAGE,
			               "two certificates would be called %s; give one another "
			               "name: NAME... > CERTNAME",
			               v[i]);
	return 0;
}

/* Accounts are made by administrators. */
static int check_accounts(struct ops *o, const struct issue_options *opt, struct err *e)
{
	if (!o->who || o->who->role == ROLE_ADMIN || (!opt->agree_tos && opt->emails.n == 0))
		return 0;
	err_set(e, ERR_DENIED, "accounts at CAs are made by administrators");
	return err_member(e, opt->emails.n ? "email" : "agree_tos");
}

int ops_issue(struct ops *o, struct arena *a, struct cert_change *v, size_t n,
              const struct issue_options *opt, struct issue_result *out, struct err *e)
{
	struct work_options work = { .force = opt->force, .named = true, .patient = n == 1 };
	struct intake *in = ARENA_ARRAY(a, struct intake, n + 1);
	struct strings names = { 0 };

	TRY(check_accounts(o, opt, e));
	TRY(take_in(o, a, v, n, in, &names, e));
	TRY(refuse_doubles(a, &names, e));
	if (opt->dry_run)
		return dry_run(o, a, in, n, opt, out, e);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(in[i].wanted.ca, in[0].wanted.ca) != 0)
			TRY(ensure_account(o, a, &in[i].wanted, opt, e));
	TRY(check_profiles(o, a, in, n, e));
	return ops_work(o, a, &names, in, opt->jobs, &work, out, e);
}

/* "NAME [NAME...] [> CERTNAME]" */
static int from_line(struct arena *a, char *line, const struct cert_change *base,
                     struct cert_change *out, struct err *e)
{
	struct cert_change ch = *base;
	char *arrow = strchr(line, '>'), *save = NULL;

	ch.given = strings_dup(a, &base->given);
	strings_add(a, &ch.given, "domains");
	ch.values.domains = (struct strings){ 0 };
	if (arrow) {
		*arrow++ = '\0';
		ch.values.name = strtok_r(arrow, " \t", &save);
		strings_add(a, &ch.given, "name");
		if (!ch.values.name || strtok_r(NULL, " \t", &save))
			return err_set(e, ERR_USAGE,
			               "after \">\" stands one name of the certificate");
	}
	for (char *word = strtok_r(line, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		strings_add(a, &ch.values.domains, word);
	if (ch.values.domains.n == 0)
		return err_set(e, ERR_USAGE, "no name before \">\"");
	*out = ch;
	return 0;
}

static int from_file(struct arena *a, const char *file, const struct cert_change *base,
                     struct cert_change **out, size_t *n, struct err *e)
{
	char *text;
	size_t len, lines = 1, number = 0, count = 0;

	TRY(fs_read(a, file, FROM_MAX_BYTES, &text, &len, e));
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	if (lines > FROM_MAX_LINES)
		return err_set(e, ERR_INPUT, "%s has more than %d lines", file, FROM_MAX_LINES);
	*out = ARENA_ARRAY(a, struct cert_change, lines);
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		line[strcspn(line, "#\r")] = '\0';
		if (line[strspn(line, " \t")] == '\0')
			continue;
		if (from_line(a, line, base, &(*out)[count], e) < 0)
			return err_ctx(e, "%s:%zu", file, number);
		(*out)[count++].origin = arena_printf(a, "%s:%zu", file, number);
	}
	*n = count;
	return count ? 0 : err_set(e, ERR_USAGE, "%s names no certificate", file);
}

int ops_issue_lines(struct arena *a, const char *file, const struct cert_change *base,
                    struct cert_change **out, size_t *n, struct err *e)
{
	struct strings names = { 0 };

	TRY(from_file(a, file, base, out, n, e));
	for (size_t i = 0; i < *n; i++) {
		const struct cert *c = &(*out)[i].values;
		const char *made = c->name ? c->name : intake_cert_name(a, c->domains.v[0]);

		strings_add(a, &names, made ? made : c->domains.v[0]);
	}
	return refuse_doubles(a, &names, e);
}

int ops_issue_from(struct ops *o, struct arena *a, const char *file, const struct cert_change *base,
                   const struct issue_options *opt, struct issue_result *out, struct err *e)
{
	struct cert_change *v;
	size_t n;

	TRY(owner_check_host(o, "naming files", e));
	TRY(from_file(a, file, base, &v, &n, e));
	return ops_issue(o, a, v, n, opt, out, e);
}

/* renew */

struct choosing {
	struct arena *arena;
	struct strings *names;
	const struct renew_options *opt;
	bool from_afar;
};

static int choose_by_days(void *ctx, const struct cert *c, struct arena *a, struct err *e)
{
	struct choosing *w = ctx;
	bool ends_soon = w->opt->days > 0 && c->not_after > 0 &&
	                 c->not_after - clock_now() < (int64_t)w->opt->days * 86400;

	(void)a;
	if (strcmp(c->status, "revoked") != 0 &&
	    (w->opt->force || ends_soon || (w->opt->days > 0 && c->not_after == 0)))
		strings_add(w->arena, w->names, c->name);
	if (w->from_afar && w->names->n > DUE_AT_ONCE_FROM_AFAR)
		return err_set(e, ERR_INPUT,
		               "these are more than %d certificates: name some, or fewer days",
		               DUE_AT_ONCE_FROM_AFAR);
	return 0;
}

static int owned_by(struct ops *o, struct arena *a, const char *owner, struct strings *names,
                    struct err *e)
{
	struct strings mine = { 0 };
	bool all = !owner && !owner_scope(o);

	for (size_t i = 0; !all && i < names->n; i++) {
		struct cert c;
		TRY(st_cert_get(o->run.store, a, names->v[i], &c, e));
		if ((!owner || (c.owner && strcmp(c.owner, owner) == 0)) &&
		    scope_covers(owner_scope(o), c.name, &c.domains))
			strings_add(a, &mine, c.name);
	}
	if (!all)
		*names = mine;
	return 0;
}

/* The names asked for, or all that are due; --force and --days look at each. */
static int choose(struct ops *o, struct arena *a, const struct renew_options *opt,
                  struct strings *names, struct err *e)
{
	struct choosing w = { a, names, opt, o->who != NULL };
	const char *owner = owner_filter(o) ? owner_filter(o) : opt->owner;
	struct cert_filter all = { .owner = owner, .scope = owner_scope(o) };
	struct user known;

	/* who knows some certificates alone is not told who there is: a stranger has none of them
	 */
	if (opt->owner && !owner_is_limited(o))
		TRY(st_user_get(o->run.store, a, opt->owner, &known, e));

	if (opt->names.n) {
		for (size_t i = 0; i < opt->names.n; i++) {
			const char *name;
			TRY(ops_cert_name(o, a, opt->names.v[i], &name, e));
			if (!strings_has(names, name))
				strings_add(a, names, name);
		}
		return owned_by(o, a, opt->owner, names, e);
	}
	if (opt->force || opt->days > 0)
		return st_cert_each(o->run.store, &all, choose_by_days, &w, e);
	TRY(st_job_due(o->run.store, a, clock_now(), o->who ? DUE_AT_ONCE_FROM_AFAR : DUE_AT_ONCE,
	               names, e));
	return owned_by(o, a, owner, names, e);
}

int ops_renew(struct ops *o, struct arena *a, const struct renew_options *opt,
              struct issue_result *out, struct err *e)
{
	struct work_options work = {
		.force = opt->force,
		.named = opt->names.n > 0,
		.days = opt->days,
		.only_renew = true,
		.patient = opt->names.n == 1,
	};
	struct strings names = { 0 };

	TRY(owner_check_write(o, e));
	if (opt->names.n == 0)
		dry_run_sweep(o, a);
	TRY(choose(o, a, opt, &names, e));
	if (opt->dry_run)
		return dry_run_names(o, a, &names, opt, out, e);
	TRY(ops_work(o, a, &names, NULL, opt->jobs, &work, out, e));
	if (opt->names.n == 0 && !opt->owner && !owner_is_limited(o) &&
	    !cancel_is_set(o->run.cancel))
		ping_pass(&o->run, out->n_failed > 0);
	return 0;
}

int ops_verify(struct ops *o, struct arena *a, const char *name, bool new_challenge,
               struct issue_result *out, struct err *e)
{
	struct work_options work = { .named = true,
		                     .person_is_ready = !new_challenge,
		                     .patient = true,
		                     .new_challenge = new_challenge };
	struct strings names = { 0 };

	TRY(owner_check_write(o, e));
	TRY(ops_cert_name(o, a, name, &name, e));
	strings_add(a, &names, name);
	return ops_work(o, a, &names, NULL, 1, &work, out, e);
}
