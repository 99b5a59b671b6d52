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

/* Over the network one answer has so much. */
#define NAMES_MOST 200
#define STATES_MOST 1000

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

/* What was found, of all that was asked for. */
struct found {
	struct arena *arena;
	struct limit_state *v;
	size_t n, cap;
};

static bool is_known(const struct found *f, const struct limit_state *x)
{
	const struct limit_state *v = f->v;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(v[i].limit, x->limit) == 0 && strcmp(v[i].ca, x->ca) == 0 &&
		    strcmp(v[i].account ? v[i].account : "", x->account ? x->account : "") == 0 &&
		    strcmp(v[i].subject ? v[i].subject : "", x->subject ? x->subject : "") == 0)
			return true;
	return false;
}

static void keep(struct found *f, const struct limit_state *x)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 64;
		struct limit_state *larger = ARENA_ARRAY(f->arena, struct limit_state, cap);

		if (f->n)
			memcpy(larger, f->v, f->n * sizeof(*larger));
		f->v = larger;
		f->cap = cap;
	}
	FIELD_EACH (field, limit_state_fields)
		field_copy(f->arena, field, &f->v[f->n], x);
	f->n++;
}

/* In an arena of its own: what is read for one word is of no use for the next. */
static int look_at(struct ops *o, const struct limits_ask *ask, const char *word, struct found *f,
                   struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct subject s = { 0 };
	struct limit_state *v;
	size_t n;

	TRY(understand(o, a, word, ask->ca, &s, e));
	if (ask->unpaused)
		TRY(resume(o, a, &s, e));
	TRY(limits_look(&o->run, a, s.cert, &s.domains, &s.ca, s.has_account ? &s.account : NULL,
	                &v, &n, NULL, e));
	for (size_t i = 0; i < n; i++)
		if (!is_known(f, &v[i]))
			keep(f, &v[i]);
	return 0;
}

static int check_ask(const struct ops *o, const struct limits_ask *ask, struct err *e)
{
	if (ask->unpaused && ask->names.n == 0)
		return err_set(e, ERR_USAGE, "--unpaused wants the names that the CA has resumed");
	if (ask->unpaused && owner_is_limited(o))
		return err_set(e, ERR_DENIED, "that is for operators");
	if (o->who && ask->names.n > NAMES_MOST) {
		err_set(e, ERR_USAGE, "at most %d names are asked for at once", NAMES_MOST);
		return err_member(e, "names");
	}
	return 0;
}

int ops_limits(struct ops *o, struct arena *a, const struct limits_ask *ask,
               struct limit_state **out, size_t *n, bool *more, struct err *e)
{
	struct strings names = ask->names;
	struct found f = { .arena = a };
	struct ca ca;

	*out = NULL;
	*n = 0;
	*more = false;
	TRY(check_ask(o, ask, e));
	if (names.n == 0 && owner_is_limited(o)) {
		TRY(owner_certs(o, a, &names, e));
		if (names.n == 0)
			return 0;
		*more = names.n > NAMES_MOST;
		names.n = *more ? NAMES_MOST : names.n;
	}
	if (names.n == 0) {
		if (ask->ca)
			TRY(ca_resolve(&o->run, a, ask->ca, &ca, e));
		return o->run.store
		           ? limits_in_use(&o->run, a, ask->ca ? ca.url : NULL,
		                           o->who ? STATES_MOST : SIZE_MAX, out, n, more, e)
		           : 0;
	}
	if (!o->run.store)
		return err_set(e, ERR_NOT_FOUND, "there is no state in %s yet", o->run.state_dir);
	for (size_t i = 0; i < names.n; i++)
		TRY(look_at(o, ask, names.v[i], &f, e));
	*out = f.v;
	*n = f.n;
	return 0;
}

int ops_explain(struct ops *o, struct arena *a, const char *name, struct explanation *out,
                struct err *e)
{
	TRY(ops_cert_name(o, a, name, &name, e));
	return explain(&o->run, a, name, out, e);
}
