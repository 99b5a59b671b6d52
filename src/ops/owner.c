/*
 * The rules about who may see and touch what, for whoever an opened state works for. Roles that
 * read all see all; a `user` sees what is theirs.
 */
#include "ops/owner.h"

#include <string.h>

#include "base/clock.h"
#include "flow/ca.h"
#include "flow/export.h"
#include "ops/internal.h"
#include "store/people.h"

static bool is_bound(const struct who *w)
{
	return w && !(w->role & (ROLE_ADMIN | ROLE_OPERATOR));
}

const char *owner_filter(const struct ops *o)
{
	const struct who *w = o->who;

	if (!w || (w->user && (w->role & ROLES_READ_ALL)))
		return NULL;
	return w->user && w->role == ROLE_USER ? w->user : "";
}

const struct scope *owner_scope(const struct ops *o)
{
	return o->who && scope_is_narrow(o->who->scope) ? o->who->scope : NULL;
}

bool owner_is_limited(const struct ops *o)
{
	return owner_filter(o) || owner_scope(o);
}

bool owner_may_see(const struct ops *o, const struct cert *c)
{
	const char *owner = owner_filter(o);

	return (!owner || (*owner && c->owner && strcmp(c->owner, owner) == 0)) &&
	       scope_covers(owner_scope(o), c->name, &c->domains);
}

bool owner_may_have(const struct ops *o, struct arena *a, const struct version *v)
{
	const struct scope *s = owner_scope(o);
	struct strings names;
	struct err ignored;

	if (!s || !s->domains.n)
		return true;
	return export_names(a, v, &names, &ignored) == 0 && scope_covers_domains(s, &names);
}

static bool has_same_key(const struct version *x, const struct version *y)
{
	return x->spki_sha256 && y->spki_sha256 && strcmp(x->spki_sha256, y->spki_sha256) == 0;
}

int owner_check_version(const struct ops *o, struct arena *a, const struct version *v,
                        bool with_key, struct err *e)
{
	bool may = owner_may_have(o, a, v);
	struct version *all;
	size_t n;

	if (!owner_scope(o))
		return 0;
	TRY(st_version_list(o->run.store, a, v->cert, &all, &n, e));
	for (size_t i = 0; i < n && may && with_key; i++)
		may = all[i].not_after < clock_now() || !has_same_key(&all[i], v) ||
		      owner_may_have(o, a, &all[i]);
	return may ? 0
	           : err_set(e, ERR_NOT_FOUND,
	                     "%s was issued for names that this token is not for (%s); once it has "
	                     "been issued anew%s it is there",
	                     v->cert, scope_text(o->arena, owner_scope(o)),
	                     with_key ? " with a new key" : "");
}

/* Looked at by operation_allowed already; here for what an operation does besides. */
static int check_may_change(const struct who *w, struct err *e)
{
	return scope_may_change(w->scope)
	           ? 0
	           : err_set(e, ERR_DENIED, "this token has the scope %s: it changes nothing",
	                     w->scope->may);
}

int owner_check_write(const struct ops *o, struct err *e)
{
	if (!o->who || (o->who->user && (o->who->role & ROLES_CHANGE)))
		return o->who ? check_may_change(o->who, e) : 0;
	return err_set(e, ERR_DENIED, "auditors read; they change nothing");
}

int owner_check_secret(const struct ops *o, struct err *e)
{
	if (o->who && !scope_may_export(o->who->scope))
		return err_set(e, ERR_DENIED,
		               "this token has the scope %s: it is given no private keys (--scope "
		               "export makes one that is; --part fullchain has none)",
		               o->who->scope->may);
	if (!o->who || (o->who->user && (o->who->role & ROLES_CHANGE)))
		return 0;
	return err_set(e, ERR_DENIED, "auditors are not given private keys");
}

int owner_check_host(const struct ops *o, const char *what, struct err *e)
{
	return !o->who ? 0 : err_set(e, ERR_DENIED, "%s is for the daemon's host alone", what);
}

int owner_check_domain(const struct ops *o, struct arena *a, const char *domain, struct err *e)
{
	struct binding *v;
	size_t n;

	if (!is_bound(o->who) || o->who->role == ROLE_AUDITOR)
		return 0;
	if (o->who->user) {
		TRY(st_binding_list(o->run.store, a, o->who->user, &v, &n, e));
		for (size_t i = 0; i < n; i++)
			if (binding_covers(&v[i], domain))
				return 0;
	}
	return err_set(e, ERR_DENIED, "%s is not bound to you", domain);
}

int owner_check_ca(const struct ops *o, struct arena *a, const char *ca, struct err *e)
{
	struct run run = o->run;
	struct ca found;

	if (!o->who || !ca || !strstr(ca, "://") || o->config.allow_private)
		return 0;
	TRY(ca_resolve(&run, a, ca, &found, e));
	if (!ca_is_plain_url(&found))
		return 0;
	err_set(e, ERR_DENIED,
	        "a CA is named, not its URL, by who asks over the network: an administrator adds "
	        "it first");
	return err_member(e, "ca");
}

int owner_dns_accounts(const struct ops *o, struct arena *a, struct strings *out, bool *all,
                       struct err *e)
{
	struct strings list = { 0 };
	struct binding *v;
	size_t n;

	if (!owner_filter(o)) {
		*all = true;
		return 0;
	}
	TRY(st_binding_list(o->run.store, a, owner_filter(o), &v, &n, e));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].dns.n; k++)
			if (!strings_has(&list, v[i].dns.v[k]))
				strings_add(a, &list, v[i].dns.v[k]);
	*out = list;
	*all = false;
	return 0;
}

struct gathering {
	struct arena *arena;
	struct strings names;
};

static int add_name(void *ctx, const struct cert *c, struct arena *a, struct err *e)
{
	struct gathering *g = ctx;

	(void)a;
	(void)e;
	strings_add(g->arena, &g->names, c->name);
	return 0;
}

int owner_certs(const struct ops *o, struct arena *a, struct strings *out, struct err *e)
{
	const struct cert_filter filter = { .owner = owner_filter(o), .scope = owner_scope(o) };
	struct gathering g = { .arena = a };

	TRY(st_cert_each(o->run.store, &filter, add_name, &g, e));
	*out = g.names;
	return 0;
}

/* Over the network an owner is somebody who is known here. A token that knows some certificates
 * alone would find out who that is. */
static int check_named_owner(const struct ops *o, struct arena *a, const struct cert *stored,
                             const struct cert *wanted, struct err *e)
{
	struct user u;

	if (!wanted->owner || (stored->owner && strcmp(stored->owner, wanted->owner) == 0) ||
	    strcmp(wanted->owner, o->who->user) == 0)
		return 0;
	if (owner_scope(o)) {
		err_set(e, ERR_DENIED,
		        "this token is narrowed to some certificates, and gives none of them to "
		        "somebody else");
		return err_member(e, "owner");
	}
	if (st_user_get(o->run.store, a, wanted->owner, &u, e) == 0)
		return 0;
	if (e->code == ERR_NOT_FOUND)
		err_set(e, ERR_USAGE, "there is no user %s to own it", wanted->owner);
	return err_member(e, "owner");
}

static int check_scope_name(const struct ops *o, const char *name, struct err *e)
{
	if (scope_covers_name(owner_scope(o), name))
		return 0;
	err_set(e, ERR_DENIED,
	        "this token makes no certificate called %s: it is narrowed to others (%s)", name,
	        scope_text(o->arena, owner_scope(o)));
	return err_member(e, "name");
}

/* What was in the scope is in it still when it has been changed. */
static int check_scope(const struct ops *o, const struct cert *wanted, struct err *e)
{
	const struct scope *s = owner_scope(o);

	if (scope_covers(s, wanted->name, &wanted->domains))
		return 0;
	err_set(e, ERR_DENIED, "this token is narrowed to other names (%s)",
	        scope_text(o->arena, s));
	return err_member(e, scope_covers_domains(s, &wanted->domains) ? "name" : "domains");
}

static int check_user_name(const struct ops *o, struct arena *a, const char *name,
                           const struct strings *domains, struct err *e)
{
	struct binding *v;
	size_t n;

	if (o->who->role != ROLE_USER)
		return 0;
	TRY(st_binding_list(o->run.store, a, o->who->user, &v, &n, e));
	return owner_check_user_name(a, o->who->user, v, n, name, domains, e);
}

/* That somebody has the name is told to who might have it, and nobody else finds out: not by what
 * else is wrong with the request either. */
int owner_meet(void *ctx, struct arena *a, const struct cert_change *ch, const char *name,
               const struct cert *stored, struct err *e)
{
	const struct ops *o = ctx;

	TRY(owner_check_write(o, e));
	if (stored->id && owner_may_see(o, stored))
		return 0;
	TRY(check_scope_name(o, name, e));
	TRY(check_user_name(o, a, name, &ch->values.domains, e));
	if (!stored->id)
		return 0;
	err_set(e, ERR_EXISTS, "the name %s is taken; give the certificate another one", name);
	return err_member(e, "name");
}

int owner_rule(void *ctx, struct arena *a, const struct cert_change *ch, const struct cert *stored,
               struct cert *wanted, struct err *e)
{
	const struct ops *o = ctx;
	struct binding *v;
	size_t n;

	TRY(check_scope(o, wanted, e));
	if (strings_has(&ch->given, "ca") &&
	    !(stored->ca && ch->values.ca && strcmp(stored->ca, ch->values.ca) == 0))
		TRY(owner_check_ca(o, a, ch->values.ca, e));
	if (!stored->id && !strings_has(&ch->given, "owner"))
		wanted->owner = o->who->user;
	if (o->who->role != ROLE_USER)
		return check_named_owner(o, a, stored, wanted, e);
	TRY(st_binding_list(o->run.store, a, o->who->user, &v, &n, e));
	return owner_check_user(a, o->who->user, v, n, ch, stored, wanted, e);
}
