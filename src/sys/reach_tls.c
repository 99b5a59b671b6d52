/* A TLS client that shakes hands and hangs up (OpenSSL), on a blocking socket with a time limit. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "sys/reach.h"

#define ALPN_MAX 255

DEFINE_CLEANUP(ctx_cleanup, SSL_CTX, SSL_CTX_free)
DEFINE_CLEANUP(ssl_cleanup, SSL, SSL_free)
DEFINE_CLEANUP(cert_cleanup, X509, X509_free)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* The limits of the socket are those of each read and write, and of connect(). */
static int connect_to(const struct reach_tls *t, int *fault)
{
	struct timeval limit = { t->limit_ms / 1000, (suseconds_t)(t->limit_ms % 1000) * 1000 };
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		                  .ai_socktype = SOCK_STREAM };
	struct addrinfo *to;
	char port[8];
	int fd;

	snprintf(port, sizeof port, "%u", t->port);
	*fault = EINVAL;
	if (getaddrinfo(t->address, port, &hints, &to) != 0)
		return -1;
	fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*fault = fd < 0 ? errno : 0;
	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
	                setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
	                connect(fd, to->ai_addr, to->ai_addrlen) < 0)) {
		*fault = errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno;
		close(fd);
		fd = -1;
	}
	freeaddrinfo(to);
	return fd;
}

static SSL_CTX *client_context(const char *alpn)
{
	CLEANUP(ctx_cleanup) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	unsigned char offer[1 + ALPN_MAX];
	size_t n = strlen(alpn);

	if (!ctx || n == 0 || n > ALPN_MAX ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		return NULL;
	offer[0] = (unsigned char)n;
	memcpy(offer + 1, alpn, n);
	if (SSL_CTX_set_alpn_protos(ctx, offer, (unsigned)n + 1) != 0)
		return NULL;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	return TAKE(ctx);
}

static void take_certificate(struct arena *a, SSL *ssl, struct reach_tls *t)
{
	CLEANUP(cert_cleanup) X509 *cert = SSL_get1_peer_certificate(ssl);
	unsigned char *der = NULL;
	int n = cert ? i2d_X509(cert, &der) : 0;

	if (n > 0) {
		t->certificate = arena_memdup(a, der, (size_t)n);
		t->certificate_len = (size_t)n;
	}
	OPENSSL_free(der);
}

/* A connection that was cut, or is silent, says nothing. */
static void take_failure(struct arena *a, struct reach_tls *t)
{
	unsigned long code = ERR_peek_error();
	const char *text = code ? ERR_reason_error_string(code) : NULL;

	t->said = arena_strdup(a, text ? text : "the connection was cut");
	t->answered = ERR_GET_LIB(code) == ERR_LIB_SSL &&
	              ERR_GET_REASON(code) != SSL_R_UNEXPECTED_EOF_WHILE_READING;
	ERR_clear_error();
}

void reach_tls(struct arena *a, struct reach_tls *t)
{
	CLEANUP(close_fd) int fd = connect_to(t, &t->fault);
	CLEANUP(ctx_cleanup) SSL_CTX *ctx = NULL;
	CLEANUP(ssl_cleanup) SSL *ssl = NULL;
	const unsigned char *chosen = NULL;
	unsigned n = 0;

	if (fd < 0)
		return;
	ERR_clear_error();
	ctx = client_context(t->alpn);
	ssl = ctx ? SSL_new(ctx) : NULL;
	if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, t->sni) != 1 ||
	    SSL_connect(ssl) != 1) {
		take_failure(a, t);
		return;
	}
	t->shaken = true;
	SSL_get0_alpn_selected(ssl, &chosen, &n);
	t->protocol = n ? arena_strndup(a, (const char *)chosen, n) : NULL;
	take_certificate(a, ssl, t);
	SSL_shutdown(ssl);
	ERR_clear_error();
}
