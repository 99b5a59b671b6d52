/*
 * See sched.h. The clock is compared with the one that cannot be set: a jump of a quarter of an
 * hour holds everything back for five minutes, in which a wrong clock is put right again; then, as
 * at the start, until its witnesses were heard (daemon/doubt). The database may go away: it is
 * asked again, ever less often, and readiness says so meanwhile.
 */
#include "daemon/sched.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/turn.h"
#include "daemon/doubt.h"
#include "daemon/holdback.h"
#include "daemon/journal.h"

#define LOOK_MS 2000
#define LOOK_LEAST_MS 50 /* between two, however much happens: a look reads all that is due */
#define LOOK_FAILED_MOST_MS 30000
#define LOOK_LIMIT 500
#define HOLD_MS 5000
#define THREADS_FOR_A_SLOT 8
#define THREADS_MOST 128
#define JUMP_S 900
#define JUMP_HOLD_S 300
#define ALIVE_MS 60000
#define CLOCK "/clock"
#define DAILY "/daily"
#define LIVE "/live"
#define LIVE_MS 5000
#define NEWS "/news" /* no certificate has a slash in its name */
#define TASK "/job/"
#define TASKS_AT_ONCE 200
#define KEEP_MS 60000
#define NEWS_MS 60000
#define DAILY_MS (600 * 1000)
#define PASS_MS (600 * 1000)

struct sched {
	struct ops_daemon *ops;
	struct workers *workers;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t wake;
	bool stopping;
	bool asked; /* to look again at once */
	struct holdback held;
	struct doubt doubt;
	struct daemon_state state;
	int64_t round_ms;         /* monotonic: when it last went round */
	int64_t news_ms, pass_ms; /* when they are next due */
	bool failed;              /* something did, since the last pass was told */

	/* the thread's own */
	int64_t clock_ahead_s;  /* wall clock minus monotonic clock */
	int64_t jump_until;     /* by the wall clock: it has gone on steadily for so long */
	int64_t live_ms;        /* when other nodes' work is looked for next */
	int64_t keep_ms;        /* when the jobs at work are to be kept again */
	int64_t failed_wait_ms; /* 0 = the database answers */
	int64_t daily_ms;       /* when to look again whether a day has passed */
	int64_t head_hour;      /* in which the event log's head was last written down */
};

/* People are told by a worker, since mail servers may be slow; it takes no slot meanwhile. */
static void news(struct sched *s)
{
	int64_t now_ms = clock_monotonic_ms();
	bool pass, failed;

	pthread_mutex_lock(&s->lock);
	pass = now_ms >= s->pass_ms;
	failed = s->failed;
	if (pass) {
		s->pass_ms = now_ms + PASS_MS;
		s->failed = false;
	}
	pthread_mutex_unlock(&s->lock);
	workers_aside(s->workers, true);
	ops_daemon_news(s->ops, pass, failed);
	workers_aside(s->workers, false);
	if (!pass)
		return;
	pthread_mutex_lock(&s->lock);
	s->state.last_pass_at = clock_now();
	pthread_mutex_unlock(&s->lock);
}

/* One that somebody else has may be free soon: a process that died, a lease that ends. */
static void task(struct sched *s, const char *subject)
{
	bool busy;

	ops_daemon_task(s->ops, strtoll(subject + strlen(TASK), NULL, 10), &busy);
	pthread_mutex_lock(&s->lock);
	s->news_ms = 0;
	if (busy)
		holdback_add(&s->held, subject, clock_monotonic_ms(), HOLD_MS);
	s->asked = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

static void tell_clock(struct sched *s, enum doubt_state state, const char *words)
{
	if (!words)
		return;
	if (state == DOUBT_NONE)
		log_info("%s", words);
	else
		log_warn("%s", words);
	ops_daemon_clock_tell(s->ops, words);
}

/* The clock's witnesses are heard by a worker, since CAs may be slow. */
static void hear_witnesses(struct sched *s)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	enum clock_verdict verdict;
	enum doubt_state state;
	const char *why = NULL, *words = NULL;
	unsigned era;
	struct err e;
	int failed;

	pthread_mutex_lock(&s->lock);
	era = s->doubt.era;
	pthread_mutex_unlock(&s->lock);
	failed = ops_daemon_clock(s->ops, a, &verdict, &why, &e);
	pthread_mutex_lock(&s->lock);
	if (failed)
		doubt_unheard(&s->doubt, clock_monotonic_ms());
	else if (doubt_hear(&s->doubt, era, verdict, why, clock_now()))
		words = doubt_words(a, &s->doubt);
	state = s->doubt.state;
	s->asked = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (failed)
		log_warn("what time it is could not be found out: %s", e.text);
	tell_clock(s, state, words);
}

static void turn(void *ctx, const char *subject)
{
	struct sched *s = ctx;
	struct workers_load load;
	enum turn how;
	bool busy, few;

	if (strcmp(subject, NEWS) == 0) {
		news(s);
		return;
	}
	if (strcmp(subject, LIVE) == 0) {
		ops_daemon_follow(s->ops);
		return;
	}
	if (strcmp(subject, CLOCK) == 0) {
		hear_witnesses(s);
		return;
	}
	if (strcmp(subject, DAILY) == 0) {
		ops_daemon_daily(s->ops);
		return;
	}
	if (strncmp(subject, TASK, strlen(TASK)) == 0) {
		task(s, subject);
		return;
	}
	how = ops_daemon_turn(s->ops, subject, &busy);
	workers_load(s->workers, &load);
	few = load.queued <= load.slots; /* a look brings no more than LOOK_LIMIT */
	pthread_mutex_lock(&s->lock);
	s->state.turns[how]++;
	s->failed = s->failed || how == TURN_FAILED;
	if (how != TURN_UNCHANGED)
		s->news_ms = 0;
	if (busy)
		holdback_add(&s->held, subject, clock_monotonic_ms(), HOLD_MS);
	if (few) {
		s->asked = true;
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Whether it has not jumped for a while. */
static bool clock_is_steady(struct sched *s)
{
	int64_t now = clock_now(), ahead = now - clock_monotonic_ms() / 1000,
	        jump = ahead - s->clock_ahead_s;

	s->clock_ahead_s = ahead;
	if (jump > JUMP_S || jump < -JUMP_S) {
		log_warn("the clock jumped by %lld s: nothing is begun for %d minutes, in case it "
		         "is put right",
		         (long long)jump, JUMP_HOLD_S / 60);
		s->jump_until = now + JUMP_HOLD_S;
		pthread_mutex_lock(&s->lock);
		s->state.clock_jumps++;
		doubt_begin(&s->doubt);
		pthread_mutex_unlock(&s->lock);
	}
	return now >= s->jump_until;
}

/* *most: how much of what is due may begin now. */
static bool clock_is_believed(struct sched *s, size_t *most)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	bool steady = clock_is_steady(s), wants, held;
	const char *words = NULL;
	enum doubt_state state;

	pthread_mutex_lock(&s->lock);
	if (doubt_pass(&s->doubt, clock_now()))
		words = doubt_words(a, &s->doubt);
	state = s->doubt.state;
	wants = doubt_wants_look(&s->doubt, clock_monotonic_ms());
	*most = steady ? doubt_allows(&s->doubt, clock_now()) : 0;
	held = s->state.clock_held = !steady || state < DOUBT_SPREAD;
	pthread_mutex_unlock(&s->lock);
	tell_clock(s, state, words);
	if (wants)
		workers_offer(s->workers, CLOCK, NULL);
	return !held;
}

/* Gives whether it was offered: not those that are held back. */
static bool offer_one(struct sched *s, const char *subject, const char *group)
{
	bool held;

	pthread_mutex_lock(&s->lock);
	held = s->stopping || holdback_has(&s->held, subject, clock_monotonic_ms());
	pthread_mutex_unlock(&s->lock);
	if (!held)
		workers_offer(s->workers, subject, group);
	return !held;
}

static void offer(struct sched *s, const struct job_due *v, size_t n, size_t most)
{
	size_t offered = 0;

	for (size_t i = 0; i < n && offered < most; i++)
		offered += offer_one(s, v[i].subject, v[i].ca);
	pthread_mutex_lock(&s->lock);
	doubt_began(&s->doubt, offered, clock_now());
	pthread_mutex_unlock(&s->lock);
}

/* What people asked for does not wait for the clock. Whoever has the fewest at work comes first. */
static void offer_tasks(struct sched *s, struct arena *a, const struct task *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		offer_one(s, arena_printf(a, TASK "%lld", (long long)v[i].id),
		          arena_printf(a, TASK "%s", v[i].user ? v[i].user : ""));
	ops_daemon_leases_keep(s->ops);
	if (clock_monotonic_ms() < s->keep_ms)
		return;
	s->keep_ms = clock_monotonic_ms() + KEEP_MS;
	ops_daemon_tasks_keep(s->ops);
}

static void offer_news(struct sched *s)
{
	int64_t now_ms = clock_monotonic_ms();
	bool due;

	pthread_mutex_lock(&s->lock);
	due = now_ms >= s->news_ms;
	if (due)
		s->news_ms = now_ms + NEWS_MS;
	pthread_mutex_unlock(&s->lock);
	if (due)
		workers_offer(s->workers, NEWS, NULL);
}

/* At the start, and each hour. */
static void write_head(struct sched *s)
{
	int64_t hour = clock_now() / 3600;

	if (s->head_hour != hour)
		journal_head(s->ops);
	s->head_hour = hour;
}

/* Whether a day has passed is found out there. */
static void offer_daily(struct sched *s)
{
	int64_t now_ms = clock_monotonic_ms();

	if (now_ms < s->daily_ms)
		return;
	s->daily_ms = now_ms + DAILY_MS;
	workers_offer(s->workers, DAILY, NULL);
}

static void offer_live(struct sched *s)
{
	if (clock_monotonic_ms() < s->live_ms)
		return;
	s->live_ms = clock_monotonic_ms() + LIVE_MS;
	workers_offer(s->workers, LIVE, NULL);
}

static void set_ready(struct sched *s, const struct err *failure)
{
	pthread_mutex_lock(&s->lock);
	s->state.ready = !failure;
	if (failure)
		snprintf(s->state.why, sizeof(s->state.why), "%.190s", failure->text);
	else
		s->state.last_look_at = clock_now();
	pthread_mutex_unlock(&s->lock);
}

/* How long to wait for the next one. */
static int64_t database_failed(struct sched *s, const struct err *failure)
{
	if (s->failed_wait_ms == 0)
		log_error("%s; it is waited for", failure->text);
	s->failed_wait_ms = s->failed_wait_ms ? s->failed_wait_ms * 2 : LOOK_MS / 2;
	if (s->failed_wait_ms > LOOK_FAILED_MOST_MS)
		s->failed_wait_ms = LOOK_FAILED_MOST_MS;
	set_ready(s, failure);
	return s->failed_wait_ms;
}

static int64_t look(struct sched *s)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	int64_t next_at = 0, left_ms;
	struct job_due *v;
	struct task *tasks;
	struct err e;
	size_t n, n_tasks, held, most;

	pthread_mutex_lock(&s->lock);
	held = s->held.n;
	pthread_mutex_unlock(&s->lock);
	if (ops_daemon_due(s->ops, a, LOOK_LIMIT + held, &v, &n, &next_at, &e) < 0 ||
	    ops_daemon_tasks(s->ops, a, TASKS_AT_ONCE + THREADS_MOST + held, &tasks, &n_tasks, &e) <
	        0)
		return database_failed(s, &e);
	if (s->failed_wait_ms)
		log_info("the database answers again");
	s->failed_wait_ms = 0;
	write_head(s);
	ops_daemon_tell_reload(s->ops);
	if (ops_daemon_settings(s->ops, &e) < 0)
		log_warn("whether settings were changed could not be seen: %s", e.text);
	offer_tasks(s, a, tasks, n_tasks);
	offer_live(s);
	if (clock_is_believed(s, &most)) {
		offer(s, v, n, most);
		offer_news(s);
		offer_daily(s);
	}
	set_ready(s, NULL);
	left_ms = (next_at - clock_now()) * 1000;
	return next_at && left_ms < LOOK_MS ? (left_ms > 50 ? left_ms : 50) : LOOK_MS;
}

/* Until then (monotonic), or the end; or, for somebody who may ask, until they do. */
static void await(struct sched *s, int64_t at_ms, bool for_asker)
{
	struct timespec until = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };
	int why = 0;

	while (!s->stopping && !(for_asker && s->asked) && why != ETIMEDOUT)
		why = pthread_cond_timedwait(&s->wake, &s->lock, &until);
}

static void *run(void *arg)
{
	struct sched *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		int64_t wait_ms;

		s->round_ms = clock_monotonic_ms();
		s->asked = false;
		pthread_mutex_unlock(&s->lock);
		wait_ms = look(s);
		pthread_mutex_lock(&s->lock);
		await(s, s->round_ms + LOOK_LEAST_MS, false);
		await(s, clock_monotonic_ms() + wait_ms, true);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void task_added(void *ctx)
{
	struct sched *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->asked = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* Those that the workers do themselves are counted where they are offered. */
static void asked_turn(void *ctx, enum turn how)
{
	struct sched *s = ctx;

	pthread_mutex_lock(&s->lock);
	s->state.turns[how]++;
	pthread_mutex_unlock(&s->lock);
}

static unsigned most_threads(unsigned slots)
{
	unsigned most = slots * THREADS_FOR_A_SLOT;

	return most > THREADS_MOST ? THREADS_MOST : most;
}

int sched_start(struct ops_daemon *d, unsigned slots, struct sched **out, struct err *e)
{
	struct sched *s = calloc(1, sizeof(*s));
	struct workers_options o = { .slots = slots, .work = turn, .ctx = s };
	pthread_condattr_t attr;
	int why;

	if (!s)
		return err_set(e, ERR_MEMORY, "out of memory");
	o.most = most_threads(slots);
	turn_crowd(o.most / 2);
	s->ops = d;
	s->clock_ahead_s = clock_now() - clock_monotonic_ms() / 1000;
	s->state.started_at = clock_now();
	s->round_ms = clock_monotonic_ms();
	snprintf(s->state.why, sizeof(s->state.why), "it is starting");
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	s->workers = workers_new(&o);
	ops_daemon_on_task(d, task_added, s);
	ops_daemon_on_turn(d, asked_turn, s);
	why = pthread_create(&s->thread, NULL, run, s);
	if (why) {
		s->stopping = true;
		sched_free(s);
		return err_errno(e, ERR_IO, why, "cannot start the scheduler's thread");
	}
	*out = s;
	return 0;
}

void sched_set_slots(struct sched *s, unsigned slots)
{
	workers_set_slots(s->workers, slots);
}

void sched_state(struct sched *s, struct daemon_state *out)
{
	struct workers_load load;

	workers_load(s->workers, &load);
	pthread_mutex_lock(&s->lock);
	*out = s->state;
	if (out->ready && s->doubt.state == DOUBT_WRONG) {
		out->ready = false;
		snprintf(out->why, sizeof(out->why), "%s", s->doubt.why);
	}
	pthread_mutex_unlock(&s->lock);
	out->running = load.running;
	out->sleeping = load.sleeping;
	out->queued = load.queued;
	out->slots = load.slots;
	if (ops_daemon_is_away(s->ops)) {
		out->ready = false;
		snprintf(out->why, sizeof(out->why), "the database is away; it is waited for");
	}
	if (out->ready && !sched_is_alive(s)) {
		out->ready = false;
		snprintf(out->why, sizeof(out->why), "the scheduler does not go round");
	}
}

bool sched_is_alive(struct sched *s)
{
	bool alive;

	pthread_mutex_lock(&s->lock);
	alive = s->stopping || ops_daemon_is_away(s->ops) ||
	        clock_monotonic_ms() - s->round_ms < ALIVE_MS;
	pthread_mutex_unlock(&s->lock);
	return alive;
}

void sched_stop(struct sched *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	s->state.ready = false;
	snprintf(s->state.why, sizeof(s->state.why), "it is stopping");
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	workers_stop(s->workers);
}

bool sched_await(struct sched *s, int64_t ms)
{
	return workers_await(s->workers, ms);
}

void sched_free(struct sched *s)
{
	workers_free(s->workers);
	holdback_done(&s->held);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
