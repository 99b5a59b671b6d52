/*
 * The looks as a table, the questions they ask of the DNS, and what their findings come to. Runs on
 * the worker's thread; nothing is kept.
 */
#include "flow/preflight.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/preflight_impl.h"
#include "sys/names.h"

/* In the order in which they are told. The profile's limits come first, and are no question. A new
 * look is a row. */
static const struct look {
	const char *challenge; /* its beginning; NULL = all types */
	void (*want)(struct preflight *p);
	int (*look)(struct preflight *p, struct err *e);
	bool outside; /* at the DNS and at hosts, as far as they are seen from here */
} looks[] = {
	{ NULL, NULL, preflight_limits, false },
	{ NULL, preflight_caa_want, preflight_caa, true },
	{ "http-01", preflight_address_want, preflight_address, true },
	{ "http-01", NULL, preflight_http, true },
	{ "tls-alpn-01", preflight_address_want, preflight_address, true },
	{ "tls-alpn-01", NULL, preflight_alpn, true },
	{ "dns-", preflight_dns_want, preflight_dns, true },
	{ "dns-01", NULL, preflight_delegation, true },
};

/* Of a CA that is neither a public one nor says whom it asks, nobody knows which DNS and which
 * network it sees: an attempt does not wait for looks that could not hold it back. */
static bool applies(const struct preflight *p, const struct look *l)
{
	const char *type = p->cert->challenge;

	if (l->outside && p->elsewhere && !p->ask->thorough)
		return false;
	return !l->challenge || strncmp(type, l->challenge, strlen(l->challenge)) == 0;
}

/* findings */

static void add(struct preflight *p, const struct finding *f)
{
	if (p->found.n == p->found_room) {
		struct finding *v = ARENA_ARRAY(p->arena, struct finding, p->found_room * 2 + 16);

		if (p->found.n)
			memcpy(v, p->found.v, p->found.n * sizeof(*v));
		p->found.v = v;
		p->found_room = p->found_room * 2 + 16;
	}
	p->found.v[p->found.n++] = *f;
}

static PRINTF(2, 0) const char *text_of(struct preflight *p, const char *fmt, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof text, fmt, args);
	text_clean(text);
	return arena_strdup(p->arena, text);
}

void preflight_fine(struct preflight *p, const char *name, const char *check, const char *fmt, ...)
{
	struct finding f = { .name = name, .check = check, .verdict = FINDING_FINE };
	va_list args;

	va_start(args, fmt);
	f.text = text_of(p, fmt, args);
	va_end(args);
	add(p, &f);
}

void preflight_found(struct preflight *p, const char *name, const char *check, enum seen seen,
                     const char *problem, const char *mend, const char *fmt, ...)
{
	struct finding f = { .name = name, .check = check, .problem = problem, .mend = mend };
	va_list args;

	if (seen == SEEN_FAILS && p->doubtful)
		seen = SEEN_UNKNOWN;

	f.verdict = seen == SEEN_FAILS     ? FINDING_FAILS
	            : seen == SEEN_UNKNOWN ? FINDING_UNKNOWN
	                                   : FINDING_FINE;
	va_start(args, fmt);
	f.text = text_of(p, fmt, args);
	va_end(args);
	add(p, &f);
}

/* the DNS */

const struct look_up *preflight_answer(const struct preflight *p, const char *name,
                                       enum dns_type type)
{
	for (size_t i = 0; i < p->n_questions; i++)
		if (p->questions[i].q.type == type && strcmp(p->questions[i].q.name, name) == 0)
			return &p->questions[i];
	return NULL;
}

void preflight_want(struct preflight *p, const char *name, enum dns_type type)
{
	if (preflight_answer(p, name, type))
		return;
	if (p->n_questions == p->room) {
		struct look_up *v = ARENA_ARRAY(p->arena, struct look_up, p->room * 2 + 16);

		if (p->n_questions)
			memcpy(v, p->questions, p->n_questions * sizeof(*v));
		p->questions = v;
		p->room = p->room * 2 + 16;
	}
	p->questions[p->n_questions++] = (struct look_up){
		.q = { .name = arena_strdup(p->arena, name), .type = type, .recursive = true }
	};
}

bool preflight_is_answer(const struct dns_question *q)
{
	return q->why.code == ERR_NONE &&
	       (q->answer.rcode == DNS_NOERROR || q->answer.rcode == DNS_NXDOMAIN);
}

void preflight_take_answer(struct preflight *p, struct look_up *x, const struct dns_question *q)
{
	x->q = *q;
	if (preflight_is_answer(q)) {
		x->how = ANSWERED;
		x->said = NULL;
	} else if (q->why.code == ERR_NONE) {
		x->how = ANSWERED_FAILED;
		x->said = arena_printf(p->arena, "the resolver answers %s",
		                       dns_rcode_name(q->answer.rcode));
	} else {
		x->how = ANSWERED_NOT;
		x->said = arena_strdup(p->arena, q->why.text);
	}
}

/* Those that have no answer yet, at one resolver. */
static int ask_one(struct preflight *p, const char *resolver, size_t *left, struct err *e)
{
	struct dns_question *v = ARENA_ARRAY(p->arena, struct dns_question, p->n_questions + 1);
	size_t n = 0, at = 0;

	for (size_t i = 0; i < p->n_questions; i++)
		if (!p->questions[i].asked) {
			v[n] = p->questions[i].q;
			v[n++].server = resolver;
		}
	*left = 0;
	TRY(dns_ask_all(p->arena, v, n, PREFLIGHT_DNS_MS, p->run->cancel, e));
	for (size_t i = 0; i < p->n_questions; i++)
		if (!p->questions[i].asked) {
			preflight_take_answer(p, &p->questions[i], &v[at++]);
			p->questions[i].asked = p->questions[i].how == ANSWERED;
			*left += !p->questions[i].asked;
		}
	return 0;
}

int preflight_ask_all(struct preflight *p, struct err *e)
{
	size_t left = 1;

	for (size_t i = 0; i < p->resolvers.n && left; i++)
		TRY(ask_one(p, p->resolvers.v[i], &left, e));
	if (left && p->resolvers.n)
		TRY(preflight_ask_why(p, e));
	for (size_t i = 0; i < p->n_questions; i++) {
		struct look_up *x = &p->questions[i];

		if (!p->resolvers.n) {
			x->how = ANSWERED_NOT;
			x->said = "this machine has no resolver";
		}
		x->asked = true;
	}
	return 0;
}

/* A laboratory's own resolver is the one that the CA asks; any other may just be in trouble. One
 * that refuses to speak of a name at all says nothing of it. CAs validate DNSSEC. */
enum seen preflight_weigh_answer(const struct preflight *p, const struct look_up *x)
{
	if (x->how == ANSWERED)
		return SEEN_FINE;
	if (x->how == ANSWERED_BOGUS ||
	    (x->how == ANSWERED_FAILED && p->ca.resolver && x->q.answer.rcode == DNS_SERVFAIL))
		return SEEN_FAILS;
	return SEEN_UNKNOWN;
}

const char *preflight_said(struct preflight *p, const struct look_up *x, const char *name)
{
	return arena_printf(p->arena, "%s of %s: %s", dns_type_name(x->q.type), name,
	                    x->said ? x->said : "answered");
}

/* the whole */

static void collect_names(struct preflight *p)
{
	for (size_t i = 0; i < p->cert->domains.n; i++) {
		const char *name = name_base(p->cert->domains.v[i]);

		if (!strings_has(&p->names, name))
			strings_add(p->arena, &p->names, name);
	}
}

static void find_resolvers(struct preflight *p)
{
	struct err none;

	if (p->ca.resolver)
		strings_add(p->arena, &p->resolvers, p->ca.resolver);
	else if (dns_system_resolvers(p->arena, &p->resolvers, &none) < 0)
		log_detail("preflight: %s", none.text);
}

int preflight(struct run *r, struct arena *a, const struct preflight_ask *ask, struct findings *out,
              struct err *e)
{
	struct preflight p = { .run = r, .arena = a, .ask = ask, .cert = ask->cert };

	TRY(ca_resolve(r, a, ask->cert->ca, &p.ca, e));
	p.laboratory = p.ca.resolver || p.ca.http_port || p.ca.tls_port;
	p.inside = ca_sees_inside(r, &p.ca);
	p.elsewhere = !p.ca.known && !p.ca.resolver;
	collect_names(&p);
	find_resolvers(&p);
	preflight_profile(&p);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		if (applies(&p, &looks[i]) && looks[i].want)
			looks[i].want(&p);
	TRY(preflight_ask_all(&p, e));
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		p.doubtful = p.elsewhere && looks[i].outside;
		if (applies(&p, &looks[i]))
			TRY(looks[i].look(&p, e));
	}
	*out = p.found;
	return 0;
}

/* "NAME: text (the CA would say dns); mend" */
static const char *line_of(struct arena *a, const struct finding *f)
{
	return arena_printf(a, "%s%s%s%s%s%s%s%s", f->name ? f->name : "", f->name ? ": " : "",
	                    f->text, f->problem ? " (the CA would answer " : "",
	                    f->problem ? f->problem : "", f->problem ? ")" : "",
	                    f->mend ? "; " : "", f->mend ? f->mend : "");
}

int preflight_verdict(struct arena *a, const struct findings *f, struct err *e)
{
	const struct finding *first = NULL;
	int64_t retry_at = 0, now = clock_now();
	size_t n = 0, n_wait = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->v[i].verdict, FINDING_FAILS) != 0)
			continue;
		first = first ? first : &f->v[i];
		n++;
		n_wait += f->v[i].retry_at > now;
		if (f->v[i].retry_at > retry_at)
			retry_at = f->v[i].retry_at;
	}
	if (n == 0)
		return 0;
	(void)err_set(
	    e, n_wait == n ? ERR_RATE_LIMITED : ERR_VALIDATION,
	    "nothing was asked of the CA, it would refuse: %s%s", line_of(a, first),
	    n > 1 ? arena_printf(a, " (and %zu more; `everleaf preflight` shows all)", n - 1) : "");
	if (first->problem)
		snprintf(e->problem, sizeof e->problem, "%s", first->problem);
	if (n_wait == n)
		e->retry_s = (uint32_t)(retry_at - now);
	return -(int)e->code;
}

/* An order that is open passed here before it was made. */
static int has_open_order(struct run *r, struct arena *a, const struct cert *c, bool *open,
                          struct err *e)
{
	struct order row;
	struct err none;
	int result = st_order_open(r->store, a, c->name, &row, &none);

	if (result < 0 && result != -ERR_NOT_FOUND) {
		*e = none;
		return result;
	}
	*open = result == 0 && row.url;
	return 0;
}

int preflight_before_order(struct run *r, struct arena *a, const struct cert *c, struct acme *ca,
                           struct solve *s, struct err *e)
{
	struct preflight_ask ask = { .cert = c, .solve = s, .account_url = acme_account_url(ca) };
	struct findings found;
	struct err event;
	bool open = false;

	if (!c->preflight)
		return 0;
	TRY(has_open_order(r, a, c, &open, e));
	if (open)
		return 0;
	run_step(r, c->name, "looking whether validation can succeed");
	TRY(acme_directory(ca, &ask.directory, e));
	TRY(preflight(r, a, &ask, &found, e));
	if (preflight_verdict(a, &found, e) == 0)
		return 0;
	if (st_event_add(r->store, c->name, "preflight", &event, "%s", e->text) < 0)
		log_warn("%s", event.text);
	return -(int)e->code;
}
