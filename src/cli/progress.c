/*
 * The progress display. Steps come from any thread and only note what changed, under one mutex;
 * drawing is done by one thread that wakes ten times a second, and by whoever prints a log line
 * (which takes the display away, prints, and lets the thread draw again).
 */
#include "cli/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "cli/print.h"

#define LINES 8
#define TICK_MS 100

struct line {
	char subject[256], step[160];
	int64_t since_ms;
};

struct progress {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t drawer;
	bool live, stopping;
	struct line *active; /* in the order they began */
	size_t n_active, room, n_done;
	size_t drawn; /* lines on the screen now */
	int64_t started_ms;
};

static void erase(struct progress *p)
{
	if (p->drawn)
		fprintf(stderr, "\x1b[%zuA\r\x1b[J", p->drawn);
	p->drawn = 0;
}

static const char *seconds(char *out, size_t size, int64_t ms)
{
	snprintf(out, size, "%lld.%lld s", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
	return out;
}

static void draw_line(struct progress *p, struct arena *a, size_t width, const char *text)
{
	fprintf(stderr, "%s\n", text_cut(a, text, width));
	p->drawn++;
}

static void draw(struct progress *p)
{
	CLEANUP(arena_cleanup) struct arena *a = arena_new(0);
	size_t width = terminal_width(stderr),
	       shown_lines = p->n_active < LINES ? p->n_active : LINES;
	int64_t now = clock_monotonic_ms();
	char took[32];

	erase(p);
	if (!p->n_active && !p->n_done)
		return;
	for (size_t i = 0; i < shown_lines; i++) {
		const struct line *l = &p->active[i];

		draw_line(p, a, width ? width - 1 : 0,
		          arena_printf(a, "%s: %s, %s", l->subject, l->step,
		                       seconds(took, sizeof(took), now - l->since_ms)));
	}
	if (p->n_done + p->n_active > 1)
		draw_line(p, a, width ? width - 1 : 0,
		          arena_printf(a, "%zu under way, %zu finished, %s", p->n_active, p->n_done,
		                       seconds(took, sizeof(took), now - p->started_ms)));
	fflush(stderr);
}

static void *drawer(void *ctx)
{
	struct progress *p = ctx;

	pthread_mutex_lock(&p->lock);
	while (!p->stopping) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&p->wake, &p->lock, &until);
		if (!p->stopping)
			draw(p);
	}
	erase(p);
	fflush(stderr);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void log_line(enum log_level level, const char *line, void *ctx)
{
	struct progress *p = ctx;
	const char *prefix = level == LOG_ERROR ? "error: " : level == LOG_WARN ? "warning: " : "";
	bool colour = *prefix && wants_colour(stderr);

	pthread_mutex_lock(&p->lock);
	if (p->live)
		erase(p);
	fprintf(stderr, "%s%s%s%s\n",
	        !colour              ? ""
	        : level == LOG_ERROR ? "\x1b[31m"
	                             : "\x1b[33m",
	        prefix, colour ? colour_end(stderr) : "", line);
	pthread_mutex_unlock(&p->lock);
}

static struct line *find(struct progress *p, const char *subject)
{
	for (size_t i = 0; i < p->n_active; i++) {
		if (strcmp(p->active[i].subject, subject) == 0)
			return &p->active[i];
	}
	return NULL;
}

static struct line *add(struct progress *p, const char *subject)
{
	struct line *l;

	if (p->n_active == p->room) {
		size_t room = p->room ? p->room * 2 : LINES;
		struct line *more = reallocarray(p->active, room, sizeof(*more));

		if (!more)
			return NULL; /* only the display suffers */
		p->active = more;
		p->room = room;
	}
	l = &p->active[p->n_active++];
	memset(l, 0, sizeof(*l));
	snprintf(l->subject, sizeof(l->subject), "%s", subject);
	text_clean(l->subject);
	return l;
}

static void finished(struct progress *p, const char *subject)
{
	struct line *l = find(p, subject);

	if (!l)
		return;
	memmove(l, l + 1, (size_t)(p->active + p->n_active - (l + 1)) * sizeof(*l));
	p->n_active--;
	p->n_done++;
}

static void step(void *ctx, const char *subject, const char *what)
{
	struct progress *p = ctx;
	struct line *l;

	pthread_mutex_lock(&p->lock);
	if (!what) {
		finished(p, subject);
	} else if ((l = find(p, subject)) || (l = add(p, subject))) {
		if (!*l->step || strncmp(l->step, what, sizeof(l->step) - 1) != 0) {
			snprintf(l->step, sizeof(l->step), "%s", what);
			text_clean(l->step);
			l->since_ms = clock_monotonic_ms();
			if (!p->live)
				fprintf(stderr, "%s: %s\n", l->subject, l->step);
		}
	}
	pthread_mutex_unlock(&p->lock);
}

struct progress *progress_start(bool live)
{
	struct progress *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		out_of_memory();
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	p->started_ms = clock_monotonic_ms();
	p->live = live && pthread_create(&p->drawer, NULL, drawer, p) == 0;
	if (p->live)
		log_set_sink(log_line, p);
	return p;
}

struct ops_report progress_report(struct progress *p)
{
	return (struct ops_report){ .step = step, .ctx = p };
}

void progress_end(struct progress *p)
{
	if (!p || !p->live)
		return;
	log_set_sink(NULL, NULL);
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->drawer, NULL);
	p->live = false;
}

void progress_stop(struct progress *p)
{
	if (!p)
		return;
	progress_end(p);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p->active);
	free(p);
}
