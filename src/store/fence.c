/*
 * The leases that this process holds, by thread, each with the number that came with it. Every
 * transaction of the thread looks that the row still has that number and keeps the row locked until
 * its end: a process that was stopped past its lease, and comes back when another has taken it,
 * writes nothing any more. Between transactions a look asks the database only when the lease may
 * have run out.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "store/internal.h"
#include "store/lease.h"

struct fence {
	struct fence *next;
	struct store *store;
	pthread_t thread;
	char *subject;
	int64_t number, seconds;
	int64_t sure_until_ms; /* by this machine's clock: nobody else can have it before */
	bool is_over;          /* its turn has ended, and the database does not know yet */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list; never held while asking */
static struct fence *list;

/* Goes on while the process, or the machine, stands still. */
static int64_t still_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int fence_new(int64_t *number, struct err *e)
{
	uint64_t v = 0;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		return err_set(e, ERR_IO, "no random number can be had");
	*number = (int64_t)(v >> 2) + 1;
	return 0;
}

void fence_note(struct store *s, const char *subject, int64_t number, int64_t seconds)
{
	struct fence *f = calloc(1, sizeof(*f));

	if (!f || !(f->subject = strdup(subject)))
		out_of_memory();
	f->store = s;
	f->thread = pthread_self();
	f->number = number;
	f->seconds = seconds;
	f->sure_until_ms = still_ms() + seconds * 1000 / 2;
	pthread_mutex_lock(&lock);
	f->next = list;
	list = f;
	pthread_mutex_unlock(&lock);
}

static bool is_mine(const struct fence *f, const struct store *s)
{
	return f->store == s && !f->is_over && pthread_equal(f->thread, pthread_self());
}

bool fence_find(struct store *s, const char *subject, int64_t *number)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (struct fence *f = list; f && !found; f = f->next) {
		found = is_mine(f, s) && strcmp(f->subject, subject) == 0;
		if (found)
			*number = f->number;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

bool fence_is_held(struct store *s, const char *subject)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (struct fence *f = list; f && !found; f = f->next)
		found = f->store == s && !f->is_over && strcmp(f->subject, subject) == 0;
	pthread_mutex_unlock(&lock);
	return found;
}

void fence_forget(struct store *s, const char *subject)
{
	struct fence **p = &list, *gone = NULL;

	pthread_mutex_lock(&lock);
	while (*p && !(is_mine(*p, s) && strcmp((*p)->subject, subject) == 0))
		p = &(*p)->next;
	if (*p) {
		gone = *p;
		*p = gone->next;
	}
	pthread_mutex_unlock(&lock);
	if (gone)
		free(gone->subject);
	free(gone);
}

void fence_leave(struct store *s, const char *subject)
{
	pthread_mutex_lock(&lock);
	for (struct fence *f = list; f; f = f->next)
		if (is_mine(f, s) && strcmp(f->subject, subject) == 0)
			f->is_over = true;
	pthread_mutex_unlock(&lock);
}

static void forget_number(struct store *s, int64_t number)
{
	struct fence **p = &list, *gone;

	pthread_mutex_lock(&lock);
	while (*p && !((*p)->store == s && (*p)->number == number))
		p = &(*p)->next;
	gone = *p;
	if (gone)
		*p = gone->next;
	pthread_mutex_unlock(&lock);
	if (gone)
		free(gone->subject);
	free(gone);
}

void fence_forget_all(struct store *s)
{
	pthread_mutex_lock(&lock);
	for (struct fence **p = &list, *gone; *p;) {
		gone = *p;
		if (gone->store != s) {
			p = &gone->next;
			continue;
		}
		*p = gone->next;
		free(gone->subject);
		free(gone);
	}
	pthread_mutex_unlock(&lock);
}

struct held {
	const char *subject;
	int64_t number, seconds;
};

/* A copy of this thread's leases, or (all) of all threads'; stale: only those that may have run
 * out. */
static size_t held(struct store *s, struct arena *a, bool all, bool stale, struct held **out)
{
	int64_t now_ms = still_ms();
	size_t n = 0, have = 0;

	pthread_mutex_lock(&lock);
	for (const struct fence *f = list; f; f = f->next)
		n++;
	*out = ARENA_ARRAY(a, struct held, n + 1);
	for (const struct fence *f = list; f; f = f->next) {
		if (f->store == s && !f->is_over && (all || is_mine(f, s)) &&
		    (!stale || f->sure_until_ms <= now_ms))
			(*out)[have++] =
			    (struct held){ arena_strdup(a, f->subject), f->number, f->seconds };
	}
	pthread_mutex_unlock(&lock);
	return have;
}

static size_t over(struct store *s, struct arena *a, struct held **out)
{
	size_t n = 0, have = 0;

	pthread_mutex_lock(&lock);
	for (const struct fence *f = list; f; f = f->next)
		n += f->is_over;
	*out = ARENA_ARRAY(a, struct held, n + 1);
	for (const struct fence *f = list; f; f = f->next)
		if (f->store == s && f->is_over)
			(*out)[have++] =
			    (struct held){ arena_strdup(a, f->subject), f->number, f->seconds };
	pthread_mutex_unlock(&lock);
	return have;
}

static bool has_any(struct store *s)
{
	bool any = false;

	pthread_mutex_lock(&lock);
	for (const struct fence *f = list; f && !any; f = f->next)
		any = is_mine(f, s);
	pthread_mutex_unlock(&lock);
	return any;
}

static int lost(const char *subject, struct err *e)
{
	err_set(e, ERR_BUSY,
	        "%s was taken over by another process while this one stood still; nothing more is "
	        "done here",
	        subject);
	snprintf(e->problem, sizeof(e->problem), "%s", PROBLEM_TAKEN_OVER);
	return -(int)e->code;
}

int fence_check(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = NULL;
	struct held *v;
	size_t n;

	if (!has_any(s))
		return 0;
	a = arena_new(0);
	n = held(s, a, false, false, &v);
	for (size_t i = 0; i < n; i++) {
		const struct arg args[] = { ARG_TEXT(v[i].subject), ARG_INT(v[i].number) };
		struct strings row = { 0 };

		TRY(query_strings(
		    s, a, "select subject from jobs where subject = $1 and fence = $2 for update",
		    args, 2, &row, e));
		if (row.n == 0)
			return lost(v[i].subject, e);
	}
	return 0;
}

static void prolonged(struct store *s, const struct held *h, int64_t asked_ms)
{
	pthread_mutex_lock(&lock);
	for (struct fence *f = list; f; f = f->next) {
		if (f->store == s && f->number == h->number)
			f->sure_until_ms = asked_ms + h->seconds * 1000 / 2;
	}
	pthread_mutex_unlock(&lock);
}

/* *ours: nobody has taken it. */
static int prolong(struct store *s, const struct held *h, bool *ours, struct err *e)
{
	int64_t changed = 0, now = 0, asked_ms = still_ms();
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open_beside(s, &t, e));
	TRY(db_now(s->db, &now, e));
	TRY(RUN(s, "update jobs set lease_until = $1 where subject = $2 and fence = $3", &changed,
	        e, ARG_INT(now + h->seconds), ARG_TEXT(h->subject), ARG_INT(h->number)));
	TRY(tx_commit(&t, e));
	*ours = changed > 0;
	if (*ours)
		prolonged(s, h, asked_ms);
	return 0;
}

int st_lease_look(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	bool ours = true;
	struct held *v;
	size_t n = held(s, a, false, true, &v);

	for (size_t i = 0; i < n; i++) {
		TRY(prolong(s, &v[i], &ours, e));
		if (!ours)
			return lost(v[i].subject, e);
	}
	return 0;
}

int st_lease_keep_own(struct store *s, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct held *v;
	size_t n = over(s, a, &v);
	bool ours;

	for (size_t i = 0; i < n; i++) {
		TRY(lease_end_row(s, v[i].subject, v[i].number, e));
		forget_number(s, v[i].number);
	}
	n = held(s, a, true, true, &v);
	for (size_t i = 0; i < n; i++)
		TRY(prolong(s, &v[i], &ours, e)); /* its own thread finds out when it is not */
	return 0;
}
