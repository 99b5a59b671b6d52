/* Sealing of secrets at rest (libsodium XChaCha20-Poly1305). The master key is 32 bytes kept
 * outside the database. */
#ifndef SYS_SEAL_H
#define SYS_SEAL_H

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"

struct seal; /* holds the master key in guarded, locked memory */

/* Takes the key from the file (64 hexadecimal digits and a newline, mode 0600, else ERR_DENIED
 * naming the mend; the group may read a credential of systemd); creates it when create is set and
 * it is not there (ERR_NOT_FOUND otherwise). */
NODISCARD int seal_open(const char *key_file, bool create, struct seal **out, struct err *e);
void seal_close(struct seal *s);
/* label names what is sealed ("accounts.key") and is authenticated, so that a value cannot be moved
 * to another place. The sealed form is text: "s1:" and base64url of nonce and ciphertext. */
NODISCARD int seal_lock(const struct seal *s, struct arena *a, const char *label, const char *plain,
                        char **out, struct err *e);
/* ERR_DAMAGED: not sealed with this key, for this label, or changed. */
NODISCARD int seal_unlock(const struct seal *s, struct arena *a, const char *label,
                          const char *sealed, char **out, struct err *e);

DEFINE_CLEANUP(seal_cleanup, struct seal, seal_close)

#endif
