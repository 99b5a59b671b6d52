/*
 * See tlsserver.h. Clients are hostile: whatever goes wrong in a handshake only ends that
 * handshake, and OpenSSL's error queue is emptied before and after each step.
 */
#include "sys/tlsserver.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "sys/key_evp.h"

#define LOOKUP_BYTES ((size_t)256 << 10)

struct tls_server {
	SSL_CTX *ctx;
	const char *alpn;
	tls_lookup *lookup;
	void *lookup_ctx;
};

struct tls_conn {
	SSL *ssl;
};

DEFINE_CLEANUP(ctx_cleanup, SSL_CTX, SSL_CTX_free)

/* Without it OpenSSL would ask for a password on the terminal. */
static int no_password(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

static X509 *read_cert(const char *pem)
{
	CLEANUP(bio_cleanup) BIO *bio = BIO_new_mem_buf(pem, -1);

	return bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
}

static EVP_PKEY *read_key(const char *pem)
{
	CLEANUP(bio_cleanup) BIO *bio = BIO_new_mem_buf(pem, -1);

	return bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
}

static bool use_pair(SSL *ssl, const char *cert_pem, const char *key_pem)
{
	CLEANUP(x509_cleanup) X509 *cert = read_cert(cert_pem);
	CLEANUP(pkey_cleanup) EVP_PKEY *key = read_key(key_pem);

	return cert && key && SSL_use_certificate(ssl, cert) == 1 &&
	       SSL_use_PrivateKey(ssl, key) == 1;
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
	struct tls_server *t = arg;
	CLEANUP(arena_cleanup) struct arena *a = arena_new(LOOKUP_BYTES);
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const char *cert_pem, *key_pem;

	if (!sni || !t->lookup(t->lookup_ctx, a, sni, &cert_pem, &key_pem)) {
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	if (!use_pair(ssl, cert_pem, key_pem)) {
		*alert = SSL_AD_INTERNAL_ERROR;
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	return SSL_TLSEXT_ERR_OK;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                   const unsigned char *in, unsigned int in_len, void *arg)
{
	const struct tls_server *t = arg;
	size_t len = strlen(t->alpn);

	(void)ssl;
	for (unsigned int i = 0; i < in_len && i + 1u + in[i] <= in_len; i += 1u + in[i])
		if (in[i] == len && memcmp(in + i + 1, t->alpn, len) == 0) {
			*out = in + i + 1;
			*out_len = in[i];
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* on_alpn is not asked when the client offers no protocol at all. */
static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *data;
	size_t len;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
	                              &data, &len) == 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

int tls_server_open(const char *alpn, tls_lookup *lookup, void *ctx, struct tls_server **out,
                    struct err *e)
{
	CLEANUP(ctx_cleanup) SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

	if (!ssl || SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot set up a TLS server");
	struct tls_server *t = calloc(1, sizeof(*t));
	if (!t)
		return err_set(e, ERR_MEMORY, "out of memory");
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ssl, 0);
	SSL_CTX_set_options(ssl,
	                    SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(ssl, t);
	SSL_CTX_set_alpn_select_cb(ssl, on_alpn, t);
	*t = (struct tls_server){
		.alpn = alpn, .lookup = lookup, .lookup_ctx = ctx, .ctx = TAKE(ssl)
	};
	*out = t;
	return 0;
}

void tls_server_close(struct tls_server *t)
{
	if (t)
		SSL_CTX_free(t->ctx);
	free(t);
}

int tls_conn_open(struct tls_server *t, int fd, struct tls_conn **out, struct err *e)
{
	struct tls_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(e, ERR_MEMORY, "out of memory");
	c->ssl = SSL_new(t->ctx);
	if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1) {
		tls_conn_free(c);
		return key_openssl_error(e, ERR_CRYPTO, "cannot set up a TLS connection");
	}
	*out = c;
	return 0;
}

void tls_conn_free(struct tls_conn *c)
{
	if (c)
		SSL_free(c->ssl);
	free(c);
}

enum tls_progress tls_conn_handshake(struct tls_conn *c)
{
	ERR_clear_error();
	int rc = SSL_accept(c->ssl);
	if (rc == 1) {
		(void)SSL_shutdown(c->ssl);
		ERR_clear_error();
		return TLS_FINISHED;
	}
	int why = SSL_get_error(c->ssl, rc);
	ERR_clear_error();
	if (why == SSL_ERROR_WANT_READ)
		return TLS_WANTS_READ;
	return why == SSL_ERROR_WANT_WRITE ? TLS_WANTS_WRITE : TLS_FAILED;
}

int tls_check_pair(const char *cert_pem, const char *key_pem, struct err *e)
{
	CLEANUP(x509_cleanup) X509 *cert = read_cert(cert_pem);
	CLEANUP(pkey_cleanup) EVP_PKEY *key = read_key(key_pem);

	if (!cert || !key)
		return key_openssl_error(e, ERR_INPUT, "a %s cannot be read",
		                         cert ? "key" : "certificate");
	if (X509_check_private_key(cert, key) != 1)
		return key_openssl_error(e, ERR_INPUT,
		                         "certificate and key do not belong together");
	return 0;
}
