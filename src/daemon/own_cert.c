/*
 * One thread that looks: at a fingerprint, and at the rest, the key too, when that is another. What
 * cannot be read or used changes nothing: the server goes on with the certificate it has, and the
 * log says so once.
 */
#include "daemon/own_cert.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/stand_in.h"

#define LOOK_S 1

struct own_cert {
	struct ops_daemon *ops;
	char *state_dir, *listen;
	struct httpd_tls *tls;
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* of name and stopping */
	pthread_cond_t wake;
	char *name; /* NULL = none */
	bool stopping;

	/* the thread's own */
	char *served_name; /* whose certificate it is; NULL = the stand-in */
	char *fingerprint; /* of it, also of one that cannot be used: numbers of versions come again
	                      once a certificate was deleted */
	int64_t stand_in_until;
	bool failing;
};

static int serve_with(struct own_cert *o, const char *fullchain, const char *key, struct err *e)
{
	if (o->tls)
		return httpd_tls_set(o->tls, fullchain, key, e);
	return httpd_tls_new(fullchain, key, &o->tls, e);
}

static void tell_stand_in(const char *name, const struct stand_in *s)
{
	if (name)
		log_warn("TLS: until the certificate %s is live, a self-signed one stands in for "
		         "%s; its SHA-256 fingerprint is %s",
		         name, s->names, s->fingerprint);
	else
		log_warn("TLS: with no certificate named (--tls-name), a self-signed one serves "
		         "for %s; its SHA-256 fingerprint is %s",
		         s->names, s->fingerprint);
}

static int use_stand_in(struct own_cert *o, struct arena *a, const char *name, struct err *e)
{
	struct stand_in s;

	TRY(stand_in_read_or_make(a, o->state_dir, o->listen, name, &s, e));
	TRY(serve_with(o, s.cert, s.key, e));
	tell_stand_in(name, &s);
	free(o->served_name);
	free(o->fingerprint);
	o->served_name = o->fingerprint = NULL;
	o->stand_in_until = s.renew_at;
	return 0;
}

static int use_version(struct own_cert *o, const char *name, const struct version *v, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	free(o->served_name);
	free(o->fingerprint);
	o->served_name = strdup(name);
	o->fingerprint = strdup(v->fingerprint); /* tried once */
	if (!o->served_name || !o->fingerprint)
		out_of_memory();
	if (!v->key)
		return err_set(e, ERR_INPUT,
		               "its private key is not here, since it was made elsewhere (--csr)");
	TRY(serve_with(o, v->fullchain, v->key, e));
	log_info("TLS: %s, version %lld, valid until %s, serves new connections", name,
	         (long long)v->n, clock_rfc3339(a, v->not_after));
	return 0;
}

/* One look. name: as it is wanted now. */
static int look(struct own_cert *o, struct arena *a, const char *name, struct err *e)
{
	const bool same = name && o->served_name && strcmp(name, o->served_name) == 0;
	struct version v;
	struct err err;
	int result = -ERR_NOT_FOUND;

	if (same && ops_daemon_is_live(o->ops, a, name, o->fingerprint))
		return 0;
	if (name)
		result = ops_daemon_live(o->ops, a, name, &v, &err);
	if (result == 0 && same && strcmp(v.fingerprint, o->fingerprint) == 0)
		return 0;
	if (result == 0)
		return use_version(o, name, &v, e);
	if (result != -ERR_NOT_FOUND) {
		*e = err;
		return -(int)err.code;
	}
	/* a certificate that was served and then deleted goes on to serve */
	if (!o->tls || (!o->served_name && clock_now() >= o->stand_in_until) ||
	    (o->served_name && !same))
		return use_stand_in(o, a, name, e);
	return 0;
}

static void look_and_tell(struct own_cert *o, const char *name)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct err e;

	if (look(o, a, name, &e) == 0) {
		o->failing = false;
		return;
	}
	if (!o->failing)
		log_error("TLS stays as it is: %s: %s", name ? name : "the stand-in", e.text);
	o->failing = true;
}

static void *run(void *arg)
{
	struct own_cert *o = arg;
	struct timespec until;

	pthread_mutex_lock(&o->lock);
	while (!o->stopping) {
		char *name = o->name ? strdup(o->name) : NULL;

		pthread_mutex_unlock(&o->lock);
		look_and_tell(o, name);
		free(name);
		pthread_mutex_lock(&o->lock);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += LOOK_S;
		if (!o->stopping)
			pthread_cond_timedwait(&o->wake, &o->lock, &until);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

static struct own_cert *own_cert_new(struct ops_daemon *d, const char *state_dir,
                                     const char *listen, const char *name)
{
	struct own_cert *o = calloc(1, sizeof(*o));
	pthread_condattr_t attr;

	if (!o)
		out_of_memory();
	o->ops = d;
	o->state_dir = strdup(state_dir);
	o->listen = strdup(listen);
	o->name = name ? strdup(name) : NULL;
	if (!o->state_dir || !o->listen || (name && !o->name))
		out_of_memory();
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->wake, &attr);
	pthread_condattr_destroy(&attr);
	return o;
}

int own_cert_start(struct ops_daemon *d, const char *state_dir, const char *listen,
                   const char *name, struct own_cert **out, struct err *e)
{
	CLEANUP(own_cert_cleanup) struct own_cert *o = own_cert_new(d, state_dir, listen, name);
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	int why;

	if (look(o, a, name, e) < 0) {
		if (o->tls)
			return -(int)e->code;
		log_error("TLS: %s: %s", name, e->text);
		TRY(use_stand_in(o, a, name, e));
	}
	why = pthread_create(&o->thread, NULL, run, o);
	if (why)
		return err_errno(e, ERR_IO, why, "cannot start a thread");
	o->running = true;
	*out = TAKE(o);
	return 0;
}

struct httpd_tls *own_cert_tls(struct own_cert *o)
{
	return o->tls;
}

void own_cert_rename(struct own_cert *o, const char *name)
{
	char *fresh = name ? strdup(name) : NULL;

	if (name && !fresh)
		out_of_memory();
	pthread_mutex_lock(&o->lock);
	free(o->name);
	o->name = fresh;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
}

void own_cert_stop(struct own_cert *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->stopping = true;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	if (o->running)
		pthread_join(o->thread, NULL);
	httpd_tls_free(o->tls);
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
	free(o->state_dir);
	free(o->listen);
	free(o->name);
	free(o->served_name);
	free(o->fingerprint);
	free(o);
}
