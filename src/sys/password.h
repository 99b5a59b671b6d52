/*
 * Passwords as Argon2id hashes (libsodium). A hash takes 64 MB while it is made or checked, so two
 * are at most under way in the process; who comes further waits, and who comes when many wait
 * already is sent away (ERR_AGAIN with retry_s). Any thread.
 */
#ifndef SYS_PASSWORD_H
#define SYS_PASSWORD_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

#define PASSWORD_AT_ONCE 2
#define PASSWORD_WAITING 16

NODISCARD int password_hash(struct arena *a, const char *password, char **out, struct err *e);
/* hash NULL: nobody's; it is wrong, and takes as long. *stale (may be NULL): right, but made with
 * other parameters than a hash made today. */
NODISCARD int password_verify(const char *hash, const char *password, bool *right, bool *stale,
                              struct err *e);

#endif
