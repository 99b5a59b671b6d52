/*
 * Accounts, as people name them.
 */
#include "ops/ops_account.h"

#include <string.h>

#include "base/codec.h"
#include "base/fs.h"
#include "base/log.h"
#include "flow/register.h"
#include "flow/session.h"
#include "ops/internal.h"

#define FILE_MAX_BYTES ((size_t)64 << 10)

static const char *ca_name(const struct ops *o, const char *given)
{
	return given ? given : o->config.ca ? o->config.ca : "letsencrypt";
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
	char *hmac;
	struct ca ca;

	if (!r->eab_kid != !r->eab_hmac_file)
		return err_set(e, ERR_USAGE, "--eab-kid and --eab-hmac-file belong together");
	TRY(ca_resolve(&o->run, a, ca_name(o, r->ca), &ca, e));
	spec.ca = &ca;
	if (r->eab_hmac_file) {
		TRY(fs_read_secret(a, r->eab_hmac_file, 4096, &hmac, e));
		if (base64_decode_any(a, hmac, &spec.eab_key, e) < 0)
			return err_ctx(e, "the key in %s", r->eab_hmac_file);
	}
	return account_register(&o->run, a, &spec, out, e);
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
                       const char *output, struct bytes *data, struct err *e)
{
	struct account x;
	struct bytes all;

	TRY(st_account_get(o->run.store, a, name, &x, e));
	TRY(account_key_text(a, &x, format, &all, e));
	return ops_output(output, &all, data, e);
}

int ops_account_import(struct ops *o, struct arena *a, const char *file, const char *ca_given,
                       const char *name, struct account *out, struct err *e)
{
	char *text;
	size_t len;
	struct ca ca;

	TRY(ca_resolve(&o->run, a, ca_name(o, ca_given), &ca, e));
	TRY(fs_read(a, file, FILE_MAX_BYTES, &text, &len, e));
	if (account_find_again(&o->run, a, &ca, text, len, name, out, e) < 0)
		return err_ctx(e, "the account key %s", file);
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
	return 0;
}
