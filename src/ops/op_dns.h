/* Records of the operations on DNS accounts. */
#ifndef OPS_OP_DNS_H
#define OPS_OP_DNS_H

#include "ops/listing.h"
#include "ops/ops_dns.h"
#include "ops/ops_persist.h"

extern const struct field dns_add_fields[], dns_change_fields[], dns_page_fields[];

struct dns_ask {
	LIST_MEMBERS;
	const char *q, *provider, *enabled;
};
struct provider_ask {
	LIST_MEMBERS;
	const char *q;
};
extern const struct field dns_ask_fields[], provider_ask_fields[];

/* An account, with what may be shown of its settings. */
struct dns_said {
	struct dns_account account;
	const char *settings; /* JSON object */
	struct strings certificates;
};
extern const struct field dns_said_fields[];

struct dns_try {
	const char *name, *domain;
};
extern const struct field dns_try_fields[];
struct dns_tried {
	struct dns_test test;
	bool ok;
	const char *error, *code; /* what it failed at; NULL = it works */
};
extern const struct field dns_tried_fields[];
struct dns_publish {
	const char *name, *fqdn;
	struct strings values;
};
extern const struct field dns_publish_fields[];
struct dns_look {
	const char *name;
	struct strings values;
	const char *account;
};
extern const struct field dns_look_fields[];
struct dns_looked {
	struct records servers; /* of struct dns_seen */
	const char *missing;    /* what is not everywhere yet, in words; NULL = nothing */
};
extern const struct field dns_looked_fields[];

/* A provider. */
struct provider_said {
	const char *name, *title, *site, *setup, *verified, *base_url;
	int64_t ttl, min_ttl, settle, max_values;
	struct records fields, common; /* of struct field_said */
};
extern const struct field provider_said_fields[], provider_page_fields[];

extern const struct field persist_ask_fields[];
struct persist_list {
	struct records records; /* of struct persist */
};
extern const struct field persist_list_fields[];

#endif
