/*
 * What a person asks about rate limits, by certificate or by domain.
 */
#include "ops/ops_limits.h"

#include <string.h>

#include "flow/ca.h"
#include "flow/explain.h"
#include "flow/limits.h"
#include "flow/session.h"
#include "ops/internal.h"
#include "ops/owner.h"

/* What one of the words means. */
struct subject {
	const struct cert *cert; /* NULL = a domain */
	struct strings domains;
	struct ca ca;
	struct account account;
	bool has_account;
};

static int ca_asked(struct ops *o, struct arena *a, const char *ca, struct ca *out, struct err *e)
{
	return ca_resolve(&o->run, a,
	                  ca                 ? ca
	                  : o->config.set.ca ? o->config.set.ca
	                                     : "letsencrypt",
	                  out, e);
}

static int understand(struct ops *o, struct arena *a, const char *word, const char *ca,
                      struct subject *s, struct err *e)
{
	struct cert *c = ARENA_NEW(a, struct cert);
	const char *name;
	struct err none;

	if (ops_cert_name(o, a, word, &name, &none) == 0) {
		TRY(st_cert_get(o->run.store, a, name, c, e));
		s->cert = ca ? NULL : c; /* at another CA it is a new one */
		s->domains = c->domains;
		TRY(ca_resolve(&o->run, a, ca ? ca : c->ca, &s->ca, e));
	} else {
		TRY(limits_domain(a, word, &name, e));
		TRY(owner_check_domain(o, a, name, e));
		strings_add(a, &s->domains, name);
		TRY(ca_asked(o, a, ca, &s->ca, e));
	}
	s->has_account = (s->cert ? account_for_cert(&o->run, a, s->cert, &s->account, &none)
	                          : account_of_ca(&o->run, a, &s->ca, &s->account, &none)) == 0;
	return 0;
}

static int resume(struct ops *o, struct arena *a, const struct subject *s, struct err *e)
{
	if (!s->has_account)
		return err_set(e, ERR_NOT_FOUND, "there is no account at %s", s->ca.name);
	TRY(limits_unpaused(&o->run, a, &s->account, &s->domains, e));
	return st_event_add(o->run.store, NULL, "limits", e, "%s has resumed %s", s->ca.name,
	                    strings_join(a, &s->domains, ", "));
}

static bool is_known(const struct limit_state *v, size_t n, const struct limit_state *x)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].limit, x->limit) == 0 && strcmp(v[i].ca, x->ca) == 0 &&
		    strcmp(v[i].account ? v[i].account : "", x->account ? x->account : "") == 0 &&
		    strcmp(v[i].subject ? v[i].subject : "", x->subject ? x->subject : "") == 0)
			return true;
	return false;
}

static int look_at(struct ops *o, struct arena *a, const struct limits_ask *ask, const char *word,
                   struct limit_state **v, size_t *n, struct err *e)
{
	struct subject s = { 0 };
	struct limit_state *more, *all;
	size_t n_more;

	TRY(understand(o, a, word, ask->ca, &s, e));
	if (ask->unpaused)
		TRY(resume(o, a, &s, e));
	TRY(limits_look(&o->run, a, s.cert, &s.domains, &s.ca, s.has_account ? &s.account : NULL,
	                &more, &n_more, NULL, e));
	all = ARENA_ARRAY(a, struct limit_state, *n + n_more + 1);
	if (*n)
		memcpy(all, *v, *n * sizeof(*all));
	for (size_t i = 0; i < n_more; i++)
		if (!is_known(all, *n, &more[i]))
			all[(*n)++] = more[i];
	*v = all;
	return 0;
}

int ops_limits(struct ops *o, struct arena *a, const struct limits_ask *ask,
               struct limit_state **out, size_t *n, struct err *e)
{
	struct strings names = ask->names;
	struct limit_state *v = NULL;
	size_t have = 0;
	struct ca ca;

	*out = NULL;
	*n = 0;
	if (ask->unpaused && ask->names.n == 0)
		return err_set(e, ERR_USAGE, "--unpaused wants the names that the CA has resumed");
	if (ask->unpaused && owner_is_limited(o))
		return err_set(e, ERR_DENIED, "that is for operators");
	if (names.n == 0 && owner_is_limited(o)) {
		TRY(owner_certs(o, a, &names, e));
		if (names.n == 0)
			return 0;
	}
	if (names.n == 0) {
		if (ask->ca)
			TRY(ca_resolve(&o->run, a, ask->ca, &ca, e));
		return o->run.store ? limits_in_use(&o->run, a, ask->ca ? ca.url : NULL, out, n, e)
		                    : 0;
	}
	if (!o->run.store)
		return err_set(e, ERR_NOT_FOUND, "there is no state in %s yet", o->run.state_dir);
	for (size_t i = 0; i < names.n; i++)
		TRY(look_at(o, a, ask, names.v[i], &v, &have, e));
	*out = v;
	*n = have;
	return 0;
}

int ops_explain(struct ops *o, struct arena *a, const char *name, struct explanation *out,
                struct err *e)
{
	TRY(ops_cert_name(o, a, name, &name, e));
	return explain(&o->run, a, name, out, e);
}
