/* Certificates: issue, renew, set, list, show, log, export, revoke, delete, verify, check (CLI.md,
 * "Certificates"). */
#ifndef OPS_OPS_CERT_H
#define OPS_OPS_CERT_H

#include "base/codec.h"
#include "model/cert.h"
#include "model/challenge.h"
#include "model/event.h"
#include "model/version.h"
#include "ops/ops.h"

struct issue_options {
	bool force, dry_run;
	bool agree_tos; /* with emails: an account is registered on the fly where there is none */
	struct strings emails;
	unsigned jobs; /* 0 = 8 */
};

struct cert_failure {
	const char *name;
	struct err err;
};
struct cert_pending {
	const char *name;
	struct challenge *challenges; /* what to publish: type, domain, location, value */
	size_t n_challenges;
};
/* `issue --json` and `renew --json`. */
struct issue_result {
	struct strings issued, renewed, unchanged;
	struct strings unchanged_why; /* one text for each of unchanged */
	struct cert_failure *failed;
	size_t n_failed;
	struct cert_pending *pending;
	size_t n_pending;
};

/* Whether there is an account that c can be issued by, or one may be registered on the way as
 * configured. ERR_USAGE. No CA is asked. */
NODISCARD int ops_issue_account(struct ops *o, struct arena *a, const struct cert *c,
                                struct err *e);

/* Validates every change first: a wrong one is the function's error (ERR_USAGE, ERR_INPUT) and
 * nothing was changed. Failures of single certificates while issuing are in out; then the return is
 * 0 as well (see issue_result_error). */
NODISCARD int ops_issue(struct ops *o, struct arena *a, struct cert_change *v, size_t n,
                        const struct issue_options *opt, struct issue_result *out, struct err *e);
/* `issue --from FILE`: "NAME [NAME...] [> CERTNAME]" a line, # comments, blank lines; base gives
 * everything but the names. */
/* The lines of such a file as changes; refuses two for one certificate. */
NODISCARD int ops_issue_lines(struct arena *a, const char *file, const struct cert_change *base,
                              struct cert_change **out, size_t *n, struct err *e);
NODISCARD int ops_issue_from(struct ops *o, struct arena *a, const char *file,
                             const struct cert_change *base, const struct issue_options *opt,
                             struct issue_result *out, struct err *e);
struct renew_options {
	struct strings names; /* none = all that are due, first attempts included */
	const char *owner;    /* NULL = any */
	bool force, dry_run;
	int days;      /* treat certificates that end within so many days as due; 0 = not given */
	unsigned jobs; /* 0 = 8 */
};
NODISCARD int ops_renew(struct ops *o, struct arena *a, const struct renew_options *opt,
                        struct issue_result *out, struct err *e);
/* `verify NAME [--new]`: goes on with a pending request. */
NODISCARD int ops_verify(struct ops *o, struct arena *a, const char *name, bool new_challenge,
                         struct issue_result *out, struct err *e);
/* 0 if nothing failed; -ERR_PARTIAL if some did and some did not; the one failure's own code if all
 * of one, or all alike, failed. Fills e with one line for the whole. */
int issue_result_error(const struct issue_result *r, struct err *e);

/* Updates the record; nothing is sent to the CA. */
NODISCARD int ops_set(struct ops *o, struct arena *a, const char *name, struct cert_change *change,
                      struct err *e);

struct list_options {
	int expiring_days; /* 0 = all */
	const char *status, *owner;
};
/* Calls row for each, in name order. */
NODISCARD int ops_list(struct ops *o, const struct list_options *opt,
                       int (*row)(void *ctx, const struct cert *c, struct arena *a, struct err *e),
                       void *ctx, struct err *e);

struct cert_details {
	struct cert cert;
	const char *live_path;      /* STATE/live/NAME; NULL = nothing there */
	const char *renewal_reason; /* why it renews when it does */
	struct version *versions;   /* newest first */
	size_t n_versions;
	struct challenge *challenges; /* of a pending request */
	size_t n_challenges;
};
NODISCARD int ops_show(struct ops *o, struct arena *a, const char *name, struct cert_details *out,
                       struct err *e);
/* Events oldest first, those after after_id. */
NODISCARD int ops_log(struct ops *o, struct arena *a, const char *name, int64_t after_id,
                      struct event **out, size_t *n, struct err *e);

struct export_options {
	const char *format; /* "pem", "pkcs12", "jks", "der"; NULL = "pem" */
	const char *part;   /* "all", "fullchain", "cert", "chain", "key"; NULL = "all" for pem,
	                       pkcs12 and jks, "cert" for der */
	const char *output; /* file, made 0600; NULL or "-": *data is for standard output */
	const char *password_file, *password; /* the latter over the network */
	bool legacy;
	struct strings mail; /* ops_export_mail: to these addresses */
	const char *channel; /* NULL = the only one of kind mail */
};
NODISCARD int ops_export(struct ops *o, struct arena *a, const char *name,
                         const struct export_options *opt, struct bytes *data, struct err *e);

/* Mails what may be mailed: the public parts, or a key store with the password of a file, which is
 * not in the mail. Waits until the server has it. */
NODISCARD int ops_export_mail(struct ops *o, struct arena *a, const char *name,
                              const struct export_options *opt, struct err *e);

NODISCARD int ops_revoke(struct ops *o, struct arena *a, const char *name, const char *reason,
                         struct err *e);
/* One that is not kept here, as PEM. */
NODISCARD int ops_revoke_foreign(struct ops *o, struct arena *a, const char *cert, const char *key,
                                 const char *ca, const char *reason, struct err *e);
NODISCARD int ops_revoke_file(struct ops *o, struct arena *a, const char *cert_file,
                              const char *key_file, const char *ca, const char *reason,
                              struct err *e);
NODISCARD int ops_delete(struct ops *o, struct arena *a, const char *name, struct err *e);

struct expiring {
	const char *name;
	const char *status;
	int64_t not_after;
	const char *last_error;
};
/* Certificates that end within days (default 7; at most a quarter of the lifetime, for short-lived
 * ones), or already ended; *total = how many there are, of which at most CHECK_MOST are told
 * over the network. */
#define CHECK_MOST 1000
NODISCARD int ops_check(struct ops *o, struct arena *a, int days /* 0 = not given */,
                        struct expiring **out, size_t *n, int64_t *total, struct err *e);

/* When the last pass over all that is due ended (0 = never); overdue: longer ago than configured.
 */
NODISCARD int ops_last_pass(struct ops *o, int64_t *last, bool *overdue, struct err *e);
/* What shows that this machine's clock is wrong, CAs not asked; NULL = nothing. */
NODISCARD int ops_clock_wrong(struct ops *o, struct arena *a, const char **why, struct err *e);

/* `master-key rotate`. */
NODISCARD int ops_master_key_rotate(struct ops *o, struct err *e);

#endif
