/* The fields of the operations on certificates: what is asked, what is told. */
#include "model/finding.h"
#include "ops/op_cert.h"

#define PAGE_ROWS(T)                                                                               \
	FIELD(T, limit, FT_INT, 0, "at most so many (50; up to 1000)"),                            \
	    FIELD(T, cursor, FT_STRING, 0, "where to go on: \"next\" of the last answer")

#define X(member, type, flags, help)                                                               \
	FIELD_NAMED(struct cert_in, c.member, #member, type, flags, help),

const struct field cert_create_fields[] = {
	FIELD_NAMED(struct cert_in, c.name, "name", FT_STRING, 0,
	            "its own name; without: the first of its names"),
	FIELD_NAMED(struct cert_in, c.domains, "domains", FT_STRINGS, 0,
	            "names and addresses it is for, up to 100"),
	FIELD(struct cert_in, key, FT_SECRET, 0, "the person's own key, PEM"),
	FIELD(struct cert_in, csr, FT_STRING, 0, "the person's own certificate request, PEM"),
	FIELD(struct cert_in, force, FT_BOOL, 0, "even if nothing is due"),
	FIELD(struct cert_in, dry_run, FT_BOOL, 0, "against the CA's staging; nothing is kept"),
#include "model/cert_wanted.def"
	FIELD_END
};

const struct field cert_set_fields[] = {
	FIELD_NAMED(struct cert_in, c.name, "name", FT_STRING, F_REQUIRED, "its own name"),
	FIELD_NAMED(struct cert_in, c.domains, "domains", FT_STRINGS, 0,
	            "names and addresses it is for, up to 100"),
	FIELD(struct cert_in, key, FT_SECRET, 0, "the person's own key, PEM"),
	FIELD(struct cert_in, csr, FT_STRING, 0, "the person's own certificate request, PEM"),
#include "model/cert_wanted.def"
	FIELD_END
};
#undef X

static const struct field challenge_said_fields[] = {
	FIELD(struct challenge_said, type, FT_STRING, 0, "http-01, dns-01, …"),
	FIELD(struct challenge_said, domain, FT_STRING, 0, "the name that is proved"),
	FIELD(struct challenge_said, name, FT_STRING, 0, "the TXT record, or the path of the URL"),
	FIELD(struct challenge_said, value, FT_STRING, 0, "what it has to say"), FIELD_END
};

#define X(member, type, flags, help)                                                               \
	FIELD_NAMED(struct cert_said, c.member, #member, type, flags, help),
const struct field cert_said_fields[] = {
	FIELD_NAMED(struct cert_said, c.name, "name", FT_STRING, 0, "its own name"),
	FIELD_NAMED(struct cert_said, c.status, "status", FT_STRING, 0,
	            "pending, issued, failed, revoked or expired"),
	FIELD_NAMED(struct cert_said, c.domains, "domains", FT_STRINGS, 0,
	            "names and addresses it is for"),
#include "model/cert_wanted.def"
#include "model/cert_state.def"
	FIELD(struct cert_said, renewal_reason, FT_STRING, 0, "why it renews when it does"),
	FIELD_RECORDS(struct cert_said, challenges, struct challenge_said, challenge_said_fields, 0,
	              "what has to be published"),
	FIELD_END
};
#undef X

static const struct field failed_said_fields[] = {
	FIELD(struct failed_said, name, FT_STRING, 0, "the certificate"),
	FIELD(struct failed_said, error, FT_STRING, 0, "why, in words"),
	FIELD(struct failed_said, code, FT_STRING, 0, "what kind of failure, one word"),
	FIELD(struct failed_said, problem, FT_STRING, 0, "the CA's own word for it"),
	FIELD(struct failed_said, retry_after, FT_INT, 0, "seconds that the CA asked to wait"),
	FIELD_END
};

static const struct field pending_said_fields[] = {
	FIELD(struct pending_said, name, FT_STRING, 0, "the certificate"),
	FIELD_RECORDS(struct pending_said, challenges, struct challenge_said, challenge_said_fields,
	              0, "what has to be published"),
	FIELD_END
};

const struct field issue_said_fields[] = {
	FIELD(struct issue_said, issued, FT_STRINGS, 0, "for the first time"),
	FIELD(struct issue_said, renewed, FT_STRINGS, 0, "anew"),
	FIELD(struct issue_said, unchanged, FT_STRINGS, 0, "nothing was due"),
	FIELD(struct issue_said, unchanged_why, FT_STRINGS, 0, "a line for each of these"),
	FIELD_RECORDS(struct issue_said, failed, struct failed_said, failed_said_fields, 0,
	              "those that failed"),
	FIELD_RECORDS(struct issue_said, pending, struct pending_said, pending_said_fields, 0,
	              "those that wait for what has to be published"),
	FIELD_END
};

const struct field cert_ask_fields[] = {
	PAGE_ROWS(struct cert_ask),
	FIELD(struct cert_ask, status, FT_STRING, 0, "only these"),
	FIELD(struct cert_ask, owner, FT_STRING, 0, "only theirs"),
	FIELD(struct cert_ask, ca, FT_STRING, 0, "only of this CA"),
	FIELD(struct cert_ask, account, FT_STRING, 0, "only of this account"),
	FIELD(struct cert_ask, q, FT_STRING, 0,
	      "whose own name, or a name it is for, begins so; or that is for something below this "
	      "domain"),
	FIELD(struct cert_ask, expiring, FT_INT, 0, "that end within so many days"),
	FIELD(struct cert_ask, sort, FT_STRING, 0, "name, not_after, renew_at or created_at"),
	FIELD(struct cert_ask, order, FT_STRING, 0, "asc or desc"),
	FIELD_END
};
const struct field cert_page_fields[] = LIST_FIELDS(struct cert, cert_fields);

const struct field cert_renew_fields[] = {
	FIELD(struct renew_in, name, FT_STRING, F_REQUIRED, "its own name"),
	FIELD(struct renew_in, force, FT_BOOL, 0, "even if it is not due"),
	FIELD(struct renew_in, dry_run, FT_BOOL, 0, "against the CA's staging; nothing is kept"),
	FIELD(struct renew_in, days, FT_INT, 0, "it is due if it ends within so many days"),
	FIELD_END
};
const struct field cert_renew_due_fields[] = {
	FIELD(struct renew_due_in, owner, FT_STRING, 0, "only theirs"),
	FIELD(struct renew_due_in, force, FT_BOOL, 0, "even those that are not due"),
	FIELD(struct renew_due_in, dry_run, FT_BOOL, 0, "against the CA's staging"),
	FIELD(struct renew_due_in, days, FT_INT, 0, "those that end within so many days are due"),
	FIELD_END
};
const struct field cert_revoke_fields[] = {
	FIELD(struct revoke_in, name, FT_STRING, F_REQUIRED, "its own name"),
	FIELD(struct revoke_in, reason, FT_STRING, 0,
	      "unspecified, keyCompromise, superseded, cessationOfOperation or affiliationChanged"),
	FIELD_END
};

#define EXPORT_ROWS(T)                                                                             \
	FIELD(T, name, FT_STRING, F_REQUIRED, "its own name"),                                     \
	    FIELD(T, format, FT_STRING, 0, "pem, pkcs12, jks or der"),                             \
	    FIELD(T, part, FT_STRING, 0, "all, fullchain, cert, chain or key"),                    \
	    FIELD(T, legacy, FT_BOOL, 0, "PKCS#12 for old Java and Windows")
const struct field cert_export_get_fields[] = { EXPORT_ROWS(struct export_in), FIELD_END };
const struct field cert_export_fields[] = {
	EXPORT_ROWS(struct export_in),
	FIELD(struct export_in, password, FT_SECRET, 0, "of the key store"),
	FIELD_END,
};
const struct field cert_send_fields[] = {
	EXPORT_ROWS(struct send_in),
	FIELD(struct send_in, password, FT_SECRET, 0, "of the key store; it is not in the mail"),
	FIELD(struct send_in, to, FT_STRINGS, F_REQUIRED, "mail addresses"),
	FIELD(struct send_in, channel, FT_STRING, 0, "by this channel; without: the only one"),
	FIELD_END,
};

const struct field version_ask_fields[] = {
	FIELD(struct version_ask, name, FT_STRING, F_REQUIRED, "its own name"),
	LIST_ROWS(struct version_ask, "n, issued_at or not_after"),
	FIELD(struct version_ask, q, FT_STRING, 0,
	      "whose serial number, issuer or fingerprint has this in it"),
	FIELD_END,
};
static const struct list_filter version_filters[] = {
	{ "q", LIST_HAS, { "serial", "issuer", "fingerprint" }, NULL },
};
const struct list_rule version_rule = {
	.ask = version_ask_fields,
	.items = version_fields,
	.size = sizeof(struct version),
	.key = "n",
	.sorts = (const char *const[]){ "n", "issued_at", "not_after", NULL },
	.descending = true,
	.filters = version_filters,
	.n_filters = ARRAY_LEN(version_filters),
};
const struct field version_page_fields[] = LIST_FIELDS(struct version, version_fields);

const struct field findings_said_fields[] = { FIELD_RECORDS(struct findings_said, findings,
	                                                    struct finding, finding_fields, 0,
	                                                    "what was seen"),
	                                      FIELD_END };

#define EVENT_ROWS                                                                                 \
	LIST_ROWS(struct event_ask, "id, or at: by their time, as they are with since or until"),  \
	    FIELD(struct event_ask, after, FT_INT, 0,                                              \
	          "those with a higher number, oldest first; 0 or without: the newest first"),     \
	    FIELD(struct event_ask, since, FT_TIME, 0, "not those before"),                        \
	    FIELD(struct event_ask, until, FT_TIME, 0, "those before"),                            \
	    FIELD(struct event_ask, q, FT_STRING, 0,                                               \
	          "whose text, certificate or actor has this in it; of what is long ago a page "   \
	          "may have few of them, or none, and say where to go on"),                        \
	    FIELD(struct event_ask, kind, FT_STRING, 0, "only of this kind"),                      \
	    FIELD(struct event_ask, actor, FT_STRING, 0, "only those that they did")
const struct field event_ask_fields[] = {
	EVENT_ROWS,
	FIELD(struct event_ask, cert, FT_STRING, 0, "only about this certificate"),
	FIELD_END,
};
const struct field cert_event_ask_fields[] = {
	FIELD(struct event_ask, name, FT_STRING, F_REQUIRED, "the certificate's own name"),
	EVENT_ROWS,
	FIELD_END,
};
static const struct list_filter event_filters[] = {
	{ "cert", LIST_IS, { "cert" }, NULL },
	{ "actor", LIST_IS, { "actor" }, NULL },
	{ "kind", LIST_IS, { "kind" }, NULL },
	{ "after", LIST_SINCE, { "id" }, NULL },
	{ "since", LIST_SINCE, { "at" }, NULL },
	{ "until", LIST_BEFORE, { "at" }, NULL },
	{ "q", LIST_HAS, { "text", "cert", "actor" }, NULL },
};
const struct list_rule event_rule = {
	.ask = event_ask_fields,
	.items = event_fields,
	.size = sizeof(struct event),
	.key = "id",
	.sorts = (const char *const[]){ "id", "at", NULL },
	.descending = true,
	.filters = event_filters,
	.n_filters = ARRAY_LEN(event_filters),
};
const struct field event_page_fields[] = LIST_FIELDS(struct event, event_fields);

const struct field request_ask_fields[] = {
	LIST_ROWS(struct request_ask, "name, not_after, renew_at or created_at"),
	FIELD(struct request_ask, q, FT_STRING, 0,
	      "whose own name, or a name it is for, begins so; or that is for something below this "
	      "domain"),
	FIELD(struct request_ask, owner, FT_STRING, 0, "only theirs"),
	FIELD(struct request_ask, status, FT_STRING, 0, "pending, issued, failed or expired"),
	FIELD(struct request_ask, method, FT_STRING, 0, "only those proved this way"),
	FIELD(struct request_ask, ca, FT_STRING, 0, "only of this CA"),
	FIELD_END,
};
const struct field request_page_fields[] = LIST_FIELDS(struct cert_said, cert_said_fields);

const struct field job_ask_fields[] = {
	LIST_ROWS(struct job_ask, "id or ended_at"),
	FIELD(struct job_ask, state, FT_STRING, 0, "queued, running, done or failed"),
	FIELD(struct job_ask, operation, FT_STRING, 0, "only of this kind: certificate_renew"),
	FIELD(struct job_ask, subject, FT_STRING, 0, "only about this certificate"),
	FIELD(struct job_ask, user, FT_STRING, 0, "only those that they asked for"),
	FIELD(struct job_ask, since, FT_TIME, 0, "not those asked for before"),
	FIELD(struct job_ask, until, FT_TIME, 0, "those asked for before"),
	FIELD(struct job_ask, q, FT_STRING, 0, "whose kind, subject or asker has this in it"),
	FIELD_END,
};
static const char *const state_words[] = { "queued", "running", "done", "failed", NULL };
static const struct list_filter job_filters[] = {
	{ "subject", LIST_IS, { "subject" }, NULL },
	{ "user", LIST_IS, { "asked_by" }, NULL },
	{ "operation", LIST_IS, { "operation" }, NULL },
	{ "state", LIST_IS, { "state" }, state_words },
	{ "since", LIST_SINCE, { "created_at" }, NULL },
	{ "until", LIST_BEFORE, { "created_at" }, NULL },
	{ "q", LIST_HAS, { "operation", "subject", "asked_by" }, NULL },
};
const struct list_rule job_rule = {
	.ask = job_ask_fields,
	.items = task_fields,
	.size = sizeof(struct task),
	.key = "id",
	.sorts = (const char *const[]){ "id", "ended_at", NULL },
	.descending = true,
	.filters = job_filters,
	.n_filters = ARRAY_LEN(job_filters),
};
const struct field job_named_fields[] = {
	FIELD(struct job_named, id, FT_INT, F_REQUIRED, "its number"),
	FIELD_END,
};
const struct field job_page_fields[] = LIST_FIELDS(struct task, task_fields);

const struct field overview_ask_fields[] = {
	FIELD(struct overview_ask, days, FT_INT, 0, "of the calendar (30; up to 366)"),
	FIELD_END,
};
static const struct field count_said_fields[] = {
	FIELD(struct count_said, status, FT_STRING, 0, "pending, issued, failed, …"),
	FIELD(struct count_said, n, FT_INT, 0, "how many"),
	FIELD_END,
};
static const struct field day_said_fields[] = {
	FIELD(struct day_said, at, FT_TIME, 0, "when the day begins, UTC"),
	FIELD(struct day_said, renewals, FT_INT, 0, "renewals that are due then"),
	FIELD(struct day_said, expiries, FT_INT, 0, "certificates that end then"),
	FIELD_END,
};
static const struct field failing_said_fields[] = {
	FIELD(struct failing_said, name, FT_STRING, 0, "the certificate"),
	FIELD(struct failing_said, owner, FT_STRING, 0, "whose it is"),
	FIELD(struct failing_said, status, FT_STRING, 0, "how it stands"),
	FIELD(struct failing_said, last_error, FT_STRING, 0, "the last failure"),
	FIELD(struct failing_said, last_error_at, FT_TIME, 0, "when that was"),
	FIELD(struct failing_said, failing_since, FT_TIME, 0, "since when attempts have failed"),
	FIELD(struct failing_said, failures, FT_INT, 0, "failures in a row"),
	FIELD(struct failing_said, next_at, FT_TIME, 0, "the next attempt"),
	FIELD(struct failing_said, not_after, FT_TIME, 0, "valid until"),
	FIELD_END,
};
const struct field overview_said_fields[] = {
	FIELD(struct overview_said, total, FT_INT, 0, "all certificates"),
	FIELD_RECORDS(struct overview_said, counts, struct count_said, count_said_fields, 0,
	              "by status"),
	FIELD_RECORDS(struct overview_said, days, struct day_said, day_said_fields, 0,
	              "what comes, today first"),
	FIELD_RECORDS(struct overview_said, failures, struct failing_said, failing_said_fields, 0,
	              "what failed last, up to 50"),
	FIELD_END,
};
const struct field refresh_said_fields[] = {
	FIELD(struct refresh_said, certificates, FT_INT, 0, "about so many the CAs are asked"),
	FIELD_END,
};
