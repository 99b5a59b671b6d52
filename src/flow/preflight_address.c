/*
 * The addresses of each name as the CA finds them, and whether each of them takes a connection at
 * the port where the CA validates. Names that share an address share the attempt.
 */
#include <errno.h>
#include <string.h>

#include "flow/preflight_impl.h"
#include "sys/names.h"
#include "sys/reach.h"

#define CHECK "address"
#define PORT_HTTP 80
#define PORT_TLS 443

void preflight_want_host(struct preflight *p, const char *name)
{
	if (name_kind(name) == NAME_IP)
		return;
	preflight_want(p, name, DNS_AAAA);
	preflight_want(p, name, DNS_A);
}

void preflight_address_want(struct preflight *p)
{
	for (size_t i = 0; i < p->names.n; i++)
		preflight_want_host(p, p->names.v[i]);
}

static void add_address(struct host *h, const char *text)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->v[i].text, text) == 0)
			return;
	if (h->n < PREFLIGHT_ADDRESSES)
		h->v[h->n++] = (struct address){ .text = text, .v6 = reach_is_v6(text) };
}

/* Whatever addresses the answer ends with, aliases followed. */
static void take_addresses(struct host *h, const struct look_up *x)
{
	for (size_t i = 0; x && x->how == ANSWERED && i < x->q.answer.n_answer; i++)
		if (x->q.answer.answer[i].type == (int)x->q.type)
			add_address(h, x->q.answer.answer[i].text);
}

static const struct look_up *worse(const struct preflight *p, const struct look_up *x,
                                   const struct look_up *y)
{
	return preflight_weigh_answer(p, x) == SEEN_FAILS || y->how == ANSWERED ? x : y;
}

static void no_address(struct preflight *p, struct host *h, const struct look_up *a,
                       const struct look_up *aaaa)
{
	const struct look_up *bad = worse(p, a, aaaa);

	h->without_address = true;
	h->problem = "dns";
	h->seen = preflight_weigh_answer(p, bad);
	if (a->how == ANSWERED && aaaa->how == ANSWERED) {
		h->seen = SEEN_FAILS;
		h->said = a->q.answer.rcode == DNS_NXDOMAIN
		              ? arena_printf(p->arena, "%s does not exist in the DNS", h->name)
		              : arena_printf(p->arena, "%s has no address (A or AAAA)", h->name);
		h->mend = arena_printf(p->arena,
		                       "add an A or AAAA record for %s that leads to this "
		                       "server",
		                       h->name);
		return;
	}
	h->said = preflight_said(p, bad, h->name);
	h->mend = bad->how == ANSWERED_BOGUS ? bad->mend
	                                     : "mend the zone's delegation, or its name servers";
}

/* h->name and port are set. */
void preflight_find_host(struct preflight *p, struct host *h)
{
	const struct look_up *a, *aaaa;

	h->v = ARENA_ARRAY(p->arena, struct address, PREFLIGHT_ADDRESSES);
	h->seen = SEEN_FINE;
	if (name_kind(h->name) == NAME_IP) {
		add_address(h, h->name);
		return;
	}
	a = preflight_answer(p, h->name, DNS_A);
	aaaa = preflight_answer(p, h->name, DNS_AAAA);
	take_addresses(h, aaaa);
	take_addresses(h, a);
	if (h->n == 0)
		no_address(p, h, a, aaaa);
}

/* connecting */

/* Where a CA validates: a public one where the RFCs say, another where it was added with a port. */
static bool port_is_known(const struct preflight *p)
{
	bool http = strcmp(p->cert->challenge, "http-01") == 0;

	return p->ca.known || (http ? p->ca.http_port : p->ca.tls_port) != 0;
}

/* A machine behind address translation does not always see itself as others see it. */
enum seen preflight_weigh_failure(const struct preflight *p, const char *address)
{
	if (!port_is_known(p))
		return SEEN_UNKNOWN;
	return p->laboratory || reach_has_public(reach_is_v6(address)) ? SEEN_FAILS : SEEN_UNKNOWN;
}

static bool is_certain(int fault)
{
	return fault == ECONNREFUSED || fault == EINVAL;
}

static void take_reached(const struct preflight *p, struct address *x, int fault)
{
	x->seen = SEEN_FINE;
	if (fault == 0)
		return;
	x->refused_us = true;
	x->seen = is_certain(fault) ? preflight_weigh_failure(p, x->text) : SEEN_UNKNOWN;
	x->said = fault == ECONNREFUSED ? "refuses connections"
	          : fault == ETIMEDOUT  ? "does not answer"
	          : fault == EINVAL     ? "is no address to connect to"
	                                : "cannot be reached from here";
}

/* What only this network can reach is looked at for a laboratory's CA alone. */
static bool may_reach(const struct preflight *p, struct address *x)
{
	if (p->inside || !reach_is_private(x->text))
		return true;
	x->seen = SEEN_UNKNOWN;
	x->refused_us = true;
	x->said = "is not an address of the Internet, so no public CA reaches it";
	return false;
}

static size_t find_attempt(const struct reach *v, size_t n, const char *address, uint16_t port)
{
	size_t i = 0;

	while (i < n && (v[i].port != port || strcmp(v[i].address, address) != 0))
		i++;
	return i;
}

int preflight_connect(struct preflight *p, struct host *v, size_t n, struct err *e)
{
	struct reach *tried = ARENA_ARRAY(p->arena, struct reach, n * PREFLIGHT_ADDRESSES + 1);
	size_t n_tried = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].n; k++)
			if (may_reach(p, &v[i].v[k]) &&
			    find_attempt(tried, n_tried, v[i].v[k].text, v[i].port) == n_tried)
				tried[n_tried++] =
				    (struct reach){ .address = v[i].v[k].text, .port = v[i].port };
	TRY(reach_all(tried, n_tried, PREFLIGHT_CONNECT_MS, p->run->cancel, e));
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i].n; k++) {
			size_t at = find_attempt(tried, n_tried, v[i].v[k].text, v[i].port);

			if (at < n_tried)
				take_reached(p, &v[i].v[k], tried[at].fault);
		}
		if (v[i].n == 0)
			continue;
		v[i].seen = preflight_weigh(p->arena, v[i].v, v[i].n, p->laboratory, &v[i].said);
		v[i].problem = "connection";
	}
	return 0;
}

/* Of one family: all fine, all fail, or neither. *dead: none of them even connects. */
static enum seen weigh_family(const struct address *v, size_t n, bool v6, size_t *count, bool *dead)
{
	size_t fine = 0, fails = 0;

	*count = 0;
	*dead = true;
	for (size_t i = 0; i < n; i++) {
		if (v[i].v6 != v6)
			continue;
		(*count)++;
		fine += v[i].seen == SEEN_FINE;
		fails += v[i].seen == SEEN_FAILS;
		*dead = *dead && v[i].refused_us;
	}
	return fine == *count ? SEEN_FINE : fails == *count ? SEEN_FAILS : SEEN_UNKNOWN;
}

/* Some CAs (Let's Encrypt's) try one IPv4 address when the IPv6 address cannot be connected to. */
static enum seen weigh_both(const struct address *v, size_t n, bool laboratory)
{
	size_t n_v6, n_v4;
	bool dead_v6, dead_v4;
	enum seen v6 = weigh_family(v, n, true, &n_v6, &dead_v6);
	enum seen v4 = weigh_family(v, n, false, &n_v4, &dead_v4);

	if (n_v6 == 0)
		return v4;
	if (n_v4 == 0 || v6 != SEEN_FAILS || !dead_v6 || laboratory)
		return v6;
	return v4 == SEEN_FAILS ? SEEN_FAILS : SEEN_UNKNOWN;
}

enum seen preflight_weigh(struct arena *a, const struct address *v, size_t n, bool laboratory,
                          const char **said)
{
	struct strings words = { 0 };

	for (size_t i = 0; i < n; i++)
		if (v[i].said)
			strings_add(a, &words, arena_printf(a, "%s %s", v[i].text, v[i].said));
	*said = words.n ? strings_join(a, &words, ", ") : NULL;
	return weigh_both(v, n, laboratory);
}

/* the finding */

static uint16_t validation_port(const struct preflight *p)
{
	if (strcmp(p->cert->challenge, "http-01") == 0)
		return (uint16_t)(p->ca.http_port ? p->ca.http_port : PORT_HTTP);
	return (uint16_t)(p->ca.tls_port ? p->ca.tls_port : PORT_TLS);
}

static bool has_dead_v6(const struct host *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].v6 && h->v[i].said)
			return true;
	return false;
}

/* Somebody may lead the port to the listener's own one for those who come from outside; and a
 * person, or a hook, may start what answers only when the time has come. */
static void doubt(const struct preflight *p, struct host *h)
{
	const char *colon = p->cert->listen ? strrchr(p->cert->listen, ':') : NULL;
	bool elsewhere =
	    colon && !p->laboratory && strcmp(colon + 1, h->port == PORT_HTTP ? "80" : "443") != 0;
	bool later = strcmp(p->cert->method, "manual") == 0 || strcmp(p->cert->method, "hook") == 0;

	if (h->seen == SEEN_FAILS && !h->without_address && (elsewhere || later))
		h->seen = SEEN_UNKNOWN;
}

static const char *addresses_of(struct preflight *p, const struct host *h)
{
	struct strings list = { 0 };

	for (size_t i = 0; i < h->n; i++)
		strings_add(p->arena, &list, h->v[i].text);
	return strings_join(p->arena, &list, ", ");
}

/* Both answers, of which one may be that there is none. */
static bool is_signed(const struct preflight *p, const struct host *h)
{
	const struct look_up *a = preflight_answer(p, h->name, DNS_A);
	const struct look_up *aaaa = preflight_answer(p, h->name, DNS_AAAA);

	return a && aaaa && a->how == ANSWERED && a->q.answer.authenticated &&
	       aaaa->how == ANSWERED && aaaa->q.answer.authenticated;
}

static void tell(struct preflight *p, struct host *h)
{
	if (h->seen == SEEN_FINE) {
		preflight_fine(p, h->name, CHECK, "%s%s, port %u is open", addresses_of(p, h),
		               is_signed(p, h) ? " (signed and valid)" : "", h->port);
		return;
	}
	if (!h->mend)
		h->mend = has_dead_v6(h) ? "let the server listen on IPv6 too, or remove the AAAA "
		                           "record: CAs try it first"
		                         : "let the server listen there, open the firewall for the "
		                           "whole Internet, or correct the address in the DNS";
	if (h->without_address)
		preflight_found(p, h->name, CHECK, h->seen, h->problem, h->mend, "%s", h->said);
	else
		preflight_found(p, h->name, CHECK, h->seen, h->problem, h->mend, "port %u: %s",
		                h->port, h->said);
}

int preflight_address(struct preflight *p, struct err *e)
{
	p->hosts = ARENA_ARRAY(p->arena, struct host, p->names.n + 1);
	for (size_t i = 0; i < p->names.n; i++) {
		p->hosts[i] = (struct host){ .name = p->names.v[i], .port = validation_port(p) };
		preflight_find_host(p, &p->hosts[i]);
	}
	TRY(preflight_connect(p, p->hosts, p->names.n, e));
	for (size_t i = 0; i < p->names.n; i++) {
		doubt(p, &p->hosts[i]);
		tell(p, &p->hosts[i]);
	}
	return 0;
}
