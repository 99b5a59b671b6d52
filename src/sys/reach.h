/*
 * Whether addresses can be reached: many TCP connections tried at once on one thread (poll), and
 * TLS handshakes as a CA makes them for tls-alpn-01 (RFC 8737 3). Nothing is sent beyond that.
 */
#ifndef SYS_REACH_H
#define SYS_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"

struct reach {
	const char *address; /* without brackets */
	uint16_t port;
	/* out */
	int fault; /* 0 = connected; ETIMEDOUT, ECONNREFUSED, ENETUNREACH, …; EINVAL: no address */
};
/* Connects to all, hangs up at once. At most limit_ms altogether, 128 at a time. ERR_CANCELLED,
 * ERR_IO (no sockets). */
NODISCARD int reach_all(struct reach *v, size_t n, uint32_t limit_ms, const struct cancel *cancel,
                        struct err *e);

struct reach_tls {
	const char *address;
	uint16_t port;
	const char *sni, *alpn;
	uint32_t limit_ms;
	/* out */
	int fault;     /* of the connection, as above */
	bool shaken;   /* the handshake was finished */
	bool answered; /* it was not, and the peer said so: an alert, or something that is no TLS */
	const char *protocol;             /* chosen by ALPN; NULL = none */
	const unsigned char *certificate; /* DER, in the arena; NULL = none */
	size_t certificate_len;
	const char *said; /* why there was no handshake, in words */
};
/* One handshake; the certificate is not verified. Blocks. */
void reach_tls(struct arena *a, struct reach_tls *t);

/* Of text forms of addresses. */
bool reach_is_private(const char *address); /* loopback, link-local, private, shared, not unicast */
bool reach_is_v6(const char *address);
/* That, or an address of this machine itself, now: what a person names whole, with its port, must
 * not lead there either, since what listens there may be behind a firewall, or trust who comes from
 * here. Not so where the DNS names the host and the protocol the port (80, 443, 53): the web server
 * that gets a certificate, or its name server, is as a rule the machine that the daemon runs on,
 * and is looked at as its CA would (preflight, propagation). */
bool reach_is_inside(const char *address);
/* Has this machine an address of that family that is not private? */
bool reach_has_public(bool v6);

#endif
