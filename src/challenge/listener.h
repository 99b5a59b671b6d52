/*
 * The process's own challenge listeners: http-01 on a plain port, tls-alpn-01 on a TLS port. One
 * listener per address is shared by all orders of the process (counted), has its own thread, serves
 * only the tokens or names it holds, and is gone when the last order lets go. Given only a port it
 * listens on IPv4 and IPv6. Requests are bounded in size and time; slow clients cannot keep others
 * out.
 */
#ifndef CHALLENGE_LISTENER_H
#define CHALLENGE_LISTENER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

enum listener_kind { LISTENER_HTTP01, LISTENER_ALPN01 };
struct listener;

/* address: "ADDR:PORT", "[v6]:PORT" or ":PORT". Binds now, or shares the one this process has: at
 * the same address, or at the same port where either of the two is for all addresses.
 * ERR_IO naming who could hold the port and what to do (a port in use, no right to bind below
 * 1024). */
NODISCARD int listener_acquire(enum listener_kind kind, const char *address, struct listener **out,
                               struct err *e);
void listener_release(struct listener *l);
/* Who else may have made a token or a name that this process did not: asked on the listener's
 * thread, once for a connection. find: the value of a challenge of that type ("http-01" by its
 * token, "tls-alpn-01" by its domain), as struct challenge has it; false = nobody did. x outlives
 * the listener. */
struct listener_elsewhere {
	bool (*find)(void *ctx, struct arena *a, const char *type, const char *key,
	             const char **value);
	/* Nobody can be asked now: who wants what this process did not make waits some seconds. */
	bool (*is_away)(void *ctx);
	void *ctx;
};
void listener_ask_elsewhere(struct listener *l, const struct listener_elsewhere *x);
/* The same for those that are bound from now on, from their first connection on. */
void listener_new_ones_ask(const struct listener_elsewhere *x);
/* http-01: serves GET /.well-known/acme-challenge/TOKEN. */
void listener_put_token(struct listener *l, const char *token, const char *key_authorization);
void listener_drop_token(struct listener *l, const char *token);
/* tls-alpn-01: for this SNI name (an address as its reverse name) shows the certificate (PEM of key
 * and certificate). */
NODISCARD int listener_put_name(struct listener *l, const char *sni, const char *cert_pem,
                                const char *key_pem, struct err *e);
void listener_drop_name(struct listener *l, const char *sni);

#endif
