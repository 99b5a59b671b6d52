/*
 * The log: one line a call, given whole to the sink (standard error by default), so that lines of
 * several threads never mix. The mutex covers the sink being replaced while another thread prints.
 * The context is the thread's own. A sink must not log; what it logs all the same is dropped.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"

#define LINE_SIZE 2048

static atomic_int current_level = LOG_INFO;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*current_sink)(enum log_level level, const char *line, void *ctx);
static void *sink_ctx;
static _Thread_local struct log_context context;
static _Thread_local bool in_sink;

void log_set_level(enum log_level level)
{
	atomic_store(&current_level, (int)level);
}

enum log_level log_level(void)
{
	return (enum log_level)atomic_load(&current_level);
}

void log_set_sink(void (*sink)(enum log_level level, const char *line, void *ctx), void *ctx)
{
	pthread_mutex_lock(&sink_lock);
	current_sink = sink;
	sink_ctx = ctx;
	pthread_mutex_unlock(&sink_lock);
}

/* One write for one line: other processes may share the terminal or pipe. */
static void print_line(enum log_level level, const char *line)
{
	const char *prefix = level == LOG_ERROR ? "error: " : level == LOG_WARN ? "warning: " : "";
	char out[LINE_SIZE + 16];
	int len = snprintf(out, sizeof(out), "%s%s\n", prefix, line);
	ssize_t written = write(STDERR_FILENO, out, (size_t)len);

	(void)written; /* nobody is left to tell */
}

static PRINTF(2, 0) void log_line(enum log_level level, const char *fmt, va_list args)
{
	char line[LINE_SIZE];
	int at;

	if (level > log_level() || in_sink)
		return;
	at = snprintf(line, sizeof(line), "%s%s", context.text, context.text[0] ? ": " : "");
	vsnprintf(line + at, sizeof(line) - (size_t)at, fmt, args);
	text_clean(line);
	in_sink = true;
	pthread_mutex_lock(&sink_lock);
	if (current_sink)
		current_sink(level, line, sink_ctx);
	else
		print_line(level, line);
	pthread_mutex_unlock(&sink_lock);
	in_sink = false;
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, fmt);                                                               \
		log_line((level), fmt, args);                                                      \
		va_end(args);                                                                      \
	}

LOG_FUNCTION(log_error, LOG_ERROR)
LOG_FUNCTION(log_warn, LOG_WARN)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_detail, LOG_DETAIL)
LOG_FUNCTION(log_debug, LOG_DEBUG)

struct log_context log_context_set(const char *fmt, ...)
{
	struct log_context former = context, fresh;
	va_list args;

	va_start(args, fmt);
	vsnprintf(fresh.text, sizeof(fresh.text), fmt, args);
	va_end(args);
	context = fresh;
	return former;
}

void log_context_restore(const struct log_context *former)
{
	context = *former;
}
