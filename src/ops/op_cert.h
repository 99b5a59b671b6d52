/* Records of the operations on certificates, requests, jobs and events. */
#ifndef OPS_OP_CERT_H
#define OPS_OP_CERT_H

#include "model/explanation.h"
#include "model/task.h"
#include "ops/listing.h"
#include "ops/operation.h"
#include "ops/ops_cert.h"

/* What is asked for about a certificate: to make one (CERTIFICATE_CREATE), or to change it. Over
 * the network web roots and hooks are named, on the host they are paths. */
struct cert_in {
	struct strings given;
	struct cert c;         /* those of the fields that are given */
	const char *key, *csr; /* PEM */
	bool force, dry_run;
};
extern const struct field cert_create_fields[], cert_set_fields[];

/* `issue --json` */
struct failed_said {
	const char *name, *error, *code, *problem;
	int64_t retry_after;
};
struct challenge_said {
	const char *type, *domain, *name, *value;
};
struct pending_said {
	const char *name;
	struct records challenges; /* of struct challenge_said */
};
struct issue_said {
	struct strings issued, renewed, unchanged;
	struct strings unchanged_why;
	struct records failed, pending;
};
extern const struct field issue_said_fields[];
void issue_say(struct arena *a, const struct issue_result *r, struct issue_said *out);
/* The way back, for who prints it. */
void issue_said_result(struct arena *a, const struct issue_said *s, struct issue_result *out);
/* As issue_result_error. */
int issue_said_error(struct arena *a, const struct issue_said *s, struct err *e);

struct cert_said {
	struct cert c;
	const char *renewal_reason; /* why it renews when it does */
	struct records challenges;  /* what to publish */
};
extern const struct field cert_said_fields[];
/* c as who asks may see it: paths of the host by their names, or not at all. */
void cert_show_to(const struct ops *o, struct arena *a, struct cert *c);
/* text as a `user` may read it: paths that have a name by that. */
const char *cert_text_shown(const struct ops *o, struct arena *a, const char *text);
NODISCARD int cert_say(struct ops *o, struct arena *a, const struct cert *c, struct cert_said *out,
                       struct err *e);
/* in as a change. ERR_DENIED, ERR_USAGE for what names the host's own. */
NODISCARD int cert_change_of(struct ops *o, struct arena *a, const struct cert_in *in,
                             struct cert_change *out, struct err *e);
/* For a job that is about to be queued: the record is stored and the stand-in is live, where that
 * takes no longer than writing it. Never fails: the job does what is left. */
void cert_prepare(struct ops *o, struct arena *a, const struct cert_in *in);

struct cert_ask {
	int64_t limit;
	const char *cursor;
	const char *status, *owner, *ca, *account, *q, *sort, *order;
	int64_t expiring;
};
extern const struct field cert_ask_fields[], cert_page_fields[];

struct renew_in {
	const char *name;
	bool force, dry_run;
	int64_t days;
};
struct renew_due_in {
	const char *owner;
	bool force, dry_run;
	int64_t days;
};
struct revoke_in {
	const char *name, *reason;
};
struct export_in {
	const char *name, *format, *part, *password;
	bool legacy;
};
struct send_in {
	const char *name, *format, *part, *password, *channel;
	struct strings to;
	bool legacy;
};
extern const struct field cert_renew_fields[], cert_renew_due_fields[], cert_revoke_fields[],
    cert_export_fields[], cert_export_get_fields[], cert_send_fields[];

struct version_ask {
	LIST_MEMBERS;
	const char *name, *q;
};
extern const struct field version_ask_fields[], version_page_fields[];
extern const struct list_rule version_rule;

struct findings_said {
	struct records findings; /* of struct finding */
};
extern const struct field findings_said_fields[];

struct event_ask {
	LIST_MEMBERS;
	const char *name; /* /certificates/{name}/events */
	int64_t after, since, until;
	const char *q, *cert, *kind, *actor;
};
extern const struct field event_ask_fields[], cert_event_ask_fields[], event_page_fields[];
extern const struct list_rule event_rule;

struct request_ask {
	LIST_MEMBERS;
	const char *q, *owner, *status, *method, *ca;
};
extern const struct field request_ask_fields[], request_page_fields[];

struct job_ask {
	LIST_MEMBERS;
	int64_t since, until;
	const char *q, *state, *operation, *subject, *user;
};
struct job_named {
	int64_t id;
};
extern const struct list_rule job_rule;
extern const struct field job_ask_fields[], job_named_fields[], job_page_fields[];

struct overview_ask {
	int64_t days;
};
struct count_said {
	const char *status;
	int64_t n;
};
struct day_said {
	int64_t at, renewals, expiries;
};
struct failing_said {
	const char *name, *owner, *status, *last_error;
	int64_t last_error_at, failing_since, failures, next_at, not_after;
};
struct overview_said {
	int64_t total;
	struct records counts, days, failures;
};
extern const struct field overview_ask_fields[], overview_said_fields[];

struct refresh_said {
	int64_t certificates;
};
extern const struct field refresh_said_fields[];

/* The cursor of a place, and the place of a cursor: a word, a number and a text. */
const char *place_cursor(struct arena *a, const char *word, int64_t number, const char *text);
NODISCARD int place_of(struct arena *a, const char *cursor, const char *word, int64_t *number,
                       const char **text, struct err *e);

#endif
