/*
 * GET /metrics: the text format of Prometheus. The process's own counters, and counts that the
 * database answers from its indexes; when it cannot be asked, those are left out.
 */
#include <inttypes.h>
#include <string.h>

#include "api/route.h"
#include "base/buf.h"
#include "base/clock.h"

#define PAGE_BYTES (64 << 10)

/* The page is a few fixed lines: its limit cannot be reached. */
static void line(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
static void line(struct buf *b, const char *fmt, ...)
{
	char text[256];
	va_list args;
	struct err ignored;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (buf_str(b, text, &ignored) < 0)
		out_of_memory();
}

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
	line(b, "# HELP everleaf_%s %s\n", name, help);
	line(b, "# TYPE everleaf_%s %s\n", name, type);
}

static void gauge(struct buf *b, const char *name, const char *help, int64_t value)
{
	head(b, name, "gauge", help);
	line(b, "everleaf_%s %" PRId64 "\n", name, value);
}

static void process(struct buf *b, const struct daemon_state *s)
{
	head(b, "build_info", "gauge", "The version of this daemon.");
	line(b, "everleaf_build_info{version=\"%s\"} 1\n", EVERLEAF_VERSION);
	gauge(b, "start_time_seconds", "When this daemon started, Unix time.", s->started_at);
	gauge(b, "ready",
	      "1 when the database answers, the scheduler goes round and the clock is not wrong.",
	      s->ready);
	gauge(b, "last_pass_timestamp_seconds",
	      "When the last pass ended, of which a worker makes one every ten minutes, Unix time; "
	      "0: none yet.",
	      s->last_pass_at);
	gauge(b, "last_look_timestamp_seconds",
	      "When it was last looked what is due, Unix time; 0: not yet.", s->last_look_at);
	gauge(b, "jobs_running", "Certificates that are being worked on.", s->running);
	gauge(b, "jobs_sleeping", "Of these, those that wait for the CA or the DNS.", s->sleeping);
	gauge(b, "jobs_queued", "Certificates that wait for a worker.", s->queued);
	gauge(b, "workers", "Certificates worked on at once, at most.", s->slots);
	head(b, "attempts", "counter", "Turns of certificates since the start, by their outcome.");
	for (size_t i = 0; i < N_TURNS; i++)
		line(b, "everleaf_attempts_total{outcome=\"%s\"} %" PRIu64 "\n", turn_words[i],
		     s->turns[i]);
	head(b, "failures", "counter", "Turns since the start that failed.");
	line(b, "everleaf_failures_total %" PRIu64 "\n", s->turns[TURN_FAILED]);
	head(b, "clock_jumps", "counter", "How often the clock jumped.");
	line(b, "everleaf_clock_jumps_total %" PRIu64 "\n", s->clock_jumps);
	gauge(b, "clock_held",
	      "1 while nothing is begun that nobody asked for, since the clock is not believed.",
	      s->clock_held);
}

static int64_t of_status(const struct store_counts *c, const char *status)
{
	for (size_t i = 0; i < ARRAY_LEN(c->v) && c->v[i].status; i++)
		if (strcmp(c->v[i].status, status) == 0)
			return c->v[i].n;
	return 0;
}

static void certificates(struct buf *b, const struct store_counts *c)
{
	static const char *const as_stored[] = { "pending", "failed", "revoked" };

	head(b, "certificates", "gauge", "Certificates by status.");
	for (size_t i = 0; i < ARRAY_LEN(as_stored); i++)
		line(b, "everleaf_certificates{status=\"%s\"} %" PRId64 "\n", as_stored[i],
		     of_status(c, as_stored[i]));
	/* stored as issued: nobody writes a row because time passes */
	line(b, "everleaf_certificates{status=\"issued\"} %" PRId64 "\n",
	     of_status(c, "issued") - c->ended);
	line(b, "everleaf_certificates{status=\"expired\"} %" PRId64 "\n", c->ended);
	head(b, "certificates_expiring", "gauge",
	     "Certificates in use that end within so many days.");
	line(b, "everleaf_certificates_expiring{days=\"1\"} %" PRId64 "\n", c->ends_1d);
	line(b, "everleaf_certificates_expiring{days=\"7\"} %" PRId64 "\n", c->ends_7d);
	line(b, "everleaf_certificates_expiring{days=\"30\"} %" PRId64 "\n", c->ends_30d);
	gauge(b, "jobs_due", "Certificates that something is due for.", c->due);
}

void route_metrics(struct api_call *c)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(PAGE_BYTES);
	struct store_counts counts;
	struct daemon_state s;
	struct err e;

	c->api->state(c->api->state_ctx, &s);
	process(&b, &s);
	if (ops_daemon_counts(c->api->ops, &counts, &e) == 0)
		certificates(&b, &counts);
	reply_text(c, 200, "text/plain; version=0.0.4; charset=utf-8", arena_strdup(c->a, b.data));
}
