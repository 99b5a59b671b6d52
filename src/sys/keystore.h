/* Key stores other programs read: PKCS#12 (RFC 7292; OpenSSL) and JKS (Java's own format; written
 * here, no C library has it). Passwords are UTF-8. */
#ifndef SYS_KEYSTORE_H
#define SYS_KEYSTORE_H

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"
#include "sys/key.h"

struct keystore_spec {
	const struct key *key;
	const char *fullchain_pem;
	const char *alias;    /* the friendly name; JKS lower-cases it as Java does */
	const char *password; /* at least 6 characters for JKS (keytool refuses less): ERR_INPUT */
	bool legacy; /* PKCS#12 only: 3DES and SHA-1 for Java before 8u301 and Windows before 2019;
	                else AES-256, PBKDF2 and SHA-256 */
};
NODISCARD int keystore_pkcs12(struct arena *a, const struct keystore_spec *spec, struct bytes *out,
                              struct err *e);
NODISCARD int keystore_jks(struct arena *a, const struct keystore_spec *spec, struct bytes *out,
                           struct err *e);

#endif
