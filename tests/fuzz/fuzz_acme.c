/*
 * A server's JSON taken as each of its objects: directory, order, authorization, renewal
 * information. What is taken keeps the promises that later steps rely on: URLs that may be asked,
 * tokens that may be file names, few of everything.
 */
#include <stdlib.h>
#include <string.h>

#include "acme/parse.h"
#include "base/codec.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool kept)
{
	if (!kept)
		abort();
}

static void check_directory(struct arena *a, const json_t *object)
{
	struct acme_directory d;
	struct err e;

	if (acme_directory_parse(a, object, false, &d, &e) < 0)
		return;
	must(acme_url_is_ok(d.new_nonce, false) && acme_url_is_ok(d.new_order, false) &&
	     acme_url_is_ok(d.key_change, false));
	must(d.n_profiles <= 50 && d.issuer_domain_names.n <= 20);
}

static void check_order(struct arena *a, const json_t *object)
{
	struct acme_order o;
	struct err e;

	if (acme_order_parse(a, object, "https://ca.example/o", false, &o, &e) < 0)
		return;
	must(acme_url_is_ok(o.finalize, false) && o.authorizations.n <= 100 &&
	     o.identifiers.n <= 100);
	must(strcmp(o.status, "valid") != 0 || acme_url_is_ok(o.certificate, false));
	for (size_t i = 0; i < o.authorizations.n; i++)
		must(acme_url_is_ok(o.authorizations.v[i], false));
}

static void check_authz(struct arena *a, const json_t *object)
{
	struct acme_authz z;
	struct err e;

	if (acme_authz_parse(a, object, "https://ca.example/z", false, &z, &e) < 0)
		return;
	must(z.n_challenges <= 20 && !strchr(z.identifier, '/'));
	for (size_t i = 0; i < z.n_challenges; i++) {
		const struct acme_challenge *c = &z.challenges[i];
		must(acme_url_is_ok(c->url, false));
		must(c->token ? is_acme_token(c->token) : !strcmp(c->type, "dns-persist-01"));
	}
}

static void check_renewal_info(struct arena *a, const json_t *object)
{
	struct acme_renewal_info info;
	struct err e;

	if (acme_renewal_info_parse(a, object, &info, &e) == 0)
		must(info.window_start < info.window_end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_auto_t *object = NULL;
	struct err e;

	if (json_parse((const char *)data, size, &object, &e) < 0)
		return 0;
	check_directory(a, object);
	check_order(a, object);
	check_authz(a, object);
	check_renewal_info(a, object);
	return 0;
}
