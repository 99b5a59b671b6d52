/*
 * dns-persist-01 (draft-ietf-acme-dns-persist): a TXT record at _validation-persist.NAME that
 * stays, and is the same at every renewal. The challenge has no token; its value is made from the
 * account and the CA's issuer domain name, in the wire format that the CA's directory speaks.
 */
#ifndef CHALLENGE_DNSPERSIST01_H
#define CHALLENGE_DNSPERSIST01_H

#include "acme/authz.h"
#include "model/challenge.h"

struct dnspersist {
	const struct acme_directory *directory;
	const char *account_url;
	const struct key *account_key;
	bool wildcard; /* the record shall also cover *.NAME and names below */
};
/* Fills value and location of a row whose domain is set; token becomes NULL. The issuer is the
 * first name of the challenge, else of the directory. ERR_PROTOCOL: the CA names no usable issuer,
 * or an account that is not ours. */
NODISCARD int dnspersist_fill(struct arena *a, struct challenge *c,
                              const struct acme_challenge *offered, const struct dnspersist *how,
                              struct err *e);

/* Whether one of the TXT strings found at the row's location does what the row's value would. */
bool dnspersist_is_there(const struct challenge *c, const struct acme_challenge *offered,
                         const struct dnspersist *how, const struct strings *found, int64_t now);

#endif
