/*
 * DNS accounts: added, shown, changed, tried. Settings are checked before anything is stored, and
 * never shown but through dns_account_shown.
 */
#include "ops/ops_dns.h"

#include <string.h>

#include "base/clock.h"
#include "dns/provider.h"
#include "flow/dns.h"
#include "flow/dns_look.h"
#include "ops/internal.h"
#include "ops/owner.h"
#include "ops/tx.h"

#define ZONE_MAX_BYTES 253
#define UPDATE_TRIES 5

static struct dns_service service_of(const struct dns_provider *p)
{
	return (struct dns_service){
		.name = p->name,
		.title = p->title,
		.site = p->site,
		.setup = p->setup,
		.verified = p->verified,
		.base_url = p->base_url,
		.ttl_s = p->ttl_s,
		.min_ttl_s = p->min_ttl_s,
		.settle_s = p->settle_s,
		.max_values = p->max_values,
		.fields = p->fields,
	};
}

const struct dns_service *ops_dns_services(struct arena *a, size_t *n)
{
	struct dns_service *v;
	size_t count = 0;

	while (dns_providers[count])
		count++;
	v = ARENA_ARRAY(a, struct dns_service, count + 1);
	for (size_t i = 0; i < count; i++)
		v[i] = service_of(dns_providers[i]);
	*n = count;
	return v;
}

int ops_dns_service(struct arena *a, const char *name, struct dns_service *out, struct err *e)
{
	const struct dns_provider *p;

	TRY(dns_account_provider(a, name, &p, e));
	*out = service_of(p);
	return 0;
}

const struct field *ops_dns_common(void)
{
	return dns_common_fields;
}

static int bad_zone(const char *typed, struct err *e)
{
	err_set(
	    e, ERR_USAGE,
	    "--zone: \"%s\" is not a zone's name (an internationalised one is given in its xn-- "
	    "form)",
	    typed);
	return err_member(e, "zones");
}

static int check_zone(struct arena *a, const char *typed, const char **out, struct err *e)
{
	size_t len = strlen(typed);
	char *zone;

	if (len > 1 && typed[len - 1] == '.')
		len--;
	zone = arena_strndup(a, typed, len);
	for (char *p = zone; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	if (len > ZONE_MAX_BYTES || zone[0] == '.' || strstr(zone, "..") ||
	    strspn(zone, "abcdefghijklmnopqrstuvwxyz0123456789-._") != len)
		return bad_zone(typed, e);
	*out = zone;
	return 0;
}

static int check_zones(struct arena *a, const struct strings *typed, struct strings *out,
                       struct err *e)
{
	struct strings list = { 0 };

	for (size_t i = 0; i < typed->n; i++) {
		const char *zone;

		TRY(check_zone(a, typed->v[i], &zone, e));
		if (!strings_has(&list, zone))
			strings_add(a, &list, zone);
	}
	*out = list;
	return 0;
}

static int refuse_existing(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct dns_account x;
	struct err missing;

	if (st_dns_get(o->run.store, a, name, &x, &missing) == 0) {
		err_set(e, ERR_EXISTS,
		        "there is a DNS account %s already (%s); `everleaf dns update %s` "
		        "changes it, or choose another name",
		        name, x.provider, name);
		return err_member(e, "name");
	}
	if (missing.code == ERR_NOT_FOUND)
		return 0;
	*e = missing;
	return -(int)e->code;
}

static int set_propagation(struct arena *a, const char *mode, struct dns_account *x, struct err *e)
{
	json_auto_t *object = json_pack("{s:s?}", "propagation", mode);

	if (dns_account_take(a, json_text(a, object), "--propagation", NULL, x, e) < 0)
		return err_member(e, "propagation");
	return 0;
}

static int bad_name(const char *name, struct err *e)
{
	err_set(e, ERR_USAGE,
	        "\"%s\" cannot be a DNS account's name: letters, digits, '.', '_' and '-' only",
	        name);
	return err_member(e, "name");
}

static int take_settings(struct ops *o, struct arena *a, const char *settings, const char *origin,
                         struct dns_account *x, struct err *e)
{
	const struct afar afar = { .allow_private = o->config.allow_private };

	if (dns_account_take(a, settings, origin ? origin : "its settings", o->who ? &afar : NULL,
	                     x, e) < 0)
		return ops_wrong_setting(o, e);
	return 0;
}

int ops_dns_settings_file(struct arena *a, const char *provider, const char *file, char **out,
                          struct err *e)
{
	return dns_account_file(a, provider, file, out, e);
}

int ops_dns_add(struct ops *o, struct arena *a, const struct dns_add *d, struct dns_account *out,
                struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct dns_account x = { .name = d->name, .enabled = true };
	const struct dns_provider *p;

	if (dns_account_provider(a, d->provider, &p, e) < 0)
		return err_member(e, "provider");
	x.provider = p->name;
	if (!dns_account_is_name(d->name))
		return bad_name(d->name, e);
	TRY(check_zones(a, &d->zones, &x.zones, e));
	TRY(refuse_existing(o, a, d->name, e));
	TRY(take_settings(o, a, d->settings, d->origin, &x, e));
	if (d->propagation)
		TRY(set_propagation(a, d->propagation, &x, e));
	TRY(ops_tx_begin(o, &t, e));
	TRY(st_dns_put(o->run.store, &x, e));
	TRY(ops_tx_tell(&t, "dns", e, "DNS account %s added, at %s", x.name, x.provider));
	*out = x;
	return 0;
}

/* Changes the row as it is then. set: false when what it was made from is not there any more. what:
 * for its event, "disabled". */
static int change(struct ops *o, struct arena *a, const char *name,
                  bool (*set)(struct dns_account *x, const void *to), const void *to,
                  const char *what, struct dns_account *out, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct dns_account x;

	TRY(ops_tx_begin(o, &t, e));
	TRY(st_dns_get(o->run.store, a, name, &x, e));
	if (!set(&x, to))
		return err_set(e, ERR_CHANGED, "it was changed meanwhile; look at it again");
	x.updated_at = clock_now();
	TRY(st_dns_put(o->run.store, &x, e));
	TRY(ops_tx_tell(&t, "dns", e, "DNS account %s %s", name, what));
	*out = x;
	return 0;
}

struct update {
	const char *settings;        /* NULL = as they are */
	const char *former;          /* what they were made from */
	const struct strings *zones; /* NULL = as they are */
};

static bool set_update(struct dns_account *x, const void *to)
{
	const struct update *u = to;

	if (u->settings && strcmp(x->settings ? x->settings : "", u->former) != 0)
		return false;
	x->settings = u->settings ? u->settings : x->settings;
	x->zones = u->zones ? *u->zones : x->zones;
	return true;
}

static int update_once(struct ops *o, struct arena *a, const struct dns_change *d,
                       struct dns_account *out, struct err *e)
{
	struct update u = { 0 };
	struct dns_account x;
	struct strings zones;

	TRY(st_dns_get(o->run.store, a, d->name, &x, e));
	if (d->given.n == 0) {
		*out = x;
		return 0;
	}
	u.former = x.settings ? x.settings : "";
	TRY(check_zones(a, &d->zones, &zones, e));
	if (strings_has(&d->given, "zones"))
		u.zones = &zones;
	if (strings_has(&d->given, "settings") && d->settings) {
		TRY(take_settings(o, a, d->settings, d->origin, &x, e));
		u.settings = x.settings;
	}
	if (strings_has(&d->given, "propagation")) {
		TRY(set_propagation(a, d->propagation, &x, e));
		u.settings = x.settings;
	}
	return change(o, a, d->name, set_update, &u,
	              arena_printf(a, "changed: %s", strings_join(a, &d->given, ", ")), out, e);
}

/* Settings are changed in part: once more, from what somebody else made of them meanwhile. */
int ops_dns_update(struct ops *o, struct arena *a, const struct dns_change *d,
                   struct dns_account *out, struct err *e)
{
	int rc = update_once(o, a, d, out, e);

	for (int i = 0; i < UPDATE_TRIES && rc == -ERR_CHANGED; i++)
		rc = update_once(o, a, d, out, e);
	return rc;
}

int ops_dns_list(struct ops *o, struct arena *a, struct dns_account **out, size_t *n, struct err *e)
{
	struct strings shared = { 0 };
	struct dns_account *v;
	size_t all_n, have = 0;
	bool all;

	*n = 0;
	if (!o->run.store)
		return 0;
	TRY(owner_dns_accounts(o, a, &shared, &all, e));
	TRY(st_dns_list(o->run.store, a, &v, &all_n, e));
	for (size_t i = 0; i < all_n; i++)
		if (all || strings_has(&shared, v[i].name))
			v[have++] = v[i];
	*out = v;
	*n = have;
	return 0;
}

/* Who may not see all sees the certificates that are theirs, and no settings. */
static int show_shared(struct ops *o, struct arena *a, struct dns_account *x, struct strings *certs,
                       struct err *e)
{
	struct strings own, theirs = { 0 };

	TRY(owner_certs(o, a, &own, e));
	for (size_t i = 0; i < certs->n; i++)
		if (strings_has(&own, certs->v[i]))
			strings_add(a, &theirs, certs->v[i]);
	*certs = theirs;
	x->last_error = NULL;
	return 0;
}

struct users {
	struct arena *arena;
	const char *account;
	struct strings certs;
};

static int note_user(void *ctx, const struct cert *c, struct arena *a, struct err *e)
{
	struct users *u = ctx;

	(void)e;
	for (size_t i = 0; i < c->dns.n; i++) {
		const char *domain, *account;

		dns_split(a, c->dns.v[i], &domain, &account);
		if (strcmp(account, u->account) == 0) {
			strings_add(u->arena, &u->certs, c->name);
			break;
		}
	}
	return 0;
}

static int users_of(struct ops *o, struct arena *a, const char *name, struct strings *out,
                    struct err *e)
{
	struct users u = { .arena = a, .account = name };
	struct cert_filter all = { 0 };

	TRY(st_cert_each(o->run.store, &all, note_user, &u, e));
	*out = u.certs;
	return 0;
}

int ops_dns_show(struct ops *o, struct arena *a, const char *name, struct dns_account *out,
                 struct strings *certs, json_t **settings, struct err *e)
{
	struct strings shared = { 0 };
	struct dns_account x;
	bool all;

	TRY(owner_dns_accounts(o, a, &shared, &all, e));
	if (!all && !strings_has(&shared, name))
		return err_set(e, ERR_NOT_FOUND, "there is no DNS account %s here", name);
	TRY(st_dns_get(o->run.store, a, name, &x, e));
	TRY(users_of(o, a, name, certs, e));
	if (!all)
		TRY(show_shared(o, a, &x, certs, e));
	*settings = all ? dns_account_shown(a, &x) : NULL;
	x.settings = x.saved = NULL;
	*out = x;
	return 0;
}

static bool set_enabled(struct dns_account *x, const void *to)
{
	x->enabled = *(const bool *)to;
	return true;
}

int ops_dns_enable(struct ops *o, struct arena *a, const char *name, bool enabled, struct err *e)
{
	struct dns_account x;

	return change(o, a, name, set_enabled, &enabled, enabled ? "enabled" : "disabled", &x, e);
}

int ops_dns_delete(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct strings certs = { 0 };
	struct dns_account x;

	TRY(st_dns_get(o->run.store, a, name, &x, e));
	TRY(users_of(o, a, name, &certs, e));
	if (certs.n)
		return err_set(e, ERR_INPUT,
		               "the DNS account %s is used by %s; give %s another way with "
		               "`everleaf set`, or delete %s first",
		               name, strings_join(a, &certs, ", "), certs.n == 1 ? "it" : "them",
		               certs.n == 1 ? "it" : "them");
	TRY(ops_tx_begin(o, &t, e));
	TRY(st_dns_delete(o->run.store, name, e));
	return ops_tx_tell(&t, "dns", e, "DNS account %s deleted", name);
}

int ops_dns_present(struct ops *o, struct arena *a, const char *account, const char *name,
                    const struct strings *values, struct dns_path *out, struct err *e)
{
	return dns_present(&o->run, a, account, name, values, out, e);
}

int ops_dns_cleanup(struct ops *o, struct arena *a, const char *account, const char *name,
                    const struct strings *values, struct dns_path *out, struct err *e)
{
	return dns_cleanup(&o->run, a, account, name, values, out, e);
}

int ops_dns_test(struct ops *o, struct arena *a, const char *account, const char *domain,
                 struct dns_test *out, struct err *e)
{
	return dns_test(&o->run, a, account, domain, out, e);
}

int ops_dns_watch(struct ops *o, struct arena *a, const struct dns_watching *w, struct err *e)
{
	const struct dns_watch how = { .name = w->name,
		                       .values = w->values,
		                       .account = w->account,
		                       .once = w->once,
		                       .look = w->look,
		                       .ctx = w->ctx };

	return dns_watch(&o->run, a, &how, e);
}
