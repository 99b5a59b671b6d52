/*
 * Aliases on the way from the name a CA asks for to the place of its record: CNAME (RFC 1035) and
 * DNAME (RFC 6672), for all names of an order at once, a round for each step. The name servers of
 * the zones are asked, and resolvers only if those say nothing: a resolver that was asked for a
 * record before it was there remembers for long that it is not.
 */
#include <string.h>

#include "base/log.h"
#include "dns/place.h"
#include "dns/settle_impl.h"
#include "dns/txt.h"
#include "sys/dns.h"

#define STEPS_MAX 16
#define ZONES_MAX                                                                                  \
	8 /* whose name servers are looked for at one step; the rest goes to resolvers             \
	   */
#define LOOK_MS 2000

/* Asks one server about all names that have no answer yet. authoritative: only its own words count.
 */
static int ask_one(struct arena *a, const char *server, bool authoritative, struct dns_question *v,
                   bool *answered, size_t n, const struct cancel *cancel, struct err *e)
{
	struct dns_question *asked = ARENA_ARRAY(a, struct dns_question, n ? n : 1);
	size_t *of = ARENA_ARRAY(a, size_t, n ? n : 1), k = 0;

	for (size_t i = 0; i < n; i++) {
		if (answered[i])
			continue;
		asked[k] = (struct dns_question){ .server = server,
			                          .name = v[i].name,
			                          .type = DNS_CNAME,
			                          .recursive = !authoritative };
		of[k++] = i;
	}
	if (k == 0)
		return 0;
	TRY(dns_ask_all(a, asked, k, authoritative ? LOOK_MS : 0, cancel, e));
	for (size_t i = 0; i < k; i++) {
		const struct dns_answer *got = &asked[i].answer;
		bool usable = !asked[i].why.code &&
		              (got->rcode == DNS_NOERROR || got->rcode == DNS_NXDOMAIN) &&
		              (!authoritative || got->authoritative);

		if (!usable && asked[i].why.code)
			v[of[i]].why = asked[i].why;
		else if (!usable)
			err_set(&v[of[i]].why, ERR_NETWORK, "%s answers %s", server,
			        got->rcode == DNS_NOERROR ? "without authority"
			                                  : dns_rcode_name(got->rcode));
		if (usable)
			v[of[i]].answer = *got;
		answered[of[i]] = usable;
	}
	return 0;
}

static int ask_each(struct arena *a, const struct strings *servers, bool authoritative,
                    struct dns_question *v, bool *answered, size_t n, const struct cancel *cancel,
                    struct err *e)
{
	for (size_t i = 0; i < servers->n; i++)
		TRY(ask_one(a, servers->v[i], authoritative, v, answered, n, cancel, e));
	return 0;
}

/* The name servers of each zone, for what is not known yet. */
static int ask_zones(struct arena *a, const struct dns_view *view, struct dns_question *v,
                     bool *answered, size_t n, const struct cancel *cancel, struct err *e)
{
	size_t n_zones = 0;

	for (size_t i = 0; i < n && n_zones < ZONES_MAX; i++) {
		struct strings servers;

		if (answered[i])
			continue;
		n_zones++;
		TRY(settle_few_servers(a, v[i].name, view, cancel, &servers, e));
		if (servers.n == 0)
			return 0;
		TRY(ask_each(a, &servers, true, v + i, answered + i, n - i, cancel, e));
	}
	return 0;
}

/* Where the name points to; NULL = nowhere. A DNAME above it counts even if the server made no
 * CNAME of it. */
static const char *target(struct arena *a, const struct dns_answer *answer, const char *name)
{
	for (size_t i = 0; i < answer->n_answer; i++) {
		const struct dns_rr *r = &answer->answer[i];

		if (r->type == DNS_CNAME && strcasecmp(r->name, name) == 0)
			return zone_name(a, r->text);
	}
	for (size_t i = 0; i < answer->n_answer; i++) {
		const struct dns_rr *r = &answer->answer[i];
		const char *below;

		if (r->type != DNS_DNAME || strcasecmp(r->name, name) == 0)
			continue;
		below = zone_relative(a, name, r->name);
		if (below && *below)
			return arena_printf(a, "%s.%s", below, zone_name(a, r->text));
	}
	return NULL;
}

struct chain {
	const char *asked, *name;
	struct strings via;
	bool ended;
	const char *unknown; /* why it is not known whether name is an alias; NULL = it is known */
};

static int step(struct arena *a, struct chain *c, const struct dns_question *q, bool answered,
                struct err *e)
{
	const char *next;

	c->ended = true;
	if (!answered) {
		c->unknown = q->why.text;
		return 0;
	}
	next = target(a, &q->answer, c->name);
	if (!next)
		return 0;
	if (strcmp(next, c->asked) == 0 || strings_has(&c->via, next) || strcmp(next, c->name) == 0)
		return err_set(e, ERR_INPUT, "%s: its aliases go round in a circle, through %s",
		               c->asked, next);
	if (c->name != c->asked)
		strings_add(a, &c->via, c->name);
	c->name = next;
	c->ended = false;
	return 0;
}

/* One step for all chains that have not ended. */
static int round_of_steps(struct arena *a, const struct strings *servers,
                          const struct dns_view *view, struct chain *c, size_t n,
                          const struct cancel *cancel, size_t *n_left, struct err *e)
{
	struct dns_question *q = ARENA_ARRAY(a, struct dns_question, n ? n : 1);
	bool *answered = ARENA_ARRAY(a, bool, n ? n : 1);
	size_t *of = ARENA_ARRAY(a, size_t, n ? n : 1), k = 0;

	for (size_t i = 0; i < n; i++)
		if (!c[i].ended) {
			q[k].name = c[i].name;
			of[k++] = i;
		}
	TRY(ask_each(a, servers, true, q, answered, k, cancel, e));
	TRY(ask_zones(a, view, q, answered, k, cancel, e));
	TRY(ask_each(a, &view->resolvers, false, q, answered, k, cancel, e));
	*n_left = 0;
	for (size_t i = 0; i < k; i++) {
		TRY(step(a, &c[of[i]], &q[i], answered[i], e));
		*n_left += !c[of[i]].ended;
	}
	return 0;
}

static void tell_unknown(struct arena *a, const struct chain *c, size_t n)
{
	const struct chain *first = NULL;
	size_t more = 0;

	for (size_t i = 0; i < n; i++) {
		if (c[i].unknown && first)
			more++;
		else if (c[i].unknown)
			first = &c[i];
	}
	if (first)
		log_warn("%s%s: whether it is an alias is not known, the record goes there (%s)",
		         first->name, more ? arena_printf(a, " and %zu more", more) : "",
		         first->unknown);
}

int place_follow(struct arena *a, const struct strings *servers, const struct dns_view *view,
                 struct dns_placement *v, size_t n, const struct cancel *cancel, struct err *e)
{
	struct chain *c = ARENA_ARRAY(a, struct chain, n ? n : 1);
	struct dns_view seen = *view;
	struct err none;
	size_t n_left = n;

	if (seen.resolvers.n == 0 && dns_system_resolvers(a, &seen.resolvers, &none) < 0)
		seen.resolvers = (struct strings){ 0 };
	for (size_t i = 0; i < n; i++) {
		c[i].asked = v[i].asked;
		c[i].name = v[i].asked;
	}
	for (int i = 0; i < STEPS_MAX && n_left > 0; i++)
		TRY(round_of_steps(a, servers, &seen, c, n, cancel, &n_left, e));
	for (size_t i = 0; i < n; i++) {
		if (!c[i].ended)
			return err_set(e, ERR_INPUT, "%s: more than %d aliases one after the other",
			               c[i].asked, STEPS_MAX);
		v[i].name = c[i].name;
		v[i].via = c[i].via;
	}
	tell_unknown(a, c, n);
	return 0;
}
