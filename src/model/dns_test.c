/* The fields of what is seen in the DNS: members of `dns test --json`, `dns present --json` and
 * `dns watch --json`. */
#include "model/dns_test.h"

const struct field dns_seen_fields[] = {
	FIELD(struct dns_seen, zone, FT_STRING, 0, "the zone it was asked for"),
	FIELD(struct dns_seen, name, FT_STRING, 0, "the server's name"),
	FIELD(struct dns_seen, address, FT_STRING, 0, "its address"),
	FIELD(struct dns_seen, state, FT_STRING, 0, "has it, has not, silent or error"),
	FIELD(struct dns_seen, said, FT_STRING, 0, "what it said, in words"),
	FIELD(struct dns_seen, own, FT_BOOL, 0, "named by the account"),
	FIELD_END
};

const struct field dns_path_fields[] = {
	FIELD(struct dns_path, asked, FT_STRING, 0, "the name that was meant"),
	FIELD(struct dns_path, name, FT_STRING, 0, "where the record goes"),
	FIELD(struct dns_path, via, FT_STRINGS, 0, "the aliases on the way"),
	FIELD(struct dns_path, account, FT_STRING, 0, "the DNS account"),
	FIELD(struct dns_path, provider, FT_STRING, 0, "its provider"),
	FIELD(struct dns_path, zone, FT_STRING, 0, "the zone it is in"),
	FIELD(struct dns_path, values, FT_STRINGS, 0, "what is published there"),
	FIELD_END
};

const struct field dns_test_fields[] = {
	FIELD(struct dns_test, value, FT_STRING, 0, "the value that was written"),
	FIELD(struct dns_test, written, FT_BOOL, 0, "the service took it"),
	FIELD(struct dns_test, seen, FT_BOOL, 0, "all name servers had it"),
	FIELD(struct dns_test, removed, FT_BOOL, 0, "it was taken away again"),
	FIELD(struct dns_test, seconds, FT_INT, 0, "how long it took until all had it"),
	FIELD_RECORDS(struct dns_test, servers, struct dns_seen, dns_seen_fields, 0,
	              "each name server, as it was last seen"),
	FIELD_END
};
