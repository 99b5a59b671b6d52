/*
 * The certificate of the HTTP server's TLS, replaced while it serves: a connection keeps the one it
 * began with, counted, and the next one gets the newest. TLS 1.2 and later. Any thread.
 */
#ifndef SYS_HTTPD_TLS_H
#define SYS_HTTPD_TLS_H

#include "base/err.h"

struct httpd_tls;

/* fullchain and key: PEM, the leaf first. ERR_INPUT: they cannot be read or do not belong
 * together. */
NODISCARD int httpd_tls_new(const char *fullchain, const char *key, struct httpd_tls **out,
                            struct err *e);
/* From the next connection on. On failure the former one stays. */
NODISCARD int httpd_tls_set(struct httpd_tls *t, const char *fullchain, const char *key,
                            struct err *e);
/* After the servers that use it. NULL is fine. */
void httpd_tls_free(struct httpd_tls *t);

/* For httpd.c: what of TLS it speaks, and a session given the certificate of now, which is its own
 * until it is released (NULL is fine). */
struct httpd_credentials;
extern const char httpd_tls_priorities[];
extern void *const httpd_tls_none; /* for the library to start with: it has no certificate */
struct httpd_credentials *httpd_tls_use(struct httpd_tls *t, void *session);
void httpd_tls_release(struct httpd_tls *t, struct httpd_credentials *c);

DEFINE_CLEANUP(httpd_tls_cleanup, struct httpd_tls, httpd_tls_free)

#endif
