/*
 * DNS accounts in use: from the stored row to the session that a provider works with
 * (dns/provider.h), its locks, and what it wants kept. One struct dns_use belongs to one piece of
 * work on one thread; accounts are opened in it once, when they are first needed.
 */
#ifndef FLOW_DNS_H
#define FLOW_DNS_H

#include "base/json.h"
#include "dns/place.h"
#include "flow/afar.h"
#include "flow/run.h"

/* Whether an account may be called so. */
bool dns_account_is_name(const char *name);
/* The store that has the DNS accounts: a dry run's own has none. */
struct store *dns_store(const struct run *r);
/* The named account; ERR_DENIED if it is disabled, in words. */
NODISCARD int dns_account_enabled(struct run *r, struct arena *a, const char *name,
                                  struct dns_account *out, struct err *e);
/* ERR_USAGE listing the providers. */
NODISCARD int dns_account_provider(struct arena *a, const char *name,
                                   const struct dns_provider **out, struct err *e);
/* Reads a provider's credentials file, and the files it names: *out is a JSON object's text.
 * ERR_USAGE for the provider; ERR_CONFIG names the member. */
NODISCARD int dns_account_file(struct arena *a, const char *provider, const char *file, char **out,
                               struct err *e);
/* Such a text becomes x's settings; members that it does not name are kept. name for messages;
 * afar: it was said over the network (NULL = on the host). ERR_CONFIG, ERR_DENIED. */
NODISCARD int dns_account_take(struct arena *a, const char *json, const char *name,
                               const struct afar *afar, struct dns_account *x, struct err *e);
/* Its settings as they may be shown, or NULL. */
json_t *dns_account_shown(struct arena *a, const struct dns_account *x);

/* Whom to ask about names: the CA's resolver (ca NULL = none is known). from_afar: they were said
 * over the network, so what they lead to is not asked at addresses inside, unless the CA sees
 * inside or the configuration allows it. */
struct dns_view dns_view_for(const struct run *r, struct arena *a, const struct ca *ca,
                             bool from_afar);

struct dns_use;
struct dns_use *dns_use_new(struct run *r, struct arena *a);
void dns_use_done(struct dns_use *u); /* NULL is fine */
DEFINE_CLEANUP(dns_use_cleanup, struct dns_use, dns_use_done)

/* The account's session, opened when first asked for. also_disabled: to take away what it
 * published. */
NODISCARD int dns_use_open(struct dns_use *u, const char *account, bool also_disabled,
                           struct dns_session **out, struct err *e);
/* What an order for c may use: one choice for each of c->dns. */
NODISCARD int dns_use_choices(struct dns_use *u, const struct strings *dns, struct dns_choice **out,
                              size_t *n, struct err *e);
/* From now on nothing it does is stopped by the run's cancel token (or is again). */
void dns_use_steadfast(struct dns_use *u, bool steadfast);

/* "ACCOUNT" or "DOMAIN=ACCOUNT". *domain NULL = for all names. */
void dns_split(struct arena *a, const char *text, const char **domain, const char **account);
/* Checks and normalizes what --dns gave for these names: accounts there and enabled, domains among
 * the names, every name with an account. others_too: a domain that is none of them is for another
 * certificate, and left out. ERR_USAGE, ERR_NOT_FOUND, ERR_DENIED. */
NODISCARD int dns_check_given(struct run *r, struct arena *a, const struct strings *domains,
                              bool others_too, struct strings *dns, struct err *e);

#endif
