/*
 * See turn.h. A wait looks again and again: a lock of the kernel's cannot be waited for until
 * either it is free or a token is set. Threads of this process stand in line for a name, and only
 * the first of them looks at the lock; the first ones of several processes look equally often, so
 * that each has the same chance whenever it is free.
 */
#include "base/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

#define LOOK_MS 10
#define LONG_MS 500
#define PATIENCE_MS INT64_C(600000)
#define PATIENCE_MOST_MS INT64_C(3600000)
#define STUCK_MS INT64_C(20000)

struct waiter {
	struct waiter *next;
	const char *file;
	off_t byte;
	int64_t moved_ms; /* when one of its line was served last; at first, when it came */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the line; held for moments */
static struct waiter *line;                              /* in the order in which they came */

static unsigned crowd; /* see turn_crowd */

void turn_crowd(unsigned most)
{
	pthread_mutex_lock(&lock);
	crowd = most;
	pthread_mutex_unlock(&lock);
}

static bool is_same_line(const struct waiter *x, const struct waiter *y)
{
	return x->byte == y->byte && strcmp(x->file, y->file) == 0;
}

static void line_join(struct waiter *w)
{
	struct waiter **end = &line;

	pthread_mutex_lock(&lock);
	while (*end)
		end = &(*end)->next;
	*end = w;
	pthread_mutex_unlock(&lock);
}

/* Who leaves without having had a turn moved nothing for those behind. */
static void line_leave(struct waiter *w, bool served)
{
	struct waiter **at = &line;

	pthread_mutex_lock(&lock);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	for (struct waiter *other = line; served && other; other = other->next)
		if (is_same_line(other, w))
			other->moved_ms = clock_monotonic_ms();
	pthread_mutex_unlock(&lock);
}

/* How many came before, for the same. */
static size_t line_before(const struct waiter *w)
{
	size_t n = 0;

	pthread_mutex_lock(&lock);
	for (const struct waiter *other = line; other != w; other = other->next)
		n += is_same_line(other, w);
	pthread_mutex_unlock(&lock);
	return n;
}

/* Whether so many came before, for whatever it is, that it is not to wait where nothing moves. */
static bool is_too_many(const struct waiter *w, int64_t stuck_ms)
{
	int64_t moved_ms;
	unsigned n = 0;
	bool too_many;

	pthread_mutex_lock(&lock);
	moved_ms = w->moved_ms;
	for (const struct waiter *other = line; other != w; other = other->next) {
		n++;
		if (is_same_line(other, w) && other->moved_ms < moved_ms)
			moved_ms = other->moved_ms;
	}
	too_many = crowd && n >= crowd && clock_monotonic_ms() - moved_ms >= stuck_ms;
	pthread_mutex_unlock(&lock);
	return too_many;
}

/* FNV-1a, without the sign. */
static off_t byte_of(const char *name)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		h = (h ^ *p) * UINT64_C(1099511628211);
	return (off_t)(h & (INT64_MAX >> 1));
}

/* 1: somebody else has it. */
static int try_lock(int fd, const struct waiter *w, struct err *e)
{
	struct flock request = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = w->byte, .l_len = 1
	};

	if (fcntl(fd, F_OFD_SETLK, &request) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES || errno == EINTR)
		return 1;
	return err_errno(e, ERR_IO, errno, "%s cannot be locked", w->file);
}

struct wait {
	int64_t began, cancelled_at;
	bool told, sleeps;
};

static int64_t moved_last(const struct waiter *me)
{
	int64_t moved_ms;

	pthread_mutex_lock(&lock);
	moved_ms = me->moved_ms;
	pthread_mutex_unlock(&lock);
	return moved_ms;
}

/* Who is given no time of their own waits as long as the line moves, within reason. */
static int be_patient(const struct turns *t, const struct waiter *me, const struct wait *w,
                      const char *name, struct err *e)
{
	int64_t now = clock_monotonic_ms(), waited_ms = now - w->began;

	if (waited_ms >= LONG_MS && is_too_many(me, t->stuck_ms ? t->stuck_ms : STUCK_MS)) {
		err_set(e, ERR_BUSY,
		        "too many wait already for %s, which does not end; it is tried "
		        "again",
		        name);
		snprintf(e->problem, sizeof(e->problem), "%s", PROBLEM_CROWDED);
		return -ERR_BUSY;
	}
	if (t->patience_ms ? waited_ms < t->patience_ms
	                   : now - moved_last(me) < PATIENCE_MS && waited_ms < PATIENCE_MOST_MS)
		return 0;
	return err_set(e, ERR_BUSY,
	               "waited %lld s for %s, which others have still: `ps` shows whether one of "
	               "them hangs and has to be ended; it is tried again",
	               (long long)((waited_ms + 500) / 1000), name);
}

static int wait_on(const struct turns *t, const struct waiter *me, struct wait *w, const char *name,
                   struct err *e)
{
	int64_t now = clock_monotonic_ms();

	TRY(be_patient(t, me, w, name, e));
	if (!w->told && t->told)
		t->told(t->ctx, name, true);
	w->told = true;
	if (cancel_is_set(t->cancel) && !w->cancelled_at)
		w->cancelled_at = now;
	if (w->cancelled_at && now - w->cancelled_at >= t->grace_ms)
		return cancel_error(t->cancel, e);
	if (!w->sleeps && now - w->began >= LONG_MS) {
		cancel_tell_sleep(true);
		w->sleeps = true;
	}
	return cancel_sleep_ms(NULL, LOOK_MS, e);
}

static int wait_in_line(const struct turns *t, const struct waiter *me, struct wait *w, int fd,
                        const char *name, struct err *e)
{
	for (;;) {
		size_t before = line_before(me);
		int rc = before ? 1 : try_lock(fd, me, e);

		if (rc <= 0)
			return rc;
		TRY(wait_on(t, me, w, name, e));
	}
}

int turn_take(const struct turns *t, const char *name, int *fd, struct err *e)
{
	struct waiter me = { .file = t->file, .byte = byte_of(name) };
	struct wait w = { .began = clock_monotonic_ms() };
	int taken CLEANUP(turn_end) =
	    open(t->file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (taken < 0)
		return err_errno(e, ERR_IO, errno, "%s", t->file);
	me.moved_ms = w.began;
	line_join(&me);
	rc = wait_in_line(t, &me, &w, taken, name, e);
	line_leave(&me, rc == 0);
	if (w.sleeps)
		cancel_tell_sleep(false);
	if (w.told && t->told)
		t->told(t->ctx, name, false);
	TRY(rc);
	*fd = taken;
	taken = -1;
	return 0;
}

void turn_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
