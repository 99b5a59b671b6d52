/* The fields of a dns-persist-01 record, for --json. */
#include "model/persist.h"

const struct field persist_fields[] = {
	FIELD(struct persist, domain, FT_STRING, 0, "the name that is proved"),
	FIELD(struct persist, name, FT_STRING, 0, "name of the TXT record"),
	FIELD(struct persist, value, FT_STRING, 0, "the value it ought to have"),
	FIELD(struct persist, ca, FT_STRING, 0, "for this CA"),
	FIELD(struct persist, account, FT_STRING, 0, "and this account there"),
	FIELD(struct persist, issuer, FT_STRING, 0, "the CA's issuer domain name"),
	FIELD(struct persist, format, FT_STRING, 0,
	      "of the draft: -01 names the account's URL, -02 a hash of it and its key"),
	FIELD(struct persist, wildcard, FT_BOOL, 0, "covers the wildcard and all names below"),
	FIELD(struct persist, until, FT_TIME, 0, "the end wanted"),
	FIELD(struct persist, state, FT_STRING, 0,
	      "there, near its end, ended, wrong, missing or unknown"),
	FIELD(struct persist, why, FT_STRING, 0, "what is wrong and what to do"),
	FIELD(struct persist, ends_at, FT_TIME, 0, "end of the one found"),
	FIELD(struct persist, found, FT_STRINGS, 0, "all values found there"),
	FIELD(struct persist, others, FT_STRINGS, 0, "other accounts that may prove this name"),
	FIELD(struct persist, rollover, FT_STRING, 0, "what a new account key would change"),
	FIELD_END
};
