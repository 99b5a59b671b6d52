/*
 * Rows <-> model. One struct store is shared by all threads; every function locks it for its own
 * time, or works inside a transaction between store_begin and store_commit of the same thread
 * (nothing that waits goes in between). Secrets (FT_SECRET) are sealed on the way in and opened on
 * the way out, under a label of table, column and the row's name. Results live in the arena given.
 * Errors: ERR_DAMAGED, ERR_IO (disk full), ERR_BUSY, ERR_NOT_FOUND, ERR_EXISTS. SQL is the dialect
 * SQLite and PostgreSQL share; nothing of sys/db.h shows here.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "model/account.h"
#include "model/ca.h"
#include "model/cert.h"
#include "model/challenge.h"
#include "model/chain.h"
#include "model/channel.h"
#include "model/dns_account.h"
#include "model/event.h"
#include "model/job.h"
#include "model/limit.h"
#include "model/order.h"
#include "model/outbox.h"
#include "model/setting.h"
#include "model/task.h"
#include "model/version.h"

struct store;
struct cancel;

struct store_options {
	const char *state_dir;    /* made 0700 if it is not there */
	const char *database_url; /* NULL = sqlite:STATE/everleaf.db */
	const char *actor;        /* for events: "cli:root" */
	bool create; /* false: ERR_NOT_FOUND if there is no state yet (reading commands) */
};
NODISCARD int store_open(const struct store_options *o, struct store **out, struct err *e);
void store_close(struct store *s);
/* A database on a server that went away is waited for so long by whoever needs it, until cancel is
 * set; negative: as long as it takes. Anybody may ask, without waiting, whether one is. */
void store_patience(struct store *s, int64_t wait_ms, const struct cancel *cancel);
bool store_is_away(struct store *s);
/* See db_patience_here. */
void store_patience_here(int64_t wait_ms);
/* On a server, which other hosts may use too. */
bool store_is_shared(const struct store *s);
/* By the clock of the database's server; this machine's where there is none. */
NODISCARD int store_clock(struct store *s, int64_t *now, struct err *e);

NODISCARD int store_begin(struct store *s, struct err *e);
NODISCARD int store_commit(struct store *s, struct err *e); /* a failure has rolled back */
void store_rollback(struct store *s);

/* What the next change by this thread rests on, until one was made; holds NULL = nothing. It is
 * asked in the transaction of the change, before anything of it is written and while all other
 * writers wait; what it fails with is what the change fails with. holds reads the store, and
 * neither writes nor waits. made (NULL = nothing) writes in the transaction of the change that the
 * change is made: both are there, or neither is. */
void store_condition(struct store *s, int (*holds)(void *ctx, struct err *e),
                     int (*made)(void *ctx, struct err *e), void *ctx);
/* Asks it now, and not again: for who keeps others off by a lease, before what cannot be rolled
 * back. The next change is the one that made goes with. */
NODISCARD int store_condition_look(struct store *s, struct err *e);

/* Each put inserts when id is 0 (and sets it) and updates the row of that id otherwise. */

/* certs */
NODISCARD int st_cert_put(struct store *s, struct cert *c,
                          struct err *e); /* also makes its job row, run_at 0 */
NODISCARD int st_cert_get(struct store *s, struct arena *a, const char *name, struct cert *out,
                          struct err *e);
struct cert_filter {
	const char *status; /* NULL = any */
	const char *owner;
	const struct scope *scope; /* NULL = any */
	int64_t expires_before;    /* 0 = any */
};
NODISCARD int st_cert_list(struct store *s, struct arena *a, const struct cert_filter *f,
                           struct cert **out, size_t *n, struct err *e);
/* Calls each in turn, by name. They are read some at a time, each time with an arena of its own: a
 * list of any length takes little memory, and others may write meanwhile. */
NODISCARD int st_cert_each(struct store *s, const struct cert_filter *f,
                           int (*row)(void *ctx, const struct cert *c, struct arena *a,
                                      struct err *e),
                           void *ctx, struct err *e);
/* Some of them, in an order (ties by name), from a place on. */
enum cert_order { CERT_BY_NAME, CERT_BY_END, CERT_BY_RENEWAL, CERT_BY_AGE };
struct cert_page {
	const char *status, *owner, *ca, *account, *method; /* NULL = any; status as plan_status
	                                                      says it */
	const struct scope *scope;                          /* NULL = any */
	int64_t expires_before;                             /* 0 = any */
	const char *search; /* beginning of its name, or of a name it is for, or a domain above
	                       one; NULL = any */
	bool waiting;       /* only those that have no certificate yet, or wait for a person */
	int64_t now;
	enum cert_order order;
	bool descending;
	const char *after_name; /* after the one of this name; NULL = from the first */
	int64_t after_value;    /* what that one is ordered by, unless by name */
	bool secrets;           /* read too */
	size_t limit;
};
NODISCARD int st_cert_page(struct store *s, struct arena *a, const struct cert_page *p,
                           struct cert **out, size_t *n, struct err *e);
/* The CAs are to be asked for their renewal information at once; *n = of so many. */
NODISCARD int st_ari_ask_again(struct store *s, int64_t now, int64_t *n, struct err *e);
/* When the oldest that is here was asked for; 0 = there is none. */
NODISCARD int st_cert_first_made(struct store *s, int64_t *at, struct err *e);
/* Some certificates: NULL = any owner's, and all of these. */
struct whose {
	const char *owner;
	const struct scope *scope;
};
/* Those that failed last, newest failure first. */
NODISCARD int st_cert_failing(struct store *s, struct arena *a, const struct whose *w, size_t limit,
                              struct cert **out, size_t *n, struct err *e);
struct status_count {
	const char *status;
	int64_t n;
};
/* Counts, and how many renew and end on each day, today first. */
struct overview {
	struct status_count counts[8]; /* as stored; the first NULL ends them */
	int64_t ended;                 /* of those that are issued */
	size_t n_days;
	int64_t *renewals, *ends;
};
NODISCARD int st_overview(struct store *s, struct arena *a, const struct whose *w, int64_t now,
                          size_t days, struct overview *out, struct err *e);
NODISCARD int st_cert_delete(
    struct store *s, const char *name,
    struct err *e); /* with versions, orders, challenges, job; events stay */

/* jobs and leases */
NODISCARD int st_job_due(struct store *s, struct arena *a, int64_t now, size_t limit,
                         struct strings *subjects, struct err *e);
/* The same with the CA of each, first due first, without those that a thread of this process works
 * on; *next_at = when the first of those that are not due yet will be, 0 = none. For the daemon:
 * one reading by the index. */
struct job_due {
	const char *subject, *ca; /* ca NULL = none */
};
NODISCARD int st_job_look(struct store *s, struct arena *a, int64_t now, size_t limit,
                          struct job_due **out, size_t *n, int64_t *next_at, struct err *e);
NODISCARD int st_job_set(struct store *s, const char *subject, int64_t run_at, struct err *e);

/* Counts for the metrics; each is one reading of an index, and of very many is some seconds old. */
struct store_counts {
	struct status_count v[8]; /* by status as stored; the first NULL ends them */
	int64_t ended, ends_1d, ends_7d, ends_30d; /* issued ones: over; within so many days */
	int64_t due;                               /* jobs whose time has come */
};
NODISCARD int st_counts(struct store *s, int64_t now, struct store_counts *out, struct err *e);
/* Takes the lease for this process. ERR_BUSY with the holder's words ("process 123 (everleaf renew)
 * on HOST since …") when a living one has it; a lease that ran out, or whose process on this host
 * is dead, is taken over. */
NODISCARD int st_job_lease(struct store *s, const char *subject, const char *what, int64_t seconds,
                           struct err *e);
/* Before an act outside: this thread's leases are still its own, and prolonged when half over.
 * ERR_BUSY: another process has taken one over. (Every transaction looks too.) */
NODISCARD int st_lease_look(struct store *s, struct err *e);
/* Prolongs those of all threads of this process that are half over. */
NODISCARD int st_lease_keep_own(struct store *s, struct err *e);
/* This process's own lease, if it has one; also within a transaction. */
NODISCARD int st_job_lease_end(struct store *s, const char *subject, struct err *e);
void st_job_release(struct store *s, const char *subject);

/* tasks (model/task.h). Those read have no input, but for what st_task_take gives. */
NODISCARD int st_task_add(struct store *s, struct task *t, struct err *e); /* queues it; sets id */
NODISCARD int st_task_get(struct store *s, struct arena *a, int64_t id, struct task *out,
                          struct err *e); /* ERR_NOT_FOUND */
struct task_filter {
	const char *state, *subject, *user; /* NULL = any */
	const struct scope *scope;          /* asked for by a token narrowed so; NULL = by any */
	int64_t before_id;                  /* 0 = the newest */
	size_t limit;
};
NODISCARD int st_task_list(struct store *s, struct arena *a, const struct task_filter *f,
                           struct task **out, size_t *n, struct err *e); /* newest first */
/* Those that wait for a process, or whose process died; oldest first. Of each only its id, user,
 * state and lease. */
NODISCARD int st_task_look(struct store *s, struct arena *a, size_t limit, struct task **out,
                           size_t *n, struct err *e);
/* Takes its lease for this process; *taken false: somebody else has it, or it ended. */
NODISCARD int st_task_take(struct store *s, struct arena *a, int64_t id, const char *what,
                           int64_t seconds, struct task *out, bool *taken, struct err *e);
/* Those that this process works on, for so long from now on. */
NODISCARD int st_task_keep_own(struct store *s, int64_t seconds, struct err *e);
/* Of one taken; ERR_BUSY if its lease was lost meanwhile. park: it is queued again. end: with what
 * it has of result and error; failed if it has an error. */
/* In the transaction of its first change: what it rested on is looked at no more. */
NODISCARD int st_task_begun(struct store *s, const struct task *t, struct err *e);
NODISCARD int st_task_park(struct store *s, const struct task *t, struct err *e);
NODISCARD int st_task_end(struct store *s, const struct task *t, struct err *e);
/* A queued one ends as failed; ERR_BUSY: it has been begun. */
NODISCARD int st_task_cancel(struct store *s, int64_t id, const char *error, struct err *e);
NODISCARD int st_task_forget(struct store *s, int64_t before,
                             struct err *e); /* that ended before */

/* versions */
NODISCARD int st_version_put(struct store *s, struct version *v,
                             struct err *e); /* n is set to the next one when 0 */
/* n 0: the newest. */
NODISCARD int st_version_get(struct store *s, struct arena *a, const char *cert, int64_t n,
                             struct version *out, struct err *e);
/* The fingerprint of the live one: reads nothing else. NULL = nothing is live. */
NODISCARD int st_version_live(struct store *s, struct arena *a, const char *cert, const char **out,
                              struct err *e);
NODISCARD int st_version_list(struct store *s, struct arena *a, const char *cert,
                              struct version **out, size_t *n,
                              struct err *e); /* newest first; key left NULL */
NODISCARD int st_version_by_fingerprint(struct store *s, struct arena *a, const char *fingerprint,
                                        struct version *out, struct err *e);

/* orders: at most one not done or failed per certificate */
NODISCARD int st_order_put(struct store *s, struct order *o, struct err *e);
NODISCARD int st_order_open(struct store *s, struct arena *a, const char *cert, struct order *out,
                            struct err *e); /* ERR_NOT_FOUND */

/* challenges */
NODISCARD int st_challenge_put(struct store *s, struct challenge *c, struct err *e);
NODISCARD int st_challenge_list(struct store *s, struct arena *a, const char *cert,
                                struct challenge **out, size_t *n, struct err *e);
/* The newest by its token (http-01) or domain (others). *found false: there is none. */
NODISCARD int st_challenge_find(struct store *s, struct arena *a, const char *type, const char *key,
                                struct challenge *out, bool *found, struct err *e);
NODISCARD int st_challenge_delete(struct store *s, int64_t id, struct err *e);
/* Certificates that have challenges left over (for the sweep at start). */
NODISCARD int st_challenge_certs(struct store *s, struct arena *a, struct strings *certs,
                                 struct err *e);

/* accounts, CAs */
NODISCARD int st_account_put(struct store *s, struct account *x, struct err *e);
NODISCARD int st_account_get(struct store *s, struct arena *a, const char *name,
                             struct account *out, struct err *e);
NODISCARD int st_account_list(struct store *s, struct arena *a, struct account **out, size_t *n,
                              struct err *e);
NODISCARD int st_account_delete(struct store *s, const char *name, struct err *e);
NODISCARD int st_ca_put(struct store *s, struct ca *c, struct err *e);
NODISCARD int st_ca_list(struct store *s, struct arena *a, struct ca **out, size_t *n,
                         struct err *e); /* added ones only */
NODISCARD int st_ca_delete(struct store *s, const char *name, struct err *e);

/* DNS accounts */
NODISCARD int st_dns_put(struct store *s, struct dns_account *x, struct err *e);
NODISCARD int st_dns_get(struct store *s, struct arena *a, const char *name,
                         struct dns_account *out, struct err *e); /* ERR_NOT_FOUND */
NODISCARD int st_dns_list(struct store *s, struct arena *a, struct dns_account **out, size_t *n,
                          struct err *e); /* by name; settings and saved left NULL */
NODISCARD int st_dns_delete(struct store *s, const char *name, struct err *e);

/* Takes all of these locks for this process, or none: ERR_BUSY names one and who has it. A process
 * on this host that died has lost its own; elsewhere a lock ends after so many seconds. One that
 * this process has already is busy too: its threads take turns. */
NODISCARD int st_lock_take(struct store *s, const struct strings *names, const char *what,
                           int64_t seconds, struct err *e);
void st_lock_drop(struct store *s, const struct strings *names);

/* rate limits, by bucket name */
NODISCARD int st_limit_get(struct store *s, struct arena *a, const struct strings *names,
                           struct bucket **out, size_t *n,
                           struct err *e); /* those that there are */
NODISCARD int st_limit_put(struct store *s, struct bucket *b, struct err *e);
NODISCARD int st_limit_delete(struct store *s, const struct strings *names, struct err *e);
NODISCARD int st_limit_prune(struct store *s, int64_t now_ms,
                             struct err *e); /* those that are full again */
NODISCARD int st_limit_list(struct store *s, struct arena *a, int64_t now_ms, struct bucket **out,
                            size_t *n, struct err *e); /* those that are not, by name */
/* A set of names was issued at that time; what was before `since` is forgotten. */
NODISCARD int st_limit_set_issued(struct store *s, const char *name, int64_t at, int64_t since,
                                  struct err *e);
/* When it was issued last; 0 = never, or that is forgotten. */
NODISCARD int st_limit_set_get(struct store *s, struct arena *a, const char *name, int64_t *at,
                               struct err *e);

/* keys refused for good, by SHA-256 of the SubjectPublicKeyInfo in hexadecimal */
NODISCARD int st_key_block(struct store *s, const char *spki_sha256, const char *why,
                           struct err *e);
NODISCARD int st_key_is_blocked(struct store *s, const char *spki_sha256, bool *blocked,
                                struct err *e);

/* events */
/* Who acts on this thread from now on, and from what address; they outlive it. NULL = whom the
 * store was opened for. */
void store_act_as(const char *actor, const char *address);
NODISCARD int st_event_add(struct store *s, const char *cert, const char *kind, struct err *e,
                           const char *fmt, ...) PRINTF(5, 6);
NODISCARD int st_event_list(struct store *s, struct arena *a, const char *cert, int64_t after_id,
                            size_t limit, struct event **out, size_t *n,
                            struct err *e); /* oldest first; cert NULL = all */

struct event_page {
	const char *cert, *owner, *kind, *actor; /* NULL = any; owner: of their certificates */
	const struct scope *scope;               /* NULL = any; else of certificates in it */
	int64_t since, after_id;                 /* 0 = from the first (or the newest) */
	bool newest_first;
	size_t limit;
};
NODISCARD int st_event_page(struct store *s, struct arena *a, const struct event_page *p,
                            struct event **out, size_t *n, struct err *e);

/* Lists that people look through, a page at a time (st_list.c). A list has tests, an order and a
 * place, by the names of columns. */
enum list_of { LISTED_USERS, LISTED_TOKENS, LISTED_TASKS, LISTED_EVENTS };
enum list_how {
	LIST_IS,     /* text, or number where text is NULL */
	LIST_HAS,    /* one of the columns has the text in it, whatever its case in ASCII */
	LIST_SINCE,  /* number: not before */
	LIST_BEFORE, /* number: before */
};
#define LIST_COLUMNS 4
#define LIST_TESTS 10
struct list_test {
	enum list_how how;
	const char *columns[LIST_COLUMNS]; /* but for LIST_HAS the first alone */
	const char *text;
	int64_t number;
};
struct list_value {
	const char *text; /* NULL = it is a number */
	int64_t number;
};
struct list_place {
	bool is_there;
	struct list_value value, key; /* value: what it is ordered by */
};
struct list_ask {
	struct list_test tests[LIST_TESTS];
	size_t n_tests;
	const char *owner;         /* events: of their certificates; NULL = of anybody */
	const struct scope *scope; /* events: of certificates in it; tasks: asked for by a token
	                              that is narrowed so; NULL = any */
	const char *sort, *key;    /* the key is unique, and orders what is alike otherwise */
	bool descending;
	struct list_place after;
	size_t limit;
};
/* An array of the table's struct, without secrets (but of users). Of tasks and events, which may be
 * millions, no more than a bounded number is looked at: then *stopped says where to go on, though
 * fewer were found than asked for, or none. */
NODISCARD int st_list(struct store *s, struct arena *a, enum list_of what,
                      const struct list_ask *ask, void **out, size_t *n, struct list_place *stopped,
                      struct err *e);
/* The newest event's number; 0 = there is none. What has a lower one is there for whoever looks
 * from now on. */
NODISCARD int st_event_newest(struct store *s, int64_t *id, struct err *e);

/* What events of a kind are about, those after *after up to upto, oldest first; *after = the last
 * one's number. Fewer than limit: there are no more. */
NODISCARD int st_event_certs(struct store *s, struct arena *a, const char *kind, int64_t *after,
                             int64_t upto, size_t limit, struct strings *certs, struct err *e);

/* Whether all events are as they were written (store/chain.h); noted: a head from before, NULL =
 * none. ERR_USAGE: that is none. */
NODISCARD int st_chain_verify(struct store *s, struct arena *a, const char *noted,
                              const struct cancel *cancel, struct chain_check *out, struct err *e);
NODISCARD int st_chain_head(struct store *s, struct arena *a, const char **out,
                            struct err *e); /* "NUMBER:MAC" */

/* *taken: every_s seconds have passed since name was last taken, by whatever process; now it is.
 * put: as if that had been at that time. */
NODISCARD int st_daily_take(struct store *s, const char *name, int64_t now, int64_t every_s,
                            bool *taken, struct err *e);
NODISCARD int st_daily_put(struct store *s, const char *name, int64_t at, struct err *e);
/* Names of the certificates with this method that are not revoked, those after one. */
NODISCARD int st_cert_of_method(struct store *s, struct arena *a, const char *method,
                                const char *after, size_t limit, struct strings *out,
                                struct err *e);

/* channels and the outbox (model/channel.h, model/outbox.h) */
NODISCARD int st_channel_put(struct store *s, struct channel *x, struct err *e);
NODISCARD int st_channel_get(struct store *s, struct arena *a, const char *name,
                             struct channel *out, struct err *e); /* ERR_NOT_FOUND */
NODISCARD int st_channel_list(struct store *s, struct arena *a, struct channel **out, size_t *n,
                              struct err *e); /* by name; settings left NULL */
NODISCARD int st_channel_delete(struct store *s, const char *name,
                                struct err *e); /* with what is on its way */
/* How its last delivery went: sent_at 0 and error, or error NULL. */
NODISCARD int st_channel_result(struct store *s, const char *name, int64_t sent_at,
                                const char *error, struct err *e);
/* id, token, attempts and sent_at are set here; a key that the channel has already is left as it
 * is. */
NODISCARD int st_outbox_add(struct store *s, const struct outbox *x, struct err *e);
/* Mail addresses of the administrators who have one. */
NODISCARD int st_admin_addresses(struct store *s, struct arena *a, struct strings *out,
                                 struct err *e);
/* Enabled channels for which something is due. */
NODISCARD int st_outbox_channels(struct store *s, struct arena *a, int64_t now, struct strings *out,
                                 struct err *e);
NODISCARD int st_outbox_due(struct store *s, struct arena *a, const char *channel, int64_t now,
                            size_t limit, struct outbox **out, size_t *n, struct err *e);
NODISCARD int st_outbox_waiting(struct store *s, const char *channel, int64_t *n, struct err *e);
/* due_at, attempts, sent_at and last_error of these rows, in one transaction. */
NODISCARD int st_outbox_put(struct store *s, const struct outbox *v, size_t n, struct err *e);
/* Takes away what arrived, or was given up, and happened before. */
NODISCARD int st_outbox_forget(struct store *s, int64_t before, struct err *e);

/* Certificates about which something is to be told by now (an index finds them), and that it was.
 */
NODISCARD int st_tell_due(struct store *s, struct arena *a, int64_t now, size_t limit,
                          struct strings *certs, struct err *e);
NODISCARD int st_tell_set(struct store *s, const char *cert, int64_t told_until, int64_t tell_at,
                          struct err *e);

/* When the last pass over all that is due ended; 0 = never. */
NODISCARD int st_pass_put(struct store *s, int64_t at, struct err *e);
NODISCARD int st_pass_get(struct store *s, int64_t *at, struct err *e);

/* What was set for all nodes. take: for a change, in its transaction; nobody else changes it then.
 */
NODISCARD int st_settings_get(struct store *s, struct arena *a, struct settings *out,
                              struct err *e);
NODISCARD int st_settings_take(struct store *s, struct arena *a, struct settings *out,
                               struct err *e);
NODISCARD int st_settings_put(struct store *s, const struct settings *x, struct err *e);

/* Where the master key of a state folder is: the file that EVERLEAF_MASTER_KEY_FILE names, else the
 * credential everleaf-master-key that systemd hands over, else master.key in the folder. */
char *store_key_file(struct arena *a, const char *state_dir);
/* ERR_DAMAGED: the master key is not there, or not the one that sealed the database. */
NODISCARD int store_key_look(struct store *s, struct err *e);
/* A new master key: everything sealed is sealed anew in one transaction, then the key file is
 * replaced; a kill in between leaves one of the two states, never a mixture (the next key waits
 * beside the old one as master.key.next). ERR_USAGE: the key is a credential of systemd. */
NODISCARD int store_rotate_master_key(struct store *s, struct err *e);

DEFINE_CLEANUP(store_cleanup, struct store, store_close)

#endif
