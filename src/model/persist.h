/* A dns-persist-01 record (draft-ietf-acme-dns-persist) that a name needs for a CA's account, and
 * what the DNS has instead. */
#ifndef MODEL_PERSIST_H
#define MODEL_PERSIST_H

#include "base/field.h"

struct persist {
	const char *domain; /* without "*." */
	const char *name;   /* of the TXT record */
	const char *value;  /* as it ought to be */
	const char *ca, *account;
	const char *issuer;
	const char *format; /* "-01": the account's URL; "-02": its hash with the account's key */
	bool wildcard;      /* it shall cover *.domain and all names below */
	int64_t until;      /* the end wanted; 0 = none */
	/* found */
	const char *state; /* "there", "near its end", "ended", "wrong", "missing", "unknown"; "" =
	                      nobody looked */
	const char *why;   /* what is wrong, and what to do; NULL = nothing */
	int64_t ends_at;   /* of the one found; 0 = no end */
	struct strings found;  /* all TXT values there */
	struct strings others; /* account URIs that are not ours, at the same issuer */
	const char *rollover;  /* what a new account key would change */
};
extern const struct field persist_fields[];

#endif
