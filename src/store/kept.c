/*
 * Counts over all that is held cost what is held. Of very many they are kept for KEPT_TIMES as long
 * as it took to count, so that whoever asks, and however often, they cost one part in so many of
 * the time; of fewer each is made anew. The store's lock is held.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/internal.h"

#define KEPT_TIMES 50
#define VERY_MANY 20000

struct kept {
	struct kept *next;
	char name[32];
	int64_t until_ms;
	size_t size;
	unsigned char v[];
};

bool kept_get(struct store *s, const char *name, void *out, size_t size)
{
	int64_t now_ms = clock_monotonic_ms();

	for (struct kept *k = s->kept; k; k = k->next)
		if (strcmp(k->name, name) == 0 && k->size == size && now_ms < k->until_ms) {
			memcpy(out, k->v, size);
			return true;
		}
	return false;
}

static void drop_old(struct store *s, int64_t now_ms)
{
	for (struct kept **at = &s->kept; *at;) {
		struct kept *k = *at;

		if (k->until_ms > now_ms) {
			at = &k->next;
		} else {
			*at = k->next;
			free(k);
		}
	}
}

void kept_put(struct store *s, const char *name, int64_t began_ms, int64_t held, const void *v,
              size_t size)
{
	int64_t now_ms = clock_monotonic_ms();
	struct kept *k;

	drop_old(s, now_ms);
	if (held < VERY_MANY)
		return;
	k = calloc(1, sizeof(*k) + size);
	if (!k)
		out_of_memory();
	snprintf(k->name, sizeof(k->name), "%s", name);
	k->until_ms = now_ms + (now_ms - began_ms) * KEPT_TIMES;
	k->size = size;
	memcpy(k->v, v, size);
	k->next = s->kept;
	s->kept = k;
}

void kept_free(struct store *s)
{
	for (struct kept *k = s->kept, *next; k; k = next) {
		next = k->next;
		free(k);
	}
}
