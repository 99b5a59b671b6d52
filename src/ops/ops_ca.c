/*
 * CAs: the known ones and those a person added.
 */
#include <string.h>

#include "base/clock.h"
#include "flow/afar.h"
#include "flow/cas.h"
#include "flow/limits.h"
#include "flow/session.h"
#include "ops/internal.h"
#include "ops/ops_account.h"
#include "ops/tx.h"

int ops_ca_list(struct ops *o, struct arena *a, struct ca **out, size_t *n, struct err *e)
{
	const struct cas *known = cas_known(&o->config);
	struct ca *added = NULL, *v;
	size_t n_added = 0;

	if (o->run.store)
		TRY(st_ca_list(o->run.store, a, &added, &n_added, e));
	if (!o->who) /* the daemon says it when it reads its configuration */
		ca_tell_hidden(&o->run);
	v = ARENA_ARRAY(a, struct ca, known->n + n_added);
	for (size_t i = 0; i < known->n; i++)
		v[i] = known->v[i].ca;
	if (n_added)
		memcpy(v + known->n, added, n_added * sizeof(*v));
	for (size_t i = 0; i < known->n + n_added; i++)
		TRY(limits_shown(&o->run, a, v[i].url, &v[i].limits, e));
	*out = v;
	*n = known->n + n_added;
	return 0;
}

int ops_ca_show(struct ops *o, struct arena *a, const char *name, struct ca *out, struct err *e)
{
	TRY(ca_resolve(&o->run, a, name, out, e));
	return limits_shown(&o->run, a, out->url, &out->limits, e);
}

static int check_url(const char *url, const char *option, struct err *e)
{
	if (strncmp(url, "https://", 8) != 0 || !url[8] || strlen(url) > 2048)
		return err_set(e, ERR_USAGE,
		               "%s must be the https:// URL of an ACME directory, not \"%s\"",
		               option, url);
	return 0;
}

static int check_port(const char *member, int64_t port, int64_t most, struct err *e)
{
	if (port >= 0 && port <= most)
		return 0;
	err_set(e, ERR_USAGE, "\"%s\" must be from 1 to %lld", member, (long long)most);
	return err_member(e, member);
}

/* Where it is, and how it sees the world. */
static int check_place(struct ops *o, struct arena *a, const struct ca_add *c, struct err *e)
{
	const struct afar afar = { .allow_private = o->config.allow_private };

	TRY(check_port("http_port", c->http_port, 65535, e));
	TRY(check_port("tls_port", c->tls_port, 65535, e));
	TRY(check_port("parallel", c->parallel, 64, e));
	if (!o->who)
		return 0;
	TRY(afar_peer(a, &afar, "url", c->url, e));
	if (c->staging && strstr(c->staging, "://"))
		TRY(afar_peer(a, &afar, "staging", c->staging, e));
	return c->resolver ? afar_peer(a, &afar, "resolver", c->resolver, e) : 0;
}

static int bad_name(const char *name, struct err *e)
{
	if (!ca_is_name(name))
		return err_set(
		    e, ERR_USAGE,
		    "\"%s\" cannot be a CA's name: letters, digits, '.', '_' and '-' only", name);
	return err_set(e, ERR_EXISTS, "%s is a known CA; choose another name", name);
}

/* NULL = nobody added one of that name. */
static int find_added(struct ops *o, struct arena *a, const char *name, const struct ca **out,
                      struct err *e)
{
	struct ca *v = NULL;
	size_t n = 0;

	if (o->run.store)
		TRY(st_ca_list(o->run.store, a, &v, &n, e));
	*out = NULL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			*out = &v[i];
	return 0;
}

static int check_name(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	const struct ca *added;

	if (!ca_is_name(name) || cas_by_name(&o->config, name)) {
		bad_name(name, e);
		return err_member(e, "name");
	}
	TRY(find_added(o, a, name, &added, e));
	if (added) {
		err_set(e, ERR_EXISTS,
		        "there is a CA %s already (%s); delete it first, or choose another "
		        "name",
		        name, added->url);
		return err_member(e, "name");
	}
	return 0;
}

int ops_ca_add(struct ops *o, struct arena *a, const struct ca_add *c, struct ca *out,
               struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct ca ca = {
		.name = c->name,
		.url = c->url,
		.staging = c->staging,
		.ca_bundle = c->ca_bundle,
		.resolver = c->resolver,
		.http_port = c->http_port,
		.tls_port = c->tls_port,
		.parallel = c->parallel,
		.public_only = o->who && !o->config.allow_private,
		.created_at = clock_now(),
	};

	TRY(check_name(o, a, c->name, e));
	if (check_url(c->url, "the URL", e) < 0)
		return err_member(e, "url");
	if (c->staging && strstr(c->staging, "://") && check_url(c->staging, "--staging", e) < 0)
		return err_member(e, "staging");
	if (c->ca_bundle && !strstr(c->ca_bundle, "-----BEGIN CERTIFICATE-----")) {
		err_set(e, ERR_INPUT, "%s holds no certificate in PEM",
		        c->ca_bundle_file ? c->ca_bundle_file : "\"ca_bundle\"");
		return err_member(e, "ca_bundle");
	}
	TRY(check_place(o, a, c, e));
	TRY(ops_tx_begin(o, &t, e));
	TRY(st_ca_put(o->run.store, &ca, e));
	TRY(ops_tx_tell(&t, "ca", e, "CA %s added: %s", ca.name, ca.url));
	TRY(limits_shown(&o->run, a, ca.url, &ca.limits, e));
	*out = ca;
	return 0;
}

static int refuse_used(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	const struct cert_page of_it = { .ca = name, .limit = 1 };
	struct cert *v;
	size_t n;

	TRY(st_cert_page(o->run.store, a, &of_it, &v, &n, e));
	if (n > 0)
		return err_set(e, ERR_INPUT,
		               "the certificate %s comes from %s; give it another with `everleaf "
		               "issue`, or delete it first",
		               v[0].name, name);
	return 0;
}

/* In the transaction: nobody makes it the default meanwhile. */
static int refuse_default(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct settings stored;

	TRY(st_settings_take(o->run.store, a, &stored, e));
	if ((stored.ca && strcmp(stored.ca, name) == 0) ||
	    (o->config.set.ca && strcmp(o->config.set.ca, name) == 0))
		return err_set(e, ERR_INPUT,
		               "%s is used where no CA is named; have another one used first "
		               "(`everleaf settings set ca=NAME`, or the configuration file)",
		               name);
	return 0;
}

int ops_ca_delete(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	const struct ca *added;
	struct account *v;
	size_t n;

	TRY(find_added(o, a, name, &added, e));
	if (!added && cas_by_name(&o->config, name))
		return err_set(e, ERR_INPUT,
		               "%s is known by cas.yaml, not added here, and cannot be deleted",
		               name);
	TRY(st_account_list(o->run.store, a, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].ca, name) == 0)
			return err_set(e, ERR_INPUT,
			               "the account %s is at %s; delete it first (`everleaf "
			               "account delete %s --yes`)",
			               v[i].name, name, v[i].name);
	TRY(refuse_used(o, a, name, e));
	TRY(ops_tx_begin(o, &t, e));
	TRY(refuse_default(o, a, name, e));
	TRY(st_ca_delete(o->run.store, name, e));
	return ops_tx_tell(&t, "ca", e, "CA %s deleted", name);
}
