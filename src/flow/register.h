/* Accounts at a CA: registered, found again, their keys changed (RFC 8555 7.3). Keys are stored
 * before they are used. */
#ifndef FLOW_REGISTER_H
#define FLOW_REGISTER_H

#include "base/codec.h"
#include "flow/run.h"

struct register_spec {
	const struct ca *ca;
	const char *name; /* NULL = made from the CA's name */
	struct strings emails;
	bool agree_tos;
	const char *key_type; /* NULL = ec256 */
	const char *eab_kid;
	struct bytes eab_key;
	const char *eab_alg; /* NULL = HS256 */
};
/* A registration that was cut short (same CA) is taken up again with its key. ERR_EXISTS when the
 * name is taken. */
NODISCARD int account_register(struct run *r, struct arena *a, const struct register_spec *spec,
                               struct account *out, struct err *e);
/* An account that exists at the CA, by its key (RFC 8555 7.3.1) as PEM, DER or JWK text.
 * ERR_NOT_FOUND when the CA does not know it. */
NODISCARD int account_find_again(struct run *r, struct arena *a, const struct ca *ca,
                                 const char *key_text, size_t key_len, const char *name,
                                 struct account *out, struct err *e);
/* key_type NULL: of the same type as the present one. */
NODISCARD int account_change_key(struct run *r, struct arena *a, struct account *x,
                                 const char *key_type, struct err *e);
/* Its private key as "pem" (NULL) or "jwk". */
NODISCARD int account_key_text(struct arena *a, const struct account *x, const char *format,
                               struct bytes *out, struct err *e);
/* What the CA says of it now: status and contacts. */
NODISCARD int account_refresh(struct run *r, struct arena *a, struct account *x, struct err *e);
NODISCARD int account_set_contacts(struct run *r, struct arena *a, struct account *x,
                                   const struct strings *emails, struct err *e);
NODISCARD int account_mark_default(struct run *r, struct arena *a, const char *name,
                                   bool is_default, struct err *e);
/* For good: the CA takes no request of it any more. */
NODISCARD int account_deactivate(struct run *r, struct arena *a, struct account *x, struct err *e);

#endif
