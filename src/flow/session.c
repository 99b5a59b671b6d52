/*
 * Where flow meets the CAs. Sessions are kept in a short list under one mutex that is never held
 * over the network.
 */
#include "flow/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "acme/account.h"
#include "base/log.h"
#include "flow/lease.h"
#include "sys/http.h"

#define USER_AGENT "everleaf/" EVERLEAF_VERSION

struct session_entry {
	struct session_entry *next;
	char *account; /* NULL = only the connections of one CA */
	char *directory;
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
		free(x->directory);
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

static struct session_entry *entry_add(struct sessions *s, const char *account,
                                       const char *directory)
{
	struct session_entry *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->account = account ? strdup(account) : NULL;
	x->directory = strdup(directory);
	x->next = s->list;
	s->list = x;
	return x;
}

/* The session of an account. */
static struct session_entry *entry_of_account(struct sessions *s, const char *account)
{
	for (struct session_entry *x = s->list; x; x = x->next)
		if (x->account && strcmp(x->account, account) == 0)
			return x;
	return NULL;
}

/* The connections of a CA. */
static struct session_entry *entry_of_ca(struct sessions *s, const char *directory)
{
	for (struct session_entry *x = s->list; x; x = x->next)
		if (!x->account && strcmp(x->directory, directory) == 0)
			return x;
	return NULL;
}

/* Opened once a process; borrowed. */
static int http_shared(struct run *r, const char *key, const struct http_options *o,
                       struct http **out, struct err *e)
{
	struct sessions *s = r->sessions;
	struct session_entry *x;
	int result = 0;

	pthread_mutex_lock(&s->lock);
	x = entry_of_ca(s, key);
	if (!x || !x->http) {
		struct http *http;
		result = http_open(o, &http, e);
		if (result == 0) {
			if (!x)
				x = entry_add(s, NULL, key);
			if (x)
				x->http = http;
			else
				result = err_set(e, ERR_MEMORY, "out of memory");
		}
	}
	if (result == 0)
		*out = x->http;
	pthread_mutex_unlock(&s->lock);
	return result;
}

static int http_for_ca(struct run *r, const struct ca *ca, struct http **out, struct err *e)
{
	const struct http_options o = {
		.ca_bundle_pem = ca->ca_bundle,
		.ca_bundle_file = ca->ca_bundle ? NULL : r->ca_bundle,
		.proxy = r->config->proxy,
		.user_agent = USER_AGENT,
		.public_only = ca->public_only,
	};

	return http_shared(r, ca->url, &o, out, e);
}

int session_http(struct run *r, struct arena *a, const char *ca_bundle_file, bool public_only,
                 struct http **out, struct err *e)
{
	const struct http_options o = {
		.ca_bundle_file = ca_bundle_file,
		.proxy = r->config->proxy,
		.user_agent = USER_AGENT,
		.allow_http = true,
		.public_only = public_only,
	};

	return http_shared(r,
	                   arena_printf(a, "trusting %s%s",
	                                ca_bundle_file ? ca_bundle_file : "the system",
	                                public_only ? ", outside" : ""),
	                   &o, out, e);
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
	struct acme_options o = {
		.directory_url = ca->url,
		.max_in_flight = (unsigned)ca->parallel,
		.cancel = r->cancel,
	};

	TRY(http_for_ca(r, ca, &o.http, e));
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

static int account_session_make(struct run *r, struct arena *a, struct account *x,
                                struct acme **out, struct err *e)
{
	struct key *key CLEANUP(key_cleanup) = NULL;
	struct ca ca;

	TRY(ca_resolve(r, a, x->directory_url, &ca, e));
	if (x->next_key)
		TRY(key_change_settle(r, a, &ca, x, e));
	TRY(key_parse(x->key, strlen(x->key), &key, e));
	TRY(session_open(r, &ca, out, e));
	acme_use_account(*out, key, x->url);
	return 0;
}

int session_for_account(struct run *r, struct arena *a, struct account *x, struct acme **out,
                        struct err *e)
{
	struct sessions *s = r->sessions;
	struct session_entry *found;
	struct acme *made;

	if (strcmp(x->status, "valid") != 0)
		return err_set(e, ERR_DENIED,
		               "the account %s is %s at %s; use another with --account, or "
		               "register one with `everleaf account register`",
		               x->name, x->status, x->ca);
	pthread_mutex_lock(&s->lock);
	found = entry_of_account(s, x->name);
	pthread_mutex_unlock(&s->lock);
	if (found) {
		*out = found->acme;
		return 0;
	}
	TRY(account_session_make(r, a, x, &made, e));
	pthread_mutex_lock(&s->lock);
	found = entry_of_account(s, x->name);
	if (!found) {
		found = entry_add(s, x->name, x->directory_url);
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
	for (struct session_entry **p = &s->list; *p; p = &(*p)->next)
		if ((*p)->account && strcmp((*p)->account, account_name) == 0) {
			struct session_entry *x = *p;
			*p = x->next;
			x->next = s->closed;
			s->closed = x;
			break;
		}
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
