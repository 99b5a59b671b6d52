/*
 * A certificate as Everleaf keeps it: what is wanted (the options of `issue`), and how it stands.
 * Its issued forms are versions (version.h). The field table feeds the database, --json and `set`:
 * a change names the fields it gives.
 */
#ifndef MODEL_CERT_H
#define MODEL_CERT_H

#include "base/field.h"

struct cert {
	int64_t id;
	const char *name;       /* its own name, also of its folder */
	const char *status;     /* "pending", "issued", "failed", "revoked", "expired" */
	struct strings domains; /* normalized names, first one first */
	const char *owner;      /* whose it is; NULL = nobody in particular */

	/* wanted: what changes the certificate itself */
	const char *ca;      /* name or directory URL of the CA */
	const char *account; /* name; NULL = the CA's default account */
	const char *key_type, *signature, *profile, *preferred_chain;
	const char *country, *province, *city, *organization, *unit, *subject_email;
	const char *own_key; /* PEM of --key: secret */
	const char *own_csr; /* base64url DER of --csr */

	/* wanted: the rest */
	const char *key_policy; /* "new" or "same" */
	const char *method;     /* of challenge/solvers.def: "webroot", "dns", … */
	const char *challenge;  /* "http-01", "dns-01", "dns-account-01", … */
	const char *webroot, *listen, *hook, *well_known;
	bool hook_chain;
	struct strings dns;       /* DNS accounts: "ACCOUNT", or "DOMAIN=ACCOUNT" for one name */
	const char *renew_before; /* "15d" or "1/3"; NULL = by the lifetime */
	bool preflight;           /* true unless --no-preflight */
	const char *keystore, *keystore_password;
	bool self_signed_first;
	struct strings deploy_hooks;

	/* how it stands */
	int64_t live_version;  /* versions.n that live/NAME points to; 0 = none */
	bool live_self_signed; /* the stand-in is live */
	const char *serial, *issuer, *spki_sha256; /* of the newest issued version */
	int64_t not_before, not_after;
	const char *issued_identity; /* cert_identity() of what was issued */
	int64_t renew_at;            /* when the next renewal (or attempt) is due */
	int64_t retry_at;            /* not before this, after a failure */
	int64_t failures;            /* in a row, those of its hooks among them */
	int64_t hook_failures;       /* so many of them were its hooks', after it was live */
	int64_t hook_retry_at;       /* its hooks do not run again by themselves before this */
	const char *last_error;
	int64_t last_error_at;
	const char *ari_id;
	int64_t ari_start, ari_end; /* the CA's suggested window */
	int64_t ari_renew_at;       /* the instant chosen in it (RFC 9773 4.2) */
	int64_t ari_check_at;       /* when to ask again */
	const char *ari_explanation_url;
	bool redeliver;        /* into a new folder: its key store is to be another */
	bool unfinished;       /* an order or a delivery was begun and is to be gone on with; hooks
	                          that failed are not it: hook_failures */
	bool from_afar;        /* its names were said over the network, not on this host */
	bool new_key_needed;   /* its key was revoked for compromise */
	int64_t failing_since; /* when the first of these failures in a row was; 0 = none */
	int64_t told_until;    /* what was to be told about it until then has been told */
	int64_t tell_at;       /* when there may be something to tell next; 0 = never (flow/tell) */
	int64_t created_at, updated_at;
};

/* What was asked for on a line of `issue` (or by `set`): values for the named fields of struct
 * cert. Fields not named keep what is stored, or their default for a new one. */
struct cert_change {
	struct cert values;
	struct strings given; /* field names of cert_fields: "domains", "webroot", "key_type", … */
	/* files to read on the way in: */
	const char *key_file, *csr_file, *keystore_password_file;
	/* the same as it came over the network: */
	const char *key_text, *csr_text;
	const char
	    *origin; /* where it was said, for messages: "FILE:12"; NULL = on the command line */
};

extern const struct field cert_fields[];

/* The fields whose change means another certificate ("domains", "key_type", …), NULL-terminated. */
extern const char *const cert_identity_fields[];

#endif
