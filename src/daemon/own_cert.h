/*
 * The certificate of the daemon's own TLS: one that this state manages, by its name, looked for
 * every second and given to new connections as soon as it is live. Until then, or where none is
 * named, a self-signed one stands in, kept in STATE/stand-in.pem so that who trusts it need not
 * trust another one tomorrow.
 */
#ifndef DAEMON_OWN_CERT_H
#define DAEMON_OWN_CERT_H

#include "ops/ops_daemon.h"
#include "sys/httpd_tls.h"

struct own_cert;

/* listen: the server's ADDR:PORT; name: the certificate's, NULL = none. d outlives it. */
NODISCARD int own_cert_start(struct ops_daemon *d, const char *state_dir, const char *listen,
                             const char *name, struct own_cert **out, struct err *e);
/* For the server; stays ours. */
struct httpd_tls *own_cert_tls(struct own_cert *o);
/* From now on the certificate of this name; NULL = none. */
void own_cert_rename(struct own_cert *o, const char *name);
/* After the server was stopped. NULL is fine. */
void own_cert_stop(struct own_cert *o);

DEFINE_CLEANUP(own_cert_cleanup, struct own_cert, own_cert_stop)

#endif
