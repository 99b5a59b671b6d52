/* Operations on CA accounts and CAs: thin, what they do is in ops_account and ops_ca. */
#include "ops/op_account.h"

#include <string.h>

#include "ops/internal.h"
#include "ops/operation.h"

const struct field account_register_fields[] = {
	FIELD(struct account_register, ca, FT_STRING, 0, "name of the CA (default: the usual one)"),
	FIELD(struct account_register, name, FT_STRING, 0,
	      "what it is called (default: by the CA)"),
	FIELD(struct account_register, emails, FT_STRINGS, 0, "addresses the CA may write to"),
	FIELD(struct account_register, agree_tos, FT_BOOL, 0, "agree to the CA's terms of service"),
	FIELD(struct account_register, key_type, FT_STRING, 0,
	      "ec256 (default), ec384, rsa2048, rsa3072 or rsa4096"),
	FIELD(struct account_register, eab_kid, FT_STRING, 0,
	      "external account binding: the CA's key identifier"),
	FIELD(struct account_register, eab_hmac, FT_SECRET, 0, "and its key, base64"),
	FIELD(struct account_register, eab_alg, FT_STRING, 0, "HS256 (default), HS384 or HS512"),
	FIELD_END,
};
const struct field account_import_fields[] = {
	FIELD(struct account_import, key, FT_SECRET, F_REQUIRED, "its private key, PEM or JWK"),
	FIELD(struct account_import, ca, FT_STRING, 0, "name of the CA (default: the usual one)"),
	FIELD(struct account_import, name, FT_STRING, 0, "what it is called (default: by the CA)"),
	FIELD_END,
};
const struct field account_contacts_fields[] = {
	FIELD(struct account_contacts, name, FT_STRING, F_REQUIRED, "its name"),
	FIELD(struct account_contacts, emails, FT_STRINGS, F_REQUIRED, "all its mail addresses"),
	FIELD_END,
};
const struct field account_rollover_fields[] = {
	FIELD(struct account_rollover, name, FT_STRING, F_REQUIRED, "its name"),
	FIELD(struct account_rollover, key_type, FT_STRING, 0,
	      "of the new key (default: as it is)"),
	FIELD_END,
};
const struct field account_export_fields[] = {
	FIELD(struct account_export, name, FT_STRING, F_REQUIRED, "its name"),
	FIELD(struct account_export, format, FT_STRING, 0, "pem (default) or jwk"),
	FIELD_END,
};
const struct field ca_add_fields[] = {
	FIELD(struct ca_add, name, FT_STRING, F_REQUIRED, "what it is called"),
	FIELD(struct ca_add, url, FT_STRING, F_REQUIRED, "https:// address of its directory"),
	FIELD(struct ca_add, staging, FT_STRING, 0, "its staging directory: a name or an address"),
	FIELD(struct ca_add, ca_bundle, FT_STRING, 0, "trust anchors for its own TLS, PEM"),
	FIELD(struct ca_add, resolver, FT_STRING, 0, "the resolver it asks, ADDR:PORT"),
	FIELD(struct ca_add, http_port, FT_INT, 0, "where it validates http-01 (80)"),
	FIELD(struct ca_add, tls_port, FT_INT, 0, "where it validates tls-alpn-01 (443)"),
	FIELD(struct ca_add, parallel, FT_INT, 0, "requests under way at once (8)"),
	FIELD_END,
};
const struct field account_ask_fields[] = {
	LIST_ROWS(struct account_ask, "name, ca, status or created_at"),
	FIELD(struct account_ask, q, FT_STRING, 0, "whose name, CA or contacts have this in them"),
	FIELD(struct account_ask, ca, FT_STRING, 0, "only at this CA"),
	FIELD(struct account_ask, status, FT_STRING, 0,
	      "registering, valid, deactivated or revoked"),
	FIELD_END,
};
static const char *const account_words[] = { "registering", "valid", "deactivated", "revoked",
	                                     NULL };
static const struct list_filter account_filters[] = {
	{ "q", LIST_HAS, { "name", "ca", "contacts" }, NULL },
	{ "ca", LIST_IS, { "ca" }, NULL },
	{ "status", LIST_IS, { "status" }, account_words },
};
static const struct list_rule account_rule = {
	.ask = account_ask_fields,
	.items = account_fields,
	.size = sizeof(struct account),
	.key = "name",
	.sorts = (const char *const[]){ "name", "ca", "status", "created_at", NULL },
	.filters = account_filters,
	.n_filters = ARRAY_LEN(account_filters),
};
const struct field ca_ask_fields[] = {
	LIST_ROWS(struct ca_ask, "name, url or created_at; without: as they are known"),
	FIELD(struct ca_ask, q, FT_STRING, 0, "whose name or address has this in it"),
	FIELD(struct ca_ask, known, FT_STRING, 0, "true: built in or of this host; false: added"),
	FIELD_END,
};
static const struct list_filter ca_filters[] = {
	{ "q", LIST_HAS, { "name", "url" }, NULL },
	{ "known", LIST_IS, { "known" }, list_yes_no },
};
static const struct list_rule ca_rule = {
	.ask = ca_ask_fields,
	.items = ca_fields,
	.size = sizeof(struct ca),
	.key = "name",
	.sorts = (const char *const[]){ "name", "url", "created_at", NULL },
	.as_given = true,
	.filters = ca_filters,
	.n_filters = ARRAY_LEN(ca_filters),
};
const struct field account_page_fields[] = LIST_FIELDS(struct account, account_fields);
const struct field ca_page_fields[] = LIST_FIELDS(struct ca, ca_fields);

static int is_there(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct account x;

	return st_account_get(o->run.store, a, name, &x, e);
}

int op_account_list(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	struct account *v;
	size_t n;

	TRY(ops_account_list(o, a, &v, &n, e));
	return list_cut(a, &account_rule, in, v, n, out, e);
}

int op_account_show(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return st_account_get(o->run.store, a, ((struct named *)in)->name, out, e);
}

int op_account_refresh(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return ops_account_show(o, a, ((struct named *)in)->name, out, e);
}

int check_account_named(struct ops *o, struct arena *a, void *in, struct err *e)
{
	return is_there(o, a, ((struct named *)in)->name, e);
}

int check_account_register(struct ops *o, struct arena *a, void *in, struct err *e)
{
	return ops_account_register_check(o, a, in, e);
}

int op_account_register(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return ops_account_register(o, a, in, out, e);
}

int check_account_update(struct ops *o, struct arena *a, void *in, struct err *e)
{
	return is_there(o, a, ((struct account_contacts *)in)->name, e);
}

int op_account_update(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct account_contacts *x = in;

	return ops_account_update(o, a, x->name, &x->emails, out, e);
}

int check_account_rollover(struct ops *o, struct arena *a, void *in, struct err *e)
{
	return is_there(o, a, ((struct account_rollover *)in)->name, e);
}

int op_account_rollover(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct account_rollover *x = in;

	return ops_account_rollover(o, a, x->name, x->key_type, out, e);
}

int op_account_export(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const struct account_export *x = in;
	bool is_jwk = x->format && strcmp(x->format, "jwk") == 0;
	struct raw *raw = out;
	struct bytes data;

	if (x->format && !is_jwk && strcmp(x->format, "pem") != 0) {
		err_set(e, ERR_USAGE, "\"format\" must be pem or jwk");
		return err_member(e, "format");
	}
	TRY(ops_account_export(o, a, x->name, x->format, &data, e));
	if (o->who)
		TRY(st_event_add(o->run.store, NULL, "account", e,
		                 "private key of the account %s handed over", x->name));
	raw->type = is_jwk ? "application/jwk+json" : "application/x-pem-file";
	raw->file = arena_printf(a, "%s.%s", x->name, is_jwk ? "jwk" : "pem");
	raw->data = base64_encode(a, data.v, data.n);
	return 0;
}

int check_account_import(struct ops *o, struct arena *a, void *in, struct err *e)
{
	const struct account_import *x = in;
	struct ca ca;

	return ops_ca_named(o, a, x->ca, &ca, e);
}

int op_account_import(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return ops_account_import(o, a, in, out, e);
}

int op_account_deactivate(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_account_deactivate(o, a, ((struct named *)in)->name, e);
}

int op_account_delete(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_account_delete(o, a, ((struct named *)in)->name, e);
}

int op_account_default(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_account_default(o, a, ((struct named *)in)->name, e);
}

int op_ca_list(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	struct ca *v;
	size_t n;

	TRY(ops_ca_list(o, a, &v, &n, e));
	return list_cut(a, &ca_rule, in, v, n, out, e);
}

int op_ca_show(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	const char *name = ((struct named *)in)->name;

	/* an address would be shown as if it were one of ours */
	if (o->who && strstr(name, "://"))
		return err_set(e, ERR_NOT_FOUND, "there is no CA \"%s\"", name);
	if (ops_ca_show(o, a, name, out, e) == 0)
		return 0;
	if (o->who && e->code == ERR_USAGE)
		e->code = ERR_NOT_FOUND;
	return -(int)e->code;
}

int op_ca_add(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return ops_ca_add(o, a, in, out, e);
}

int op_ca_delete(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	(void)out;
	return ops_ca_delete(o, a, ((struct named *)in)->name, e);
}
