/*
 * The tls-alpn-01 side of a challenge listener (RFC 8737 3): a handshake with the one protocol
 * "acme-tls/1", the certificate of the SNI name, then the connection is closed. Names that are not
 * held end the handshake.
 */
#include <ctype.h>
#include <string.h>

#include "challenge/listener_impl.h"
#include "challenge/tlsalpn01.h"
#include "sys/names.h"

/* An address is asked for by its reverse name (RFC 8738 6). */
static bool made_elsewhere(struct listener *l, struct arena *a, const char *sni,
                           const char **cert_pem, const char **key_pem)
{
	const char *ip = name_ip_of_reverse(a, sni), *name = ip ? ip : sni, *value;
	char *cert, *key;
	struct err ignored;

	if (!elsewhere_find(l, a, "tls-alpn-01", name, &value) ||
	    alpn_certificate(a, name, value, &cert, &key, &ignored) < 0)
		return false;
	*cert_pem = cert;
	*key_pem = key;
	return true;
}

/* On the listener's thread, in the middle of a handshake. */
static bool certificate_for(void *ctx, struct arena *a, const char *sni, const char **cert_pem,
                            const char **key_pem)
{
	struct listener *l = ctx;
	char *lower = arena_strdup(a, sni);

	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return table_get(l->table, a, lower, cert_pem, key_pem) ||
	       made_elsewhere(l, a, lower, cert_pem, key_pem);
}

int alpn_server_open(struct listener *l, struct err *e)
{
	return tls_server_open("acme-tls/1", certificate_for, l, &l->tls, e);
}

bool alpn_conn_step(struct listener *l, struct conn *c)
{
	struct err ignored;

	/* in the middle of the handshake nothing waits */
	if (!c->tls && elsewhere_later(l, c))
		return true;
	if (!c->tls && tls_conn_open(l->tls, c->fd, &c->tls, &ignored) < 0)
		return false;
	switch (tls_conn_handshake(c->tls)) {
	case TLS_WANTS_READ:
		c->want = POLLIN;
		return true;
	case TLS_WANTS_WRITE:
		c->want = POLLOUT;
		return true;
	case TLS_FINISHED:
	case TLS_FAILED:
		return false;
	}
	return false;
}
