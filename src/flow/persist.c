/*
 * What ought to be there comes from the accounts and their CAs' directories; what is there, from
 * the DNS as each CA sees it. The CA decides the format, and a record that it would not take is
 * told as wrong however right it once was.
 */
#include "flow/persist.h"

#include <string.h>

#include "acme/issued.h"
#include "base/clock.h"
#include "flow/ca.h"
#include "flow/dns.h"
#include "flow/persist_dns.h"
#include "flow/session.h"
#include "sys/names.h"

#define AT_ONCE 500

struct list {
	struct arena *a;
	struct persist_row *v;
	size_t n, room;
};

static struct persist_row *row_add(struct list *l)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 16;
		struct persist_row *v = ARENA_ARRAY(l->a, struct persist_row, room);

		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
		l->room = room;
	}
	return &l->v[l->n++];
}

static struct persist_row *row_find(struct list *l, const char *domain, const char *account)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].p.domain, domain) == 0 &&
		    strcmp(l->v[i].p.account, account) == 0)
			return &l->v[i];
	return NULL;
}

/* one account */

struct at_ca {
	struct account account;
	const struct acme_directory *directory;
	const struct key *key;
	const char *issuer;   /* NULL = its CA does not say */
	const char *resolver; /* as the CA sees the DNS; NULL = the system's */
	bool public_only;     /* what names lead to is not asked at addresses inside */
};

/* A CA that speaks the -02 format says its names in the directory; for the others the names of its
 * CAA records are the same (draft-ietf-acme-dns-persist 3). */
static const char *issuer_of(const struct acme_directory *d)
{
	if (d->issuer_domain_names.n)
		return d->issuer_domain_names.v[0];
	return d->caa_identities.n ? d->caa_identities.v[0] : NULL;
}

/* from_afar: for names that were said over the network. */
static int at_ca_open(struct run *r, struct arena *a, const struct account *account, bool from_afar,
                      struct at_ca *out, struct err *e)
{
	struct at_ca x = { .account = *account };
	struct ca seen_from;
	struct acme *ca;

	if (session_for_account(r, a, &x.account, &ca, e) < 0 ||
	    acme_directory(ca, &x.directory, e) < 0 ||
	    ca_resolve(r, a, account->ca, &seen_from, e) < 0)
		return err_ctx(e, "account %s", account->name);
	x.key = acme_account_key(ca);
	x.issuer = issuer_of(x.directory);
	x.resolver = seen_from.resolver;
	x.public_only = dns_view_for(r, a, &seen_from, from_afar).public_only;
	*out = x;
	return 0;
}

static int add_wanted(struct list *l, const struct persist_wish *w, const struct at_ca *x,
                      const char *domain, bool wildcard, struct err *e)
{
	struct persist_row *row = row_find(l, domain, x->account.name);
	struct acme_persist_spec spec = {
		.domain = domain,
		.issuer = x->issuer,
		.account_url = x->account.url,
		.account_key = x->key,
		.account_hash_prefix = x->directory->account_hash_prefix,
		.wildcard = wildcard || (row && row->p.wildcard),
		.until = w->until,
	};
	char *value;

	if (acme_persist_value(l->a, &spec, &value, e) < 0)
		return err_ctx(e, "%s", domain);
	row = row ? row : row_add(l);
	*row = (struct persist_row){ .spec = spec,
		                     .resolver = x->resolver,
		                     .public_only = x->public_only };
	row->p = (struct persist){
		.domain = domain,
		.name = arena_printf(l->a, "_validation-persist.%s", domain),
		.value = value,
		.ca = x->account.ca,
		.account = x->account.name,
		.issuer = x->issuer,
		.format = spec.account_hash_prefix ? "-02" : "-01",
		.wildcard = spec.wildcard,
		.until = w->until,
		.state = "",
		.rollover = spec.account_hash_prefix
		                ? "the record would have to be published again: it names the key"
		                : "nothing: the record names the account, not its key",
	};
	return 0;
}

/* names */

static int no_issuer(const struct at_ca *x, struct err *e)
{
	return err_set(
	    e, ERR_NOT_FOUND,
	    "account %s: its CA (%s) does not say its issuer domain name, so it takes no "
	    "dns-persist-01 records",
	    x->account.name, x->account.ca);
}

static int add_cert(struct run *r, struct list *l, const struct persist_wish *w,
                    const struct cert *c, struct err *e)
{
	struct account account;
	struct at_ca x;

	if (account_for_cert(r, l->a, c, &account, e) < 0)
		return err_ctx(e, "%s", c->name);
	if (w->accounts.n && !strings_has(&w->accounts, account.name))
		return 0;
	TRY(at_ca_open(r, l->a, &account, c->from_afar, &x, e));
	if (!x.issuer)
		return no_issuer(&x, e);
	for (size_t i = 0; i < c->domains.n; i++) {
		if (name_kind(c->domains.v[i]) == NAME_IP)
			continue;
		TRY(add_wanted(l, w, &x, name_base(c->domains.v[i]),
		               name_kind(c->domains.v[i]) == NAME_WILDCARD, e));
	}
	return 0;
}

static bool is_asked_for(const struct persist_wish *w, const struct account *x)
{
	return w->accounts.n ? strings_has(&w->accounts, x->name) : strcmp(x->status, "valid") == 0;
}

/* A domain: for every account that may prove it so. */
static int add_domain(struct run *r, struct list *l, const struct persist_wish *w,
                      const char *typed, struct err *e)
{
	enum name_kind kind;
	struct account *v;
	const char *name;
	size_t n, before = l->n;

	TRY(name_normalize(l->a, typed, &name, &kind, e));
	if (kind == NAME_IP)
		return err_set(e, ERR_USAGE, "%s is an address: only names have DNS records", name);
	TRY(st_account_list(r->store, l->a, &v, &n, e));
	for (size_t i = 0; i < n; i++) {
		struct at_ca x;

		if (!is_asked_for(w, &v[i]))
			continue;
		TRY(at_ca_open(r, l->a, &v[i], r->public_only, &x, e));
		if (x.issuer)
			TRY(add_wanted(l, w, &x, name_base(name),
			               w->wildcard || kind == NAME_WILDCARD, e));
		else if (w->accounts.n)
			return no_issuer(&x, e);
	}
	if (l->n == before && !w->accounts.n)
		return err_set(e, ERR_NOT_FOUND,
		               "%s: there is no account at a CA that takes dns-persist-01 records; "
		               "`everleaf account register` makes one",
		               name);
	return 0;
}

static int check_accounts(struct run *r, struct arena *a, const struct strings *names,
                          struct err *e)
{
	struct account ignored;

	for (size_t i = 0; i < names->n; i++)
		TRY(st_account_get(r->store, a, names->v[i], &ignored, e));
	return 0;
}

static int add_fleet(struct run *r, struct list *l, const struct persist_wish *w, struct err *e)
{
	const char *after = NULL;
	struct strings names;

	do {
		names = (struct strings){ 0 };
		TRY(st_cert_of_method(r->store, l->a, "dns-persist", after, AT_ONCE, &names, e));
		for (size_t i = 0; i < names.n; i++) {
			struct cert c;
			int rc = st_cert_get(r->store, l->a, names.v[i], &c, e);

			if (rc == -ERR_NOT_FOUND) /* deleted meanwhile */
				continue;
			TRY(rc);
			TRY(add_cert(r, l, w, &c, e));
		}
		after = names.n ? names.v[names.n - 1] : NULL;
	} while (names.n == AT_ONCE);
	return 0;
}

int persist_rows(struct run *r, struct arena *a, const struct persist_wish *w,
                 struct persist_row **out, size_t *n, struct err *e)
{
	struct list l = { .a = a };

	TRY(check_accounts(r, a, &w->accounts, e));
	if (w->names.n == 0)
		TRY(add_fleet(r, &l, w, e));
	for (size_t i = 0; i < w->names.n; i++) {
		struct err unknown;
		struct cert c;

		if (st_cert_get(r->store, a, w->names.v[i], &c, &unknown) == 0)
			TRY(add_cert(r, &l, w, &c, e));
		else if (unknown.code == ERR_NOT_FOUND)
			TRY(add_domain(r, &l, w, w->names.v[i], e));
		else
			return err_set(e, unknown.code, "%s", unknown.text);
	}
	*out = l.v;
	*n = l.n;
	return 0;
}

static void give(struct arena *a, const struct persist_row *rows, size_t n, struct persist **out,
                 size_t *n_out)
{
	struct persist *v = ARENA_ARRAY(a, struct persist, n ? n : 1);

	for (size_t i = 0; i < n; i++)
		v[i] = rows[i].p;
	*out = v;
	*n_out = n;
}

int persist_wanted(struct run *r, struct arena *a, const struct persist_wish *w,
                   struct persist **out, size_t *n, struct err *e)
{
	struct persist_row *rows;
	size_t n_rows;

	TRY(persist_rows(r, a, w, &rows, &n_rows, e));
	give(a, rows, n_rows, out, n);
	return 0;
}

int persist_check(struct run *r, struct arena *a, const struct persist_wish *w,
                  struct persist **out, size_t *n, struct err *e)
{
	struct persist_row *rows;
	size_t n_rows;

	TRY(persist_rows(r, a, w, &rows, &n_rows, e));
	TRY(persist_look(r, a, rows, n_rows, w->soon_s, e));
	give(a, rows, n_rows, out, n);
	return 0;
}

int persist_publish(struct run *r, struct arena *a, const struct persist_wish *w,
                    const struct strings *dns, struct persist **out, size_t *n, struct err *e)
{
	struct persist_row *rows;
	size_t n_rows;

	TRY(persist_rows(r, a, w, &rows, &n_rows, e));
	TRY(persist_look(r, a, rows, n_rows, w->soon_s, e));
	TRY(persist_put(r, a, rows, n_rows, dns, e));
	TRY(persist_look(r, a, rows, n_rows, w->soon_s, e));
	give(a, rows, n_rows, out, n);
	return 0;
}
