/*
 * One round of questions: each name at each server that has not all of its values yet, all at once.
 * A server that has not spoken yet, or was silent, is asked one question first.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "dns/settle_impl.h"
#include "sys/dns.h"

#define ROUND_MS 2500
#define AT_ONCE 128 /* questions; bounds the memory that hostile answers take */

static bool same_group(const struct dns_placement *x, const struct dns_placement *y)
{
	return x->session == y->session && strcmp(x->zone.name, y->zone.name) == 0;
}

static size_t group_of(struct settle_work *w, const struct dns_placement *p)
{
	/* a service without zones may have names in any number of zones */
	bool alone = (p->session->provider->flags & DNS_NO_ZONES) && !p->session->common.zone;

	for (size_t i = 0; i < w->n_groups; i++)
		if (same_group(w->groups[i].first, p) &&
		    (!alone || strcmp(w->groups[i].first->name, p->name) == 0))
			return i;
	w->groups[w->n_groups].first = p;
	return w->n_groups++;
}

void settle_gather(struct settle_work *w, const struct dns_placement *v, size_t n,
                   const bool *wanted)
{
	w->groups = ARENA_ARRAY(w->a, struct settle_group, n + 1);
	w->names = ARENA_ARRAY(w->a, struct settle_name, n + 1);
	for (size_t i = 0; i < n; i++) {
		size_t group, k = 0;

		if (!wanted[i])
			continue;
		group = group_of(w, &v[i]);
		while (k < w->n_names &&
		       (w->names[k].group != group || strcmp(w->names[k].name, v[i].name) != 0))
			k++;
		if (k == w->n_names)
			w->names[w->n_names++] =
			    (struct settle_name){ .name = v[i].name, .group = group };
		if (!strings_has(&w->names[k].values, v[i].value))
			strings_add(w->a, &w->names[k].values, v[i].value);
	}
}

static int servers_of(struct settle_work *w, const struct settle_group *g,
                      struct settle_servers *out, struct err *e)
{
	struct strings resolvers;
	struct settle_server *v;

	if (!w->recursive)
		return settle_find_servers(w->a, g->first, w->how, out, e);
	TRY(settle_resolvers(w->a, g->first->session, w->how, &resolvers, e));
	v = ARENA_ARRAY(w->a, struct settle_server, resolvers.n);
	for (size_t i = 0; i < resolvers.n; i++)
		v[i] = (struct settle_server){ .address = resolvers.v[i],
			                       .zone = g->first->zone.name,
			                       .state = SETTLE_SILENT,
			                       .said = "was not asked yet",
			                       .own = true };
	*out = (struct settle_servers){ v, resolvers.n, g->first->zone.name, NULL };
	return 0;
}

static void add_asked(struct settle_work *w, const struct settle_servers *s, size_t group)
{
	struct settle_asked *v = ARENA_ARRAY(w->a, struct settle_asked, w->n_asked + s->n + 1);

	if (w->n_asked)
		memcpy(v, w->asked, w->n_asked * sizeof(*v));
	w->asked = v;
	for (size_t i = 0; i < s->n; i++)
		v[w->n_asked++] = (struct settle_asked){ .s = s->v[i], .group = group };
}

static void make_points(struct settle_work *w)
{
	w->points = ARENA_ARRAY(w->a, struct settle_point, w->n_asked * w->n_names + 1);
	for (size_t i = 0; i < w->n_asked; i++)
		for (size_t k = 0; k < w->n_names; k++)
			if (w->names[k].group == w->asked[i].group)
				w->points[w->n_points++] = (struct settle_point){
					.asked = i, .name = k, .state = SETTLE_HAS_NOT
				};
}

int settle_prepare(struct settle_work *w, struct err *e)
{
	for (size_t i = 0; i < w->n_groups; i++) {
		struct settle_servers found;

		TRY(servers_of(w, &w->groups[i], &found, e));
		add_asked(w, &found, i);
		w->left_out = w->left_out ? w->left_out : found.left_out;
	}
	make_points(w);
	return 0;
}

/* What this machine says itself, before anything is sent. */
static bool is_no_route(int fault)
{
	return fault == ENETUNREACH || fault == EACCES || fault == EPERM;
}

/* No answer. A family without a route is no fault of the server's. */
static void judge_silence(struct settle_work *w, struct settle_point *p,
                          const struct dns_question *q)
{
	struct settle_asked *asked = &w->asked[p->asked];

	p->state = SETTLE_SILENT;
	asked->speaks = false;
	asked->closed = q->fault == ECONNREFUSED;
	if (is_no_route(q->fault) && !asked->s.own) {
		if (!asked->away)
			log_detail("%s (%s): not reachable from here", asked->s.name,
			           asked->s.address);
		asked->away = true;
	}
	p->said = q->why.code == ERR_PROTOCOL ? "answers something that is no DNS message"
	          : q->fault == ECONNREFUSED  ? "does not answer: its port is closed"
	          : q->fault == ETIMEDOUT     ? "does not answer"
	                                      : "cannot be reached";
	if (q->why.code == ERR_PROTOCOL)
		p->state = SETTLE_ERROR;
}

static const char *delegated_to(const struct dns_answer *r)
{
	for (size_t i = 0; i < r->n_authority; i++)
		if (r->authority[i].type == DNS_NS && *r->authority[i].name)
			return r->authority[i].name;
	return NULL;
}

/* Words that are not about the values: it is not a server of this zone, or cannot say. */
static bool judge_refusal(struct settle_work *w, struct settle_point *p, const struct dns_answer *r)
{
	struct settle_asked *asked = &w->asked[p->asked];

	asked->speaks = false;
	asked->closed = r->rcode == DNS_REFUSED || r->rcode == DNS_NOTAUTH;
	p->state = SETTLE_ERROR;
	if (r->rcode != DNS_NOERROR && r->rcode != DNS_NXDOMAIN) {
		p->said = dns_rcode_name(r->rcode);
		return true;
	}
	if (r->authoritative || asked->s.own)
		return false;
	asked->closed = true;
	p->said = delegated_to(r)
	              ? arena_printf(w->a, "says it is not for it but for %s", delegated_to(r))
	              : "answers without authority for the zone";
	return true;
}

static void judge(struct arena *a, struct settle_work *w, struct settle_point *p,
                  const struct dns_question *q)
{
	const struct settle_name *name = &w->names[p->name];
	struct strings found = { 0 };

	if (q->why.code) {
		judge_silence(w, p, q);
		return;
	}
	if (judge_refusal(w, p, &q->answer))
		return;
	/* a resolver follows aliases that came up meanwhile; whatever it ends with is the name's */
	for (size_t i = 0; i < q->answer.n_answer; i++)
		if (q->answer.answer[i].type == DNS_TXT &&
		    (w->recursive || strcasecmp(q->answer.answer[i].name, name->name) == 0))
			strings_add(a, &found, q->answer.answer[i].text);
	p->n_has = 0;
	for (size_t i = 0; i < name->values.n; i++)
		p->n_has += strings_has(&found, name->values.v[i]);
	p->has = p->n_has == name->values.n;
	p->state = p->has ? SETTLE_HAS : SETTLE_HAS_NOT;
	p->said = NULL;
	w->asked[p->asked].answered = w->asked[p->asked].speaks = true;
}

/* Over all names: the worst, and how many values are there. */
static void summarize(struct settle_work *w, size_t asked)
{
	struct settle_server *s = &w->asked[asked].s;
	size_t have = 0, all = 0;
	const char *said = NULL;

	s->state = SETTLE_HAS;
	for (size_t i = 0; i < w->n_points; i++) {
		const struct settle_point *p = &w->points[i];

		if (p->asked != asked)
			continue;
		have += p->n_has;
		all += w->names[p->name].values.n;
		if (p->state > s->state)
			s->state = p->state;
		if (p->said && p->state >= s->state)
			said = p->said;
	}
	if (s->state >= SETTLE_SILENT && said)
		s->said = said;
	else if (have == all)
		s->said = all == 1 ? "has it" : "has all";
	else if (have == 0)
		s->said = all == 1 ? "has it not" : "has none";
	else
		s->said = arena_printf(w->a, "has %zu of %zu", have, all);
}

static void report(struct settle_work *w, struct settle_report *out)
{
	struct settle_server *v = ARENA_ARRAY(w->a, struct settle_server, w->n_asked + 1);
	struct settle_report r = { .v = v };

	for (size_t i = 0; i < w->n_asked; i++) {
		if (w->asked[i].away)
			continue;
		summarize(w, i);
		v[r.n++] = w->asked[i].s;
		r.n_has += w->asked[i].s.state == SETTLE_HAS;
		r.n_has_not += w->asked[i].s.state == SETTLE_HAS_NOT;
		r.n_silent += w->asked[i].s.state >= SETTLE_SILENT;
	}
	*out = r;
}

/* What is open and was not asked in this round, at most AT_ONCE of it; of a server that does not
 * speak the first question only. */
static size_t choose(const struct settle_work *w, size_t *chosen)
{
	size_t n = 0, probed = SIZE_MAX;

	for (size_t i = 0; i < w->n_points && n < AT_ONCE; i++) {
		const struct settle_point *p = &w->points[i];
		const struct settle_asked *asked = &w->asked[p->asked];

		if (!asked->speaks && probed == p->asked)
			continue;
		if (p->has || asked->away)
			continue;
		probed = p->asked;
		if (p->round != w->round)
			chosen[n++] = i;
	}
	return n;
}

static int ask(struct settle_work *w, const size_t *chosen, size_t n, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct dns_question *q = ARENA_ARRAY(a, struct dns_question, n);

	for (size_t i = 0; i < n; i++) {
		struct settle_point *p = &w->points[chosen[i]];

		p->round = w->round;
		q[i] = (struct dns_question){ .server = w->asked[p->asked].s.address,
			                      .name = w->names[p->name].name,
			                      .type = DNS_TXT,
			                      .recursive = w->recursive };
	}
	TRY(dns_ask_all(a, q, n, ROUND_MS, w->how->cancel, e));
	for (size_t i = 0; i < n; i++)
		judge(a, w, &w->points[chosen[i]], &q[i]);
	return 0;
}

int settle_round(struct settle_work *w, struct settle_report *out, struct err *e)
{
	size_t chosen[AT_ONCE], n;

	w->round++;
	while ((n = choose(w, chosen)) > 0)
		TRY(ask(w, chosen, n, e));
	report(w, out);
	if (w->how->look)
		w->how->look(w->how->ctx, out);
	return 0;
}
