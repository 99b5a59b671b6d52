/* Something that happened. */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include "base/field.h"

struct event {
	int64_t id;
	int64_t at;
	const char *cert;  /* NULL = none */
	const char *kind;  /* "requested", "order", "challenge", "issued", "live", "hook", "failed",
	                      "revoked", "account", … */
	const char *text;  /* for a person */
	const char *actor; /* "cli:USER" on a host, "user:NAME" over the network, "daemon" of
	                      itself, "nobody" who is not signed in */
	const char *address; /* they asked from; NULL = this host */
};
extern const struct field event_fields[];

#endif
