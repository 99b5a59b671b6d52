/*
 * One arena per unit of work (a job, a command, an answer): strings and structs live there and go
 * together; it is wiped when freed. Every input is bounded at the border, so running into the cap,
 * or out of memory, is our own bug or a lost machine: the process ends with a message (nothing is
 * half done, since everything is written before it is acted on). An arena is used by one thread at
 * a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

struct arena;

/* A list of strings, its array and strings in some arena. */
struct strings {
	const char **v;
	size_t n;
};

#define ARENA_CAP_DEFAULT ((size_t)64 << 20)

struct arena *arena_new(size_t cap_bytes); /* 0 = ARENA_CAP_DEFAULT */
void arena_free(struct arena *a);          /* wipes; NULL is fine */

/* Never NULL; zeroed; aligned for anything. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);            /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n); /* always NUL-terminated */
void *arena_memdup(struct arena *a, const void *p, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

#define ARENA_NEW(a, T) ((T *)arena_alloc((a), sizeof(T)))
#define ARENA_ARRAY(a, T, n) ((T *)arena_alloc_array((a), sizeof(T), (n)))
void *arena_alloc_array(struct arena *a, size_t size, size_t n);

/* Appends one string (copied into the arena). The list starts empty ({ 0 }) and has grown only by
 * strings_add or strings_dup; an array made by hand is copied with strings_dup before anything is
 * added. */
void strings_add(struct arena *a, struct strings *list, const char *s);
/* Copies list and strings. */
struct strings strings_dup(struct arena *a, const struct strings *list);
/* Joined with sep; "" for none. */
char *strings_join(struct arena *a, const struct strings *list, const char *sep);
bool strings_has(const struct strings *list, const char *s);
bool strings_same(const struct strings *x, const struct strings *y); /* same strings, same order */

/* Ends the process with a message, as an arena does when the system has no memory left. */
_Noreturn void out_of_memory(void);

DEFINE_CLEANUP(arena_cleanup, struct arena, arena_free)

#endif
