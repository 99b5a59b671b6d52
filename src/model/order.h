/* An order under way: what must survive a kill between any two lines of issuing. */
#ifndef MODEL_ORDER_H
#define MODEL_ORDER_H

#include "base/field.h"

struct order {
	int64_t id;
	const char *cert;     /* the certificate's name */
	const char *account;  /* the account's name */
	const char *state;    /* "new": its newOrder may be under way; "open": the URL is known;
	                         "done"; "failed" */
	const char *url;      /* NULL until newOrder was answered */
	const char *identity; /* digest of what was wanted when it was made (cert_identity) */
	struct strings domains;
	const char *profile, *replaces;
	const char *task;       /* the job it was made for, or gone on with; NULL = none */
	const char *key;        /* PEM: secret; made before the CSR is sent; NULL with an own CSR */
	const char *csr;        /* base64url DER */
	bool renewal;           /* a good version was live when it was made */
	bool answered;          /* its challenges were answered */
	struct strings charged; /* names of the buckets of rate limits that it is counted in and
	                           that its end changes (flow/limits.h) */
	bool failures_counted;  /* what failed in it is counted */
	bool never_issued;      /* not kept: the CA made no certificate of it */
	bool resumed;           /* not kept: an earlier run made it */
	bool looked_at;         /* not kept: how its authorizations ended is in the two below */
	struct strings failed, passed;
	const char *spki_sha256; /* not kept: of the key or CSR, when this run made or read it */
	int64_t created_at, updated_at;
};
extern const struct field order_fields[];

#endif
