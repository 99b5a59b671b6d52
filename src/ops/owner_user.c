/*
 * What a `user` may have, as a rule about records alone: certificates for the domains bound to
 * them, by the methods and DNS accounts of one such binding. What they could not have asked for
 * stays as it is in a certificate that somebody else made for them.
 */
#include <string.h>

#include "ops/owner.h"

static bool same_text(const char *x, const char *y)
{
	return x && y ? strcmp(x, y) == 0 : x == y;
}

static int denied(struct err *e, const char *member, const char *text)
{
	err_set(e, ERR_DENIED, "%s", text);
	return err_member(e, member);
}

/* What is a path, a command or an address of the daemon's host. They may be taken away with the
 * method that they belong to. */
static int check_host_words(const struct cert *stored, const struct cert *wanted, struct err *e)
{
	const struct {
		const char *member, *before, *now;
	} words[] = {
		{ "hook", stored->hook, wanted->hook },
		{ "well_known", stored->well_known, wanted->well_known },
		{ "listen", stored->listen, wanted->listen },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].now && !same_text(words[i].before, words[i].now))
			return denied(e, words[i].member,
			              "hooks, folders and listeners are chosen by operators");
	if (wanted->hook_chain && !stored->hook_chain)
		return denied(e, "hook_chain", "hooks are chosen by operators");
	if (!strings_same(&stored->deploy_hooks, &wanted->deploy_hooks))
		return denied(e, "deploy_hooks", "deploy hooks are chosen by operators");
	return 0;
}

/* DNS accounts that would serve this name are shared by the binding. */
static bool shares_dns(const struct binding *b, const struct cert *c, const char *name)
{
	const char *base = strncmp(name, "*.", 2) == 0 ? name + 2 : name;

	for (size_t i = 0; i < c->dns.n; i++) {
		const char *equals = strrchr(c->dns.v[i], '=');
		size_t len = equals ? (size_t)(equals - c->dns.v[i]) : 0;

		if (equals && (strlen(base) != len || strncmp(base, c->dns.v[i], len) != 0))
			continue;
		if (!strings_has(&b->dns, equals ? equals + 1 : c->dns.v[i]))
			return false;
	}
	return true;
}

static bool allows(const struct binding *b, const struct cert *c, const char *name)
{
	if (!c->method || strcmp(c->method, "hook") == 0 ||
	    (b->methods.n && !strings_has(&b->methods, c->method)))
		return false;
	return strcmp(c->method, "dns") != 0 || shares_dns(b, c, name);
}

static int not_bound(const char *user, const char *name, struct err *e)
{
	err_set(e, ERR_DENIED,
	        "%s is not bound to %s; an administrator does that: `everleaf user bind %s %s`",
	        name, user, user, name);
	return err_member(e, "domains");
}

static int check_name(const struct binding *b, size_t n, const char *user, const struct cert *c,
                      const char *name, struct err *e)
{
	bool bound = false;

	for (size_t i = 0; i < n; i++) {
		if (!binding_covers(&b[i], name))
			continue;
		bound = true;
		if (allows(&b[i], c, name))
			return 0;
	}
	if (!bound)
		return not_bound(user, name, e);
	err_set(e, ERR_DENIED, "%s may not be proved by %s%s with what is bound to %s", name,
	        c->method ? c->method : "that",
	        c->method && strcmp(c->method, "dns") == 0 ? " through this DNS account" : "",
	        user);
	return err_member(e, c->method && strcmp(c->method, "dns") == 0 ? "dns" : "method");
}

static bool same_proof(const struct cert *x, const struct cert *y)
{
	return strings_same(&x->domains, &y->domains) && same_text(x->method, y->method) &&
	       same_text(x->challenge, y->challenge) && same_text(x->webroot, y->webroot) &&
	       strings_same(&x->dns, &y->dns) && same_text(x->own_csr, y->own_csr);
}

/* Each name is bound with the account, too. */
static bool may_name_account(const struct binding *b, size_t n, const struct cert *c)
{
	for (size_t i = 0; i < c->domains.n; i++) {
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found = found || (binding_covers(&b[k], c->domains.v[i]) &&
			                  strings_has(&b[k].accounts, c->account));
		if (!found)
			return false;
	}
	return true;
}

static int check_account(const struct binding *b, size_t n, const struct cert *stored,
                         const struct cert *wanted, const struct cert_change *ch, struct err *e)
{
	bool named = strings_has(&ch->given, "account") && ch->values.account;

	if (named && !same_text(stored->account, wanted->account) &&
	    !may_name_account(b, n, wanted))
		return denied(e, "account", "that account is not shared with you");
	if (!named && strings_has(&ch->given, "ca") && ch->values.ca &&
	    !same_text(stored->ca, ch->values.ca))
		return denied(
		    e, "ca",
		    "a CA is chosen by an account at it that is shared with you: name that");
	return 0;
}

/* Without it neither the look before an order nor the CA's limits hold anything back, and these are
 * shared with all whose orders go to the account. */
static int check_preflight(const struct cert *stored, const struct cert *wanted,
                           const struct cert_change *ch, struct err *e)
{
	if (!strings_has(&ch->given, "preflight") || wanted->preflight ||
	    (stored->id && !stored->preflight))
		return 0;
	return denied(e, "preflight", "only operators may order without the look before");
}

/* A certificate's name is the same for all people: it says nothing of others' if it is made from
 * what is bound to one, or begins with one's own name and what no domain has. */
int owner_check_user_name(struct arena *a, const char *user, const struct binding *bindings,
                          size_t n, const char *name, const struct strings *domains, struct err *e)
{
	const char *own = arena_printf(a, "%s_", user), *made_from = NULL;

	if (strncmp(name, own, strlen(own)) == 0)
		return 0;
	for (size_t i = 0; i < domains->n && !made_from; i++)
		if (same_text(name, intake_cert_name(a, domains->v[i])))
			made_from = domains->v[i];
	for (size_t i = 0; i < n && made_from; i++)
		if (binding_covers(&bindings[i], made_from))
			return 0;
	if (made_from)
		return not_bound(user, made_from, e);
	err_set(e, ERR_DENIED,
	        "your certificates are called by one of their names, or begin with %s", own);
	return err_member(e, "name");
}

int owner_check_user(struct arena *a, const char *user, const struct binding *bindings, size_t n,
                     const struct cert_change *ch, const struct cert *stored,
                     const struct cert *wanted, struct err *e)
{
	if (!wanted->owner || strcmp(wanted->owner, user) != 0)
		return denied(e, "owner", "your certificates are your own");
	TRY(check_host_words(stored, wanted, e));
	TRY(check_account(bindings, n, stored, wanted, ch, e));
	TRY(check_preflight(stored, wanted, ch, e));
	if (stored->id && same_proof(stored, wanted))
		return 0;
	for (size_t i = 0; i < wanted->domains.n; i++)
		TRY(check_name(bindings, n, user, wanted, wanted->domains.v[i], e));
	return stored->id
	           ? 0
	           : owner_check_user_name(a, user, bindings, n, wanted->name, &wanted->domains, e);
}

bool role_meet(enum role x, enum role y, enum role *out)
{
	static const unsigned holds[] = {
		[ROLE_ADMIN] = ROLE_ADMIN | ROLE_OPERATOR | ROLE_USER | ROLE_AUDITOR,
		[ROLE_OPERATOR] = ROLE_OPERATOR | ROLE_USER | ROLE_AUDITOR,
		[ROLE_USER] = ROLE_USER,
		[ROLE_AUDITOR] = ROLE_AUDITOR,
	};

	if ((size_t)x >= ARRAY_LEN(holds) || (size_t)y >= ARRAY_LEN(holds) || !holds[x] ||
	    !holds[y])
		return false;
	if (holds[x] & y)
		*out = y;
	else if (holds[y] & x)
		*out = x;
	else
		return false;
	return true;
}
