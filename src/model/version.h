/* One issued form of a certificate: key and chain, which never part. */
#ifndef MODEL_VERSION_H
#define MODEL_VERSION_H

#include "base/field.h"

struct version {
	int64_t id;
	const char *cert;      /* the certificate's name */
	int64_t n;             /* 1, 2, … within the certificate: the folder's name */
	const char *key;       /* PEM: secret; NULL with an own CSR */
	const char *csr;       /* base64url DER of the request it answers; NULL for a stand-in */
	const char *fullchain; /* PEM */
	const char *serial, *issuer, *fingerprint, *spki_sha256, *ari_id;
	int64_t not_before, not_after;
	bool self_signed;    /* a stand-in */
	const char *account; /* name of the account it was issued to; NULL for a stand-in */
	const char *ca;
	const char *certificate_url, *order_url;
	const char *task; /* the job it was issued for (model/order.h); NULL = none */
	int64_t issued_at;
	bool deployed; /* its hooks have run */
	int64_t revoked_at;
	const char *revocation_reason;
};
extern const struct field version_fields[];

#endif
