/*
 * `everleaf serve`: opens the state, takes its one daemon's place, binds, starts the scheduler and
 * the HTTP server, and then waits for signals. Everything that runs was begun here and ends here.
 */
#ifndef DAEMON_SERVE_H
#define DAEMON_SERVE_H

#include "ops/ops.h"

#define SERVE_LISTEN_DEFAULT "127.0.0.1:8470"

struct serve_options {
	struct ops_options ops;  /* cancel and report are the daemon's own */
	const char *listen;      /* of the HTTP side; NULL = by the configuration, or
	                            SERVE_LISTEN_DEFAULT */
	const char *tls_name;    /* the certificate of its TLS; NULL = by the configuration */
	const char *http, *alpn; /* challenge responders; NULL = by the configuration, or none */
	unsigned jobs;           /* certificates at once; 0 = by the configuration */
};
/* Until SIGTERM or SIGINT; then 0. */
NODISCARD int serve(const struct serve_options *o, struct err *e);

#endif
