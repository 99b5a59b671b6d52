/* Holders of leases: written, read, and looked for in /proc. */
#include "store/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define WORD_MAX_BYTES 100

/* The first bytes of a file of /proc, whose length is not told beforehand; "" if it cannot be read.
 */
static void proc_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
}

/* State and start time from /proc/PID/stat: the fields after the command's name, which may hold
 * anything, are counted from its last parenthesis. */
static bool process_stat(int64_t pid, char *state, uint64_t *start)
{
	char path[64], line[1024], *p;

	snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	proc_read(path, line, sizeof(line));
	p = strrchr(line, ')');
	if (!p || p[1] != ' ' || !p[2])
		return false;
	p += 2;
	*state = *p;
	for (int field = 3; field < 22; field++) {
		p = strchr(p, ' ');
		if (!p)
			return false;
		p++;
	}
	*start = strtoull(p, NULL, 10);
	return true;
}

static char *word_clean(struct arena *a, const char *s)
{
	size_t len = strlen(s);
	char *copy = arena_strndup(a, s, len < WORD_MAX_BYTES ? len : WORD_MAX_BYTES);

	for (char *p = copy; *p; p++) {
		if (*p == '|' || (unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '-';
	}
	return copy;
}

static const char *host_here(struct arena *a)
{
	const char *node = getenv("EVERLEAF_NODE");
	char name[256] = "";

	if (node && *node) /* containers may all have one name */
		return word_clean(a, node);
	if (gethostname(name, sizeof(name) - 1) < 0 || !*name)
		return "localhost";
	return word_clean(a, name);
}

/* What does not change while this process lives: a busy daemon is asked for it at every turn. */
static struct {
	pthread_mutex_t lock;
	char boot[64];
	int64_t pid; /* whose start it is: a fork's is another */
	uint64_t start;
} own = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *boot_here(struct arena *a)
{
	const char *boot;

	pthread_mutex_lock(&own.lock);
	if (!*own.boot) {
		proc_read("/proc/sys/kernel/random/boot_id", own.boot, sizeof(own.boot));
		own.boot[strcspn(own.boot, "\n")] = '\0';
	}
	boot = *own.boot ? word_clean(a, own.boot) : "-";
	pthread_mutex_unlock(&own.lock);
	return boot;
}

/* 0 = /proc does not tell. */
static uint64_t start_of_self(void)
{
	uint64_t start = 0;
	char state;

	pthread_mutex_lock(&own.lock);
	if (own.pid != getpid() && process_stat(getpid(), &state, &start)) {
		own.pid = getpid();
		own.start = start;
	}
	start = own.pid == getpid() ? own.start : 0;
	pthread_mutex_unlock(&own.lock);
	return start;
}

void holder_self(struct arena *a, const char *what, struct holder *out)
{
	*out = (struct holder){ .host = host_here(a),
		                .boot = boot_here(a),
		                .what = word_clean(a, what),
		                .pid = getpid(),
		                .start = start_of_self(),
		                .since = clock_now() };
}

char *holder_text(struct arena *a, const struct holder *h)
{
	return arena_printf(a, "%s|%s|%lld|%llu|%s|%lld", h->host, h->boot, (long long)h->pid,
	                    (unsigned long long)h->start, h->what, (long long)h->since);
}

bool holder_parse(struct arena *a, const char *text, struct holder *out)
{
	char *rest = arena_strdup(a, text), *word[6];

	for (size_t i = 0; i < ARRAY_LEN(word); i++) {
		word[i] = strsep(&rest, "|");
		if (!word[i])
			return false;
	}
	*out = (struct holder){ .host = word[0],
		                .boot = word[1],
		                .pid = strtoll(word[2], NULL, 10),
		                .start = strtoull(word[3], NULL, 10),
		                .what = word[4],
		                .since = strtoll(word[5], NULL, 10) };
	return !rest && out->pid > 0;
}

bool holder_is_self(const struct holder *h)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct holder self;

	holder_self(a, "", &self);
	return !strcmp(h->host, self.host) && !strcmp(h->boot, self.boot) && h->pid == self.pid &&
	       h->start == self.start;
}

/* A /proc that hides other users' processes says nothing about them; kill() still does. */
static bool process_is_alive(int64_t pid, uint64_t start)
{
	uint64_t now_start = pid == getpid() ? start_of_self() : 0;
	char state = 0;

	if (now_start)
		return !start || start == now_start;
	if (!process_stat(pid, &state, &now_start))
		return kill((pid_t)pid, 0) == 0 || errno == EPERM;
	return state != 'Z' && state != 'X' && (!start || start == now_start);
}

bool holder_is_here(const struct holder *h)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	return strcmp(h->host, host_here(a)) == 0;
}

bool holder_is_alive(const struct holder *h)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

	if (strcmp(h->host, host_here(a)) != 0)
		return true;
	return !strcmp(h->boot, boot_here(a)) && process_is_alive(h->pid, h->start);
}

char *holder_words(struct arena *a, const struct holder *h)
{
	bool here = !strcmp(h->host, host_here(a));

	return arena_printf(a, "process %lld (%s)%s%s since %s", (long long)h->pid, h->what,
	                    here ? "" : " on ", here ? "" : h->host, clock_rfc3339(a, h->since));
}
