/* A short list: subjects come onto it only when something is wrong. */
#include "daemon/holdback.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define MOST_MS (300 * 1000)
#define FORGET_MS (60 * 1000)

struct held {
	struct held *next;
	char *subject;
	int64_t until_ms, wait_ms;
};

static void drop(struct holdback *h, struct held **at)
{
	struct held *x = *at;

	*at = x->next;
	free(x->subject);
	free(x);
	h->n--;
}

/* Where it is; those that are long over go on the way. */
static struct held **find(struct holdback *h, const char *subject, int64_t now_ms)
{
	struct held **at = &h->list;

	while (*at) {
		if (now_ms > (*at)->until_ms + FORGET_MS)
			drop(h, at);
		else if (strcmp((*at)->subject, subject) == 0)
			return at;
		else
			at = &(*at)->next;
	}
	return at;
}

void holdback_add(struct holdback *h, const char *subject, int64_t now_ms, int64_t ms)
{
	struct held **at = find(h, subject, now_ms);

	if (!*at) {
		struct held *x = calloc(1, sizeof(*x));

		if (!x || !(x->subject = strdup(subject)))
			out_of_memory();
		*at = x;
		h->n++;
	} else {
		ms = (*at)->wait_ms * 2;
	}
	(*at)->wait_ms = ms < MOST_MS ? ms : MOST_MS;
	(*at)->until_ms = now_ms + (*at)->wait_ms;
}

bool holdback_has(struct holdback *h, const char *subject, int64_t now_ms)
{
	struct held **at = find(h, subject, now_ms);

	return *at && now_ms < (*at)->until_ms;
}

void holdback_done(struct holdback *h)
{
	while (h->list)
		drop(h, &h->list);
}
