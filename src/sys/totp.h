/* One-time codes by time (RFC 6238: HMAC-SHA-1, 30 seconds, 6 digits), as telephones make them, and
 * base32 (RFC 4648 6), in which they are told the secret. */
#ifndef SYS_TOTP_H
#define SYS_TOTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"

#define TOTP_STEP_S 30
#define TOTP_DIGITS 6

char *base32_encode(struct arena *a, const void *data, size_t len); /* without padding */
/* With or without padding, either case; blanks are passed over. ERR_INPUT. */
NODISCARD int base32_decode(struct arena *a, const char *s, struct bytes *out, struct err *e);

NODISCARD int totp_new(struct arena *a, char **secret, struct err *e); /* 160 random bits, base32 */
NODISCARD int totp_code(const struct bytes *key, int64_t step, char out[static TOTP_DIGITS + 1],
                        struct err *e);
/* The code of now, or of one step before or after. *step: whose it is; 0 = it is wrong. */
NODISCARD int totp_check(struct arena *a, const char *secret, const char *code, int64_t now,
                         int64_t *step, struct err *e);

#endif
