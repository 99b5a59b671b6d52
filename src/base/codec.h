/*
 * Text forms of bytes: base64url (RFC 4648 5, no padding), base64 with padding, hex; and the tokens
 * that may become part of a path.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct bytes {
	unsigned char *v;
	size_t n;
};

char *base64url_encode(struct arena *a, const void *data, size_t len);
/* Strict: no padding, no white space, no '+' or '/'. ERR_INPUT. */
NODISCARD int base64url_decode(struct arena *a, const char *s, struct bytes *out, struct err *e);
/* Lenient: base64 or base64url, with or without padding (EAB keys as people paste them). ERR_INPUT.
 */
NODISCARD int base64_decode_any(struct arena *a, const char *s, struct bytes *out, struct err *e);
char *base64_encode(struct arena *a, const void *data, size_t len);

void hex_write(char *out, const void *data, size_t len);         /* lower case; 2 * len + 1 bytes */
char *hex_encode(struct arena *a, const void *data, size_t len); /* lower case */
char *hex_encode_colons(struct arena *a, const void *data, size_t len); /* "0A:1B", upper case */

/* [A-Za-z0-9_-]{1,128}: the ACME token grammar (RFC 8555 8.1, bounded). */
bool is_acme_token(const char *s);

/* Replaces, in place, control characters, bytes that are not UTF-8 and characters that turn the
 * direction of text around by '?': what a peer said becomes fit for a terminal, a log and JSON. */
void text_clean(char *s);

/* Wipes memory so that the compiler keeps it. */
void wipe(void *p, size_t n);

#endif
