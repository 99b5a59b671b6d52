/* The fields of an account: columns of `accounts`, and what `account show --json` prints. */
#include "model/account.h"

const struct field account_fields[] = {
	FIELD(struct account, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct account, name, FT_STRING, 0, "as people call it"),
	FIELD(struct account, ca, FT_STRING, 0, "name or directory URL of the CA"),
	FIELD(struct account, directory_url, FT_STRING, 0, "directory URL it was registered at"),
	FIELD(struct account, url, FT_STRING, 0, "account URL at the CA"),
	FIELD(struct account, status, FT_STRING, 0, "registering, valid, deactivated or revoked"),
	FIELD(struct account, contacts, FT_STRINGS, 0, "contact addresses"),
	FIELD(struct account, key_type, FT_STRING, 0, "type of the account key"),
	FIELD(struct account, key, FT_SECRET, 0, "account key, PEM"),
	FIELD(struct account, next_key, FT_SECRET, 0, "the key of a key change under way, PEM"),
	FIELD(struct account, eab_kid, FT_STRING, 0,
	      "key identifier of the external account binding"),
	FIELD(struct account, terms_url, FT_STRING, 0, "terms of service agreed to"),
	FIELD(struct account, is_default, FT_BOOL, 0, "the default account of its CA"),
	FIELD(struct account, created_at, FT_TIME, 0, "when it was made here"),
	FIELD_END
};
