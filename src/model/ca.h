/* A certification authority: its directory and how it sees the world. Known ones are entries of
 * cas.yaml, which flow/cas reads. */
#ifndef MODEL_CA_H
#define MODEL_CA_H

#include "base/field.h"

struct ca {
	int64_t id; /* 0 for a known one */
	const char *name, *url;
	const char *staging; /* its staging directory's URL (or CA name); NULL = none */
	const char
	    *ca_bundle; /* PEM text of the trust anchors for its own TLS; NULL = the global ones */
	const char *resolver;        /* ADDR:PORT; NULL = the system's */
	int64_t http_port, tls_port; /* where it validates; 0 = 80, 443 */
	int64_t parallel;            /* requests under way at once; 0 = 8 */
	bool needs_eab;              /* known to demand external account binding */
	bool public_only;            /* added over the network: never an address inside */
	bool known;                  /* an entry of cas.yaml */
	struct strings pages;        /* of a known one: where it publishes limits and profiles */
	const char *read;            /* the day they were read, YYYY-MM-DD; NULL = not said */
	struct records limits;       /* of struct limit_words: filled for who looks */
	int64_t created_at;
};
extern const struct field ca_fields[];

extern const char ca_yaml[]; /* cas.yaml as it was built in */

#endif
