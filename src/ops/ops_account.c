/*
 * Accounts, as people name them.
 */
#include "ops/ops_account.h"

#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "flow/register.h"
#include "flow/session.h"
#include "ops/internal.h"

const char *ops_ca_asked(const struct ops *o, const char *given)
{
	return given ? given : o->config.set.ca ? o->config.set.ca : "letsencrypt";
}

int ops_ca_named(struct ops *o, struct arena *a, const char *given, struct ca *out, struct err *e)
{
	if (o->who && given && strstr(given, "://")) {
		err_set(
		    e, ERR_DENIED,
		    "over the network a CA is given by its name; add it first: `everleaf ca add "
		    "NAME URL`");
		return err_member(e, "ca");
	}
	if (ca_resolve(&o->run, a, ops_ca_asked(o, given), out, e) < 0)
		return given ? err_member(e, "ca") : -(int)e->code;
	return 0;
}

static int register_check(struct ops *o, struct arena *a, const struct account_register *r,
                          struct ca *ca, struct bytes *eab_key, struct err *e)
{
	if (!r->eab_kid != !r->eab_hmac) {
		err_set(e, ERR_USAGE, "--eab-kid and --eab-hmac-file belong together");
		return err_member(e, r->eab_kid ? "eab_hmac" : "eab_kid");
	}
	TRY(ops_ca_named(o, a, r->ca, ca, e));
	if (!r->eab_hmac || base64_decode_any(a, r->eab_hmac, eab_key, e) == 0)
		return 0;
	err_ctx(e, "the key%s%s", r->eab_hmac_file ? " in " : "",
	        r->eab_hmac_file ? r->eab_hmac_file : "");
	return err_member(e, "eab_hmac");
}

int ops_account_register(struct ops *o, struct arena *a, const struct account_register *r,
                         struct account *out, struct err *e)
{
	struct register_spec spec = { .name = r->name,
		                      .emails = r->emails,
		                      .agree_tos = r->agree_tos,
		                      .eab_kid = r->eab_kid,
		                      .eab_alg = r->eab_alg,
		                      .key_type = r->key_type };
	struct ca ca;

	TRY(register_check(o, a, r, &ca, &spec.eab_key, e));
	spec.ca = &ca;
	return account_register(&o->run, a, &spec, out, e);
}

int ops_account_register_check(struct ops *o, struct arena *a, const struct account_register *r,
                               struct err *e)
{
	struct bytes key;
	struct ca ca;

	return register_check(o, a, r, &ca, &key, e);
}

int ops_account_list(struct ops *o, struct arena *a, struct account **out, size_t *n, struct err *e)
{
	*out = NULL;
	*n = 0;
	return o->run.store ? st_account_list(o->run.store, a, out, n, e) : 0;
}

int ops_account_show(struct ops *o, struct arena *a, const char *name, struct account *out,
                     struct err *e)
{
	struct err err;

	TRY(st_account_get(o->run.store, a, name, out, e));
	if (strcmp(out->status, "valid") == 0 && account_refresh(&o->run, a, out, &err) < 0)
		log_warn("%s is shown as it was last known: %s", name, err.text);
	return 0;
}

int ops_account_update(struct ops *o, struct arena *a, const char *name,
                       const struct strings *emails, struct account *out, struct err *e)
{
	TRY(st_account_get(o->run.store, a, name, out, e));
	if (account_set_contacts(&o->run, a, out, emails, e) < 0)
		return err_ctx(e, "account %s", name);
	return 0;
}

int ops_account_rollover(struct ops *o, struct arena *a, const char *name, const char *key_type,
                         struct account *out, struct err *e)
{
	TRY(st_account_get(o->run.store, a, name, out, e));
	if (account_change_key(&o->run, a, out, key_type, e) < 0)
		return err_ctx(e, "account %s", name);
	ops_tell(o, false);
	return 0;
}

int ops_account_export(struct ops *o, struct arena *a, const char *name, const char *format,
                       struct bytes *data, struct err *e)
{
	struct account x;

	TRY(st_account_get(o->run.store, a, name, &x, e));
	return account_key_text(a, &x, format, data, e);
}

int ops_account_import(struct ops *o, struct arena *a, const struct account_import *i,
                       struct account *out, struct err *e)
{
	struct ca ca;

	TRY(ops_ca_named(o, a, i->ca, &ca, e));
	if (account_find_again(&o->run, a, &ca, i->key, strlen(i->key), i->name, out, e) < 0)
		return err_ctx(e, "the account key%s%s", i->file ? " " : "",
		               i->file ? i->file : "");
	return 0;
}

int ops_account_deactivate(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct account x;

	TRY(st_account_get(o->run.store, a, name, &x, e));
	if (account_deactivate(&o->run, a, &x, e) < 0)
		return err_ctx(e, "account %s", name);
	return 0;
}

int ops_account_delete(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct account x;

	TRY(st_account_get(o->run.store, a, name, &x, e));
	session_forget(&o->run, name);
	TRY(st_account_delete(o->run.store, name, e));
	return st_event_add(o->run.store, NULL, "account", e,
	                    "account %s is forgotten here; it stays at %s as %s", name, x.ca,
	                    x.url);
}

int ops_account_default(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct account *v, x;
	size_t n;

	TRY(st_account_get(o->run.store, a, name, &x, e));
	TRY(st_account_list(o->run.store, a, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		TRY(account_mark_default(&o->run, a, v[i].name, strcmp(v[i].name, name) == 0, e));
	return st_event_add(o->run.store, NULL, "account", e,
	                    "account %s is the default from now on", name);
}
