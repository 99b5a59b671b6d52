/* See turn.h. A wait looks again and again: a lock of the kernel's cannot be waited for until
 * either it is free or a token is set. */
#include "base/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"

#define LOOK_MS 5
#define LOOK_MOST_MS 50
#define LONG_MS 500
#define PATIENCE_MS INT64_C(600000)

/* FNV-1a, without the sign. */
static off_t byte_of(const char *name)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		h = (h ^ *p) * UINT64_C(1099511628211);
	return (off_t)(h & (INT64_MAX >> 1));
}

/* 1: somebody else has it. */
static int try_lock(int fd, const char *file, const char *name, struct err *e)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte_of(name), .l_len = 1
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES || errno == EINTR)
		return 1;
	return err_errno(e, ERR_IO, errno, "%s cannot be locked", file);
}

struct wait {
	int64_t since, cancelled_at, pause;
	bool told, sleeps;
};

static int wait_on(const struct turns *t, struct wait *w, const char *name, struct err *e)
{
	int64_t now = clock_monotonic_ms(),
	        patience_ms = t->patience_ms ? t->patience_ms : PATIENCE_MS;

	if (now - w->since >= patience_ms)
		return err_set(e, ERR_BUSY,
		               "waited %lld s for %s, which others have still; it is tried again",
		               (long long)(patience_ms / 1000), name);
	if (!w->told && t->told)
		t->told(t->ctx, name, true);
	w->told = true;
	if (cancel_is_set(t->cancel) && !w->cancelled_at)
		w->cancelled_at = now;
	if (w->cancelled_at && now - w->cancelled_at >= t->grace_ms)
		return cancel_error(t->cancel, e);
	if (!w->sleeps && now - w->since >= LONG_MS) {
		cancel_tell_sleep(true);
		w->sleeps = true;
	}
	TRY(cancel_sleep_ms(NULL, w->pause, e));
	w->pause = w->pause * 2 < LOOK_MOST_MS ? w->pause * 2 : LOOK_MOST_MS;
	return 0;
}

int turn_take(const struct turns *t, const char *name, int *fd, struct err *e)
{
	struct wait w = { .since = clock_monotonic_ms(), .pause = LOOK_MS };
	int taken CLEANUP(turn_end) =
	    open(t->file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc;

	if (taken < 0)
		return err_errno(e, ERR_IO, errno, "%s", t->file);
	while ((rc = try_lock(taken, t->file, name, e)) == 1)
		if ((rc = wait_on(t, &w, name, e)) < 0)
			break;
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
