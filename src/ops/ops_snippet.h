/* Lines for the configuration of a web server that stands before the daemon. */
#ifndef OPS_OPS_SNIPPET_H
#define OPS_OPS_SNIPPET_H

#include "ops/ops.h"

/* A part of it: for whom it is, in words, and its lines. */
struct snippet_part {
	const char *place, *text;
};
#define SNIPPET_PARTS 3
struct snippet {
	struct snippet_part v[SNIPPET_PARTS];
	size_t n;
};
/* server: "nginx", "apache", "haproxy" or "caddy"; http: the address of the daemon's http-01
 * responder, NULL = as configured, or 127.0.0.1:8080; cert NULL = only the rule for challenges,
 * else also the lines that have the certificate served. ERR_USAGE. */
NODISCARD int ops_snippet(struct ops *o, struct arena *a, const char *server, const char *http,
                          const char *cert, struct snippet *out, struct err *e);

#endif
