/*
 * The locks are rows with this process's lease, so that workers, command lines and nodes take turns
 * at one name, and a dead process holds up nobody.
 */
#include "flow/dns.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "dns/settings.h"
#include "dns/txt.h"
#include "flow/ca.h"
#include "flow/session.h"
#include "sys/names.h"

#define CREDENTIALS_MAX_BYTES ((size_t)1 << 20)
#define LOCK_S 600 /* for holders on other hosts */
#define LOCK_WAIT_MS 60000
#define LOCK_LOOK_MS 50
#define LOCK_LOOK_MOST_MS 1000

struct dns_use {
	struct run *run;
	struct arena *arena;
	struct dns_keeper keeper;
	struct dns_opened *list;
	bool steadfast;
};
struct dns_opened {
	struct dns_opened *next;
	struct dns_account account;
	struct dns_session session;
};

bool dns_account_is_name(const char *name)
{
	return name_is_cert_name(name);
}

struct store *dns_store(const struct run *r)
{
	return r->dns_store ? r->dns_store : r->store;
}

int dns_account_enabled(struct run *r, struct arena *a, const char *name, struct dns_account *out,
                        struct err *e)
{
	struct dns_account x;

	TRY(st_dns_get(dns_store(r), a, name, &x, e));
	if (!x.enabled)
		return err_set(e, ERR_DENIED,
		               "the DNS account %s is disabled; `everleaf dns enable %s` lets it "
		               "be used again",
		               name, name);
	*out = x;
	return 0;
}

int dns_account_provider(struct arena *a, const char *name, const struct dns_provider **out,
                         struct err *e)
{
	struct strings names = { 0 };

	for (size_t i = 0; dns_providers[i]; i++)
		strings_add(a, &names, dns_providers[i]->name);
	if (!dns_provider_find(name))
		return err_set(e, ERR_USAGE, "there is no DNS provider \"%s\"; there are %s", name,
		               strings_join(a, &names, ", "));
	*out = dns_provider_find(name);
	return 0;
}

/* A file that it names and that is not there is a wrong setting too. */
static int wrong_setting(struct err *e)
{
	if (e->code == ERR_NOT_FOUND || e->code == ERR_INPUT)
		e->code = ERR_CONFIG;
	return -(int)e->code;
}

int dns_account_file(struct arena *a, const char *provider, const char *file, char **out,
                     struct err *e)
{
	json_auto_t *object = NULL;
	const struct dns_provider *p;
	char *text;
	size_t len;

	TRY(dns_account_provider(a, provider, &p, e));
	TRY(fs_read(a, file, CREDENTIALS_MAX_BYTES, &text, &len, e));
	if (dns_settings_file(a, p, text, len, strcmp(file, "-") ? file : "standard input", &object,
	                      e) < 0)
		return wrong_setting(e);
	*out = json_text(a, object);
	return 0;
}

int dns_account_take(struct arena *a, const char *json, const char *name, const struct afar *afar,
                     struct dns_account *x, struct err *e)
{
	json_auto_t *object = NULL;
	const struct dns_provider *p;
	const char *settings;

	TRY(dns_account_provider(a, x->provider, &p, e));
	TRY(json_parse(json, strlen(json), &object, e));
	if (!json_is_object(object))
		return err_set(e, ERR_INPUT, "%s: not a JSON object", name);
	if (afar) {
		TRY(afar_settings(a, afar, p->fields, dns_common_fields, object, e));
		if (!afar->allow_private &&
		    (!x->settings || afar_leads(p->fields, dns_common_fields, object)))
			json_object_set_new(object, "public_only", json_true());
	}
	if (dns_settings_take(a, p, object, name, x->settings, &settings, e) < 0)
		return wrong_setting(e);
	x->settings = settings;
	return 0;
}

json_t *dns_account_shown(struct arena *a, const struct dns_account *x)
{
	const struct dns_provider *p = dns_provider_find(x->provider);

	return p && x->settings ? dns_settings_show(a, p, x->settings) : NULL;
}

struct dns_view dns_view_for(const struct run *r, struct arena *a, const struct ca *ca,
                             bool from_afar)
{
	struct dns_view v = { .public_only = from_afar && !r->config->allow_private };

	if (ca && ca_sees_inside(r, ca))
		v.public_only = false;
	if (ca && ca->resolver)
		strings_add(a, &v.resolvers, ca->resolver);
	return v;
}

/* the keeper */

static int keeper_lock(void *ctx, const struct strings *names, const struct cancel *cancel,
                       struct err *e)
{
	struct dns_use *u = ctx;
	int64_t end = clock_monotonic_ms() + LOCK_WAIT_MS, pause = LOCK_LOOK_MS;

	for (bool told = false;; told = true) {
		int result = st_lock_take(dns_store(u->run), names, u->run->command, LOCK_S, e);
		if (result != -ERR_BUSY || clock_monotonic_ms() >= end)
			return result;
		if (!told)
			log_detail("waiting up to a minute: %.*s", (int)strcspn(e->text, ";"),
			           e->text);
		TRY(cancel_sleep_ms(cancel, pause, e));
		pause = pause * 3 / 2 < LOCK_LOOK_MOST_MS ? pause * 3 / 2 : LOCK_LOOK_MOST_MS;
	}
}

static void keeper_unlock(void *ctx, const struct strings *names)
{
	struct dns_use *u = ctx;

	st_lock_drop(dns_store(u->run), names);
}

static int saved_put(struct store *s, struct arena *a, const char *account, const char *saved,
                     struct err *e)
{
	struct dns_account x;

	TRY(st_dns_get(s, a, account, &x, e));
	x.saved = saved;
	return st_dns_put(s, &x, e);
}

static int keeper_save(void *ctx, const char *account, const char *saved, struct err *e)
{
	struct dns_use *u = ctx;
	struct store *s = dns_store(u->run);

	TRY(store_begin(s, e));
	if (saved_put(s, u->arena, account, saved, e) < 0) {
		store_rollback(s);
		return -(int)e->code;
	}
	return store_commit(s, e);
}

/* sessions */

struct dns_use *dns_use_new(struct run *r, struct arena *a)
{
	struct dns_use *u = ARENA_NEW(a, struct dns_use);

	*u = (struct dns_use){ .run = r, .arena = a };
	u->keeper = (struct dns_keeper){ keeper_lock, keeper_unlock, keeper_save, u };
	return u;
}

void dns_use_done(struct dns_use *u)
{
	if (!u)
		return;
	for (struct dns_opened *x = u->list; x; x = x->next)
		if (x->session.provider->close)
			x->session.provider->close(&x->session);
	u->list = NULL;
}

void dns_use_steadfast(struct dns_use *u, bool steadfast)
{
	u->steadfast = steadfast;
	for (struct dns_opened *x = u->list; x; x = x->next)
		x->session.cancel = steadfast ? NULL : u->run->cancel;
}

static int session_make(struct dns_use *u, struct dns_opened *x, struct err *e)
{
	struct dns_session *s = &x->session;

	*s = (struct dns_session){
		.account = x->account.name,
		.saved = x->account.saved,
		.keeper = &u->keeper,
		.cancel = u->steadfast ? NULL : u->run->cancel,
		.arena = u->arena,
	};
	TRY(dns_account_provider(u->arena, x->account.provider, &s->provider, e));
	if (dns_settings_open(u->arena, s->provider,
	                      x->account.settings ? x->account.settings : "{}", &s->settings,
	                      &s->common, e) < 0)
		return dns_ctx(e, s, NULL);
	if (session_http(u->run, s->common.ca_bundle, s->common.public_only, &s->http, e) < 0)
		return dns_ctx(e, s, NULL);
	return 0;
}

int dns_use_open(struct dns_use *u, const char *account, bool also_disabled,
                 struct dns_session **out, struct err *e)
{
	struct dns_opened *x = u->list;

	while (x && strcmp(x->account.name, account) != 0)
		x = x->next;
	if (!x) {
		x = ARENA_NEW(u->arena, struct dns_opened);
		if (also_disabled)
			TRY(st_dns_get(dns_store(u->run), u->arena, account, &x->account, e));
		else
			TRY(dns_account_enabled(u->run, u->arena, account, &x->account, e));
		TRY(session_make(u, x, e));
		x->next = u->list;
		u->list = x;
	}
	*out = &x->session;
	return 0;
}

static const struct strings *zones_of(const struct dns_use *u, const struct dns_session *s)
{
	const struct dns_opened *x = u->list;

	while (&x->session != s)
		x = x->next;
	return &x->account.zones;
}

int dns_use_choices(struct dns_use *u, const struct strings *dns, struct dns_choice **out,
                    size_t *n, struct err *e)
{
	struct dns_choice *v = ARENA_ARRAY(u->arena, struct dns_choice, dns->n + 1);

	for (size_t i = 0; i < dns->n; i++) {
		const char *account;
		dns_split(u->arena, dns->v[i], &v[i].domain, &account);
		TRY(dns_use_open(u, account, false, &v[i].session, e));
		v[i].zones = *zones_of(u, v[i].session);
	}
	*out = v;
	*n = dns->n;
	return 0;
}

/* --dns */

void dns_split(struct arena *a, const char *text, const char **domain, const char **account)
{
	const char *equals = strrchr(text, '=');

	*domain = equals ? arena_strndup(a, text, (size_t)(equals - text)) : NULL;
	*account = equals ? equals + 1 : text;
}

static bool is_for(const struct strings *domains, const char *domain)
{
	for (size_t i = 0; i < domains->n; i++)
		if (strcmp(name_base(domains->v[i]), domain) == 0)
			return true;
	return false;
}

/* *normal NULL: it is for none of the domains. */
static int check_one(struct run *r, struct arena *a, const struct strings *domains,
                     const char *text, const char **normal, struct err *e)
{
	const char *domain, *account, *name = NULL;
	struct dns_account x;
	enum name_kind kind;

	dns_split(a, text, &domain, &account);
	if (domain && name_normalize(a, domain, &name, &kind, e) < 0) {
		e->code = ERR_USAGE;
		return err_ctx(e, "--dns %s", text);
	}
	TRY(dns_account_enabled(r, a, account, &x, e));
	if (domain && !is_for(domains, name_base(name)))
		*normal = NULL;
	else
		*normal = domain ? arena_printf(a, "%s=%s", name_base(name), account) : account;
	return 0;
}

/* Whether an account may be for this name. */
static bool has_account(struct arena *a, const struct strings *dns, const char *name)
{
	const char *domain, *account;

	for (size_t i = 0; i < dns->n; i++) {
		dns_split(a, dns->v[i], &domain, &account);
		if (!domain || strcmp(domain, name_base(name)) == 0)
			return true;
	}
	return false;
}

static bool is_named_twice(struct arena *a, const struct strings *dns, size_t i)
{
	const char *mine, *other, *account;

	dns_split(a, dns->v[i], &mine, &account);
	for (size_t k = 0; mine && k < i; k++) {
		dns_split(a, dns->v[k], &other, &account);
		if (other && strcmp(mine, other) == 0)
			return true;
	}
	return false;
}

int dns_check_given(struct run *r, struct arena *a, const struct strings *domains, bool others_too,
                    struct strings *dns, struct err *e)
{
	struct strings list = { 0 };
	const char *normal;

	for (size_t i = 0; i < dns->n; i++) {
		TRY(check_one(r, a, domains, dns->v[i], &normal, e));
		if (!normal && others_too)
			continue;
		if (!normal)
			return err_set(e, ERR_USAGE,
			               "--dns %s: that is none of the certificate's names",
			               dns->v[i]);
		if (!strings_has(&list, normal))
			strings_add(a, &list, normal);
		if (is_named_twice(a, &list, list.n - 1))
			return err_set(e, ERR_USAGE, "--dns names two accounts for %.*s; one is it",
			               (int)strcspn(normal, "="), normal);
	}
	for (size_t i = 0; i < domains->n; i++)
		if (!has_account(a, &list, domains->v[i]))
			return err_set(e, ERR_USAGE,
			               "there is no DNS account for %s: give --dns ACCOUNT, or "
			               "--dns %s=ACCOUNT",
			               domains->v[i], name_base(domains->v[i]));
	*dns = list;
	return 0;
}
