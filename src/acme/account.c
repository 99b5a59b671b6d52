/*
 * Accounts: made, found again by their key, changed, given another key, deactivated. Which account
 * the session uses changes only after the server has said yes.
 */
#include "acme/account.h"

#include <string.h>

#include "acme/jws.h"
#include "acme/parse.h"
#include "acme/session_impl.h"
#include "base/json.h"

#define CONTACTS_MAX 20

static const char *new_account_url(const struct acme_directory *d)
{
	return d->new_account;
}

static const char *key_change_url(const struct acme_directory *d)
{
	return d->key_change;
}

static json_t *contacts_json(struct arena *a, const struct strings *contacts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < contacts->n; i++)
		json_array_append_new(list,
		                      json_string(arena_printf(a, "mailto:%s", contacts->v[i])));
	return list;
}

static struct strings read_contacts(struct arena *a, const json_t *object)
{
	struct strings urls = acme_json_strings(a, object, "contact", CONTACTS_MAX);

	for (size_t i = 0; i < urls.n; i++)
		if (!strncmp(urls.v[i], "mailto:", 7))
			urls.v[i] += 7;
	return urls;
}

/* The account object (RFC 8555 7.1.2); some servers answer with less than all of it. */
static int read_account(struct arena *a, const struct acme_call *call, const char *url,
                        const struct acme_directory *d, struct acme_account *out, struct err *e)
{
	json_auto_t *object = NULL;
	const char *status;

	TRY(acme_answer_object(a, &call->res, call->url, &object, e));
	status = json_str(a, object, "status");
	*out = (struct acme_account){
		.url = arena_strdup(a, url),
		.status = status ? status : "valid",
		.contacts = read_contacts(a, object),
		.terms_of_service_agreed_url = arena_strdup(a, d->terms_of_service),
	};
	return 0;
}

static int check_wish(const struct acme_new_account *want, const struct acme_directory *d,
                      struct err *e)
{
	if (want->only_existing)
		return 0;
	if (d->terms_of_service && !want->agree_tos)
		return err_set(e, ERR_TERMS,
		               "the CA has terms of service that must be agreed to: %s",
		               d->terms_of_service);
	if (d->external_account_required && !want->eab_kid)
		return err_set(e, ERR_USAGE,
		               "this CA wants an external account binding: a key identifier and a "
		               "MAC key from it");
	return 0;
}

static int add_binding(struct arena *a, json_t *object, const struct acme_new_account *want,
                       const char *url, struct err *e)
{
	json_t *binding;
	char *text;

	TRY(jws_external_account(a, want->eab_alg, want->eab_kid, &want->eab_key, url, want->key,
	                         &text, e));
	TRY(json_parse(text, strlen(text), &binding, e));
	json_object_set_new(object, "externalAccountBinding", binding);
	return 0;
}

/* The payload of newAccount (RFC 8555 7.3). */
static int wish_text(struct arena *a, const struct acme_new_account *want,
                     const struct acme_directory *d, char **out, struct err *e)
{
	json_auto_t *object = json_object();

	if (want->only_existing) {
		json_object_set_new(object, "onlyReturnExisting", json_true());
		*out = json_text(a, object);
		return 0;
	}
	if (want->contacts.n)
		json_object_set_new(object, "contact", contacts_json(a, &want->contacts));
	if (want->agree_tos)
		json_object_set_new(object, "termsOfServiceAgreed", json_true());
	if (want->eab_kid)
		TRY(add_binding(a, object, want, d->new_account, e));
	*out = json_text(a, object);
	return 0;
}

static int account_location(struct acme *ca, struct arena *a, const struct acme_call *call,
                            const char **out, struct err *e)
{
	const char *location = http_header(&call->res, "location");
	char *url = location ? acme_url_resolve(a, call->url, location) : NULL;

	if (!url || !acme_url_is_ok(url, ca->allow_http))
		return err_set(e, ERR_PROTOCOL, "%s accepts the account but gives it no address",
		               acme_url_host(a, call->url));
	*out = url;
	return 0;
}

int acme_account_new(struct acme *ca, struct arena *a, const struct acme_new_account *want,
                     struct acme_account *out, struct err *e)
{
	struct acme_call call = { .key = want->key, .with_jwk = true, .max_body = SMALL_BODY };
	const struct acme_directory *d;
	struct acme_account got;
	const char *url = NULL;
	char *payload = NULL;
	int failed;

	TRY(acme_directory(ca, &d, e));
	TRY(check_wish(want, d, e));
	TRY(wish_text(a, want, d, &payload, e));
	call.payload = payload;
	failed = acme_call_endpoint(ca, a, new_account_url, &call, e);
	if (failed == -ERR_ACME && !strcmp(e->problem, "accountDoesNotExist"))
		return err_set(e, ERR_NOT_FOUND, "the CA knows no account with this key");
	if (failed)
		return failed;
	TRY(account_location(ca, a, &call, &url, e));
	TRY(read_account(a, &call, url, d, &got, e));
	acme_use_account(ca, want->key, url);
	*out = got;
	return 0;
}

/* Posts to the account's own URL. */
static int account_call(struct acme *ca, struct arena *a, const char *payload,
                        struct acme_account *out, struct err *e)
{
	struct acme_call call = { .url = acme_account_url(ca),
		                  .payload = payload,
		                  .max_body = SMALL_BODY };
	const struct acme_directory *d;

	if (!call.url)
		return err_set(e, ERR_USAGE, "there is no account yet at %s", ca->directory_url);
	TRY(acme_directory(ca, &d, e));
	TRY(acme_call(ca, a, &call, e));
	return read_account(a, &call, call.url, d, out, e);
}

int acme_account_get(struct acme *ca, struct arena *a, struct acme_account *out, struct err *e)
{
	return account_call(ca, a, "", out, e);
}

int acme_account_update(struct acme *ca, struct arena *a, const struct strings *contacts,
                        struct acme_account *out, struct err *e)
{
	json_auto_t *object = json_object();

	json_object_set_new(object, "contact", contacts_json(a, contacts));
	return account_call(ca, a, json_text(a, object), out, e);
}

/* The inner JWS (RFC 8555 7.3.5): signed by the new key, about the old one, without a nonce. */
static int key_change_text(struct arena *a, const struct identity *i, const struct key *new_key,
                           const char *url, char **out, struct err *e)
{
	struct jws_header h = { .url = url };
	json_auto_t *object = json_object();
	json_t *old_jwk;
	char *text;

	TRY(key_jwk(a, i->key, &text, e));
	TRY(json_parse(text, strlen(text), &old_jwk, e));
	json_object_set_new(object, "account", json_string(i->account_url));
	json_object_set_new(object, "oldKey", old_jwk);
	return jws_sign(a, new_key, &h, json_text(a, object), out, e);
}

int acme_account_key_change(struct acme *ca, struct arena *a, const struct key *new_key,
                            struct err *e)
{
	const struct identity *i = session_identity(ca);
	struct acme_call call = { .max_body = SMALL_BODY };
	const struct acme_directory *d;
	const char *location;
	char *payload;
	int failed;

	if (!i)
		return err_set(e, ERR_USAGE, "there is no account yet at %s", ca->directory_url);
	TRY(acme_directory(ca, &d, e));
	TRY(key_change_text(a, i, new_key, d->key_change, &payload, e));
	call.payload = payload;
	failed = acme_call_endpoint(ca, a, key_change_url, &call, e);
	if (failed && call.res.status == 409) {
		location = http_header(&call.res, "location");
		return err_set(e, ERR_EXISTS, "the new key already has an account%s%s",
		               location ? ": " : "", location ? location : "");
	}
	if (failed)
		return failed;
	acme_use_account(ca, new_key, i->account_url);
	return 0;
}

int acme_account_deactivate(struct acme *ca, struct arena *a, struct err *e)
{
	struct acme_account ignored;

	return account_call(ca, a, "{\"status\":\"deactivated\"}", &ignored, e);
}
