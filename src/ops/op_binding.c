/*
 * The domains bound to a user. One is not taken away, nor narrowed, while a certificate of theirs
 * needs it: a name that has gone to somebody else must not be renewed for who had it.
 */
#include <string.h>

#include "flow/intake.h"
#include "flow/limits.h"
#include "ops/internal.h"
#include "ops/op_user.h"
#include "ops/owner.h"
#include "ops/people.h"
#include "ops/tx.h"

const struct field binding_new_fields[] = {
	FIELD(struct binding_new, name, FT_STRING, F_REQUIRED, "the user"),
	FIELD(struct binding_new, domain, FT_STRING, F_REQUIRED, "the name, and all below it"),
	FIELD(struct binding_new, exact, FT_BOOL, 0, "the name alone"),
	FIELD(struct binding_new, methods, FT_STRINGS, 0,
	      "ways to prove it; none: each that users may have"),
	FIELD(struct binding_new, dns, FT_STRINGS, 0, "DNS accounts shared for it"),
	FIELD(struct binding_new, accounts, FT_STRINGS, 0, "accounts at CAs that they may name"),
	FIELD_END,
};
const struct field binding_end_fields[] = {
	FIELD(struct binding_end, name, FT_STRING, F_REQUIRED, "the user"),
	FIELD(struct binding_end, domain, FT_STRING, F_REQUIRED, "the name that was bound"),
	FIELD_END,
};
const struct field bindings_said_fields[] = {
	FIELD_RECORDS(struct bindings_said, items, struct binding, binding_fields, 0,
	              "what is bound to them"),
	FIELD_END,
};

/* Others than those who read all know of themselves alone. */
static int find_user(struct ops *o, struct arena *a, const char *name, struct user *u,
                     struct err *e)
{
	if (owner_filter(o) && strcmp(owner_filter(o), name) != 0)
		return err_set(e, ERR_NOT_FOUND, "there is no user %s here", name);
	return st_user_get(o->run.store, a, name, u, e);
}

int op_binding_list(struct ops *o, struct arena *a, void *in_record, void *out_record,
                    struct err *e)
{
	const struct named *in = in_record;
	struct bindings_said *out = out_record;
	struct binding *v;
	struct user u;
	size_t n;

	TRY(find_user(o, a, in->name, &u, e));
	TRY(st_binding_list(o->run.store, a, in->name, &v, &n, e));
	out->items = (struct records){ v, n };
	return 0;
}

static int check_methods(const struct strings *methods, struct err *e)
{
	static const char *const known[] = { "webroot", "standalone",  "alpn",  "dns",
		                             "manual",  "dns-persist", "agent", NULL };

	for (size_t i = 0; i < methods->n; i++) {
		bool is_known = false;

		for (size_t k = 0; known[k]; k++)
			is_known = is_known || strcmp(known[k], methods->v[i]) == 0;
		if (!is_known) {
			err_set(e, ERR_USAGE,
			        "\"%.60s\" is no method for users; there are webroot, standalone, "
			        "alpn, "
			        "dns, dns-persist, manual and agent",
			        methods->v[i]);
			return err_member(e, "methods");
		}
	}
	return 0;
}

static int check_shared(struct ops *o, struct arena *a, const struct binding_new *in, struct err *e)
{
	struct account account;
	struct dns_account dns;

	for (size_t i = 0; i < in->dns.n; i++)
		if (st_dns_get(o->run.store, a, in->dns.v[i], &dns, e) < 0)
			return err_member(e, "dns");
	for (size_t i = 0; i < in->accounts.n; i++)
		if (st_account_get(o->run.store, a, in->accounts.v[i], &account, e) < 0)
			return err_member(e, "accounts");
	return 0;
}

static bool is_covered(const struct binding *v, size_t n, const char *without,
                       const struct binding *with, const char *name)
{
	if (with && binding_covers(with, name))
		return true;
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].domain, without) != 0 && binding_covers(&v[i], name))
			return true;
	return false;
}

/* with: in place of the binding of domain; NULL = nothing. */
static int check_needed(struct ops *o, struct arena *a, const char *user, const char *domain,
                        const struct binding *with, struct err *e)
{
	const struct cert_filter filter = { .owner = user };
	struct binding *v, *former = NULL;
	struct cert *certs;
	size_t n, n_certs;

	TRY(st_binding_list(o->run.store, a, user, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].domain, domain) == 0)
			former = &v[i];
	if (!former)
		return with ? 0 : err_set(e, ERR_NOT_FOUND, "%s is not bound to %s", domain, user);
	TRY(st_cert_list(o->run.store, a, &filter, &certs, &n_certs, e));
	for (size_t i = 0; i < n_certs; i++)
		for (size_t k = 0; k < certs[i].domains.n; k++)
			if (binding_covers(former, certs[i].domains.v[k]) &&
			    !is_covered(v, n, domain, with, certs[i].domains.v[k]))
				return err_set(e, ERR_INPUT,
				               "%s has the certificate %s for %s: delete it, or "
				               "give it to somebody else, first",
				               user, certs[i].name, certs[i].domains.v[k]);
	return 0;
}

int op_binding_add(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	const struct binding_new *in = in_record;
	struct binding b = { .owner = in->name,
		             .exact = in->exact,
		             .methods = in->methods,
		             .dns = in->dns,
		             .accounts = in->accounts };
	struct user u;

	TRY(st_user_get(o->run.store, a, in->name, &u, e));
	if (limits_domain(a, in->domain, &b.domain, e) < 0)
		return err_member(e, "domain");
	TRY(check_methods(&in->methods, e));
	TRY(check_shared(o, a, in, e));
	TRY(ops_tx_begin(o, &t, e));
	TRY(check_needed(o, a, in->name, b.domain, &b, e));
	TRY(st_binding_put(o->run.store, &b, e));
	TRY(st_event_add(o->run.store, NULL, "user", e, "%s%s bound to user %s", b.domain,
	                 b.exact ? " alone" : "", in->name));
	TRY(ops_tx_commit(&t, e));
	*(struct binding *)out_record = b;
	return 0;
}

int op_binding_delete(struct ops *o, struct arena *a, void *in_record, void *out_record,
                      struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	const struct binding_end *in = in_record;
	const char *domain;
	struct user u;

	(void)out_record;
	TRY(st_user_get(o->run.store, a, in->name, &u, e));
	if (limits_domain(a, in->domain, &domain, e) < 0)
		return err_member(e, "domain");
	TRY(ops_tx_begin(o, &t, e));
	TRY(check_needed(o, a, in->name, domain, NULL, e));
	TRY(st_binding_delete(o->run.store, in->name, domain, e));
	TRY(st_event_add(o->run.store, NULL, "user", e, "%s no longer bound to user %s", domain,
	                 in->name));
	return ops_tx_commit(&t, e);
}
