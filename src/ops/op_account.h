/* Records of the operations on CA accounts and CAs. */
#ifndef OPS_OP_ACCOUNT_H
#define OPS_OP_ACCOUNT_H

#include "ops/listing.h"
#include "ops/ops_account.h"

extern const struct field account_register_fields[], account_import_fields[], ca_add_fields[];
extern const struct field account_page_fields[], ca_page_fields[];

struct account_ask {
	LIST_MEMBERS;
	const char *q, *ca, *status;
};
struct ca_ask {
	LIST_MEMBERS;
	const char *q, *known;
};
extern const struct field account_ask_fields[], ca_ask_fields[];

struct account_contacts {
	const char *name;
	struct strings emails;
};
extern const struct field account_contacts_fields[];
struct account_rollover {
	const char *name, *key_type;
};
extern const struct field account_rollover_fields[];
struct account_export {
	const char *name, *format;
};
extern const struct field account_export_fields[];

#endif
