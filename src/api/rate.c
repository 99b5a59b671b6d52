/* Token buckets: see api/rate.h. */
#include "api/rate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/network.h"

#define SETS 1024
#define WAYS 4

static const struct {
	double per_s, most;
} kinds[] = {
	[RATE_REQUEST] = { 5000, 20000 },
	[RATE_CHANGE] = { 200, 1000 },
	[RATE_MAIL] = { 1.0 / 60, 20 },
	[RATE_FAILURE] = { 0.5, 30 },
};

struct bucket {
	uint64_t key; /* 0 = free */
	double tokens;
	int64_t at_ms;
};

struct rate {
	pthread_mutex_t lock;
	uint64_t seed; /* so that nobody chooses who shares a place with whom */
	struct bucket v[SETS][WAYS];
};

struct rate *rate_new(void)
{
	struct rate *r = calloc(1, sizeof(*r));

	if (!r)
		out_of_memory();
	pthread_mutex_init(&r->lock, NULL);
	if (getrandom(&r->seed, sizeof(r->seed), 0) < 0)
		r->seed = (uint64_t)clock_monotonic_ms();
	return r;
}

void rate_free(struct rate *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void whom_text(const char *whom, char out[static 80])
{
	struct network n;

	if (network_parse(whom, &n))
		network_text(&n, out);
	else
		snprintf(out, 80, "%s", whom);
}

static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}

static uint64_t key_of(const struct rate *r, enum rate_kind kind, const char *whom)
{
	uint64_t h = mix(r->seed + (uint64_t)kind);
	char text[80];

	whom_text(whom, text);
	for (const char *c = text; *c; c++)
		h = mix(h ^ (unsigned char)*c);
	return h ? h : 1;
}

static struct bucket *bucket_of(struct rate *r, enum rate_kind kind, const char *whom, int64_t now)
{
	uint64_t key = key_of(r, kind, whom);
	struct bucket *set = r->v[key % SETS], *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (!set[i].key || (oldest->key && set[i].at_ms < oldest->at_ms))
			oldest = &set[i];
	}
	*oldest = (struct bucket){ key, kinds[kind].most, now };
	return oldest;
}

static bool take(struct rate *r, enum rate_kind kind, const char *whom, double n, uint32_t *retry_s)
{
	int64_t now = clock_monotonic_ms();
	struct bucket *b;
	bool has;

	pthread_mutex_lock(&r->lock);
	b = bucket_of(r, kind, whom, now);
	b->tokens += (double)(now - b->at_ms) / 1000 * kinds[kind].per_s;
	if (b->tokens > kinds[kind].most)
		b->tokens = kinds[kind].most;
	b->at_ms = now;
	has = b->tokens >= 1;
	if (has)
		b->tokens -= n;
	else
		*retry_s = 1 + (uint32_t)((1 - b->tokens) / kinds[kind].per_s);
	pthread_mutex_unlock(&r->lock);
	return has;
}

bool rate_take(struct rate *r, enum rate_kind kind, const char *whom, uint32_t *retry_s)
{
	return take(r, kind, whom, 1, retry_s);
}

bool rate_has(struct rate *r, enum rate_kind kind, const char *whom, uint32_t *retry_s)
{
	return take(r, kind, whom, 0, retry_s);
}
