/*
 * Which servers a zone has: those that its parent delegates to, and those that it names itself,
 * each with all its addresses. Resolvers are asked for what leads there, and the parent's and the
 * zone's own servers for what they say themselves; never for the record that is being waited for.
 */
#include <string.h>

#include "base/log.h"
#include "dns/settle_impl.h"
#include "dns/txt.h"
#include "sys/dns.h"
#include "sys/reach.h"

#define HOSTS_MAX 16    /* name servers of one zone */
#define ADDRESSES_MAX 8 /* of one of them */
#define PARENTS_MAX 4   /* servers of the parent zone that are asked */
#define RESOLVER_MS 4000
#define SERVER_MS 2000
#define PORT_DNS 53
#define FEW 3 /* servers that are asked for aliases */

struct host {
	const char *name;
	struct strings addresses;
	bool resolved;
};

struct finder {
	struct arena *a;
	const struct settle_how *how;
	struct strings resolvers;
	const char *zone;
	struct host hosts[HOSTS_MAX], parents[PARENTS_MAX];
	size_t n_hosts, n_parents;
	const char *failed;      /* why a resolver said nothing; NULL = all well */
	struct strings left_out; /* hosts with an address inside that may not be asked */
};

static bool is_answer(const struct dns_question *q)
{
	return q->why.code == ERR_NONE &&
	       (q->answer.rcode == DNS_NOERROR || q->answer.rcode == DNS_NXDOMAIN);
}

/* All questions to the first resolver, what it does not answer to the next one. */
static int ask_resolvers(struct finder *f, struct dns_question *v, size_t n, struct err *e)
{
	struct dns_question *open = ARENA_ARRAY(f->a, struct dns_question, n + 1);
	size_t *of = ARENA_ARRAY(f->a, size_t, n + 1);

	for (size_t i = 0; i < f->resolvers.n; i++) {
		size_t k = 0;

		for (size_t j = 0; j < n; j++) {
			if (v[j].server && is_answer(&v[j]))
				continue;
			v[j].server = f->resolvers.v[i];
			v[j].recursive = true;
			open[k] = v[j];
			of[k++] = j;
		}
		if (k == 0)
			return 0;
		TRY(dns_ask_all(f->a, open, k, RESOLVER_MS, f->how->cancel, e));
		for (size_t j = 0; j < k; j++)
			v[of[j]] = open[j];
	}
	return 0;
}

static void note_failure(struct finder *f, const struct dns_question *q)
{
	if (!f->failed)
		f->failed = q->why.code ? arena_strdup(f->a, q->why.text)
		                        : arena_printf(f->a, "%s says %s", q->server,
		                                       dns_rcode_name(q->answer.rcode));
}

static struct host *host_add(struct host *v, size_t *n, size_t most, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	if (*n == most)
		return NULL;
	v[*n] = (struct host){ .name = name };
	return &v[(*n)++];
}

/* The NS records of `zone` in a section. */
static void add_ns(const struct dns_rr *v, size_t n, const char *zone, struct host *hosts,
                   size_t *n_hosts, size_t most)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].type == DNS_NS && strcmp(v[i].name, zone) == 0)
			(void)host_add(hosts, n_hosts, most, v[i].text);
}

static void add_address(struct finder *f, struct host *h, const char *address)
{
	const char *server;
	struct err ignored;

	if (f->how->view && f->how->view->public_only && reach_is_private(address)) {
		if (h >= f->hosts && h < f->hosts + HOSTS_MAX &&
		    !strings_has(&f->left_out, h->name))
			strings_add(f->a, &f->left_out, h->name);
		return;
	}
	if (h->addresses.n < ADDRESSES_MAX &&
	    dns_server_normalize(f->a, address, PORT_DNS, &server, &ignored) == 0 &&
	    !strings_has(&h->addresses, server))
		strings_add(f->a, &h->addresses, server);
}

/* CNAMEs are no valid targets of NS records, but resolvers follow them: any address will do. */
static void add_addresses(struct finder *f, struct host *h, const struct dns_answer *r)
{
	for (size_t i = 0; i < r->n_answer; i++)
		if (r->answer[i].type == DNS_A || r->answer[i].type == DNS_AAAA)
			add_address(f, h, r->answer[i].text);
}

/* Glue, for hosts whose address no resolver knows (yet). */
static void add_glue(struct finder *f, const struct dns_answer *r)
{
	for (size_t i = 0; i < f->n_hosts; i++)
		for (size_t k = 0; k < r->n_additional; k++)
			if ((r->additional[k].type == DNS_A || r->additional[k].type == DNS_AAAA) &&
			    strcmp(r->additional[k].name, f->hosts[i].name) == 0)
				add_address(f, &f->hosts[i], r->additional[k].text);
}

static int resolve(struct finder *f, struct host *v, size_t n, struct err *e)
{
	struct dns_question *q = ARENA_ARRAY(f->a, struct dns_question, 2 * n + 1);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i].resolved)
			continue;
		q[k++] = (struct dns_question){ .name = v[i].name, .type = DNS_A };
		q[k++] = (struct dns_question){ .name = v[i].name, .type = DNS_AAAA };
	}
	TRY(ask_resolvers(f, q, k, e));
	k = 0;
	for (size_t i = 0; i < n; i++) {
		if (v[i].resolved)
			continue;
		v[i].resolved = true;
		add_addresses(f, &v[i], &q[k++].answer);
		add_addresses(f, &v[i], &q[k++].answer);
	}
	return 0;
}

/* The zone that a question's SOA record, in either section, belongs to. */
static const char *cut_of(const struct dns_answer *r, const char *name)
{
	for (size_t i = 0; i < r->n_answer; i++)
		if (r->answer[i].type == DNS_SOA && zone_has(r->answer[i].name, name))
			return r->answer[i].name;
	for (size_t i = 0; i < r->n_authority; i++)
		if (r->authority[i].type == DNS_SOA && zone_has(r->authority[i].name, name))
			return r->authority[i].name;
	return NULL;
}

static const char *above(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : "";
}

/* A service without zones: the zone is where the SOA record says, asked for above the record's own
 * name, so that no resolver remembers its absence. */
static int find_cut(struct finder *f, const char *name, struct err *e)
{
	while (*name == '_')
		name = above(name);
	for (;; name = above(name)) {
		struct dns_question q = { .name = name, .type = DNS_SOA };

		TRY(ask_resolvers(f, &q, 1, e));
		if (!is_answer(&q)) {
			note_failure(f, &q);
			return 0;
		}
		f->zone = cut_of(&q.answer, name);
		if (f->zone || !*name)
			return 0;
	}
}

/* The zone's name servers as resolvers know them, and the zone above. *moved: what the account
 * calls a zone is only a name in one; that one is looked at. */
static int find_child(struct finder *f, const char **parent, bool *moved, struct err *e)
{
	struct dns_question q[] = { { .name = f->zone, .type = DNS_NS },
		                    { .name = above(f->zone), .type = DNS_SOA } };
	const char *cut;

	TRY(ask_resolvers(f, q, 2, e));
	if (!is_answer(&q[0]))
		note_failure(f, &q[0]);
	cut = q[0].answer.n_answer ? NULL : cut_of(&q[0].answer, f->zone);
	*moved = q[0].answer.rcode == DNS_NOERROR && cut && strcmp(cut, f->zone) != 0;
	if (*moved)
		f->zone = cut;
	add_ns(q[0].answer.answer, q[0].answer.n_answer, f->zone, f->hosts, &f->n_hosts, HOSTS_MAX);
	*parent = is_answer(&q[1]) && *f->zone ? cut_of(&q[1].answer, above(f->zone)) : NULL;
	return 0;
}

static int find_parents(struct finder *f, const char *parent, struct err *e)
{
	struct dns_question q = { .name = parent, .type = DNS_NS };

	TRY(ask_resolvers(f, &q, 1, e));
	add_ns(q.answer.answer, q.answer.n_answer, parent, f->parents, &f->n_parents, PARENTS_MAX);
	return resolve(f, f->parents, f->n_parents, e);
}

static size_t count_addresses(const struct host *v, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += v[i].addresses.n;
	return count;
}

/* What the parent's servers and the zone's own say about the zone, in one batch. */
static int ask_themselves(struct finder *f, struct err *e)
{
	size_t n_up = count_addresses(f->parents, f->n_parents), k = 0;
	size_t n = n_up + count_addresses(f->hosts, f->n_hosts);
	struct dns_question *q = ARENA_ARRAY(f->a, struct dns_question, n + 1);

	for (size_t i = 0; i < f->n_parents + f->n_hosts; i++) {
		const struct host *h =
		    i < f->n_parents ? &f->parents[i] : &f->hosts[i - f->n_parents];
		for (size_t j = 0; j < h->addresses.n; j++)
			q[k++] = (struct dns_question){ .server = h->addresses.v[j],
				                        .name = f->zone,
				                        .type = DNS_NS };
	}
	TRY(dns_ask_all(f->a, q, k, SERVER_MS, f->how->cancel, e));
	for (size_t i = 0; i < k; i++) {
		const struct dns_answer *r = &q[i].answer;

		add_ns(r->answer, r->n_answer, f->zone, f->hosts, &f->n_hosts, HOSTS_MAX);
		if (i < n_up)
			add_ns(r->authority, r->n_authority, f->zone, f->hosts, &f->n_hosts,
			       HOSTS_MAX);
	}
	TRY(resolve(f, f->hosts, f->n_hosts, e));
	for (size_t i = 0; i < n_up; i++)
		add_glue(f, &q[i].answer);
	return 0;
}

static int find_delegation(struct finder *f, const struct dns_placement *p, struct err *e)
{
	const char *parent = NULL;
	bool moved;

	if (!f->zone)
		TRY(find_cut(f, p->name, e));
	if (!f->zone)
		return 0;
	TRY(find_child(f, &parent, &moved, e));
	if (moved)
		TRY(find_child(f, &parent, &moved, e));
	if (parent)
		TRY(find_parents(f, parent, e));
	TRY(resolve(f, f->hosts, f->n_hosts, e));
	return ask_themselves(f, e);
}

static int whom_to_ask(struct finder *f, const struct dns_session *s, struct err *e)
{
	if (s->common.resolvers.n)
		f->resolvers = s->common.resolvers;
	else if (f->how->view && f->how->view->resolvers.n)
		f->resolvers = f->how->view->resolvers;
	else
		return dns_system_resolvers(f->a, &f->resolvers, e);
	return 0;
}

int settle_resolvers(struct arena *a, const struct dns_session *s, const struct settle_how *how,
                     struct strings *out, struct err *e)
{
	struct finder f = { .a = a, .how = how };

	TRY(whom_to_ask(&f, s, e));
	*out = f.resolvers;
	return 0;
}

int settle_few_servers(struct arena *a, const char *name, const struct dns_view *view,
                       const struct cancel *cancel, struct strings *out, struct err *e)
{
	const struct settle_how how = { .view = view, .cancel = cancel };
	struct finder f = { .a = a, .how = &how, .resolvers = view->resolvers };
	const char *parent;
	bool moved;

	*out = (struct strings){ 0 };
	TRY(find_cut(&f, *name == '_' ? name : above(name), e));
	if (!f.zone)
		return 0;
	TRY(find_child(&f, &parent, &moved, e));
	f.n_hosts = f.n_hosts < FEW ? f.n_hosts : FEW;
	TRY(resolve(&f, f.hosts, f.n_hosts, e));
	for (size_t i = 0; i < f.n_hosts; i++)
		if (f.hosts[i].addresses.n)
			strings_add(a, out, f.hosts[i].addresses.v[0]);
	return 0;
}

struct list {
	struct settle_server *v;
	size_t n, room;
};

static void add_server(struct list *l, const char *name, const char *address, const char *zone,
                       bool own)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].address, address) == 0)
			return;
	if (l->n < l->room)
		l->v[l->n++] = (struct settle_server){ .name = name,
			                               .address = address,
			                               .zone = zone,
			                               .state = SETTLE_SILENT,
			                               .said = "was not asked yet",
			                               .own = own };
}

/* Why there is nobody to ask, or fewer than there are. */
static const char *not_asked(struct finder *f)
{
	return arena_printf(f->a,
	                    "%s: at a loopback, link-local or private address, where nothing is "
	                    "asked about a name that was said over the network unless "
	                    "everleaf.yaml has allow_private: true or the DNS account names its "
	                    "servers",
	                    strings_join(f->a, &f->left_out, ", "));
}

/* What the zone's delegation gives; *some: there are any. A failure is told and survived if there
 * are own servers. */
static int add_delegated(struct finder *f, const struct dns_placement *p, struct list *l,
                         bool *some, struct err *e)
{
	struct err why = { 0 };
	size_t before = l->n;

	if (whom_to_ask(f, p->session, &why) == 0)
		TRY(find_delegation(f, p, e));
	else
		f->failed = arena_strdup(f->a, why.text);
	for (size_t i = 0; i < f->n_hosts; i++)
		for (size_t k = 0; k < f->hosts[i].addresses.n; k++)
			add_server(l, f->hosts[i].name, f->hosts[i].addresses.v[k], f->zone, false);
	*some = l->n > before;
	if (*some)
		return 0;
	if (f->left_out.n)
		f->failed = not_asked(f);
	if (l->n == 0)
		return err_set(e, ERR_NETWORK,
		               "the name servers of %s cannot be found (%s): name resolvers or "
		               "servers in the DNS account, or set propagation: none",
		               f->zone ? f->zone : p->name,
		               f->failed ? f->failed : "the DNS does not know it");
	log_warn("the name servers of %s cannot be found (%s): only %s is asked",
	         f->zone ? f->zone : p->name, f->failed ? f->failed : "the DNS does not know it",
	         l->n == 1 ? l->v[0].address : "the DNS account's own servers");
	return 0;
}

int settle_find_servers(struct arena *a, const struct dns_placement *p,
                        const struct settle_how *how, struct settle_servers *out, struct err *e)
{
	struct dns_session *s = p->session;
	bool has_zones = !(s->provider->flags & DNS_NO_ZONES) || s->common.zone;
	struct finder f = { .a = a, .how = how, .zone = has_zones ? p->zone.name : NULL };
	struct strings own = { 0 };
	bool some = false;
	struct list l = { .room = HOSTS_MAX * ADDRESSES_MAX + 32 };

	l.v = ARENA_ARRAY(a, struct settle_server, l.room);
	if (s->provider->servers)
		TRY(s->provider->servers(s, &own, e));
	for (size_t i = 0; i < s->common.servers.n; i++)
		add_server(&l, NULL, s->common.servers.v[i], p->zone.name, true);
	for (size_t i = 0; i < own.n; i++)
		add_server(&l, NULL, own.v[i], p->zone.name, true);
	if (s->common.servers.n == 0)
		TRY(add_delegated(&f, p, &l, &some, e));
	for (size_t i = 0; i < l.n; i++)
		l.v[i].zone = f.zone ? f.zone : p->zone.name;
	*out = (struct settle_servers){ l.v, l.n, f.zone ? f.zone : p->zone.name,
		                        some && f.left_out.n ? not_asked(&f) : NULL };
	return 0;
}
