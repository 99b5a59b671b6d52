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
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

#define LOOK_MS 10
#define LONG_MS 500
#define PATIENCE_MS INT64_C(600000)

struct waiter {
	struct waiter *next;
	const char *file;
	off_t byte;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the line; held for moments */
static struct waiter *line;                              /* in the order in which they came */

static void line_join(struct waiter *w)
{
	struct waiter **end = &line;

	pthread_mutex_lock(&lock);
	while (*end)
		end = &(*end)->next;
	*end = w;
	pthread_mutex_unlock(&lock);
}

static void line_leave(struct waiter *w)
{
	struct waiter **at = &line;

	pthread_mutex_lock(&lock);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	pthread_mutex_unlock(&lock);
}

/* How many came before, for the same. */
static size_t line_before(const struct waiter *w)
{
	size_t n = 0;

	pthread_mutex_lock(&lock);
	for (const struct waiter *other = line; other != w; other = other->next)
		n += other->byte == w->byte && strcmp(other->file, w->file) == 0;
	pthread_mutex_unlock(&lock);
	return n;
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
	int64_t began, since, cancelled_at; /* since: when the line moved last */
	size_t before;
	bool told, sleeps;
};

/* Who is given no time of their own waits as long as the line moves. */
static int be_patient(const struct turns *t, struct wait *w, size_t before, const char *name,
                      struct err *e)
{
	int64_t now = clock_monotonic_ms(),
	        patience_ms = t->patience_ms ? t->patience_ms : PATIENCE_MS;

	if (before != w->before && !t->patience_ms)
		w->since = now;
	w->before = before;
	if (now - w->since < patience_ms)
		return 0;
	return err_set(e, ERR_BUSY,
	               "waited %lld s for %s, which others have still: `ps` shows whether one of "
	               "them hangs and has to be ended; it is tried again",
	               (long long)((now - w->began) / 1000), name);
}

static int wait_on(const struct turns *t, struct wait *w, size_t before, const char *name,
                   struct err *e)
{
	int64_t now = clock_monotonic_ms();

	TRY(be_patient(t, w, before, name, e));
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
		TRY(wait_on(t, w, before, name, e));
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
	w.since = w.began;
	line_join(&me);
	rc = wait_in_line(t, &me, &w, taken, name, e);
	line_leave(&me);
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
