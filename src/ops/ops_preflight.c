/*
 * A certificate is looked at with its lease, as an attempt would be. Domains that no certificate
 * has get a row in the dry run's store for as long as the look takes, so that what is published for
 * it is journalled: what a killed look left is taken away by the next look, dry run or `renew`.
 */
#include "ops/ops_preflight.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/lease.h"
#include "flow/preflight.h"
#include "flow/retire.h"
#include "flow/session.h"
#include "flow/solve.h"
#include "flow/sweep.h"
#include "ops/dry_run.h"
#include "ops/internal.h"

/* What is known of the CA: its directory needs no account. */
struct seen_ca {
	struct acme *session;
	const struct acme_directory *directory;
	const char *account_url;
};

static void seen_ca_done(struct seen_ca *s)
{
	if (s->session)
		acme_close(s->session);
}

static int find_ca(struct run *r, struct arena *a, const struct cert *c, struct seen_ca *out,
                   struct finding *unread, struct err *e)
{
	struct account account;
	struct err missing;
	struct ca ca;

	TRY(ca_resolve(r, a, c->ca, &ca, e));
	TRY(session_open(r, &ca, &out->session, e));
	if (acme_directory(out->session, &out->directory, &missing) < 0) {
		out->directory = NULL;
		*unread = (struct finding){ .check = "directory",
			                    .verdict = FINDING_UNKNOWN,
			                    .text = arena_strdup(a, missing.text),
			                    .mend = "let this machine reach the CA" };
	}
	if (account_for_cert(r, a, c, &account, &missing) == 0)
		out->account_url = account.url;
	return 0;
}

/* What the method's own check says; *usable: it could publish something. */
static void check_method(struct run *r, struct arena *a, const struct cert *c, struct solve *s,
                         bool *usable, struct finding *out)
{
	struct err why;
	struct cert checked = *c;

	checked.preflight = true;
	*usable = solve_check(r, &checked, s, &why) == 0;
	if (*usable)
		return;
	*out = (struct finding){ .check = "method",
		                 .verdict =
		                     err_is_retryable(why.code) ? FINDING_UNKNOWN : FINDING_FAILS,
		                 .text = arena_strdup(a, why.text),
		                 .mend = "mend that, or choose another method" };
}

struct list {
	struct finding *v;
	size_t n;
};

static void append(struct arena *a, struct list *to, const struct finding *v, size_t n)
{
	struct finding *all = ARENA_ARRAY(a, struct finding, to->n + n + 1);

	if (to->n)
		memcpy(all, to->v, to->n * sizeof(*all));
	if (n)
		memcpy(all + to->n, v, n * sizeof(*all));
	to->v = all;
	to->n += n;
}

/* journal: where what is published is written down; c has a row there. */
static int look(struct run *r, struct run *journal, struct arena *a, const struct cert *c,
                struct list *out, struct err *e)
{
	CLEANUP(seen_ca_done) struct seen_ca ca = { 0 };
	struct preflight_ask ask = { .cert = c, .thorough = true, .limits = true };
	struct finding first[2] = { 0 };
	struct findings found = { 0 };
	struct solve *s;
	bool usable;
	int result;

	run_step(r, c->domains.v[0], "looking whether validation can succeed");
	TRY(find_ca(r, a, c, &ca, &first[0], e));
	TRY(sweep_old(journal, a, c, e));
	s = solve_new_in(r, journal, a, c);
	check_method(r, a, c, s, &usable, &first[1]);
	ask.solve = usable ? s : NULL;
	ask.directory = ca.directory;
	ask.account_url = ca.account_url;
	result = preflight(r, a, &ask, &found, e);
	solve_done(c, s);
	run_step(r, c->domains.v[0], NULL);
	TRY(result);
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		if (first[i].check)
			append(a, out, &first[i], 1);
	append(a, out, found.v, found.n);
	return 0;
}

static int look_at_certificate(struct ops *o, struct arena *a, const char *typed, struct list *out,
                               struct err *e)
{
	const char *name;
	struct cert c;
	int result;

	TRY(ops_cert_name(o, a, typed, &name, e));
	TRY(lease_take(&o->run, name, e));
	result = st_cert_get(o->run.store, a, name, &c, e);
	if (result == 0)
		result = look(&o->run, &o->run, a, &c, out, e);
	lease_drop(&o->run, name);
	return result;
}

/* With the lease of its name in the dry run's store. */
static int look_with_row(struct ops *o, struct ops *dry, struct arena *a, const struct cert *wanted,
                         struct list *out, struct err *e)
{
	struct cert row = *wanted, old;
	struct err left;
	int result;

	row.id = st_cert_get(dry->run.store, a, wanted->name, &old, &left) == 0 ? old.id : 0;
	row.owner = row.account = NULL;
	row.created_at = row.updated_at = clock_now();
	TRY(st_cert_put(dry->run.store, &row, e));
	result = look(&o->run, &dry->run, a, wanted, out, e);
	if (retire_delete(&dry->run, a, &row, &left) < 0)
		log_warn("%s: the look left something behind: %s", wanted->name, left.text);
	return result;
}

static int look_at_domains(struct ops *o, struct arena *a, const struct strings *words,
                           const struct cert_change *change, struct list *out, struct err *e)
{
	struct cert_change ch = *change;
	struct intake in;
	struct ops *dry;
	int result;

	ch.given = strings_dup(a, &change->given);
	strings_add(a, &ch.given, "domains");
	strings_add(a, &ch.given, "name");
	ch.values.domains = *words;
	ch.values.name = "_preflight"; /* nobody's: what is stored of the names does not count */
	TRY(intake(&o->run, a, &ch, &in, e));
	in.wanted.name = arena_printf(a, "_preflight-%lld-%d", (long long)clock_now(), getpid());
	TRY(ops_dry(o, &dry, e));
	dry_run_sweep(o, a);
	TRY(lease_take(&dry->run, in.wanted.name, e));
	result = look_with_row(o, dry, a, &in.wanted, out, e);
	lease_drop(&dry->run, in.wanted.name);
	return result;
}

static bool says_how(const struct cert_change *change)
{
	return strings_has(&change->given, "method");
}

int ops_preflight(struct ops *o, struct arena *a, const struct strings *words,
                  const struct cert_change *change, struct finding **out, size_t *n, struct err *e)
{
	struct list found = { 0 };

	if (!says_how(change) && change->given.n)
		return err_set(e, ERR_USAGE,
		               "--%s goes with domains and a way to prove them (--webroot DIR, "
		               "--standalone, --alpn, --dns ACCOUNT, …)",
		               change->given.v[0]);
	if (says_how(change))
		TRY(look_at_domains(o, a, words, change, &found, e));
	for (size_t i = 0; !says_how(change) && i < words->n; i++)
		if (look_at_certificate(o, a, words->v[i], &found, e) < 0)
			return e->code == ERR_NOT_FOUND
			           ? err_ctx(e, "say how the names are to be proved (--webroot "
			                        "DIR, --standalone, …), or name a certificate")
			           : -(int)e->code;
	*out = found.v;
	*n = found.n;
	return 0;
}

int ops_preflight_verdict(struct arena *a, struct finding *v, size_t n, struct err *e)
{
	const struct findings f = { v, n };

	return preflight_verdict(a, &f, e);
}
