/*
 * The self-signed certificate with which the daemon's TLS begins: made for the names it is likely
 * to be asked by, kept in the state folder while it serves the same names and has a month to go.
 */
#ifndef DAEMON_STAND_IN_H
#define DAEMON_STAND_IN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct stand_in {
	const char *cert, *key;  /* PEM */
	const char *names;       /* ", " between them */
	const char *fingerprint; /* SHA-256, lower-case hexadecimal */
	int64_t renew_at;
};
/* For name where it is one that a certificate can have (NULL = none), else this host's; and for the
 * address listened on where that is one address. ERR_IO, ERR_CRYPTO. */
NODISCARD int stand_in_read_or_make(struct arena *a, const char *state_dir, const char *listen,
                                    const char *name, struct stand_in *out, struct err *e);

#endif
