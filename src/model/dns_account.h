/*
 * A DNS account: write access to zones at one provider, under a name that people chose. What the
 * provider needs is in `settings`, one JSON object's text as dns/settings.h makes it, always
 * sealed.
 */
#ifndef MODEL_DNS_ACCOUNT_H
#define MODEL_DNS_ACCOUNT_H

#include "base/field.h"

struct dns_account {
	int64_t id;
	const char *name, *provider;
	bool enabled;
	struct strings zones; /* bound to these: only names in them; empty = any */
	const char *settings; /* secret: JSON object */
	const char *saved;    /* secret: what the provider keeps for itself, a JSON object; NULL */
	struct strings left_over; /* what a test has published and did not take away yet: name,
	                          zone, zone ID ("" = none) and value of each */
	int64_t last_test_at;
	const char *last_error; /* of the last test; NULL = it worked, or there was none */
	int64_t created_at, updated_at;
};
extern const struct field dns_account_fields[];

#endif
