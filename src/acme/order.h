/* Orders (RFC 8555 7.1.3, 7.4; RFC 8738; profiles; RFC 9773 5). */
#ifndef ACME_ORDER_H
#define ACME_ORDER_H

#include "acme/session.h"
#include "base/codec.h"

struct acme_order {
	const char *url;
	const char *status; /* "pending", "ready", "processing", "valid", "invalid" */
	const char *finalize;
	const char *certificate;       /* NULL until valid */
	struct strings authorizations; /* at most 100 URLs */
	struct strings identifiers;    /* values as the server has them */
	int64_t expires_at;
	uint32_t retry_s;       /* from the last answer's Retry-After */
	const char *error_text; /* the order's error as a line; NULL = none */
	const char *error_type; /* its problem type; NULL = none */
};
struct acme_new_order {
	struct strings names; /* normalized: A-labels, "*." names, addresses */
	const char *profile;  /* NULL = none. ERR_INPUT listing the offered ones if the directory
	                         does not offer it */
	const char *
	    replaces; /* RFC 9773 certID; NULL = none. Sent only if the directory has renewalInfo */
	bool *replaces_refused; /* NULL = tried once more without it; else told here, and failed */
	bool *unknown; /* NULL = nobody asks; when it failed: whether it left, and the CA said
	                  neither yes nor no, so that it may have made the order */
};
/* replaces refused: 409 alreadyReplaced, or malformed. */
NODISCARD int acme_order_new(struct acme *ca, struct arena *a, const struct acme_new_order *want,
                             struct acme_order *out, struct err *e);
/* ERR_NOT_FOUND when the server does not know it any more. */
NODISCARD int acme_order_get(struct acme *ca, struct arena *a, const char *url,
                             struct acme_order *out, struct err *e);
/* Sends the CSR (DER). orderNotReady: the order is read again and, if it is processing or valid,
 * that is success. */
NODISCARD int acme_order_finalize(struct acme *ca, struct arena *a, struct acme_order *o,
                                  const struct bytes *csr, struct err *e);
/* Polls until the status is none of `while_status` (a NULL-terminated list), soon at first (10 ms)
 * and then less often (to 5 s), never sooner than Retry-After. A wait of more than 10 s that the
 * server asks for, or limit_s passed, is ERR_AGAIN with retry_s (o is then as last seen). An
 * invalid order is not an error here. */
NODISCARD int acme_order_poll(struct acme *ca, struct arena *a, struct acme_order *o,
                              const char *const *while_status, uint32_t limit_s, struct err *e);

#endif
