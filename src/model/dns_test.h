/* What name servers say of a value, and what became of `dns test`: for people and --json. */
#ifndef MODEL_DNS_TEST_H
#define MODEL_DNS_TEST_H

#include "base/field.h"

/* One name server. */
struct dns_seen {
	const char *zone;
	const char *name;    /* NULL = given by its address */
	const char *address; /* ADDR:PORT */
	const char *state;   /* "has it", "has not", "silent", "error" */
	const char *said;
	bool own; /* the provider's own, or named by the account */
};
extern const struct field dns_seen_fields[];

/* Where a value went. */
struct dns_path {
	const char *asked;  /* the name that was meant */
	const char *name;   /* where the record is */
	struct strings via; /* the aliases on the way */
	const char *account, *provider;
	const char *zone;
	struct strings values;
};
extern const struct field dns_path_fields[];

struct dns_test {
	struct dns_path path;
	const char *value;
	struct records servers; /* struct dns_seen, as they were last seen */
	bool written, seen, removed;
	int64_t seconds;    /* until all had it */
	struct err failure; /* code ERR_NONE = it works */
};
/* Of dns_test, but for path and failure. */
extern const struct field dns_test_fields[];

#endif
