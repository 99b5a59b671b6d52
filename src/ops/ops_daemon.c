/*
 * The daemon's side of ops. What a turn works with is one generation (generation.h), counted: a
 * reload makes another, and the former one goes with its last turn.
 */
#include "ops/ops_daemon.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/daemon.h"
#include "flow/forwarded.h"
#include "flow/persist_daily.h"
#include "flow/follow.h"
#include "flow/ping.h"
#include "flow/post.h"
#include "flow/session.h"
#include "flow/tell.h"
#include "ops/generation.h"
#include "ops/internal.h"
#include "ops/owner.h"
#include "ops/who.h"

#define END_PATIENCE_MS 3000
#define CALL_PATIENCE_MS 3000
/* then the database is away, which the responder knows what to do about */
#define CHALLENGE_PATIENCE_MS 500

struct ops_daemon {
	struct ops *ops;
	int lock_fd;
	pthread_mutex_t changing; /* held by who makes another generation; before `lock` */
	pthread_mutex_t lock;
	struct generation *now;
	atomic_bool reload_untold; /* the log does not have it yet */
	struct follow *follow;     /* by one worker at a time */
	void (*turn_done)(void *ctx, enum turn turn);
	void *turn_done_ctx;
};

const char *const turn_words[N_TURNS] = { "unchanged", "issued", "renewed", "pending", "failed" };

static struct generation *generation_hold(struct ops_daemon *d)
{
	struct generation *g;

	pthread_mutex_lock(&d->lock);
	g = d->now;
	g->refs++;
	pthread_mutex_unlock(&d->lock);
	return g;
}

static void generation_release(struct ops_daemon *d, struct generation *g)
{
	bool last;

	pthread_mutex_lock(&d->lock);
	last = --g->refs == 0;
	pthread_mutex_unlock(&d->lock);
	if (last)
		generation_free(g);
}

int ops_daemon_open(struct ops *o, const char *http, const char *alpn, struct ops_daemon **out,
                    struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct settings stored;
	struct generation *g;
	struct ops_daemon *d;
	int fd;

	/* without it nothing could be renewed, and a balancer would send people here */
	TRY(store_key_look(o->run.store, e));
	TRY(st_settings_get(o->run.store, a, &stored, e));
	TRY(daemon_become(o->run.state_dir, http, alpn, &fd, e));
	o->run.http = http;
	o->run.alpn = alpn;
	if (generation_read(o, &stored, &g, e) < 0) {
		close(fd);
		return -(int)e->code;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		out_of_memory();
	*d = (struct ops_daemon){ .ops = o, .lock_fd = fd, .now = g, .follow = follow_new() };
	pthread_mutex_init(&d->lock, NULL);
	pthread_mutex_init(&d->changing, NULL);
	ca_tell_hidden(&g->run);
	store_patience(o->run.store, -1, o->run.cancel);
	*out = d;
	return 0;
}

void ops_daemon_close(struct ops_daemon *d)
{
	if (!d)
		return;
	generation_release(d, d->now);
	follow_free(d->follow);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->changing);
	close(d->lock_fd);
	free(d);
}

static void replace(struct ops_daemon *d, struct generation *fresh)
{
	struct generation *former;

	pthread_mutex_lock(&d->lock);
	former = d->now;
	d->now = fresh;
	pthread_mutex_unlock(&d->lock);
	generation_release(d, former);
}

int ops_daemon_reload(struct ops_daemon *d, struct err *e)
{
	struct generation *fresh = NULL;
	int rc;

	pthread_mutex_lock(&d->changing);
	rc = generation_read(d->ops, &d->now->stored, &fresh, e);
	if (rc == 0)
		replace(d, fresh);
	pthread_mutex_unlock(&d->changing);
	TRY(rc);
	atomic_store(&d->reload_untold, true);
	return 0;
}

int ops_daemon_settings(struct ops_daemon *d, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct settings stored;
	bool changed;

	TRY(st_settings_get(d->ops->run.store, a, &stored, e));
	pthread_mutex_lock(&d->changing);
	changed = !settings_same(&d->now->stored, &stored);
	if (changed)
		replace(d, generation_with(d->ops, d->now, &stored));
	pthread_mutex_unlock(&d->changing);
	if (changed)
		log_info("settings were changed");
	return 0;
}

void ops_daemon_tell_reload(struct ops_daemon *d)
{
	struct generation *g;
	struct err e;

	if (!atomic_exchange(&d->reload_untold, false))
		return;
	g = generation_hold(d);
	ca_tell_hidden(&g->run);
	generation_release(d, g);
	if (st_event_add(d->ops->run.store, NULL, "configuration", &e,
	                 "the daemon read its configuration again") < 0) {
		log_warn("the log does not have it that the configuration was read again: %s",
		         e.text);
		atomic_store(&d->reload_untold, true);
	}
}

struct view {
	struct ops ops; /* first: what is handed out */
	struct intake_rule rule;
	struct generation *held;
};

struct ops *ops_daemon_for(struct ops_daemon *d, struct arena *a, const struct who *who)
{
	struct view *v = ARENA_NEW(a, struct view);

	v->held = generation_hold(d);
	v->ops = *d->ops;
	v->ops.arena = a;
	v->ops.config = v->held->config;
	v->ops.run = v->held->run;
	v->ops.run.is_daemon = false;
	v->rule = (struct intake_rule){ owner_meet, owner_rule, &v->ops };
	v->ops.run.rule = &v->rule;
	v->ops.run.public_only = !v->ops.config.allow_private;
	v->ops.who = who;
	v->ops.run.hides_cas = owner_scope(&v->ops) != NULL;
	v->ops.daemon = d;
	v->ops.actor = who->user ? arena_printf(a, "user:%s", who->user) : "nobody";
	v->ops.dry = NULL;
	ops_act(&v->ops);
	return &v->ops;
}

void ops_daemon_part(struct ops_daemon *d, struct ops *o)
{
	struct view *v = (struct view *)o;

	store_act_as(NULL, NULL);
	if (v->ops.dry)
		ops_close(v->ops.dry);
	generation_release(d, v->held);
}

struct ops *ops_daemon_ops(struct ops_daemon *d)
{
	return d->ops;
}

void ops_daemon_on_task(struct ops_daemon *d, void (*told)(void *ctx), void *ctx)
{
	d->ops->task_added = told;
	d->ops->task_added_ctx = ctx;
}

const char *ops_daemon_client(struct ops_daemon *d, struct arena *a, const char *peer,
                              const char *forwarded)
{
	struct generation *g = generation_hold(d);
	const char *address = forwarded_for(a, &g->config.trusted_proxies, peer, forwarded);

	generation_release(d, g);
	return address;
}

unsigned ops_daemon_jobs(struct ops_daemon *d)
{
	struct generation *g = generation_hold(d);
	unsigned jobs = g->config.jobs ? (unsigned)g->config.jobs : CONFIG_JOBS;

	generation_release(d, g);
	return jobs;
}

int ops_daemon_due(struct ops_daemon *d, struct arena *a, size_t limit, struct job_due **out,
                   size_t *n, int64_t *next_at, struct err *e)
{
	return st_job_look(d->ops->run.store, a, clock_now(), limit, out, n, next_at, e);
}

bool ops_daemon_is_away(struct ops_daemon *d)
{
	return store_is_away(d->ops->run.store);
}

int ops_daemon_impatient(struct ops_daemon *d, struct err *e)
{
	if (ops_daemon_is_away(d))
		return err_set(e, ERR_AGAIN, "the database is away; come again later");
	store_patience_here(CALL_PATIENCE_MS);
	return 0;
}

void ops_daemon_patient(void)
{
	store_patience_here(-1);
}

void ops_daemon_follow(struct ops_daemon *d)
{
	struct generation *g = generation_hold(d);
	struct err e;

	if (follow_look(d->follow, &g->run, &e) < 0)
		log_warn("what other nodes made could not be looked for: %s", e.text);
	generation_release(d, g);
}

void ops_daemon_end(struct ops_daemon *d)
{
	store_patience(d->ops->run.store, END_PATIENCE_MS, d->ops->run.cancel);
}

bool ops_daemon_challenge(void *daemon, struct arena *a, const char *type, const char *key,
                          const char **value)
{
	struct store *s = ((struct ops_daemon *)daemon)->ops->run.store;
	struct challenge c = { 0 };
	bool found = false;
	struct err e;

	if (!store_is_shared(s) || store_is_away(s))
		return false;
	store_patience_here(CHALLENGE_PATIENCE_MS);
	if (st_challenge_find(s, a, type, key, &c, &found, &e) < 0) {
		log_warn("a challenge could not be looked for: %s", e.text);
		return false;
	}
	*value = c.value;
	return found && c.value;
}

void ops_daemon_leases_keep(struct ops_daemon *d)
{
	struct err e;

	if (st_lease_keep_own(d->ops->run.store, &e) < 0)
		log_warn("leases: %s", e.text);
}

int ops_daemon_counts(struct ops_daemon *d, struct store_counts *out, struct err *e)
{
	return st_counts(d->ops->run.store, clock_now(), out, e);
}

int ops_daemon_live(struct ops_daemon *d, struct arena *a, const char *typed, struct version *out,
                    struct err *e)
{
	struct store *s = d->ops->run.store;
	const char *name;
	struct cert c;

	TRY(ops_cert_name(d->ops, a, typed, &name, e));
	TRY(st_cert_get(s, a, name, &c, e));
	if (c.live_version == 0)
		return err_set(e, ERR_NOT_FOUND, "nothing of %s is live yet", name);
	return st_version_get(s, a, name, c.live_version, out, e);
}

bool ops_daemon_is_live(struct ops_daemon *d, struct arena *a, const char *typed,
                        const char *fingerprint)
{
	const char *live = NULL;
	struct err ignored;

	return st_version_live(d->ops->run.store, a, typed, &live, &ignored) == 0 && live &&
	       strcmp(live, fingerprint) == 0;
}

/* Whether its job row may be due still: what stopped the turn kept it from being recorded too. */
static bool is_still_due(enum err_code code)
{
	return code == ERR_BUSY || code == ERR_AGAIN || code == ERR_CANCELLED || code == ERR_IO ||
	       code == ERR_DAMAGED || code == ERR_DENIED || code == ERR_NOT_FOUND;
}

/* asked: somebody waits to hear of it. */
static void tell_turn(const char *subject, enum turn turn, const struct work_result *r, bool asked)
{
	struct log_context former = log_context_set("%s", subject);

	if (turn == TURN_ISSUED || turn == TURN_RENEWED)
		log_info("%s", turn_words[turn]);
	if (turn == TURN_PENDING)
		log_info("waits for what has to be published");
	if (r->failure.code == ERR_CANCELLED || (r->failure.code == ERR_BUSY && !asked))
		log_detail("%s", r->failure.text);
	else if (r->failure.code != ERR_NONE)
		log_error("%s", r->failure.text);
	log_context_restore(&former);
}

/* Of no fault of the certificate's: it comes again, and nothing was noted of it (flow/work). */
static bool is_put_back(const struct work_result *r)
{
	const struct err *e = &r->failure;

	return err_is_crowded(e) ||
	       (r->outcome == WORK_FAILED &&
	        ((!r->begun && e->code == ERR_BUSY) || e->code == ERR_CANCELLED ||
	         err_is_of_database(e) || err_is_taken_over(e)));
}

static const enum turn turns[] = { [WORK_UNCHANGED] = TURN_UNCHANGED,
	                           [WORK_ISSUED] = TURN_ISSUED,
	                           [WORK_RENEWED] = TURN_RENEWED,
	                           [WORK_PENDING] = TURN_PENDING,
	                           [WORK_FAILED] = TURN_FAILED };

enum turn ops_daemon_turn(struct ops_daemon *d, const char *subject, bool *busy)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct work_options how = { .only_renew = true };
	struct generation *g = generation_hold(d);
	struct work_result r;
	enum turn turn;

	work_on(&g->run, a, subject, NULL, &how, &r);
	turn = is_put_back(&r) ? TURN_UNCHANGED : turns[r.outcome];
	*busy =
	    turn == TURN_UNCHANGED || (r.failure.code != ERR_NONE && is_still_due(r.failure.code));
	tell_turn(subject, turn, &r, false);
	generation_release(d, g);
	return turn;
}

void ops_daemon_on_turn(struct ops_daemon *d, void (*told)(void *ctx, enum turn turn), void *ctx)
{
	d->turn_done = told;
	d->turn_done_ctx = ctx;
}

void ops_daemon_asked_turn(struct ops_daemon *d, const char *subject, const struct work_result *r)
{
	bool begun = r->begun || r->failure.code != ERR_BUSY;

	if (begun && is_put_back(r))
		return;
	tell_turn(subject, turns[r->outcome], r, true);
	if (d->turn_done)
		d->turn_done(d->turn_done_ctx, turns[r->outcome]);
}

int ops_daemon_head(struct ops_daemon *d, struct arena *a, const char **out, struct err *e)
{
	return st_chain_head(d->ops->run.store, a, out, e);
}

int ops_daemon_clock(struct ops_daemon *d, struct arena *a, enum clock_verdict *verdict,
                     const char **why, struct err *e)
{
	struct generation *g = generation_hold(d);
	int failed = witness_look(&g->run, a, true, verdict, why, e);

	generation_release(d, g);
	return failed;
}

void ops_daemon_clock_tell(struct ops_daemon *d, const char *text)
{
	struct err e;

	if (st_event_add(d->ops->run.store, NULL, "clock", &e, "%s", text) < 0)
		log_warn("the log does not have it how the clock is: %s", e.text);
}

void ops_daemon_daily(struct ops_daemon *d)
{
	struct generation *g = generation_hold(d);
	struct err e;

	if (persist_daily(&g->run, &e) < 0 && e.code != ERR_CANCELLED)
		log_warn("the records that stay could not be looked at: %s", e.text);
	post_due(&g->run, false);
	generation_release(d, g);
}

void ops_daemon_news(struct ops_daemon *d, bool pass, bool failed)
{
	struct generation *g = generation_hold(d);
	struct err e;

	if (tell_due(&g->run, &e) < 0)
		log_warn("what is to be told by now could not be found out: %s", e.text);
	post_due(&g->run, false);
	if (pass)
		ping_pass(&g->run, failed);
	generation_release(d, g);
}
