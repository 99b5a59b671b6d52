/*
 * What the daemon does with an opened state: the one turn of one certificate, what is due, its
 * counts, and its configuration read anew while turns are running. Any thread.
 */
#ifndef OPS_OPS_DAEMON_H
#define OPS_OPS_DAEMON_H

#include "model/task.h"
#include "ops/ops.h"
#include "flow/witness.h"
#include "store/store.h"

struct ops_daemon;

/* Becomes the state's one daemon. o outlives it. http, alpn: addresses of its challenge responders,
 * NULL = none. ERR_BUSY names the one there is. */
NODISCARD int ops_daemon_open(struct ops *o, const char *http, const char *alpn,
                              struct ops_daemon **out, struct err *e);
void ops_daemon_close(struct ops_daemon *d);
/* Reads the configuration file again. Turns that are running end with the former one; a file with a
 * mistake changes nothing. */
NODISCARD int ops_daemon_reload(struct ops_daemon *d, struct err *e);
/* Takes over what another node, or a command on the host, set in the store since. */
NODISCARD int ops_daemon_settings(struct ops_daemon *d, struct err *e);
/* The event that says so, if there is one to write. Needs the database, so it is not part of it. */
void ops_daemon_tell_reload(struct ops_daemon *d);
/* Certificates at once, by the configuration. */
unsigned ops_daemon_jobs(struct ops_daemon *d);

/* Jobs that are due, and when the next one will be (0 = none). */
NODISCARD int ops_daemon_due(struct ops_daemon *d, struct arena *a, size_t limit,
                             struct job_due **out, size_t *n, int64_t *next_at, struct err *e);

enum turn { TURN_UNCHANGED, TURN_ISSUED, TURN_RENEWED, TURN_PENDING, TURN_FAILED, N_TURNS };
extern const char *const turn_words[N_TURNS];
/* One certificate's turn, as `renew` without names would have it; told in the log. *busy: somebody
 * else has it, or nothing could be recorded: it is due still. */
enum turn ops_daemon_turn(struct ops_daemon *d, const char *subject, bool *busy);

/* Tasks that wait for a process, oldest first. */
NODISCARD int ops_daemon_tasks(struct ops_daemon *d, struct arena *a, size_t limit,
                               struct task **out, size_t *n, struct err *e);
/* Does one. *busy: somebody else has it, or it is to be done anew later. */
void ops_daemon_task(struct ops_daemon *d, int64_t id, bool *busy);
/* Now and then: those at work stay this daemon's, those long ended go. */
void ops_daemon_tasks_keep(struct ops_daemon *d);
/* Who is told at once of a task that was added in this process; before there are threads. */
void ops_daemon_on_task(struct ops_daemon *d, void (*told)(void *ctx), void *ctx);

/* Who is told of each turn of a certificate in such a task; before there are threads. */
void ops_daemon_on_turn(struct ops_daemon *d, void (*told)(void *ctx, enum turn turn), void *ctx);

/* The opened state as somebody may use it who asks over the network; lives in a, and works until
 * ops_daemon_part. Events name who. */
struct ops *ops_daemon_for(struct ops_daemon *d, struct arena *a, const struct who *who);
void ops_daemon_part(struct ops_daemon *d, struct ops *o);

/* Who asks: peer, or for whom a proxy does that the configuration trusts (flow/forwarded). */
const char *ops_daemon_client(struct ops_daemon *d, struct arena *a, const char *peer,
                              const char *forwarded);

/* What is to be told by now, and what is on its way to people; with pass, also that all is looked
 * after (failed: something was not). Waits for the network. */
void ops_daemon_news(struct ops_daemon *d, bool pass, bool failed);

/* Whether this machine's clock may be believed, and why not (flow/witness). Waits for the network.
 */
NODISCARD int ops_daemon_clock(struct ops_daemon *d, struct arena *a, enum clock_verdict *verdict,
                               const char **why, struct err *e);
/* What came of it, as an event. */
void ops_daemon_clock_tell(struct ops_daemon *d, const char *text);

/* What is done once a day (flow/persist_daily). Waits for the network. */
void ops_daemon_daily(struct ops_daemon *d);
/* The event log's last number and MAC, "NUMBER:MAC". */
NODISCARD int ops_daemon_head(struct ops_daemon *d, struct arena *a, const char **out,
                              struct err *e);

/* How the daemon is, for its HTTP side. */
struct daemon_state {
	bool ready;
	char why[200]; /* it is not */
	int64_t started_at,
	    last_pass_at, /* when the last pass ended, that of ten minutes; 0 = none */
	    last_look_at; /* the last look at what is due that succeeded; 0 = none */
	unsigned running, sleeping, queued, slots;
	uint64_t turns[N_TURNS], clock_jumps;
	bool clock_held; /* it is not believed for now: nothing is begun that nobody asked for */
};
/* What is live of a certificate, by its name or the first name it is for. ERR_NOT_FOUND: there is
 * none, or nothing of it is live. */
NODISCARD int ops_daemon_live(struct ops_daemon *d, struct arena *a, const char *typed,
                              struct version *out, struct err *e);
/* Whether it is still the one with that fingerprint: reads only that, for who asks again and again.
 * False also if it cannot be said so cheaply: ops_daemon_live says it then. */
bool ops_daemon_is_live(struct ops_daemon *d, struct arena *a, const char *typed,
                        const char *fingerprint);
/* Whether the database went away and is being waited for; never waits itself. */
bool ops_daemon_is_away(struct ops_daemon *d);
/* Who asks is answered: until ops_daemon_patient, this thread waits a few seconds at most for the
 * database, and ERR_AGAIN says at once that it is known to be away. */
NODISCARD int ops_daemon_impatient(struct ops_daemon *d, struct err *e);
void ops_daemon_patient(void);
/* Puts in place here what other nodes made live. One thread at a time. */
void ops_daemon_follow(struct ops_daemon *d);
/* From now on a database that is away is not waited for as long as it takes: it would hold up the
 * end. */
void ops_daemon_end(struct ops_daemon *d);
/* What a challenge responder has to answer of what another node made; false: nothing. Asks a shared
 * database only, and not while it is away. */
bool ops_daemon_challenge(void *daemon, struct arena *a, const char *type, const char *key,
                          const char **value);
/* Prolongs the leases of what is at work. */
void ops_daemon_leases_keep(struct ops_daemon *d);
NODISCARD int ops_daemon_counts(struct ops_daemon *d, struct store_counts *out, struct err *e);

#endif
