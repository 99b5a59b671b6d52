/*
 * The judgement, and where the witnesses are heard. A CA whose certificate does not hold is asked
 * too: it is the wrong clock that makes certificates look old, or not valid yet. Any thread.
 */
#include "flow/witness.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/session.h"
#include "sys/http.h"

#define MADE_AT INT64_C(1735689600) /* 2025-01-01: before this program was written */
#define DIFFERS_S 3600
#define AHEAD_S (2 * 86400)
#define CAS_ASKED 3
#define LIMIT_MS 10000
#define ANSWER_MAX 4096

static bool differ(int64_t x, int64_t y)
{
	return llabs(x - y) > DIFFERS_S;
}

static bool is_behind(const struct witnesses *w)
{
	return w->known_at && w->now < w->known_at - DIFFERS_S;
}

static bool database_differs(const struct witnesses *w)
{
	return w->database_at && differ(w->now, w->database_at);
}

static bool is_disputed(const struct witnesses *w)
{
	return is_behind(w) || database_differs(w) ||
	       (w->known_at && w->now > w->known_at + AHEAD_S);
}

enum clock_verdict witness_judge(struct arena *a, const struct witnesses *w, const char **why)
{
	const char *now =
	    arena_printf(a, "this machine's clock says %s", clock_rfc3339(a, w->now ? w->now : 1));

	if (w->now < MADE_AT) {
		*why = arena_printf(a, "%s, when this program was not yet made", now);
		return CLOCK_WRONG;
	}
	if (!is_disputed(w))
		return CLOCK_UNDISPUTED;
	if (w->ca_at && differ(w->now, w->ca_at)) {
		*why = arena_printf(a, "%s, the CA %.60s says %s", now, w->ca,
		                    clock_rfc3339(a, w->ca_at));
		return CLOCK_WRONG;
	}
	if (w->ca_at && w->ca_is_proved)
		return CLOCK_VOUCHED;
	if (is_behind(w)) {
		*why = arena_printf(a, "%s, but work was done here at %s", now,
		                    clock_rfc3339(a, w->known_at));
		return CLOCK_WRONG;
	}
	if (database_differs(w)) {
		*why = arena_printf(a, "%s, that of the database %s", now,
		                    clock_rfc3339(a, w->database_at));
		return CLOCK_WRONG;
	}
	*why = arena_printf(a, "%s, work was done here last at %s, and no CA says what time it is",
	                    now, clock_rfc3339(a, w->known_at));
	return CLOCK_UNSURE;
}

/* An answer out of a cache has been there for a while (RFC 9111 5.1). */
static int date_of(const struct http_response *res, int64_t *at, struct err *e)
{
	const char *date = http_header(res, "date"), *age = http_header(res, "age");
	int64_t age_s = age ? strtoll(age, NULL, 10) : 0;

	if (!date)
		return err_set(e, ERR_PROTOCOL, "its answer has no Date");
	TRY(clock_parse_http_date(date, at, e));
	*at = clock_of_others(*at + (age_s > 0 && age_s < 86400 ? age_s : 0));
	return 0;
}

/* Whatever it answers: each answer has a Date. */
static int ask(struct run *r, struct arena *a, const struct ca *ca, bool unverified, int64_t *at,
               struct err *e)
{
	const struct http_request request = { .method = "GET",
		                              .url = ca->url,
		                              .max_body = ANSWER_MAX,
		                              .cut = true,
		                              .limit_ms = LIMIT_MS };
	struct http_response answer;
	struct http *http;

	TRY(session_http_of_ca(r, ca, unverified, &http, e));
	TRY(http_do(http, a, &request, r->cancel, &answer, e));
	return date_of(&answer, at, e);
}

static void hear(struct run *r, struct arena *a, const struct ca *ca, struct witnesses *w)
{
	bool proved = true;
	struct err e;
	int64_t at;
	int failed = ask(r, a, ca, false, &at, &e);

	if (failed && e.code == ERR_TLS) {
		proved = false;
		failed = ask(r, a, ca, true, &at, &e);
	}
	if (failed) {
		log_detail("%s does not say what time it is: %s", ca->name, e.text);
		return;
	}
	if (w->ca_at && llabs(w->now - w->ca_at) <= llabs(w->now - at))
		return;
	w->ca_at = at;
	w->ca_is_proved = proved;
	w->ca = ca->name;
}

/* Those of the accounts here. */
static int hear_cas(struct run *r, struct arena *a, struct witnesses *w, struct err *e)
{
	struct strings asked = { 0 };
	struct account *v;
	struct err unknown;
	struct ca ca;
	size_t n;

	TRY(st_account_list(r->store, a, &v, &n, e));
	for (size_t i = 0; i < n && asked.n < CAS_ASKED; i++) {
		if (strings_has(&asked, v[i].directory_url) ||
		    ca_of_account(r, a, &v[i], &ca, &unknown) < 0)
			continue;
		strings_add(a, &asked, v[i].directory_url);
		hear(r, a, &ca, w);
		if (w->ca_at && w->ca_is_proved && !differ(w->now, w->ca_at))
			break;
	}
	return 0;
}

int witness_look(struct run *r, struct arena *a, bool asks, enum clock_verdict *out,
                 const char **why, struct err *e)
{
	struct witnesses w = { 0 };

	TRY(st_pass_get(r->store, &w.known_at, e));
	if (!w.known_at)
		TRY(st_cert_first_made(r->store, &w.known_at, e));
	if (store_is_shared(r->store)) {
		TRY(store_clock(r->store, &w.database_at, e));
		w.database_at = clock_of_others(w.database_at);
	}
	w.now = clock_now();
	if (asks && w.now >= MADE_AT && is_disputed(&w))
		TRY(hear_cas(r, a, &w, e));
	*out = witness_judge(a, &w, why);
	return 0;
}
