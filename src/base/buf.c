/*
 * The growing buffer. It doubles, up to its limit, and leaves no copy behind when it moves: what is
 * collected in it may be a key. One thread at a time.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

#define FIRST_SIZE ((size_t)256)

/* Makes room for `more` bytes and the terminating NUL. */
static int grow(struct buf *b, size_t more, struct err *e)
{
	size_t need, cap;
	char *data;

	if (more > b->limit - b->len)
		return err_set(e, ERR_INPUT, "more than %zu bytes", b->limit);
	need = b->len + more + 1;
	if (need <= b->cap)
		return 0;
	cap = b->cap ? b->cap : FIRST_SIZE;
	while (cap < need)
		cap *= 2;
	data = malloc(cap);
	if (!data)
		return err_set(e, ERR_MEMORY, "out of memory (%zu bytes)", cap);
	if (b->data) {
		memcpy(data, b->data, b->len);
		wipe(b->data, b->cap);
		free(b->data);
	}
	b->data = data;
	b->cap = cap;
	return 0;
}

int buf_add(struct buf *b, const void *data, size_t len, struct err *e)
{
	TRY(grow(b, len, e));
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_str(struct buf *b, const char *s, struct err *e)
{
	return buf_add(b, s, strlen(s), e);
}

int buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return err_set(e, ERR_INPUT, "a text could not be formatted");
	TRY(grow(b, (size_t)len, e));
	va_start(args, fmt);
	vsnprintf(b->data + b->len, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
	return 0;
}

void buf_done(struct buf *b)
{
	if (b->data) {
		wipe(b->data, b->cap);
		free(b->data);
	}
	b->data = NULL;
	b->len = b->cap = 0;
}
