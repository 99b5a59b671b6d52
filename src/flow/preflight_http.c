/*
 * http-01 from outside the web server: a token of our own is published as the certificate's would
 * be, and fetched from each address of each name as the CA would fetch it, through redirects. All
 * fetches go on side by side, one hop after the other. The token is journalled like a challenge and
 * taken away again.
 */
#include <string.h>

#include "base/codec.h"
#include "base/log.h"
#include "flow/preflight_impl.h"
#include "flow/redirect.h"
#include "flow/session.h"
#include "sys/hash.h"
#include "sys/names.h"
#include "sys/reach.h"

#define CHECK "http-01"
#define TOKEN_BYTES 32
#define BODY_BYTES 128

struct fetch {
	struct host *host;       /* of the name */
	struct address *address; /* the one it began with */
	const char *connect_to;  /* now */
	struct hop hop;
	bool done;
};

struct look {
	struct preflight *p;
	struct redirect_rules rules;
	struct challenge token;
	struct fetch *v;
	size_t n;
};

static int make_token(struct preflight *p, struct challenge *out, struct err *e)
{
	unsigned char random[2 * TOKEN_BYTES];
	struct challenge c = {
		.cert = p->cert->name,
		.domain = p->names.v[0],
		.type = CHECK,
		.method = p->cert->method,
	};

	TRY(hash_random(random, sizeof random, e));
	c.token = base64url_encode(p->arena, random, TOKEN_BYTES);
	c.value = arena_printf(p->arena, "%s.%s", c.token,
	                       base64url_encode(p->arena, random + TOKEN_BYTES, TOKEN_BYTES));
	c.location = arena_printf(p->arena, "/.well-known/acme-challenge/%s", c.token);
	*out = c;
	return 0;
}

static const char *host_port(struct preflight *p, const char *host, uint16_t port)
{
	return strchr(host, ':') ? arena_printf(p->arena, "[%s]:%u", host, port)
	                         : arena_printf(p->arena, "%s:%u", host, port);
}

/* One for each address that takes connections. */
static void begin(struct look *l, struct err *e)
{
	struct preflight *p = l->p;

	l->v = ARENA_ARRAY(p->arena, struct fetch, p->names.n * PREFLIGHT_ADDRESSES + 1);
	for (size_t i = 0; i < p->names.n; i++)
		for (size_t k = 0; k < p->hosts[i].n; k++) {
			struct host *h = &p->hosts[i];
			struct fetch f = { .host = h, .address = &h->v[k] };
			const char *url =
			    arena_printf(p->arena, "http://%s%s", host_port(p, h->name, h->port),
			                 l->token.location);

			if (h->v[k].seen != SEEN_FINE)
				continue;
			f.connect_to = host_port(p, h->v[k].text, h->port);
			if (url_join(p->arena, NULL, url, &f.hop.url, e) == 0)
				l->v[l->n++] = f;
		}
}

static void failed(struct look *l, struct fetch *f, enum seen seen, const char *problem,
                   const char *said)
{
	struct preflight *p = l->p;
	const char *at =
	    f->hop.seen.n ? arena_printf(p->arena, "redirects to %s, which ", f->hop.url.text) : "";

	f->done = true;
	f->address->seen = seen == SEEN_FAILS ? preflight_weigh_failure(p, f->address->text) : seen;
	f->address->said = arena_printf(p->arena, "%s%s", at, said);
	f->host->problem = problem;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Who refuses some clients may let the CA in. */
static bool is_choosy(int status)
{
	return status == 401 || status == 403 || status == 429;
}

static void take_answer(struct look *l, struct fetch *f, const struct http_response *res)
{
	struct preflight *p = l->p;
	const char *said;

	if (is_redirect(res->status)) {
		if (!redirect_follow(p->arena, &l->rules, &f->hop, http_header(res, "location"),
		                     &said))
			failed(l, f, SEEN_FAILS, "connection", said);
		return;
	}
	if (redirect_is_token(p->arena, res->status, res->body, res->body_len, l->token.value,
	                      &said))
		f->done = true;
	else
		failed(l, f, is_choosy(res->status) && !p->laboratory ? SEEN_UNKNOWN : SEEN_FAILS,
		       "unauthorized", said);
}

/* One hop of all that are not done. */
static int fetch_all(struct look *l, struct http_set *set, struct err *e)
{
	struct preflight *p = l->p;
	size_t under_way = 0, tag;

	for (size_t i = 0; i < l->n; i++) {
		const struct http_request req = { .method = "GET",
			                          .url = l->v[i].hop.url.text,
			                          .connect_to = l->v[i].connect_to,
			                          .max_body = BODY_BYTES,
			                          .cut = true,
			                          .limit_ms = PREFLIGHT_FETCH_MS };
		if (l->v[i].done)
			continue;
		TRY(http_set_add(set, &req, i, e));
		under_way++;
	}
	while (under_way--) {
		struct http_response res;
		struct err failure;

		TRY(http_set_wait(set, p->arena, p->run->cancel, &tag, &res, &failure, e));
		if (failure.code == ERR_CANCELLED) {
			*e = failure;
			return -ERR_CANCELLED;
		}
		if (failure.code == ERR_NONE)
			take_answer(l, &l->v[tag], &res);
		else
			failed(l, &l->v[tag],
			       failure.code == ERR_PROTOCOL ? SEEN_FAILS : SEEN_UNKNOWN,
			       "connection",
			       arena_printf(p->arena, "does not answer the request: %s",
			                    failure.text));
	}
	return 0;
}

/* redirects */

/* A CA prefers IPv6. */
static const struct address *choose(const struct host *h)
{
	const struct address *found = NULL;

	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].seen == SEEN_FINE && (!found || (h->v[i].v6 && !found->v6)))
			found = &h->v[i];
	return found;
}

static void go_on(struct look *l, struct fetch *f, struct host *h)
{
	const struct address *to = choose(h);

	if (h->seen == SEEN_FAILS || !to)
		failed(l, f, h->seen == SEEN_FAILS ? SEEN_FAILS : SEEN_UNKNOWN,
		       h->problem ? h->problem : "connection",
		       h->said ? h->said : "cannot be reached from here");
	else
		f->connect_to = host_port(l->p, to->text, h->port);
}

/* Where the redirects lead, found and tried for all fetches together. */
static int find_next(struct look *l, struct err *e)
{
	struct preflight *p = l->p;
	struct host *hosts = ARENA_ARRAY(p->arena, struct host, l->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].done)
			preflight_want_host(p, l->v[i].hop.url.host);
	TRY(preflight_ask_all(p, e));
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].done)
			continue;
		hosts[n] =
		    (struct host){ .name = l->v[i].hop.url.host, .port = l->v[i].hop.url.port };
		preflight_find_host(p, &hosts[n++]);
	}
	TRY(preflight_connect(p, hosts, n, e));
	n = 0;
	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].done)
			go_on(l, &l->v[i], &hosts[n++]);
	return 0;
}

static bool all_done(const struct look *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].done)
			return false;
	return true;
}

static int fetch_hops(struct look *l, struct err *e)
{
	struct http_set *set;
	struct http *http;
	int result = 0;

	TRY(session_http_as_ca(l->p->run, &http, e));
	set = http_set_new(http);
	while (result == 0 && !all_done(l)) {
		result = fetch_all(l, set, e);
		if (result == 0 && !all_done(l))
			result = find_next(l, e);
	}
	http_set_free(set);
	return result;
}

/* findings */

static bool was_fetched(const struct look *l, const struct address *x)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].address == x)
			return true;
	return false;
}

/* Of the addresses that take connections. Where others may do so for the CA, nothing is certain. */
static enum seen weigh(const struct look *l, const struct host *h, size_t *n, const char **said)
{
	struct preflight *p = l->p;
	struct address *v = ARENA_ARRAY(p->arena, struct address, h->n + 1);
	bool others = false;
	enum seen seen;

	*n = 0;
	for (size_t i = 0; i < h->n; i++)
		if (was_fetched(l, &h->v[i]))
			v[(*n)++] = h->v[i];
		else
			others = others || h->v[i].seen == SEEN_UNKNOWN;
	seen = preflight_weigh(p->arena, v, *n, p->laboratory, said);
	return seen == SEEN_FAILS && others ? SEEN_UNKNOWN : seen;
}

static const char *addresses_of(const struct look *l, const struct host *h)
{
	struct strings list = { 0 };

	for (size_t i = 0; i < h->n; i++)
		if (was_fetched(l, &h->v[i]))
			strings_add(l->p->arena, &list, h->v[i].text);
	return strings_join(l->p->arena, &list, ", ");
}

static const char *mend_of(const struct preflight *p)
{
	if (strcmp(p->cert->method, "webroot") == 0)
		return arena_printf(p->arena,
		                    "let the web server of that name show %s/.well-known/"
		                    "acme-challenge/ there, or give the right --webroot",
		                    p->cert->webroot);
	return "lead that name, and what it redirects to, to Everleaf's own listener";
}

static void tell(struct look *l, struct host *h)
{
	struct preflight *p = l->p;
	const char *said;
	size_t n;
	enum seen seen = weigh(l, h, &n, &said);

	if (n == 0)
		return; /* told with its addresses */
	if (!said)
		preflight_fine(p, h->name, CHECK, "a token was fetched from %s",
		               addresses_of(l, h));
	else
		preflight_found(p, h->name, CHECK, seen, seen == SEEN_FINE ? NULL : h->problem,
		                mend_of(p), "%s", said);
}

/* A listener is gone with the process, so its token needs no journal. */
static int publish_and_fetch(struct look *l, struct err *e)
{
	const struct solver *solver = solver_find(l->p->cert->method);
	struct solve s = *l->p->ask->solve;
	struct err cleanup;
	int result;

	if (strcmp(solver->method, "standalone") == 0)
		s.journal = NULL;
	TRY(solver->publish(&s, &l->token, 1, e));
	result = fetch_hops(l, e);
	if (solver->withdraw(&s, &l->token, 1, &cleanup) < 0)
		log_warn("the token of a preflight could not be taken away, the next run tries "
		         "again: %s",
		         cleanup.text);
	return result;
}

static bool can_publish(const struct preflight *p)
{
	return p->ask->solve && (strcmp(p->cert->method, "webroot") == 0 ||
	                         strcmp(p->cert->method, "standalone") == 0);
}

int preflight_http(struct preflight *p, struct err *e)
{
	struct look l = { .p = p, .rules = { p->laboratory, p->ca.http_port, p->ca.tls_port } };

	if (!can_publish(p))
		return 0;
	TRY(make_token(p, &l.token, e));
	begin(&l, e);
	if (l.n == 0)
		return 0;
	TRY(publish_and_fetch(&l, e));
	for (size_t i = 0; i < p->names.n; i++)
		tell(&l, &p->hosts[i]);
	return 0;
}
