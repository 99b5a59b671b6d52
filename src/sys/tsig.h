/*
 * TSIG (RFC 8945): DNS messages signed and checked with a shared key, byte by byte with OpenSSL's
 * HMAC. All six algorithms of the RFC's registry that are in use. What a server says about a
 * signature is told exactly: an unsigned error is a hint for a person and never proof of anything.
 */
#ifndef SYS_TSIG_H
#define SYS_TSIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"

struct tsig_key {
	const char *name; /* as a DNS name, lower case, no trailing dot */
	const char
	    *algorithm; /* canonical: "hmac-md5.sig-alg.reg.int", "hmac-sha1", "hmac-sha224", … */
	struct bytes secret;
};
/* algorithm as people write it (any case, trailing dot, "hmac-md5", "sha256", NULL = hmac-sha256),
 * secret in base64. ERR_INPUT naming what is wrong, never the secret. */
NODISCARD int tsig_key_make(struct arena *a, const char *name, const char *algorithm,
                            const char *secret, struct tsig_key *out, struct err *e);
/* BIND's key file: key "name" { algorithm x; secret "…"; }; comments of all three kinds. Several
 * keys: the one named, or the only one (want NULL). ERR_INPUT with the line. */
NODISCARD int tsig_key_read(struct arena *a, const char *text, const char *want,
                            struct tsig_key *out, struct err *e);

/* The message with a TSIG record at its end; *mac for checking the answer. fudge 300 s. ERR_CRYPTO
 * (an algorithm that this machine's OpenSSL policy refuses is named). */
NODISCARD int tsig_sign(struct arena *a, const struct tsig_key *k, const struct bytes *message,
                        int64_t now, struct bytes *out, struct bytes *mac, struct err *e);

/* TSIG's own errors, RFC 8945 3. */
enum tsig_error {
	TSIG_OK = 0,
	TSIG_BADSIG = 16,
	TSIG_BADKEY = 17,
	TSIG_BADTIME = 18,
	TSIG_BADTRUNC = 22,
};
struct tsig_verdict {
	bool present; /* there is a TSIG record */
	bool proved;  /* its MAC is right, for our request, in time: the answer is the server's */
	int error; /* enum tsig_error or another number, as the record says; believed only if proved
	            */
	int64_t server_time; /* of BADTIME's other data; 0 = none */
};
/* Checks an answer to a request signed with k. tsig_at as dns_answer_parse gives it (0 = none).
 * ERR_PROTOCOL if the record is malformed. */
NODISCARD int tsig_check(struct arena *a, const struct tsig_key *k, const struct bytes *answer,
                         size_t tsig_at, const struct bytes *request_mac, int64_t now,
                         struct tsig_verdict *out, struct err *e);

#endif
