/*
 * The counted hook of the kill test; built only with -Dfault_points=true. EVERLEAF_FAULT is read
 * once, at the first point passed. With EVERLEAF_FAULT_LOG=FILE each point's number and kind is
 * also appended to FILE, so that a failing n can be told by what it was. Any thread.
 */
#include "base/fault.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const kind_words[] = {
	[FAULT_SEND] = "send",   [FAULT_ANSWER] = "answer", [FAULT_COMMIT] = "commit",
	[FAULT_FSYNC] = "fsync", [FAULT_RENAME] = "rename", [FAULT_BIND] = "bind",
	[FAULT_SPAWN] = "spawn",
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_ulong passed;
static unsigned long exit_at, fail_at; /* 0 = never; points count from 1 */
static char count_file[4096];
static int log_fd = -1;

static void write_count(void)
{
	int fd = open(count_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	dprintf(fd, "%lu\n", atomic_load(&passed));
	close(fd);
}

static void setup(void)
{
	const char *what = getenv("EVERLEAF_FAULT"), *log_file = getenv("EVERLEAF_FAULT_LOG");

	if (log_file)
		log_fd = open(log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (!what)
		return;
	if (strncmp(what, "exit:", 5) == 0)
		exit_at = strtoul(what + 5, NULL, 10);
	else if (strncmp(what, "fail:", 5) == 0)
		fail_at = strtoul(what + 5, NULL, 10);
	else if (strncmp(what, "count:", 6) == 0 && strlen(what + 6) < sizeof(count_file)) {
		memcpy(count_file, what + 6, strlen(what + 6) + 1);
		atexit(write_count);
	}
}

int fault_point(enum fault_kind kind, struct err *e)
{
	unsigned long n;

	pthread_once(&once, setup);
	n = atomic_fetch_add(&passed, 1) + 1;
	if (log_fd >= 0)
		dprintf(log_fd, "%lu %s\n", n, kind_words[kind]);
	if (n == exit_at)
		_exit(137);
	if (n == fail_at)
		return err_set(e, ERR_IO, "fault injected at point %lu", n);
	return 0;
}
