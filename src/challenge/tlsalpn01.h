/* What a tls-alpn-01 challenge shows, for whoever answers one. */
#ifndef CHALLENGE_TLSALPN01_H
#define CHALLENGE_TLSALPN01_H

#include "base/arena.h"
#include "base/err.h"

/* domain: a name or an address; digest: 64 hexadecimal digits, of the key authorization. */
NODISCARD int alpn_certificate(struct arena *a, const char *domain, const char *digest,
                               char **cert_pem, char **key_pem, struct err *e);

#endif
