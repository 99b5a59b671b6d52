/* The OpenSSL handle inside a struct key: for csr.c, x509.c and keystore.c of this folder only. */
#ifndef SYS_KEY_EVP_H
#define SYS_KEY_EVP_H

#include <openssl/evp.h>

#include "base/err.h"

struct key;
EVP_PKEY *key_evp(const struct key *k); /* borrowed */

/* Takes OpenSSL's error queue: fills e with the text and the reason of its first error. Returns -code. */
int key_openssl_error(struct err *e, enum err_code code, const char *fmt, ...) PRINTF(3, 4);

#endif
