/*
 * The arena: a chain of blocks handed out front to back, wiped and freed together. Blocks start
 * small and double, so that a small unit of work costs one page and a large one few calls; what is
 * handed out is zeroed then, since most of a block never is. One thread at a time.
 */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"

#define ARENA_ALIGN 16
#define FIRST_BLOCK ((size_t)4096)
#define LARGEST_BLOCK ((size_t)256 << 10)

struct block {
	struct block *next;
	size_t size, used; /* of data */
	_Alignas(ARENA_ALIGN) unsigned char data[];
};

struct arena {
	struct block *blocks; /* newest first */
	size_t cap, given;    /* most bytes to hand out, and bytes handed out */
	size_t next_size;
};

static _Noreturn void die(const char *why)
{
	fflush(stdout);
	dprintf(STDERR_FILENO, "error: %s; nothing is lost, run it again\n", why);
	_exit(1);
}

_Noreturn void out_of_memory(void)
{
	die("the system is out of memory");
}

struct arena *arena_new(size_t cap_bytes)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		out_of_memory();
	a->cap = cap_bytes ? cap_bytes : ARENA_CAP_DEFAULT;
	a->next_size = FIRST_BLOCK - sizeof(struct block);
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		wipe(b->data, b->used);
		free(b);
	}
	free(a);
}

static struct block *add_block(struct arena *a, size_t at_least)
{
	size_t size = at_least > a->next_size ? at_least : a->next_size;
	struct block *b;

	b = malloc(sizeof(*b) + size);
	if (!b)
		out_of_memory();
	*b = (struct block){ .next = a->blocks, .size = size };
	a->blocks = b;
	if (a->next_size < LARGEST_BLOCK)
		a->next_size *= 2;
	return b;
}

/* As it is found: for what is written over at once. */
static void *take(struct arena *a, size_t size)
{
	struct block *b = a->blocks;
	size_t rounded;
	void *p;

	if (size > SIZE_MAX / 2)
		die("an impossible amount of memory was asked for (please report this)");
	rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (!rounded)
		rounded = ARENA_ALIGN; /* each allocation is a place of its own */
	if (rounded > a->cap - a->given)
		die("a memory limit of our own was passed (please report this)");
	if (!b || rounded > b->size - b->used)
		b = add_block(a, rounded);
	p = b->data + b->used;
	b->used += rounded;
	a->given += rounded;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(take(a, size), 0, size);
}

void *arena_alloc_array(struct arena *a, size_t size, size_t n)
{
	size_t all;

	if (__builtin_mul_overflow(size, n, &all))
		die("an impossible amount of memory was asked for (please report this)");
	return arena_alloc(a, all);
}

void *arena_memdup(struct arena *a, const void *p, size_t n)
{
	void *copy = take(a, n);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = take(a, len + 1);

	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

/* Most texts are short: they are formatted once, aside, and copied. */
char *arena_printf(struct arena *a, const char *fmt, ...)
{
	char aside[256], *s;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(aside, sizeof(aside), fmt, args);
	va_end(args);
	if (len < 0)
		die("a text could not be formatted (please report this)");
	if ((size_t)len < sizeof(aside)) {
		s = arena_memdup(a, aside, (size_t)len + 1);
		wipe(aside, (size_t)len);
		return s;
	}
	s = arena_alloc(a, (size_t)len + 1);
	va_start(args, fmt);
	vsnprintf(s, (size_t)len + 1, fmt, args);
	va_end(args);
	wipe(aside, sizeof(aside));
	return s;
}

/* The array has room for the next power of two; a full one moves. No capacity is kept, hence the
 * rule in the header that only lists that grew this way are added to. */
void strings_add(struct arena *a, struct strings *list, const char *s)
{
	bool full = (list->n & (list->n - 1)) == 0; /* 0, 1, 2, 4, 8, ... */

	if (full) {
		size_t room = list->n ? list->n * 2 : 1;
		const char **v = ARENA_ARRAY(a, const char *, room);

		if (list->n)
			memcpy(v, list->v, list->n * sizeof(*v));
		list->v = v;
	}
	list->v[list->n++] = arena_strdup(a, s);
}

struct strings strings_dup(struct arena *a, const struct strings *list)
{
	struct strings copy = { 0 };

	for (size_t i = 0; i < list->n; i++)
		strings_add(a, &copy, list->v[i]);
	return copy;
}

char *strings_join(struct arena *a, const struct strings *list, const char *sep)
{
	size_t sep_len = strlen(sep), len = 0, at = 0;
	char *joined;

	for (size_t i = 0; i < list->n; i++)
		len += strlen(list->v[i]) + (i ? sep_len : 0);
	joined = arena_alloc(a, len + 1);
	for (size_t i = 0; i < list->n; i++) {
		size_t part = strlen(list->v[i]);

		if (i) {
			memcpy(joined + at, sep, sep_len);
			at += sep_len;
		}
		memcpy(joined + at, list->v[i], part);
		at += part;
	}
	return joined;
}

bool strings_has(const struct strings *list, const char *s)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i], s) == 0)
			return true;
	}
	return false;
}

bool strings_same(const struct strings *x, const struct strings *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++) {
		if (strcmp(x->v[i], y->v[i]) != 0)
			return false;
	}
	return true;
}
