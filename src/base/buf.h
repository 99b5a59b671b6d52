/*
 * A growing byte buffer with a limit. Always NUL-terminated once something was added. Wiped when
 * done.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

#include "base/err.h"

struct buf {
	char *data;
	size_t len, cap;
	size_t limit; /* most bytes it may hold; set by BUF_LIMIT */
};

#define BUF_LIMIT(bytes)                                                                           \
	{                                                                                          \
		.limit = (bytes)                                                                   \
	}

/* ERR_INPUT when the limit would be passed (what: the name of the thing for the message). */
NODISCARD int buf_add(struct buf *b, const void *data, size_t len, struct err *e);
NODISCARD int buf_str(struct buf *b, const char *s, struct err *e);
NODISCARD int buf_printf(struct buf *b, struct err *e, const char *fmt, ...) PRINTF(3, 4);
void buf_done(struct buf *b); /* wipes and frees; usable with CLEANUP(buf_done) */

#endif
