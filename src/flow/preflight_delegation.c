/*
 * Where `_acme-challenge` below a name leads: an alias, or a zone of its own. Only the zone's
 * own servers are asked for it, without recursion, so that no resolver remembers an absence; once
 * it is known that there is a zone of that name, a resolver is asked whether it validates.
 * Where they cannot be reached nothing is told: that is found out before the CA is asked
 * (dns/settle.h).
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "dns/settle.h"
#include "flow/preflight_impl.h"
#include "sys/reach.h"

#define NAMES_MAX 16  /* looked at; with more, the first ones */
#define LIMIT_MS 5000 /* after that no further name is begun */
#define SERVERS_MAX 6 /* of a zone, or of a delegation */
#define SERVER_MS 2000
#define PORT_DNS 53

/* A zone whose servers are wanted for no account. */
static const struct dns_provider nobody = { .name = "none", .flags = DNS_NO_ZONES };

/* As with everything else that a name leads to (preflight_address.c). */
static bool may_ask_only_public(const struct preflight *p)
{
	return !p->inside && !p->run->config->allow_private;
}

static int zone_servers(struct preflight *p, const char *name, struct strings *out, struct err *e)
{
	const struct dns_view view = { p->resolvers, may_ask_only_public(p) };
	const struct settle_how how = { .view = &view, .cancel = p->run->cancel };
	struct dns_session session = { .provider = &nobody, .arena = p->arena };
	struct dns_placement placement = { .asked = name, .name = name, .session = &session };
	struct settle_servers found = { 0 };
	struct err none;

	*out = (struct strings){ 0 };
	if (settle_find_servers(p->arena, &placement, &how, &found, &none) < 0) {
		if (none.code != ERR_CANCELLED)
			return 0;
		*e = none;
		return -ERR_CANCELLED;
	}
	for (size_t i = 0; i < found.n && out->n < SERVERS_MAX; i++)
		strings_add(p->arena, out, found.v[i].address);
	return 0;
}

/* One question to several servers at once, without recursion. */
static int ask_servers(struct preflight *p, const struct strings *servers, const char *name,
                       enum dns_type type, struct dns_question **out, struct err *e)
{
	struct dns_question *v = ARENA_ARRAY(p->arena, struct dns_question, servers->n + 1);

	for (size_t i = 0; i < servers->n; i++)
		v[i] = (struct dns_question){ .server = servers->v[i], .name = name, .type = type };
	TRY(dns_ask_all(p->arena, v, servers->n, SERVER_MS, p->run->cancel, e));
	*out = v;
	return 0;
}

static const char *alias_in(const struct dns_answer *r, const char *record)
{
	for (size_t i = 0; i < r->n_answer; i++)
		if (r->answer[i].type == DNS_CNAME && strcmp(r->answer[i].name, record) == 0)
			return r->answer[i].text;
	return NULL;
}

/* A referral: the name servers that the record's own name is delegated to. */
static struct strings delegated_to(struct preflight *p, const struct dns_answer *r,
                                   const char *record)
{
	struct strings hosts = { 0 };

	for (size_t i = 0; i < r->n_authority && hosts.n < SERVERS_MAX; i++)
		if (r->authority[i].type == DNS_NS && strcmp(r->authority[i].name, record) == 0)
			strings_add(p->arena, &hosts, r->authority[i].text);
	return hosts;
}

/* Their addresses; *sure: the DNS has answered about all of them. */
static int find_addresses(struct preflight *p, const struct strings *hosts, struct strings *out,
                          bool *sure, struct err *e)
{
	*sure = true;
	for (size_t i = 0; i < hosts->n; i++)
		preflight_want_host(p, hosts->v[i]);
	TRY(preflight_ask_all(p, e));
	for (size_t i = 0; i < hosts->n; i++) {
		struct host h = { .name = hosts->v[i] };

		preflight_find_host(p, &h);
		*sure = *sure && (h.n || h.seen == SEEN_FAILS);
		for (size_t k = 0; k < h.n && out->n < SERVERS_MAX; k++) {
			if (may_ask_only_public(p) && reach_is_private(h.v[k].text)) {
				*sure = false;
				continue;
			}
			strings_add(p->arena, out,
			            arena_printf(p->arena, h.v[k].v6 ? "[%s]:%d" : "%s:%d",
			                         h.v[k].text, PORT_DNS));
		}
	}
	return 0;
}

/* Fine if one of them speaks with authority; it fails if all were heard and none does. */
static enum seen weigh(const struct dns_question *v, size_t n)
{
	bool all_heard = true;

	for (size_t i = 0; i < n; i++) {
		if (v[i].why.code == ERR_NONE && v[i].answer.authoritative)
			return SEEN_FINE;
		all_heard = all_heard && v[i].why.code == ERR_NONE;
	}
	return all_heard ? SEEN_FAILS : SEEN_UNKNOWN;
}

static bool has_soa(const struct dns_rr *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].type == DNS_SOA && strcmp(v[i].name, name) == 0)
			return true;
	return false;
}

static bool any_has_soa(const struct dns_question *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (has_soa(v[i].answer.answer, v[i].answer.n_answer, name))
			return true;
	return false;
}

/* Its servers serve it; whether that zone validates is the resolver's to say. is_apex: there is
 * something at the record's own name, so that no absence is remembered. */
static int tell_zone(struct preflight *p, const char *name, const char *record, const char *what,
                     bool is_apex, struct err *e)
{
	const struct look_up *x;

	if (is_apex) {
		preflight_want(p, record, DNS_SOA);
		TRY(preflight_ask_all(p, e));
	}
	x = preflight_answer(p, record, DNS_SOA);
	if (x && x->how == ANSWERED_BOGUS)
		preflight_found(p, name, "delegation", SEEN_FAILS, "dns", x->mend, "%s %s; %s",
		                record, what, preflight_said(p, x, record));
	else
		preflight_fine(p, name, "delegation", "%s %s%s", record, what,
		               x && x->how == ANSWERED && x->q.answer.authenticated
		                   ? ", signed and valid"
		                   : "");
	return 0;
}

static int look_at_delegation(struct preflight *p, const char *name, const char *record,
                              const struct strings *hosts, struct err *e)
{
	const char *list = strings_join(p->arena, hosts, ", ");
	struct strings servers = { 0 };
	struct dns_question *v;
	enum seen seen;
	bool sure;

	TRY(find_addresses(p, hosts, &servers, &sure, e));
	TRY(ask_servers(p, &servers, record, DNS_SOA, &v, e));
	seen = servers.n ? weigh(v, servers.n) : SEEN_FAILS;
	if (seen == SEEN_FAILS && !sure)
		seen = SEEN_UNKNOWN;
	if (seen == SEEN_FINE)
		return tell_zone(p, name, record,
		                 arena_printf(p->arena, "is delegated to %s", list),
		                 any_has_soa(v, servers.n, record), e);
	preflight_found(
	    p, name, "delegation", seen, "dns",
	    arena_printf(p->arena, "let those servers serve the zone %s, or remove its NS records",
	                 record),
	    "%s is delegated to %s, %s", record, list,
	    servers.n == 0       ? "which have no address of the Internet"
	    : seen == SEEN_FAILS ? "which do not serve it"
	                         : "not all of which answer");
	return 0;
}

static int look_at(struct preflight *p, const char *name, struct err *e)
{
	const char *record = arena_printf(p->arena, "_acme-challenge.%s", name), *alias = NULL;
	struct strings servers, hosts = { 0 };
	struct dns_question *v;
	bool is_zone = false;

	TRY(zone_servers(p, name, &servers, e));
	TRY(ask_servers(p, &servers, record, DNS_CNAME, &v, e));
	for (size_t i = 0; i < servers.n && !alias && hosts.n == 0; i++) {
		if (v[i].why.code != ERR_NONE || v[i].answer.rcode != DNS_NOERROR)
			continue;
		alias = alias_in(&v[i].answer, record);
		if (!alias && !v[i].answer.authoritative)
			hosts = delegated_to(p, &v[i].answer, record);
		is_zone =
		    is_zone || (v[i].answer.authoritative &&
		                has_soa(v[i].answer.authority, v[i].answer.n_authority, record));
	}
	if (alias)
		preflight_fine(p, name, "delegation", "%s is an alias of %s", record, alias);
	if (hosts.n)
		return look_at_delegation(p, name, record, &hosts, e);
	return is_zone ? tell_zone(p, name, record, "is a zone of its own", true, e) : 0;
}

/* With a DNS account the way of each record is followed before it is written (dns/place.h). */
int preflight_delegation(struct preflight *p, struct err *e)
{
	int64_t end = clock_monotonic_ms() + LIMIT_MS;

	if (strcmp(p->cert->method, "dns") == 0 && !p->ask->thorough)
		return 0;
	for (size_t i = 0; i < p->names.n && i < NAMES_MAX && clock_monotonic_ms() < end; i++)
		TRY(look_at(p, p->names.v[i], e));
	return 0;
}
