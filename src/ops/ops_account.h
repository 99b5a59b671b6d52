/* CA accounts and CAs (CLI.md, "Accounts"). */
#ifndef OPS_OPS_ACCOUNT_H
#define OPS_OPS_ACCOUNT_H

#include "base/codec.h"
#include "model/account.h"
#include "model/ca.h"
#include "ops/ops.h"

struct account_register {
	const char *ca;   /* NULL = configured default, else letsencrypt */
	const char *name; /* NULL = made from the CA's name, then "-2", … */
	struct strings emails;
	bool agree_tos;
	const char *key_type; /* NULL = ec256 */
	const char *eab_kid;
	const char *eab_hmac;      /* secret: the key, base64 */
	const char *eab_hmac_file; /* where it was read, for messages; NULL = nowhere */
	const char *eab_alg;       /* NULL = HS256, which nearly all CAs want */
};
NODISCARD int ops_account_register(struct ops *o, struct arena *a, const struct account_register *r,
                                   struct account *out, struct err *e);
/* Refuses what can be refused before the CA is asked. */
NODISCARD int ops_account_register_check(struct ops *o, struct arena *a,
                                         const struct account_register *r, struct err *e);
NODISCARD int ops_account_list(struct ops *o, struct arena *a, struct account **out, size_t *n,
                               struct err *e);
/* Reads it from the CA too, when it can be reached. */
NODISCARD int ops_account_show(struct ops *o, struct arena *a, const char *name,
                               struct account *out, struct err *e);
NODISCARD int ops_account_update(struct ops *o, struct arena *a, const char *name,
                                 const struct strings *emails, struct account *out, struct err *e);
NODISCARD int ops_account_rollover(struct ops *o, struct arena *a, const char *name,
                                   const char *key_type, struct account *out, struct err *e);
/* format: "pem" (default) or "jwk". */
NODISCARD int ops_account_export(struct ops *o, struct arena *a, const char *name,
                                 const char *format, struct bytes *data, struct err *e);
struct account_import {
	const char *key;  /* secret: PEM or JWK text */
	const char *file; /* where it was read, for messages; NULL = nowhere */
	const char *ca, *name;
};
NODISCARD int ops_account_import(struct ops *o, struct arena *a, const struct account_import *i,
                                 struct account *out, struct err *e);
NODISCARD int ops_account_deactivate(struct ops *o, struct arena *a, const char *name,
                                     struct err *e);
NODISCARD int ops_account_delete(struct ops *o, struct arena *a, const char *name, struct err *e);
NODISCARD int ops_account_default(struct ops *o, struct arena *a, const char *name, struct err *e);

/* Known ones and added ones. */
NODISCARD int ops_ca_list(struct ops *o, struct arena *a, struct ca **out, size_t *n,
                          struct err *e);
/* What its directory says now: a JSON text for `ca show`. */
NODISCARD int ops_ca_show(struct ops *o, struct arena *a, const char *name, struct ca *out,
                          struct err *e);
struct ca_add {
	const char *name, *url, *staging;
	const char *ca_bundle;      /* PEM, kept */
	const char *ca_bundle_file; /* where it was read, for messages; NULL = nowhere */
	const char *resolver;
	int64_t http_port, tls_port, parallel;
};
NODISCARD int ops_ca_add(struct ops *o, struct arena *a, const struct ca_add *c, struct ca *out,
                         struct err *e);
NODISCARD int ops_ca_delete(struct ops *o, struct arena *a, const char *name, struct err *e);

#endif
