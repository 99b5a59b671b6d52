/*
 * The wait for propagation: one for all names of an order. First the service's own word where it
 * gives one, then all authoritative servers, then resolvers if wanted. A server that does not
 * answer is waited for a little when all others have the values, and then named in the log.
 */
#include "dns/settle.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "dns/settle_impl.h"

#define PAUSE_FIRST_MS 200
#define PAUSE_MOST_MS 5000
#define SYNC_FIRST_MS 500
#define GRACE_MS 10000
#define GRACE_CLOSED_MS 1000
#define LIMIT_LEAST_S 120
#define PARKED_S 30

enum mode { MODE_AUTHORITATIVE, MODE_RECURSIVE, MODE_PROVIDER, MODE_NONE };

static enum mode mode_of(const struct dns_placement *p)
{
	const char *word = p->session->common.propagation;

	if (!word || strcmp(word, "authoritative") == 0)
		return MODE_AUTHORITATIVE;
	if (strcmp(word, "recursive") == 0)
		return MODE_RECURSIVE;
	return strcmp(word, "provider") == 0 ? MODE_PROVIDER : MODE_NONE;
}

static int64_t limit_s(const struct dns_placement *v, size_t n)
{
	int64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		const struct dns_session *s = v[i].session;
		int64_t one = s->common.propagation_timeout_s;

		if (!one)
			one = 4 * (int64_t)s->provider->settle_s;
		if (!s->common.propagation_timeout_s && one < LIMIT_LEAST_S)
			one = LIMIT_LEAST_S;
		if (one > most)
			most = one;
	}
	return most;
}

struct wait {
	struct arena *a;
	const struct dns_placement *v;
	size_t n;
	const struct settle_how *how;
	int64_t started, limit_at; /* monotonic, ms */
	bool *by_dns;              /* v[i] is looked for in the DNS */
};

/* Before the next look: ERR_AGAIN when the caller wants its thread back. */
static int pause_for(const struct wait *w, int64_t *pause_ms, struct err *e)
{
	int64_t waited_ms = clock_monotonic_ms() - w->started;

	if (w->how->park_after_s && waited_ms >= (int64_t)w->how->park_after_s * 1000) {
		(void)err_set(e, ERR_AGAIN, "the name servers are not up to date yet");
		e->retry_s = PARKED_S;
		return -ERR_AGAIN;
	}
	TRY(cancel_sleep_ms(w->how->cancel, *pause_ms, e));
	*pause_ms = *pause_ms * 3 / 2 < PAUSE_MOST_MS ? *pause_ms * 3 / 2 : PAUSE_MOST_MS;
	return 0;
}

/* the service's own word */

/* *told: it said that all is there. False: it may not be asked. */
static int ask_service(const struct wait *w, const struct dns_placement *p, bool *told,
                       struct err *e)
{
	int64_t pause_ms = SYNC_FIRST_MS;
	bool done = false;
	struct err why;

	*told = false;
	for (;;) {
		if (p->session->provider->in_sync(p->session, &p->zone, &done, &why) < 0) {
			if (why.code != ERR_DENIED) {
				*e = why;
				return dns_ctx(e, p->session, &p->zone);
			}
			log_detail("DNS account %s: %s; the name servers are asked instead",
			           p->session->account, why.text);
			return 0;
		}
		*told = done;
		if (done)
			return 0;
		if (clock_monotonic_ms() >= w->limit_at) {
			(void)err_set(e, ERR_VALIDATION,
			              "the service says that its name servers are not up to date "
			              "yet (propagation_timeout is how long that is waited for)");
			return dns_ctx(e, p->session, &p->zone);
		}
		TRY(pause_for(w, &pause_ms, e));
	}
}

static bool asked_already(const struct wait *w, size_t i, size_t *before)
{
	for (size_t k = 0; k < i; k++)
		if (w->v[k].session == w->v[i].session &&
		    strcmp(w->v[k].zone.name, w->v[i].zone.name) == 0) {
			*before = k;
			return true;
		}
	return false;
}

/* Decides what is looked for in the DNS, asking services that know on the way. */
static int ask_services(struct wait *w, struct err *e)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct dns_placement *p = &w->v[i];
		enum mode mode = mode_of(p);
		bool told = false;
		size_t before;

		if (asked_already(w, i, &before)) {
			w->by_dns[i] = w->by_dns[before];
			continue;
		}
		w->by_dns[i] = mode != MODE_NONE;
		if (mode == MODE_NONE || !p->session->provider->in_sync)
			continue;
		TRY(ask_service(w, p, &told, e));
		if (told && mode == MODE_PROVIDER)
			w->by_dns[i] = false;
	}
	return 0;
}

/* the DNS */

static const char *server_words(struct arena *a, const struct settle_server *s)
{
	if (s->name)
		return arena_printf(a, "%s (%s) %s", s->name, s->address, s->said);
	return arena_printf(a, "%s %s", s->address, s->said);
}

/* All servers in one of the states from `least` on, as people read it. */
static char *list_servers(struct arena *a, const struct settle_report *r, enum settle_state least)
{
	struct strings words = { 0 };

	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].state >= least)
			strings_add(a, &words, server_words(a, &r->v[i]));
	return strings_join(a, &words, "; ");
}

/* Servers that must have the values before we go on: those that have ever said anything of them. */
static size_t n_awaited(const struct settle_work *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n_asked; i++)
		n += !k->asked[i].away && k->asked[i].answered && k->asked[i].s.state != SETTLE_HAS;
	return n;
}

static int64_t grace_ms(const struct settle_work *k)
{
	for (size_t i = 0; i < k->n_asked; i++)
		if (!k->asked[i].away && k->asked[i].s.state >= SETTLE_SILENT &&
		    !k->asked[i].closed)
			return GRACE_MS;
	return GRACE_CLOSED_MS;
}

static int too_late(const struct wait *w, const struct settle_report *r, struct err *e)
{
	return err_set(e, ERR_VALIDATION, "%s%s not at all name servers after %lld s: %s",
	               w->v[0].name, w->n > 1 ? " and others are" : " is",
	               (long long)(clock_monotonic_ms() - w->started) / 1000,
	               list_servers(w->a, r, SETTLE_HAS_NOT));
}

/* All that answer have it. The others are named, and one at least must have it. */
static int go_on(const struct wait *w, const struct settle_work *k, const struct settle_report *r,
                 struct err *e)
{
	if (r->n_has == 0)
		return err_set(e, ERR_NETWORK, "no %s knows about %s: %s",
		               k->recursive ? "resolver" : "name server", w->v[0].name,
		               r->n ? list_servers(w->a, r, SETTLE_HAS_NOT)
		                    : "none can be reached from here");
	if (r->n_silent)
		log_warn("went on without %s: %s; the CA may meet %s",
		         r->n_silent == 1 ? "a name server" : "some name servers",
		         list_servers(w->a, r, SETTLE_SILENT), r->n_silent == 1 ? "it" : "them");
	return 0;
}

static int look_until_there(const struct wait *w, struct settle_work *k, struct err *e)
{
	int64_t pause_ms = PAUSE_FIRST_MS, others_at = 0;
	struct settle_report r;

	for (;;) {
		int64_t now;

		TRY(settle_round(k, &r, e));
		now = clock_monotonic_ms();
		if (r.n_has == r.n && r.n > 0)
			return 0;
		if (n_awaited(k) > 0)
			others_at = 0;
		else if (!others_at)
			others_at = now;
		if (r.n == 0 || (others_at && now - others_at >= grace_ms(k)))
			return go_on(w, k, &r, e);
		if (now >= w->limit_at)
			return others_at ? go_on(w, k, &r, e) : too_late(w, &r, e);
		if (others_at && pause_ms > GRACE_CLOSED_MS)
			pause_ms = GRACE_CLOSED_MS;
		if (pause_ms > w->limit_at - now)
			pause_ms = w->limit_at - now;
		TRY(pause_for(w, &pause_ms, e));
	}
}

static int look_at(const struct wait *w, bool recursive, const bool *wanted, struct err *e)
{
	struct settle_work k = { .a = w->a, .how = w->how, .recursive = recursive };

	settle_gather(&k, w->v, w->n, wanted);
	if (k.n_names == 0)
		return 0;
	TRY(settle_prepare(&k, e));
	if (k.left_out)
		log_warn("%s: not all name servers are asked: %s", w->v[0].name, k.left_out);
	return look_until_there(w, &k, e);
}

int settle_wait(struct arena *a, const struct dns_placement *v, size_t n,
                const struct settle_how *how, struct err *e)
{
	struct wait w = { .a = a, .v = v, .n = n, .how = how };
	bool *recursive = ARENA_ARRAY(a, bool, n + 1);
	int64_t first_s = 0;

	w.by_dns = ARENA_ARRAY(a, bool, n + 1);
	for (size_t i = 0; i < n; i++)
		if (v[i].session->common.propagation_wait_s > first_s)
			first_s = v[i].session->common.propagation_wait_s;
	TRY(cancel_sleep_ms(how->cancel, first_s * 1000, e));
	w.started = clock_monotonic_ms();
	w.limit_at = w.started + limit_s(v, n) * 1000;
	TRY(ask_services(&w, e));
	TRY(look_at(&w, false, w.by_dns, e));
	for (size_t i = 0; i < n; i++)
		recursive[i] = mode_of(&v[i]) == MODE_RECURSIVE;
	return look_at(&w, true, recursive, e);
}

int settle_look(struct arena *a, const struct dns_placement *v, size_t n,
                const struct settle_how *how, struct settle_report *out, struct err *e)
{
	struct settle_work k = { .a = a, .how = how };
	bool *wanted = ARENA_ARRAY(a, bool, n + 1);

	for (size_t i = 0; i < n; i++)
		wanted[i] = true;
	settle_gather(&k, v, n, wanted);
	TRY(settle_prepare(&k, e));
	return settle_round(&k, out, e);
}
