/*
 * The row is there, with the key, before newAccount leaves: a lost answer is found again by the
 * same key.
 */
#include "flow/register.h"

#include <string.h>

#include "acme/account.h"
#include "base/clock.h"
#include "base/log.h"
#include "flow/lease.h"
#include "flow/limits.h"
#include "flow/session.h"
#include "flow/tell.h"
#include "sys/key.h"
#include "sys/names.h"

/* "letsencrypt", "letsencrypt-2", …; a URL gives its host. */
static int free_name(struct run *r, struct arena *a, const struct ca *ca, const char **out,
                     struct err *e)
{
	const char *base = ca->name, *host = strstr(base, "://");
	struct account ignored;
	struct err err;

	if (host) {
		host += 3;
		base = arena_strndup(a, host, strcspn(host, ":/"));
	}
	for (int i = 1; i < 1000; i++) {
		const char *name = i == 1 ? base : arena_printf(a, "%s-%d", base, i);
		int result = st_account_get(r->store, a, name, &ignored, &err);
		if (result == -ERR_NOT_FOUND) {
			*out = name;
			return 0;
		}
		if (result < 0) {
			*e = err;
			return result;
		}
	}
	return err_set(e, ERR_EXISTS, "no free name for an account at %s; give one with --name",
	               ca->name);
}

static int name_for(struct run *r, struct arena *a, const struct ca *ca, const char *wanted,
                    const char **out, struct err *e)
{
	struct account found;
	struct err err;
	int result;

	if (!wanted)
		return free_name(r, a, ca, out, e);
	if (!name_is_cert_name(wanted))
		return err_set(
		    e, ERR_USAGE,
		    "\"%s\" cannot be an account's name: letters, digits, '.', '_' and '-' only",
		    wanted);
	result = st_account_get(r->store, a, wanted, &found, &err);
	if (result == 0)
		return err_set(e, ERR_EXISTS,
		               "there is an account %s already (at %s); choose another --name",
		               wanted, found.ca);
	if (result != -ERR_NOT_FOUND) {
		*e = err;
		return result;
	}
	*out = wanted;
	return 0;
}

/* A registration of the same name or CA that was cut short. */
static int cut_short(struct run *r, struct arena *a, const struct register_spec *spec,
                     struct account *out, struct err *e)
{
	struct account *v;
	size_t n;

	TRY(st_account_list(r->store, a, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].status, "registering") == 0 &&
		    strcmp(v[i].directory_url, spec->ca->url) == 0 &&
		    (!spec->name || strcmp(spec->name, v[i].name) == 0)) {
			TRY(lease_take(r, lease_of_account(a, v[i].name),
			               e)); /* of a living process: it finishes first */
			TRY(st_account_get(r->store, a, v[i].name, out, e));
			return 0;
		}
	return 0;
}

static int key_type_wanted(const char *name, enum key_type *out, struct err *e)
{
	*out = key_type_parse(name);
	if (*out == KEY_NONE)
		return err_set(e, ERR_USAGE,
		               "there is no key type \"%s\"; there are ec256, ec384, rsa2048, "
		               "rsa3072 and rsa4096",
		               name);
	return 0;
}

/* The row, counted with this host's registrations at the CA. */
static int put_counted(struct run *r, struct arena *a, struct account *x, struct order *counted,
                       struct err *e)
{
	TRY(store_begin(r->store, e));
	if (limits_reserve_account(r, a, x->directory_url, counted, e) < 0 ||
	    st_account_put(r->store, x, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

static int row_new(struct run *r, struct arena *a, const struct register_spec *spec,
                   struct account *x, struct order *counted, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	enum key_type type;
	char *pem;

	TRY(key_type_wanted(spec->key_type ? spec->key_type : "ec256", &type, e));
	TRY(name_for(r, a, spec->ca, spec->name, &x->name, e));
	TRY(key_generate(type, &k, e));
	TRY(key_pem(a, k, &pem, e));
	x->key = pem;
	x->key_type = key_type_name(key_type(k));
	x->ca = spec->ca->name;
	x->directory_url = spec->ca->url;
	x->status = "registering";
	x->created_at = clock_now();
	TRY(lease_take(r, lease_of_account(a, x->name), e));
	if (put_counted(r, a, x, counted, e) < 0) {
		lease_drop(r, lease_of_account(a, x->name));
		return -(int)e->code;
	}
	return 0;
}

static int register_at_ca(struct run *r, struct arena *a, const struct register_spec *spec,
                          const struct account *x, struct acme_account *got, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct acme_new_account want = {
		.contacts = spec->emails,
		.agree_tos = spec->agree_tos,
		.eab_kid = spec->eab_kid,
		.eab_key = spec->eab_key,
		.eab_alg = spec->eab_alg,
	};
	struct acme *acme;
	int result;

	TRY(key_parse(x->key, strlen(x->key), &k, e));
	want.key = k;
	TRY(session_open(r, spec->ca, &acme, e));
	result = acme_account_new(acme, a, &want, got, e);
	acme_close(acme);
	return result;
}

static int store_registered(struct run *r, struct arena *a, struct account *x,
                            const struct acme_account *got, struct order *counted, struct err *e)
{
	x->url = got->url;
	x->status = got->status && *got->status ? got->status : "valid";
	x->contacts = got->contacts;
	if (got->terms_of_service_agreed_url)
		x->terms_url = got->terms_of_service_agreed_url;
	TRY(store_begin(r->store, e));
	if (limits_ordered(r, a, counted, e) < 0 || st_account_put(r->store, x, e) < 0 ||
	    st_event_add(r->store, NULL, "account", e, "account %s at %s: %s", x->name, x->ca,
	                 x->url) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

/* The CA made no account: it counts none, and may have said when it will take one. */
static void uncount(struct run *r, struct arena *a, const struct account *x, struct order *counted,
                    const struct err *why)
{
	struct strings none = { 0 };
	struct err e;

	if (counted->charged.n) {
		if (store_begin(r->store, &e) < 0) {
			log_warn("%s", e.text);
			return;
		}
		if (limits_released(r, a, counted, &e) < 0)
			store_rollback(r->store);
		else if (store_commit(r->store, &e) < 0)
			log_warn("%s", e.text);
	}
	if (why->code == ERR_RATE_LIMITED)
		limits_taught(r, a, x->directory_url, NULL, &none, LIMIT_NEW_ACCOUNTS, why);
}

/* A CA that cannot be reached, or is none, leaves no row. */
static int reach(struct run *r, const struct register_spec *spec, struct err *e)
{
	const struct acme_directory *directory;
	struct acme *acme;
	int result;

	TRY(session_open(r, spec->ca, &acme, e));
	result = acme_directory(acme, &directory, e);
	acme_close(acme);
	return result < 0 ? err_about(e, spec->ca->name) : 0;
}

/* A refusal before anything was made at the CA leaves nothing behind. Whenever it may know the key,
 * the row stays and is taken up again. */
static int register_held(struct run *r, struct arena *a, const struct register_spec *spec,
                         struct account *x, bool resumed, struct order *counted, struct err *e)
{
	bool is_final;
	struct acme_account got;
	struct err forget;

	if (register_at_ca(r, a, spec, x, &got, e) < 0) {
		is_final = e->code == ERR_ACME || e->code == ERR_TERMS || e->code == ERR_USAGE;
		if (is_final || e->code == ERR_RATE_LIMITED)
			uncount(r, a, x, counted, e);
		if (is_final && !resumed && st_account_delete(r->store, x->name, &forget) < 0)
			return err_ctx(e, "account %s", x->name);
		if (e->code == ERR_USAGE && !spec->eab_kid)
			return err_set(
			    e, ERR_USAGE,
			    "%s demands an external account binding; its web site gives you a key "
			    "identifier and a key for --eab-kid and --eab-hmac-file",
			    spec->ca->name);
		return err_about(e, spec->ca->name);
	}
	if (got.contacts.n == 0)
		got.contacts = spec->emails;
	return store_registered(r, a, x, &got, counted, e);
}

int account_register(struct run *r, struct arena *a, const struct register_spec *spec,
                     struct account *out, struct err *e)
{
	struct account x = { 0 };
	struct order counted = { 0 };
	bool resumed;
	int result;

	TRY(reach(r, spec, e));
	TRY(cut_short(r, a, spec, &x, e));
	resumed = x.id != 0;
	if (!resumed)
		TRY(row_new(r, a, spec, &x, &counted, e));
	if (resumed && strcmp(x.status, "registering") != 0)
		result = 0; /* another process has finished it meanwhile */
	else
		result = register_held(r, a, spec, &x, resumed, &counted, e);
	lease_drop(r, lease_of_account(a, x.name));
	TRY(result);
	*out = x;
	return 0;
}

static int refuse_known(struct run *r, struct arena *a, const struct acme_account *got,
                        const struct ca *ca, struct err *e)
{
	struct account *v;
	size_t n;

	TRY(st_account_list(r->store, a, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		if (v[i].url && strcmp(v[i].url, got->url) == 0 &&
		    strcmp(v[i].directory_url, ca->url) == 0)
			return err_set(e, ERR_EXISTS, "this key is the account %s already",
			               v[i].name);
	return 0;
}

int account_find_again(struct run *r, struct arena *a, const struct ca *ca, const char *key_text,
                       size_t key_len, const char *name, struct account *out, struct err *e)
{
	struct key *key CLEANUP(key_cleanup) = NULL;
	struct account x = { .ca = ca->name, .directory_url = ca->url, .created_at = clock_now() };
	struct acme_new_account want = { .only_existing = true };
	struct acme_account got;
	struct acme *acme;
	char *pem;
	int result;

	TRY(key_parse(key_text, key_len, &key, e));
	want.key = key;
	TRY(name_for(r, a, ca, name, &x.name, e));
	TRY(session_open(r, ca, &acme, e));
	result = acme_account_new(acme, a, &want, &got, e);
	if (result == 0)
		result = acme_account_get(acme, a, &got, e);
	acme_close(acme);
	if (result < 0)
		return err_ctx(e, "the account of this key at %s", ca->name);
	TRY(refuse_known(r, a, &got, ca, e));
	TRY(key_pem(a, key, &pem, e));
	x.key = pem;
	x.key_type = key_type_name(key_type(key));
	TRY(store_registered(r, a, &x, &got, &(struct order){ 0 }, e));
	*out = x;
	return 0;
}

/* Everything that reads an account, asks the CA and writes the account does so with its lease, on
 * the row as it is then. */
static int with_lease(struct run *r, struct arena *a, struct account *x, const void *arg,
                      int (*act)(struct run *r, struct arena *a, struct account *x,
                                 struct acme *acme, const void *arg, struct err *e),
                      struct err *e)
{
	const char *lease = lease_of_account(a, x->name);
	struct acme *acme;
	int result;

	TRY(session_for_account(r, a, x, &acme,
	                        e)); /* also settles a key change that was cut short */
	TRY(lease_take(r, lease, e));
	result = store_condition_look(r->store, e);
	if (result == 0)
		result = st_account_get(r->store, a, x->name, x, e);
	if (result == 0 && strcmp(x->status, "valid") != 0)
		result = err_set(e, ERR_DENIED, "it is %s", x->status);
	if (result == 0)
		result = act(r, a, x, acme, arg, e);
	lease_drop(r, lease);
	return result;
}

static int record_key_change(struct run *r, struct account *x, struct err *e)
{
	TRY(st_account_put(r->store, x, e));
	TRY(tell_key_change(r, x, e));
	return st_event_add(r->store, NULL, "account", e, "account %s at %s has a new key (%s)",
	                    x->name, x->ca, x->key_type);
}

static int act_change_key(struct run *r, struct arena *a, struct account *x, struct acme *acme,
                          const void *arg, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	const char *wanted = arg;
	enum key_type type;
	char *pem;

	if (x->next_key)
		return err_set(e, ERR_BUSY, "its last key change is not settled yet; try again");
	TRY(key_type_wanted(wanted ? wanted : x->key_type, &type, e));
	TRY(key_generate(type, &k, e));
	TRY(key_pem(a, k, &pem, e));
	x->next_key = pem;
	TRY(st_account_put(r->store, x, e));
	TRY(acme_account_key_change(acme, a, k, e));
	x->key = TAKE(x->next_key);
	x->key_type = key_type_name(key_type(k));
	session_forget(r, x->name);
	TRY(store_begin(r->store, e));
	if (record_key_change(r, x, e) < 0) {
		store_rollback(r->store);
		return -(int)e->code;
	}
	return store_commit(r->store, e);
}

int account_change_key(struct run *r, struct arena *a, struct account *x, const char *wanted_type,
                       struct err *e)
{
	return with_lease(r, a, x, wanted_type, act_change_key, e);
}

static int act_refresh(struct run *r, struct arena *a, struct account *x, struct acme *acme,
                       const void *arg, struct err *e)
{
	struct acme_account got;

	(void)arg;
	TRY(acme_account_get(acme, a, &got, e));
	if (got.status && *got.status)
		x->status = got.status;
	x->contacts = got.contacts;
	return st_account_put(r->store, x, e);
}

int account_refresh(struct run *r, struct arena *a, struct account *x, struct err *e)
{
	return with_lease(r, a, x, NULL, act_refresh, e);
}

static int act_set_contacts(struct run *r, struct arena *a, struct account *x, struct acme *acme,
                            const void *arg, struct err *e)
{
	const struct strings *emails = arg;
	struct acme_account got;

	TRY(acme_account_update(acme, a, emails, &got, e));
	x->contacts = got.contacts.n ? got.contacts : *emails;
	TRY(st_account_put(r->store, x, e));
	return st_event_add(r->store, NULL, "account", e, "account %s has other contacts", x->name);
}

int account_set_contacts(struct run *r, struct arena *a, struct account *x,
                         const struct strings *emails, struct err *e)
{
	return with_lease(r, a, x, emails, act_set_contacts, e);
}

/* A deactivated account is refused everything, so what says that it is deactivated already is the
 * refusal of its key. */
static bool is_deactivated(struct run *r, struct arena *a, const struct account *x,
                           const struct err *why)
{
	struct acme_new_account find = { .only_existing = true };
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct acme_account got;
	struct acme *acme;
	struct err e;
	struct ca ca;
	bool refused;

	if (strcmp(why->problem, "unauthorized") != 0 || ca_of_account(r, a, x, &ca, &e) < 0 ||
	    key_parse(x->key, strlen(x->key), &k, &e) < 0 || session_open(r, &ca, &acme, &e) < 0)
		return false;
	find.key = k;
	refused = acme_account_new(acme, a, &find, &got, &e) < 0 &&
	          strcmp(e.problem, "unauthorized") == 0;
	acme_close(acme);
	return refused;
}

static int act_deactivate(struct run *r, struct arena *a, struct account *x, struct acme *acme,
                          const void *arg, struct err *e)
{
	struct err refused;

	(void)arg;
	if (acme_account_deactivate(acme, a, &refused) < 0 && !is_deactivated(r, a, x, &refused)) {
		*e = refused;
		return -(int)e->code;
	}
	session_forget(r, x->name);
	x->status = "deactivated";
	x->is_default = false;
	TRY(st_account_put(r->store, x, e));
	return st_event_add(r->store, NULL, "account", e,
	                    "account %s at %s is deactivated for good", x->name, x->ca);
}

int account_deactivate(struct run *r, struct arena *a, struct account *x, struct err *e)
{
	return with_lease(r, a, x, NULL, act_deactivate, e);
}

int account_mark_default(struct run *r, struct arena *a, const char *name, bool is_default,
                         struct err *e)
{
	const char *lease = lease_of_account(a, name);
	struct account x;
	int result;

	TRY(lease_take(r, lease, e));
	result = st_account_get(r->store, a, name, &x, e);
	if (result == 0 && x.is_default != is_default) {
		x.is_default = is_default;
		result = st_account_put(r->store, &x, e);
	}
	lease_drop(r, lease);
	return result;
}

int account_key_text(struct arena *a, const struct account *x, const char *format,
                     struct bytes *out, struct err *e)
{
	struct key *k CLEANUP(key_cleanup) = NULL;
	char *text;

	TRY(key_parse(x->key, strlen(x->key), &k, e));
	if (format && strcmp(format, "jwk") == 0) {
		TRY(key_jwk_private(a, k, &text, e));
		text = arena_printf(a, "%s\n", text);
	} else {
		TRY(key_pem(a, k, &text, e));
	}
	*out = (struct bytes){ (unsigned char *)text, strlen(text) };
	return 0;
}
