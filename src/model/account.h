/* An account at a CA. */
#ifndef MODEL_ACCOUNT_H
#define MODEL_ACCOUNT_H

#include "base/field.h"

struct account {
	int64_t id;
	const char *name; /* as people call it; unique */
	const char *ca;   /* name or directory URL */
	const char *directory_url;
	const char *url;    /* at the CA; NULL while being registered */
	const char *status; /* "registering", "valid", "deactivated", "revoked" */
	struct strings contacts;
	const char *key_type;
	const char *key;       /* PEM: secret */
	const char *next_key;  /* PEM: secret; a key change under way, kept until a request signed
	                          with it succeeded */
	const char *eab_kid;   /* for display only */
	const char *terms_url; /* the terms agreed to; NULL = the CA has none */
	bool is_default;       /* of all accounts of this CA */
	int64_t created_at;
};
extern const struct field account_fields[];

#endif
