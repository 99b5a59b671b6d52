/*
 * The server's side of TLS handshakes on sockets somebody else accepts and polls (OpenSSL): one
 * ALPN protocol, which a client must offer, and a certificate chosen by SNI. Nothing is read or
 * written after the handshake. A struct tls_server and its connections belong to one thread.
 */
#ifndef SYS_TLSSERVER_H
#define SYS_TLSSERVER_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

struct tls_server;
struct tls_conn;

/* The PEM of certificate and key for an SNI name, in the arena; false = no such name: the handshake
 * ends with unrecognized_name. */
typedef bool tls_lookup(void *ctx, struct arena *a, const char *sni, const char **cert_pem,
                        const char **key_pem);

/* alpn: the protocol's name (at most 255 bytes), kept by reference. TLS 1.2 and up, no session
 * resumption. ERR_CRYPTO. */
NODISCARD int tls_server_open(const char *alpn, tls_lookup *lookup, void *ctx,
                              struct tls_server **out, struct err *e);
void tls_server_close(struct tls_server *t); /* NULL is fine; after its connections */

/* A connection on a non-blocking socket, which stays the caller's. */
NODISCARD int tls_conn_open(struct tls_server *t, int fd, struct tls_conn **out, struct err *e);
void tls_conn_free(struct tls_conn *c); /* NULL is fine */

enum tls_progress { TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_FINISHED, TLS_FAILED };
/* Goes on with the handshake as far as the socket allows. Once finished, close_notify has been
 * sent. */
enum tls_progress tls_conn_handshake(struct tls_conn *c);

/* Whether certificate and key (PEM) can be read and belong together. ERR_INPUT. */
NODISCARD int tls_check_pair(const char *cert_pem, const char *key_pem, struct err *e);

#endif
