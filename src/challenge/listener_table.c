/*
 * See listener_table.h. A chained hash table of fixed width under one lock, which is held for a
 * look-up and a copy only.
 */
#include "challenge/listener_table.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

#define WIDTH 256

struct entry {
	struct entry *next;
	char *name, *first, *second;
};

struct table {
	pthread_mutex_t lock;
	struct entry *rows[WIDTH];
};

static void *must(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

static size_t row_of(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h % WIDTH;
}

static void text_free(char *s)
{
	if (s)
		wipe(s, strlen(s));
	free(s);
}

static void entry_free(struct entry *x)
{
	text_free(x->name);
	text_free(x->first);
	text_free(x->second);
	free(x);
}

struct table *table_new(void)
{
	struct table *t = must(calloc(1, sizeof(*t)));

	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void table_free(struct table *t)
{
	for (size_t i = 0; t && i < WIDTH; i++)
		for (struct entry *x = t->rows[i], *next; x; x = next) {
			next = x->next;
			entry_free(x);
		}
	if (t)
		pthread_mutex_destroy(&t->lock);
	free(t);
}

void table_put(struct table *t, const char *name, const char *first, const char *second)
{
	struct entry *x = must(calloc(1, sizeof(*x)));
	struct entry **row = &t->rows[row_of(name)];

	x->name = must(strdup(name));
	x->first = must(strdup(first));
	x->second = second ? must(strdup(second)) : NULL;
	pthread_mutex_lock(&t->lock);
	x->next = *row;
	*row = x;
	pthread_mutex_unlock(&t->lock);
}

void table_drop(struct table *t, const char *name)
{
	struct entry **oldest = NULL, *x = NULL;

	pthread_mutex_lock(&t->lock);
	for (struct entry **p = &t->rows[row_of(name)]; *p; p = &(*p)->next)
		if (strcmp((*p)->name, name) == 0)
			oldest = p;
	if (oldest) {
		x = *oldest;
		*oldest = x->next;
	}
	pthread_mutex_unlock(&t->lock);
	if (x)
		entry_free(x);
}

bool table_get(struct table *t, struct arena *a, const char *name, const char **first,
               const char **second)
{
	pthread_mutex_lock(&t->lock);
	struct entry *x = t->rows[row_of(name)];
	while (x && strcmp(x->name, name) != 0)
		x = x->next;
	if (x && first)
		*first = arena_strdup(a, x->first);
	if (x && second)
		*second = arena_strdup(a, x->second);
	pthread_mutex_unlock(&t->lock);
	return x != NULL;
}
