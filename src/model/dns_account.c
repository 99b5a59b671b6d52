/* The fields of a DNS account: columns of `dns_accounts`, and `dns list --json`. */
#include "model/dns_account.h"

const struct field dns_account_fields[] = {
	FIELD(struct dns_account, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct dns_account, name, FT_STRING, 0, "as people call it"),
	FIELD(struct dns_account, provider, FT_STRING, 0, "whose service it is at"),
	FIELD(struct dns_account, enabled, FT_BOOL, 0, "it may be used"),
	FIELD(struct dns_account, zones, FT_STRINGS, 0, "only names in these; none: any"),
	FIELD(struct dns_account, settings, FT_SECRET, 0, "what the provider needs, JSON"),
	FIELD(struct dns_account, saved, FT_SECRET, 0, "what the provider keeps, JSON"),
	FIELD(struct dns_account, left_over, FT_STRINGS, F_HIDDEN,
	      "what a test published and did not take away yet"),
	FIELD(struct dns_account, last_test_at, FT_TIME, 0, "when it was last tested"),
	FIELD(struct dns_account, last_error, FT_STRING, 0, "what that test failed with"),
	FIELD(struct dns_account, created_at, FT_TIME, 0, "when it was added"),
	FIELD(struct dns_account, updated_at, FT_TIME, 0, "when its settings changed"),
	FIELD_END
};
