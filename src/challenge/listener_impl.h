/*
 * Inside the challenge listeners: what the parts share. listener.c keeps the process's listeners
 * and what each holds, listener_bind.c opens sockets, listener_loop.c is the thread,
 * listener_http.c and listener_alpn.c speak the protocols.
 */
#ifndef CHALLENGE_LISTENER_IMPL_H
#define CHALLENGE_LISTENER_IMPL_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "challenge/listener.h"
#include "challenge/listener_table.h"
#include "sys/tlsserver.h"

#define LISTENER_SOCKETS 2       /* IPv6 and IPv4 */
#define LISTENER_CONNECTIONS 256 /* at once; more wait in the kernel's queue */
#define LISTENER_REQUEST_BYTES 8192
#define LISTENER_DEADLINE_MS 5000 /* of one connection */
#define LISTENER_LATER_MS 3500    /* so long nobody elsewhere is waited for */
#define LISTENER_AGAIN_MS 100
#define LISTENER_DEADLINE_FULL_MS 2500 /* when all places are taken: slow ones make room sooner */

struct listener {
	enum listener_kind kind;
	char *address;
	unsigned refs; /* under the registry's lock */
	struct listener *next;
	int sockets[LISTENER_SOCKETS];
	size_t n_sockets;
	int wake[2]; /* a byte in it ends the thread */
	pthread_t thread;
	struct table *table;    /* token -> key authorization, or SNI name -> certificate and key */
	struct tls_server *tls; /* LISTENER_ALPN01 */
	_Atomic(const struct listener_elsewhere *) elsewhere; /* NULL = nobody */
};

struct conn {
	int fd;
	int64_t since_ms;
	int64_t again_ms; /* it waits until then for who is asked elsewhere; 0 = it does not */
	short want;       /* POLLIN or POLLOUT */
	struct tls_conn *tls;
	size_t in_len, out_len, out_done;
	char out[2048];
	char in[LISTENER_REQUEST_BYTES + 1];
};

/* One step without blocking; sets want. false = finished, or failed: the connection is closed. */
bool http_conn_step(struct listener *l, struct conn *c);
bool alpn_conn_step(struct listener *l, struct conn *c);

bool elsewhere_find(struct listener *l, struct arena *a, const char *type, const char *key,
                    const char **value);
/* Whether nobody can be asked now, and c is to try again at c->again_ms. */
bool elsewhere_later(struct listener *l, struct conn *c);

/* The TLS side of a listener: a certificate for a name out of its table. */
NODISCARD int alpn_server_open(struct listener *l, struct err *e);

/* Binds and listens; sockets and n_sockets are set. ERR_USAGE for a malformed address, ERR_IO. */
NODISCARD int listener_bind(const char *address, int sockets[LISTENER_SOCKETS], size_t *n_sockets,
                            struct err *e);

/* The thread; arg is the listener. Takes no lock but the table's. */
void *listener_thread(void *arg);

#endif
