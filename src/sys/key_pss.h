/* RSASSA-PSS, the one signature that key.h has not: Microsoft Entra asks for it. Any thread. */
#ifndef SYS_KEY_PSS_H
#define SYS_KEY_PSS_H

#include "sys/key.h"

/* "PS256" of RFC 7518 3.5: SHA-256, MGF1 with SHA-256, a salt of 32 bytes. ERR_INPUT if the key is
 * no RSA key; ERR_CRYPTO. */
NODISCARD int key_sign_ps256(struct arena *a, const struct key *k, const void *data, size_t len,
                             struct bytes *out, struct err *e);

#endif
