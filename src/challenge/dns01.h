/* Names of the records that prove by a DNS value. */
#ifndef CHALLENGE_DNS01_H
#define CHALLENGE_DNS01_H

#include "base/arena.h"
#include "base/err.h"

/* dns-account-01 (draft-ietf-acme-dns-account-label 3.2): "_" and the first 10 bytes of the SHA-256
 * of the account's URL in base32, lower case, before "._acme-challenge.domain". */
NODISCARD int dns01_account_name(struct arena *a, const char *account_url, const char *domain,
                                 const char **out, struct err *e);

#endif
