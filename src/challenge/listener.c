/*
 * The process's challenge listeners, one for each kind and address, counted. The registry's lock is
 * held while one is bound, and while its thread ends and its sockets close: who acquires the same
 * address right after must find the port free. The threads of the listeners never take it.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "challenge/listener_impl.h"

static struct {
	pthread_mutex_t lock;
	struct listener *first;
	_Atomic(const struct listener_elsewhere *) elsewhere; /* of new ones */
} registry = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void unlock_registry(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void listener_free(struct listener *l)
{
	for (size_t i = 0; i < l->n_sockets; i++)
		close(l->sockets[i]);
	close_fd(l->wake[0]);
	close_fd(l->wake[1]);
	tls_server_close(l->tls);
	table_free(l->table);
	free(l->address);
	free(l);
}
DEFINE_CLEANUP(listener_cleanup, struct listener, listener_free)

/* Signals are for the other threads: a handler here could not tell whom it stops, and a write to a
 * closed connection must not end the process (SIGPIPE). */
static int thread_start(struct listener *l, struct err *e)
{
	sigset_t all, former;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &former);
	int why = pthread_create(&l->thread, NULL, listener_thread, l);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	return why ? err_errno(e, ERR_IO, why, "cannot start the listener on %s", l->address) : 0;
}

static int listener_open(enum listener_kind kind, const char *address, struct listener **out,
                         struct err *e)
{
	CLEANUP(listener_cleanup) struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(e, ERR_MEMORY, "out of memory");
	l->wake[0] = l->wake[1] = -1;
	l->kind = kind;
	l->refs = 1;
	l->table = table_new();
	atomic_store(&l->elsewhere, atomic_load(&registry.elsewhere));
	l->address = strdup(address);
	if (!l->address)
		return err_set(e, ERR_MEMORY, "out of memory");
	TRY(listener_bind(address, l->sockets, &l->n_sockets, e));
	if (pipe2(l->wake, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(e, ERR_IO, errno, "cannot start the listener on %s", address);
	if (kind == LISTENER_ALPN01)
		TRY(alpn_server_open(l, e));
	TRY(thread_start(l, e));
	*out = TAKE(l);
	return 0;
}

/* Every address of its kind: the host left out, or written as such. */
static bool is_wildcard(const char *address, const char *colon)
{
	size_t len = (size_t)(colon - address);

	return len == 0 || (len == 7 && strncmp(address, "0.0.0.0", len) == 0) ||
	       (len == 4 && strncmp(address, "[::]", len) == 0);
}

/* The kernel would not let the two be bound beside each other, so one listener is both. */
static bool is_covered(const char *have, const char *want)
{
	const char *have_port = strrchr(have, ':'), *want_port = strrchr(want, ':');

	if (strcmp(have, want) == 0)
		return true;
	return have_port && want_port && strcmp(have_port, want_port) == 0 &&
	       (is_wildcard(have, have_port) || is_wildcard(want, want_port));
}

static struct listener *listener_find(enum listener_kind kind, const char *address)
{
	struct listener *l = registry.first;

	while (l && (l->kind != kind || !is_covered(l->address, address)))
		l = l->next;
	return l;
}

int listener_acquire(enum listener_kind kind, const char *address, struct listener **out,
                     struct err *e)
{
	CLEANUP(unlock_registry) pthread_mutex_t *lock = &registry.lock;

	pthread_mutex_lock(lock);
	struct listener *l = listener_find(kind, address);
	if (l) {
		l->refs++;
		*out = l;
		return 0;
	}
	TRY(listener_open(kind, address, &l, e));
	l->next = registry.first;
	registry.first = l;
	log_debug("listening on %s", address);
	*out = l;
	return 0;
}

void listener_release(struct listener *l)
{
	CLEANUP(unlock_registry) pthread_mutex_t *lock = &registry.lock;

	pthread_mutex_lock(lock);
	if (--l->refs > 0)
		return;
	struct listener **p = &registry.first;
	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	/* The pipe is empty, so this cannot fail but by a signal. */
	while (write(l->wake[1], "", 1) < 0 && errno == EINTR)
		continue;
	pthread_join(l->thread, NULL);
	log_debug("no longer listening on %s", l->address);
	listener_free(l);
}

void listener_put_token(struct listener *l, const char *token, const char *key_authorization)
{
	table_put(l->table, token, key_authorization, NULL);
}

void listener_drop_token(struct listener *l, const char *token)
{
	table_drop(l->table, token);
}

int listener_put_name(struct listener *l, const char *sni, const char *cert_pem,
                      const char *key_pem, struct err *e)
{
	for (const char *p = sni; *p; p++)
		if (isupper((unsigned char)*p))
			return err_set(e, ERR_INPUT, "%s: not in lower case", sni);
	TRY(tls_check_pair(cert_pem, key_pem, e));
	table_put(l->table, sni, cert_pem, key_pem);
	return 0;
}

void listener_drop_name(struct listener *l, const char *sni)
{
	table_drop(l->table, sni);
}

void listener_ask_elsewhere(struct listener *l, const struct listener_elsewhere *x)
{
	atomic_store(&l->elsewhere, x);
}

void listener_new_ones_ask(const struct listener_elsewhere *x)
{
	atomic_store(&registry.elsewhere, x);
}

bool elsewhere_find(struct listener *l, struct arena *a, const char *type, const char *key,
                    const char **value)
{
	const struct listener_elsewhere *x = atomic_load(&l->elsewhere);

	return x && x->find(x->ctx, a, type, key, value);
}

bool elsewhere_later(struct listener *l, struct conn *c)
{
	const struct listener_elsewhere *x = atomic_load(&l->elsewhere);
	int64_t now = clock_monotonic_ms();
	bool later = x && x->is_away(x->ctx) && now - c->since_ms < LISTENER_LATER_MS;

	c->again_ms = later ? now + LISTENER_AGAIN_MS : 0;
	return later;
}
