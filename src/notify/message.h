/*
 * A mail as it is sent (RFC 5322, RFC 2045 to 2047): pure. Nothing given can add a header or a
 * recipient: addresses are checked before, subjects and names are encoded or cleaned.
 */
#ifndef NOTIFY_MESSAGE_H
#define NOTIFY_MESSAGE_H

#include "base/buf.h"
#include "notify/channel.h"

#define MESSAGE_MAX_BYTES ((size_t)4 << 20)

struct letter {
	const char *from; /* bare addresses */
	struct strings to;
	const char *subject; /* UTF-8 */
	const char *text;    /* UTF-8 */
	const char *id;      /* of the message, hexadecimal */
	int64_t at;          /* its date */
	const struct attachment *files;
	size_t n_files;
};
/* Lines end with CRLF. ERR_INPUT when it is too large. */
NODISCARD int letter_write(struct arena *a, const struct letter *l, struct buf *out, struct err *e);

#endif
