/*
 * Where flow meets the CAs. Sessions are kept in a short list under one mutex that is never held
 * over the network.
 */
#include "flow/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "acme/account.h"
#include "base/codec.h"
#include "base/log.h"
#include "flow/lease.h"
#include "sys/hash.h"
#include "sys/http.h"

#define USER_AGENT "everleaf/" EVERLEAF_VERSION

struct session_entry {
	struct session_entry *next;
	char *account;     /* NULL = only connections */
	char *key;         /* all that they, or the session, were made by (http_key) */
	struct http *http; /* owned by the entry without an account */
	struct acme *acme;
};

struct sessions {
	pthread_mutex_t lock;
	struct session_entry *list;
	struct session_entry
	    *closed; /* forgotten, but maybe still in use by another thread until the end */
};

int sessions_new(struct sessions **out, struct err *e)
{
	struct sessions *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ERR_MEMORY, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return 0;
}

static void entries_free(struct session_entry *list)
{
	/* sessions before the connections they use */
	for (struct session_entry *x = list; x; x = x->next)
		if (x->acme)
			acme_close(x->acme);
	for (struct session_entry *x = list, *next; x; x = next) {
		next = x->next;
		if (x->http)
			http_close(x->http);
		free(x->account);
		free(x->key);
		free(x);
	}
}

void sessions_free(struct sessions *s)
{
	if (!s)
		return;
	entries_free(s->closed);
	entries_free(s->list);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void http_cleanup(struct http **h)
{
	http_close(*h);
}

/* NULL = out of memory. */
static struct session_entry *entry_add(struct sessions *s, const char *account, const char *key)
{
	struct session_entry *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->account = account ? strdup(account) : NULL;
	x->key = strdup(key);
	if (!x->key || (account && !x->account)) {
		free(x->account);
		free(x->key);
		free(x);
		return NULL;
	}
	x->next = s->list;
	s->list = x;
	return x;
}

/* The session of an account, or the connections (account NULL), that were made so. */
static struct session_entry *entry_find(struct sessions *s, const char *account, const char *key)
{
	for (struct session_entry *x = s->list; x; x = x->next)
		if (!x->account == !account && (!account || strcmp(x->account, account) == 0) &&
		    strcmp(x->key, key) == 0)
			return x;
	return NULL;
}

/* Whoever differs in any of these shares no connection: one that was verified by other trust
 * anchors, went through another proxy, or may lead inside is never lent. libcurl itself would not
 * look at all of them (a callback that opens sockets is none of what it compares). what: a CA's
 * URL, or whose they are. */
static int http_key(struct arena *a, const char *what, const struct http_options *o,
                    const char **out, struct err *e)
{
	unsigned char digest[HASH_MAX];
	const char *pem = "";

	if (o->ca_bundle_pem) {
		TRY(hash_digest(HASH_SHA256, o->ca_bundle_pem, strlen(o->ca_bundle_pem), digest,
		                e));
		pem = hex_encode(a, digest, 32);
	}
	*out = arena_printf(a, "%s\n%s\n%s\n%s\n%s\n%d%d%d", what, pem,
	                    o->ca_bundle_file ? o->ca_bundle_file : "", o->proxy ? o->proxy : "",
	                    o->user_agent, o->allow_http, o->unverified, o->public_only);
	return 0;
}

/* Opened once a process; borrowed. */
static int http_shared(struct run *r, const char *what, const struct http_options *o,
                       struct http **out, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct sessions *s = r->sessions;
	struct http *made CLEANUP(http_cleanup) = NULL;
	struct session_entry *x;
	const char *key;
	int result = 0;

	TRY(http_key(a, what, o, &key, e));
	pthread_mutex_lock(&s->lock);
	x = entry_find(s, NULL, key);
	if (!x && (result = http_open(o, &made, e)) == 0) {
		x = entry_add(s, NULL, key);
		if (x)
			x->http = TAKE(made);
		else
			result = err_set(e, ERR_MEMORY, "out of memory");
	}
	if (result == 0)
		*out = x->http;
	pthread_mutex_unlock(&s->lock);
	return result;
}

static struct http_options options_for_ca(const struct run *r, const struct ca *ca)
{
	return (struct http_options){
		.ca_bundle_pem = ca->ca_bundle,
		.ca_bundle_file = ca->ca_bundle ? NULL : r->ca_bundle,
		.proxy = r->config->proxy,
		.user_agent = USER_AGENT,
		.public_only = ca->public_only,
	};
}

int session_http(struct run *r, const char *ca_bundle_file, bool public_only, struct http **out,
                 struct err *e)
{
	const struct http_options o = {
		.ca_bundle_file = ca_bundle_file,
		.proxy = r->config->proxy,
		.user_agent = USER_AGENT,
		.allow_http = true,
		.public_only = public_only,
	};

	return http_shared(r, "services", &o, out, e);
}

int session_http_of_ca(struct run *r, const struct ca *ca, bool unverified, struct http **out,
                       struct err *e)
{
	struct http_options o = options_for_ca(r, ca);

	o.unverified = unverified;
	return http_shared(r, ca->url, &o, out, e);
}

int session_http_as_ca(struct run *r, struct http **out, struct err *e)
{
	const struct http_options o = {
		.user_agent = USER_AGENT " (looks before a CA does)",
		.allow_http = true,
		.unverified = true,
	};

	return http_shared(r, "as a CA", &o, out, e);
}

int session_open(struct run *r, const struct ca *ca, struct acme **out, struct err *e)
{
	const struct http_options ho = options_for_ca(r, ca);
	struct acme_options o = {
		.directory_url = ca->url,
		.max_in_flight = (unsigned)ca->parallel,
		.cancel = r->cancel,
	};

	TRY(http_shared(r, ca->url, &ho, &o.http, e));
	return acme_open(&o, out, e);
}

/* A key change whose outcome was lost: the CA knows which key it is. With the account's lease, so
 * that nobody is in the middle of it. */
static int key_change_settle_held(struct run *r, struct arena *a, const struct ca *ca,
                                  struct account *x, struct err *e)
{
	struct acme_new_account find = { .only_existing = true };
	struct key *next CLEANUP(key_cleanup) = NULL;
	struct acme *acme;
	struct acme_account found;
	int result;

	TRY(key_parse(x->next_key, strlen(x->next_key), &next, e));
	TRY(session_open(r, ca, &acme, e));
	find.key = next;
	result = acme_account_new(acme, a, &find, &found, e);
	acme_close(acme);
	if (result < 0 && result != -ERR_NOT_FOUND)
		return result;
	if (result == 0 && strcmp(found.url, x->url) == 0) {
		x->key = x->next_key;
		x->key_type = key_type_name(key_type(next));
		log_info("account %s: the key change that was cut short had succeeded", x->name);
	}
	x->next_key = NULL;
	return st_account_put(r->store, x, e);
}

static int key_change_settle(struct run *r, struct arena *a, const struct ca *ca, struct account *x,
                             struct err *e)
{
	const char *lease = lease_of_account(a, x->name);
	int result;

	TRY(lease_take(r, lease, e));
	result = st_account_get(r->store, a, x->name, x, e);
	if (result == 0 && x->next_key)
		result = key_change_settle_held(r, a, ca, x, e);
	lease_drop(r, lease);
	return result;
}

static int account_session_make(struct run *r, struct arena *a, const struct ca *ca,
                                struct account *x, struct acme **out, struct err *e)
{
	struct key *key CLEANUP(key_cleanup) = NULL;

	if (x->next_key)
		TRY(key_change_settle(r, a, ca, x, e));
	TRY(key_parse(x->key, strlen(x->key), &key, e));
	TRY(session_open(r, ca, out, e));
	acme_use_account(*out, key, x->url);
	return 0;
}

/* What the account's session is made by. */
static int account_key(struct run *r, struct arena *a, const struct ca *ca, const char **out,
                       struct err *e)
{
	const struct http_options o = options_for_ca(r, ca);

	TRY(http_key(a, ca->url, &o, out, e));
	*out = arena_printf(a, "%s\n%lld", *out, (long long)ca->parallel);
	return 0;
}

/* With the lock held: others may be in the middle of it, so it stays until the end. */
static void retire(struct sessions *s, const char *account, const char *but_key)
{
	for (struct session_entry **p = &s->list, *x; (x = *p);) {
		if (!x->account || strcmp(x->account, account) != 0 ||
		    (but_key && strcmp(x->key, but_key) == 0)) {
			p = &x->next;
			continue;
		}
		*p = x->next;
		x->next = s->closed;
		s->closed = x;
	}
}

int session_for_account(struct run *r, struct arena *a, struct account *x, struct acme **out,
                        struct err *e)
{
	struct sessions *s = r->sessions;
	struct session_entry *found;
	struct acme *made;
	const char *key;
	struct ca ca;

	if (strcmp(x->status, "valid") != 0)
		return err_set(e, ERR_DENIED,
		               "the account %s is %s at %s; use another with --account, or "
		               "register one with `everleaf account register`",
		               x->name, x->status, x->ca);
	TRY(ca_of_account(r, a, x, &ca, e));
	TRY(account_key(r, a, &ca, &key, e));
	pthread_mutex_lock(&s->lock);
	found = entry_find(s, x->name, key);
	pthread_mutex_unlock(&s->lock);
	if (found) {
		*out = found->acme;
		return 0;
	}
	TRY(account_session_make(r, a, &ca, x, &made, e));
	pthread_mutex_lock(&s->lock);
	retire(s, x->name, key);
	found = entry_find(s, x->name, key);
	if (!found) {
		found = entry_add(s, x->name, key);
		if (found)
			found->acme = TAKE(made);
	}
	pthread_mutex_unlock(&s->lock);
	if (made)
		acme_close(made);
	if (!found)
		return err_set(e, ERR_MEMORY, "out of memory");
	*out = found->acme;
	return 0;
}

void session_forget(struct run *r, const char *account_name)
{
	struct sessions *s = r->sessions;

	pthread_mutex_lock(&s->lock);
	retire(s, account_name, NULL);
	pthread_mutex_unlock(&s->lock);
}

/* Accounts */

int account_of_ca(struct run *r, struct arena *a, const struct ca *ca, struct account *out,
                  struct err *e)
{
	struct account *v;
	const struct account *usable = NULL, *any = NULL;
	size_t n, n_usable = 0;

	TRY(st_account_list(r->store, a, &v, &n, e));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].directory_url, ca->url) != 0 ||
		    strcmp(v[i].status, "registering") == 0)
			continue;
		any = &v[i];
		if (v[i].is_default) {
			*out = v[i];
			return 0;
		}
		if (strcmp(v[i].status, "valid") == 0) {
			usable = usable ? usable : &v[i];
			n_usable++;
		}
	}
	if (n_usable > 1)
		return err_set(e, ERR_USAGE,
		               "there are %zu accounts at %s and none is the default: name one "
		               "with --account, or mark one with `everleaf account default NAME`",
		               n_usable, ca->name);
	if (usable || any) {
		*out = usable ? *usable : *any;
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND,
	               "there is no account at %s yet: give --email ADDR --agree-tos, or run "
	               "`everleaf account register --ca %s --email ADDR --agree-tos`",
	               ca->name, ca->name);
}

int account_for_cert(struct run *r, struct arena *a, const struct cert *c, struct account *out,
                     struct err *e)
{
	struct err not_found;
	struct ca ca;

	TRY(ca_resolve(r, a, c->ca, &ca, e));
	if (c->account) {
		int result = st_account_get(r->store, a, c->account, out, &not_found);
		if (result == 0 && strcmp(out->directory_url, ca.url) == 0)
			return 0;
		if (result < 0 && result != -ERR_NOT_FOUND) {
			*e = not_found;
			return result;
		}
	}
	return account_of_ca(r, a, &ca, out, e);
}

int session_check_profile(struct run *r, struct arena *a, const struct cert *c, struct err *e)
{
	const struct acme_directory *directory;
	struct strings offered = { 0 };
	struct account account;
	struct acme *ca;

	TRY(account_for_cert(r, a, c, &account, e));
	TRY(session_for_account(r, a, &account, &ca, e));
	TRY(acme_directory(ca, &directory, e));
	for (size_t i = 0; i < directory->n_profiles; i++) {
		if (strcmp(directory->profiles[i].name, c->profile) == 0)
			return 0;
		strings_add(a, &offered, directory->profiles[i].name);
	}
	return err_set(e, ERR_USAGE, "the CA offers no profile \"%s\"; it offers %s", c->profile,
	               offered.n ? strings_join(a, &offered, ", ") : "none");
}
