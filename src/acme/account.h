/* Accounts (RFC 8555 7.3). Functions that make or find one leave the session using it. */
#ifndef ACME_ACCOUNT_H
#define ACME_ACCOUNT_H

#include "acme/session.h"

struct acme_account {
	const char *url;
	const char *status;      /* "valid", "deactivated", "revoked" */
	struct strings contacts; /* without "mailto:" */
	const char
	    *terms_of_service_agreed_url; /* the directory's terms at the time; NULL = none */
};
struct acme_new_account {
	const struct key *key;
	struct strings contacts; /* e-mail addresses */
	bool agree_tos;
	bool only_existing;  /* RFC 8555 7.3.1 onlyReturnExisting; ERR_NOT_FOUND if the CA knows no
	                        such account */
	const char *eab_kid; /* NULL = none */
	struct bytes eab_key;
	const char *eab_alg; /* NULL = "HS256" */
};
/* ERR_TERMS when the CA has terms and agree_tos is not set (the message holds their URL); ERR_USAGE
 * when the directory demands external account binding and none was given. */
NODISCARD int acme_account_new(struct acme *ca, struct arena *a,
                               const struct acme_new_account *want, struct acme_account *out,
                               struct err *e);
NODISCARD int acme_account_get(struct acme *ca, struct arena *a, struct acme_account *out,
                               struct err *e);
NODISCARD int acme_account_update(struct acme *ca, struct arena *a, const struct strings *contacts,
                                  struct acme_account *out, struct err *e);
/* RFC 8555 7.3.5; on success the session uses new_key. ERR_EXISTS when the new key already has an
 * account (409). */
NODISCARD int acme_account_key_change(struct acme *ca, struct arena *a, const struct key *new_key,
                                      struct err *e);
NODISCARD int acme_account_deactivate(struct acme *ca, struct arena *a, struct err *e);

#endif
