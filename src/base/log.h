/*
 * Lines on standard error (or the journal later). The context (certificate, order) is inherited by
 * what runs on the same thread, never retyped. No secret ever comes here. Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/macros.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DETAIL, LOG_DEBUG };

void log_set_level(enum log_level level); /* default LOG_INFO */
enum log_level log_level(void);
/* Who prints a finished line (level, line without newline); NULL restores standard error. The live
 * progress display sets this, so that lines and progress do not overwrite each other. */
void log_set_sink(void (*sink)(enum log_level level, const char *line, void *ctx), void *ctx);

void log_error(const char *fmt, ...) PRINTF(1, 2);
void log_warn(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_detail(const char *fmt, ...) PRINTF(1, 2); /* -v */
void log_debug(const char *fmt, ...) PRINTF(1, 2);  /* -vv */

/* Sets this thread's context, shown before each line ("example.org: "), and gives the former one
 * back for restoring. At most 255 bytes are kept; "" = none. */
struct log_context {
	char text[256];
};
struct log_context log_context_set(const char *fmt, ...) PRINTF(1, 2);
void log_context_restore(const struct log_context *former);

#endif
