/* A sink of base/log: one write for one line. */
#include "daemon/journal.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/ops_daemon.h"
#include "sys/notify_systemd.h"

#define LINE_SIZE 2304

static void to_journal(enum log_level level, const char *line, void *ctx)
{
	static const int priority[] = { 3, 4, 6, 6, 7 }; /* LOG_ERR … LOG_DEBUG of syslog(3) */
	char out[LINE_SIZE];
	int len = snprintf(out, sizeof(out), "<%d>%s\n", priority[level], line);
	ssize_t written = write(STDERR_FILENO, out, (size_t)len);

	(void)ctx;
	(void)written; /* nobody is left to tell */
}

static void with_time(enum log_level level, const char *line, void *ctx)
{
	const char *word = level == LOG_ERROR ? "error: " : level == LOG_WARN ? "warning: " : "";
	char out[LINE_SIZE], now[CLOCK_RFC3339_SIZE];
	ssize_t written;
	int len;

	(void)ctx;
	clock_format_rfc3339(clock_now(), now);
	len = snprintf(out, sizeof(out), "%s %s%s\n", now, word, line);
	written = write(STDERR_FILENO, out, (size_t)len);
	(void)written;
}

void journal_start(void)
{
	log_set_sink(notify_is_journal() ? to_journal : with_time, NULL);
}

void journal_stop(void)
{
	log_set_sink(NULL, NULL);
}

void journal_head(struct ops_daemon *d)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *head = NULL;
	struct err e;

	if (ops_daemon_head(d, a, &head, &e) < 0) {
		log_error("%s", e.text);
		return;
	}
	(notify_is_journal() ? to_journal : with_time)(
	    LOG_INFO, arena_printf(a, "head of the event log: %s", head), NULL);
}
