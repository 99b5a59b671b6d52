/* An operation's record as the parts of an HTTP request. Pure. */
#ifndef CLI_REMOTE_REQUEST_H
#define CLI_REMOTE_REQUEST_H

#include "ops/operation.h"

struct remote_request {
	const char *path; /* "/certificates/www?limit=5" */
	const char *body; /* JSON text; NULL = none */
};
/* ERR_USAGE: a part of the path is empty. */
NODISCARD int remote_request_make(struct arena *a, const struct operation *op, const void *in,
                                  struct remote_request *out, struct err *e);

/* What the URL of a daemon may be. *clear: anybody on the way can read what is sent, since it is
 * http:// to another machine. Without a slash at its end. ERR_USAGE. */
NODISCARD int remote_url(struct arena *a, const char *text, const char **out, bool *clear,
                         struct err *e);

#endif
