/* A lock for the kernel, and words for people. */
#include "flow/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

#define FILE_NAME "daemon"
#define FILE_BYTES 1024
#define TRIES 20

struct daemon_words {
	const char *who, *http, *alpn;
};

/* Three lines: who, and the addresses of its responders. */
static bool words_read(int fd, struct arena *a, struct daemon_words *out)
{
	char text[FILE_BYTES + 1], *rest;
	ssize_t n = pread(fd, text, FILE_BYTES, 0);
	const char *line[3];

	if (n <= 0)
		return false;
	text[n] = '\0';
	rest = arena_strdup(a, text);
	for (size_t i = 0; i < ARRAY_LEN(line); i++) {
		line[i] = strsep(&rest, "\n");
		if (!line[i])
			return false;
	}
	*out = (struct daemon_words){ line[0], line[1], line[2] };
	return true;
}

static int words_write(int fd, struct arena *a, const char *http, const char *alpn, struct err *e)
{
	const char *text =
	    arena_printf(a, "process %d (everleaf serve) since %s\n%s\n%s\n", (int)getpid(),
	                 clock_rfc3339(a, clock_now()), http ? http : "", alpn ? alpn : "");

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		return err_errno(e, ERR_IO, errno, "the daemon's lock file");
	return 0;
}

static int is_another(int fd, struct arena *a, const char *state_dir, struct err *e)
{
	struct daemon_words w = { "another process", "", "" };

	words_read(fd, a, &w);
	close(fd);
	return err_set(e, ERR_BUSY, "the state in %s has a daemon already: %s", state_dir, w.who);
}

int daemon_become(const char *state_dir, const char *http, const char *alpn, int *out,
                  struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *path = fs_join(a, state_dir, FILE_NAME);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), tries = TRIES;

	if (fd < 0)
		return err_errno(e, ERR_IO, errno, "%s", path);
	/* whoever asks whether there is one holds it for a moment */
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EINTR && --tries == 0)
			return is_another(fd, a, state_dir, e);
		usleep(10000);
	}
	if (words_write(fd, a, http, alpn, e) < 0) {
		close(fd);
		return -(int)e->code;
	}
	*out = fd;
	return 0;
}

static bool is_port_of(const char *address, const char *responder)
{
	const char *port = strrchr(address, ':'), *its = strrchr(responder, ':');

	return port && its && strcmp(port, its) == 0;
}

void daemon_explain_port(const struct run *r, struct arena *a, const char *address, struct err *e)
{
	const char *path = fs_join(a, r->state_dir, FILE_NAME);
	int fd = r->is_daemon ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct daemon_words w;
	bool lives;

	if (fd < 0)
		return;
	lives = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	if (lives && words_read(fd, a, &w) &&
	    (is_port_of(address, w.http) || is_port_of(address, w.alpn)))
		(void)err_set(
		    e, e->code,
		    "cannot listen on %s: this state's daemon answers challenges there, %s; "
		    "have it do this (`everleaf --server URL …`), or take another method or "
		    "another port",
		    address, w.who);
	close(fd);
}
