/* The signing itself apart from the header members, for the vectors of RFC 7515. */
#ifndef ACME_JWS_IMPL_H
#define ACME_JWS_IMPL_H

#include "acme/jws.h"

/* Signs a header text and a payload as they are (RFC 7515 5.1, 7.2.2). */
NODISCARD int jws_sign_text(struct arena *a, const struct key *key, const char *protected_text,
                            const char *payload, char **out, struct err *e);
/* The same with a MAC (RFC 7515 A.1). */
NODISCARD int jws_mac_text(struct arena *a, enum hash_alg alg, const struct bytes *mac_key,
                           const char *protected_text, const char *payload, char **out,
                           struct err *e);

#endif
