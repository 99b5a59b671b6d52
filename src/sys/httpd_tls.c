/*
 * GnuTLS credentials behind sys/httpd_tls.h, counted: libmicrohttpd's own are set once at its start
 * and cannot be changed, so each session is pointed at ours before its handshake begins.
 */
#include "sys/httpd_tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"

struct httpd_credentials {
	gnutls_certificate_credentials_t certificate;
	unsigned refs; /* under the lock of its httpd_tls */
};

struct httpd_tls {
	pthread_mutex_t lock; /* of now and the counts */
	struct httpd_credentials *now;
};

const char httpd_tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

static int has_none(gnutls_session_t session, const gnutls_datum_t *issuers, int n_issuers,
                    const gnutls_pk_algorithm_t *keys, int n_keys, gnutls_pcert_st **certificates,
                    unsigned *n_certificates, gnutls_privkey_t *key)
{
	return -1;
}
void *const httpd_tls_none = (void *)has_none;

static void credentials_free(struct httpd_credentials *c)
{
	if (!c)
		return;
	gnutls_certificate_free_credentials(c->certificate);
	free(c);
}
DEFINE_CLEANUP(credentials_cleanup, struct httpd_credentials, credentials_free)

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)text, (unsigned)strlen(text) };
}

static int credentials_new(const char *fullchain, const char *key, struct httpd_credentials **out,
                           struct err *e)
{
	CLEANUP(credentials_cleanup) struct httpd_credentials *c = calloc(1, sizeof(*c));
	const gnutls_datum_t chain_pem = datum(fullchain), key_pem = datum(key);
	int result;

	if (!c)
		out_of_memory();
	result = gnutls_certificate_allocate_credentials(&c->certificate);
	if (result == GNUTLS_E_SUCCESS)
		result = gnutls_certificate_set_x509_key_mem(c->certificate, &chain_pem, &key_pem,
		                                             GNUTLS_X509_FMT_PEM);
	if (result < 0)
		return err_set(e, ERR_INPUT, "the certificate for TLS: %s",
		               gnutls_strerror(result));
	c->refs = 1;
	*out = TAKE(c);
	return 0;
}

int httpd_tls_new(const char *fullchain, const char *key, struct httpd_tls **out, struct err *e)
{
	struct httpd_credentials *c;
	struct httpd_tls *t;

	TRY(credentials_new(fullchain, key, &c, e));
	t = calloc(1, sizeof(*t));
	if (!t)
		out_of_memory();
	t->now = c;
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

int httpd_tls_set(struct httpd_tls *t, const char *fullchain, const char *key, struct err *e)
{
	struct httpd_credentials *fresh, *former;

	TRY(credentials_new(fullchain, key, &fresh, e));
	pthread_mutex_lock(&t->lock);
	former = t->now;
	t->now = fresh;
	pthread_mutex_unlock(&t->lock);
	httpd_tls_release(t, former);
	return 0;
}

void httpd_tls_free(struct httpd_tls *t)
{
	if (!t)
		return;
	httpd_tls_release(t, t->now);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

struct httpd_credentials *httpd_tls_use(struct httpd_tls *t, void *session)
{
	struct httpd_credentials *c;

	pthread_mutex_lock(&t->lock);
	c = t->now;
	c->refs++;
	pthread_mutex_unlock(&t->lock);
	if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->certificate) >= 0)
		return c;
	httpd_tls_release(t, c);
	return NULL;
}

void httpd_tls_release(struct httpd_tls *t, struct httpd_credentials *c)
{
	bool last;

	if (!c)
		return;
	pthread_mutex_lock(&t->lock);
	last = --c->refs == 0;
	pthread_mutex_unlock(&t->lock);
	if (last)
		credentials_free(c);
}
