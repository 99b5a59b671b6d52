/* DNS look-ups (ldns): what the records in the DNS say now. Answers are hostile: bounded, and
 * checked against their question. */
#ifndef SYS_DNS_H
#define SYS_DNS_H

#include "base/arena.h"
#include "base/err.h"

#define DNS_MAX_STRINGS 64

/* The TXT records at name, each one's strings joined, at most DNS_MAX_STRINGS. resolver:
 * "ADDR:PORT" or "[v6]:PORT"; NULL = the system's. A name that does not exist, or has no TXT
 * record, gives none (and is no error). ERR_NETWORK when nobody answers or the answer is a failure
 * (SERVFAIL, REFUSED): then nothing is known. Blocks up to 10 s. */
NODISCARD int dns_txt(struct arena *a, const char *resolver, const char *name, struct strings *out,
                      struct err *e);

#endif
