/*
 * Accounts and zones chosen, locks taken, values written: what holds for every provider. Works
 * through sessions of one thread; the store is behind their keeper.
 */
#include "dns/place.h"

#include <string.h>

#include "base/log.h"
#include "dns/txt.h"
#include "dns/zone.h"

#define ADD_ATTEMPTS 3
#define DOUBT_WAIT_MS 500

/* choosing */

static bool is_bound_to(const struct dns_choice *c, const char *name)
{
	for (size_t i = 0; i < c->zones.n; i++)
		if (zone_has(c->zones.v[i], name))
			return true;
	return c->zones.n == 0;
}

static bool is_named_for(const struct dns_choice *v, size_t n, const char *domain)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].domain && strcmp(v[i].domain, domain) == 0)
			return true;
	return false;
}

/* A service without zones takes any name. */
static int zone_of(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	if (!(s->provider->flags & DNS_NO_ZONES))
		return zone_find(s, name, out, e);
	*out = (struct dns_zone){ .name =
		                      s->common.zone ? zone_name(s->arena, s->common.zone) : name };
	return 0;
}

/* The length by which accounts are compared: a zone taken for want of any is the shortest. */
static size_t fit(const struct dns_session *s, const struct dns_zone *z)
{
	return (s->provider->flags & DNS_NO_ZONES) && !s->common.zone ? 1 : strlen(z->name) + 1;
}

static int no_account(struct arena *a, const struct dns_choice *choices, size_t n,
                      const struct dns_placement *p, const struct err *last, struct err *e)
{
	struct strings names = { 0 };

	if (n == 1 && last->code) {
		*e = *last;
		return -(int)e->code;
	}
	for (size_t i = 0; i < n; i++)
		strings_add(a, &names, choices[i].session->account);
	return err_set(e, ERR_NOT_FOUND,
	               "no zone for %s in any of the DNS accounts given (%s); `everleaf dns list` "
	               "shows all",
	               p->name, strings_join(a, &names, ", "));
}

static int choose(struct arena *a, const struct dns_choice *choices, size_t n, const char *domain,
                  struct dns_placement *p, struct err *e)
{
	bool named = is_named_for(choices, n, domain);
	struct err last = { 0 };
	size_t best = 0;

	for (size_t i = 0; i < n; i++) {
		const struct dns_choice *c = &choices[i];
		struct dns_zone zone;

		if (named ? !c->domain || strcmp(c->domain, domain) != 0 : c->domain != NULL)
			continue;
		if (!is_bound_to(c, p->name)) {
			err_set(&last, ERR_NOT_FOUND,
			        "DNS account %s (%s) is bound to %s: not for %s; `everleaf dns "
			        "update %s --zone` changes that",
			        c->session->account, c->session->provider->name,
			        strings_join(a, &c->zones, ", "), p->name, c->session->account);
			continue;
		}
		if (zone_of(c->session, p->name, &zone, &last) < 0) {
			dns_ctx(&last, c->session, NULL);
			if (last.code == ERR_NOT_FOUND)
				continue;
			*e = last;
			return -(int)e->code;
		}
		if (fit(c->session, &zone) > best) {
			best = fit(c->session, &zone);
			p->session = c->session;
			p->zone = zone;
		}
	}
	return best ? 0 : no_account(a, choices, n, p, &last, e);
}

/* Whom to ask about aliases: what the accounts say goes before how the CA sees the world. */
static int whom_to_ask(struct arena *a, const struct dns_choice *choices, size_t n,
                       const struct dns_view *view, struct strings *servers,
                       struct strings *resolvers, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct dns_session *s = choices[i].session;
		struct strings own = { 0 };

		if (s->provider->servers)
			TRY(s->provider->servers(s, &own, e));
		for (size_t k = 0; k < s->common.servers.n; k++)
			strings_add(a, servers, s->common.servers.v[k]);
		for (size_t k = 0; k < own.n; k++)
			strings_add(a, servers, own.v[k]);
		for (size_t k = 0; k < s->common.resolvers.n; k++)
			strings_add(a, resolvers, s->common.resolvers.v[k]);
	}
	for (size_t k = 0; view && resolvers->n == 0 && k < view->resolvers.n; k++)
		strings_add(a, resolvers, view->resolvers.v[k]);
	return 0;
}

static int check_count(const struct dns_placement *v, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		unsigned most = v[i].session->provider->max_values, same = 0;

		for (size_t k = 0; k < n; k++)
			same += v[k].session == v[i].session &&
			        ((v[i].session->provider->flags & DNS_FIXED_NAME) ||
			         strcmp(v[k].name, v[i].name) == 0);
		if (most && same > most)
			return err_set(e, ERR_INPUT,
			               "%s holds no more than %u value%s at a time and %u are "
			               "needed at %s: ask for a name and its wildcard in two "
			               "certificates, or use another provider for it",
			               v[i].session->provider->title, most, most == 1 ? "" : "s",
			               same, v[i].name);
	}
	return 0;
}

static int prepare(struct arena *a, const struct dns_choice *choices, size_t n_choices,
                   const struct dns_placement *v, size_t n, struct err *e)
{
	struct strings names = { 0 };

	for (size_t i = 0; i < n; i++)
		if (!strings_has(&names, v[i].name))
			strings_add(a, &names, v[i].name);
	for (size_t i = 0; i < n_choices; i++) {
		struct dns_session *s = choices[i].session;

		if (s->provider->prepare && s->provider->prepare(s, &names, e) < 0)
			return dns_ctx(e, s, NULL);
	}
	return 0;
}

int place_find(struct arena *a, const struct dns_choice *choices, size_t n_choices,
               const struct dns_view *view, const char *const *domains, struct dns_placement *v,
               size_t n, const struct cancel *cancel, struct err *e)
{
	struct dns_view seen = { .public_only = view && view->public_only };
	struct strings servers = { 0 };

	for (size_t i = 0; i < n; i++)
		v[i].asked = zone_name(a, v[i].asked);
	TRY(whom_to_ask(a, choices, n_choices, view, &servers, &seen.resolvers, e));
	TRY(place_follow(a, &servers, &seen, v, n, cancel, e));
	TRY(prepare(a, choices, n_choices, v, n, e));
	for (size_t i = 0; i < n; i++)
		TRY(choose(a, choices, n_choices, domains ? domains[i] : "", &v[i], e));
	return check_count(v, n, e);
}

/* writing */

/* All placements of one session and zone. */
struct batch {
	struct dns_session *s;
	const struct dns_zone *z;
	struct dns_record *v;
	size_t *of; /* which placement each is */
	size_t n;
	struct strings locks;
};

static bool same_zone(const struct dns_placement *x, const struct dns_placement *y)
{
	const char *i = x->zone.id ? x->zone.id : "", *k = y->zone.id ? y->zone.id : "";

	return x->session == y->session && strcmp(x->zone.name, y->zone.name) == 0 &&
	       strcmp(i, k) == 0;
}

/* The batch that begins with v[first]; what is done[] belongs to one already. */
static struct batch gather(struct arena *a, const struct dns_placement *v, size_t n, size_t first,
                           bool *done)
{
	struct batch b = { .s = v[first].session,
		           .z = &v[first].zone,
		           .v = ARENA_ARRAY(a, struct dns_record, n),
		           .of = ARENA_ARRAY(a, size_t, n) };

	for (size_t i = first; i < n; i++) {
		const char *relative, *lock;

		if (done[i] || !same_zone(&v[i], &v[first]))
			continue;
		done[i] = true;
		relative = zone_relative(a, v[i].name, b.z->name);
		b.v[b.n] = (struct dns_record){ v[i].name, relative ? relative : "", v[i].value };
		b.of[b.n++] = i;
		lock = arena_printf(a, "dns/%s/%s/%s", b.s->provider->name, b.z->name, v[i].name);
		if (!strings_has(&b.locks, lock))
			strings_add(a, &b.locks, lock);
	}
	return b;
}

static int hold(const struct batch *b, struct err *e)
{
	const struct dns_keeper *k = b->s->keeper;

	return k && k->lock ? k->lock(k->ctx, &b->locks, b->s->cancel, e) : 0;
}

static void let_go(const struct batch *b)
{
	const struct dns_keeper *k = b->s->keeper;

	if (k && k->unlock)
		k->unlock(k->ctx, &b->locks);
}

static int add_certainly(const struct batch *b, struct err *e)
{
	for (int i = 1;; i++) {
		struct err why;

		if (b->s->provider->add(b->s, b->z, b->v, b->n, &why) == 0)
			return 0;
		if (why.code != ERR_AGAIN || i == ADD_ATTEMPTS) {
			*e = why;
			return -(int)e->code;
		}
		b->s->doubt = true;
		log_detail("DNS account %s: %s; looking again", b->s->account, why.text);
		TRY(cancel_sleep_ms(b->s->cancel, DOUBT_WAIT_MS, e));
	}
}

static int write_batch(const struct batch *b, bool removing, struct err *e)
{
	int rc;

	if (hold(b, e) < 0)
		return dns_ctx(e, b->s, b->z);
	rc = removing ? b->s->provider->remove(b->s, b->z, b->v, b->n, e) : add_certainly(b, e);
	let_go(b);
	return rc < 0 ? dns_ctx(e, b->s, b->z) : 0;
}

int place_add(struct arena *a, struct dns_placement *v, size_t n, struct err *e)
{
	bool *done = ARENA_ARRAY(a, bool, n ? n : 1);

	for (size_t i = 0; i < n; i++) {
		struct batch b;

		if (done[i])
			continue;
		b = gather(a, v, n, i, done);
		TRY(write_batch(&b, false, e));
	}
	return 0;
}

/* Whoever stops us expects what we added to be taken away: this is not cancelled. */
static int remove_batch(const struct batch *b, struct err *e)
{
	const struct cancel *cancel = b->s->cancel;
	int rc;

	b->s->cancel = NULL;
	rc = write_batch(b, true, e);
	b->s->cancel = cancel;
	return rc;
}

int place_remove(struct arena *a, struct dns_placement *v, size_t n, bool *failed, struct err *e)
{
	bool *done = ARENA_ARRAY(a, bool, n ? n : 1);
	struct err now;
	int first = 0;

	for (size_t i = 0; i < n; i++) {
		struct batch b;
		int rc;

		if (done[i])
			continue;
		b = gather(a, v, n, i, done);
		rc = remove_batch(&b, &now);
		for (size_t k = 0; failed && k < b.n; k++)
			failed[b.of[k]] = rc < 0;
		if (rc < 0 && first == 0) {
			first = rc;
			*e = now;
		}
	}
	return first;
}
