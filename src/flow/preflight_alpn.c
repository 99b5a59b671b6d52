/*
 * tls-alpn-01 through each address: our own listener must be what answers the handshake that the CA
 * will make, with the certificate that it is to show (RFC 8737 3). For each name a test certificate
 * is put into the listener and taken out again; nothing outlives the process.
 */
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/pool.h"
#include "flow/preflight_impl.h"
#include "sys/hash.h"
#include "sys/names.h"
#include "sys/reach.h"

#define CHECK "tls-alpn-01"
#define PROTOCOL "acme-tls/1"
#define DIGEST_BYTES 32
#define AT_ONCE 32
#define LIMIT_MS 10000

struct shake {
	struct arena *arena; /* its own: several threads */
	struct host *host;
	struct address *address;
	const unsigned char *digest;
	struct reach_tls tls;
	int64_t end;
};

struct look {
	struct preflight *p;
	struct challenge *challenges; /* one for each name */
	unsigned char (*digests)[DIGEST_BYTES];
	struct shake *v;
	size_t n;
};

static int make_challenges(struct look *l, struct err *e)
{
	struct preflight *p = l->p;

	l->challenges = ARENA_ARRAY(p->arena, struct challenge, p->names.n + 1);
	l->digests = arena_alloc(p->arena, (p->names.n + 1) * DIGEST_BYTES);
	for (size_t i = 0; i < p->names.n; i++) {
		TRY(hash_random(l->digests[i], DIGEST_BYTES, e));
		l->challenges[i] = (struct challenge){ .cert = p->cert->name,
			                               .domain = p->names.v[i],
			                               .type = CHECK,
			                               .method = p->cert->method,
			                               .value = hex_encode(p->arena, l->digests[i],
			                                                   DIGEST_BYTES) };
	}
	return 0;
}

static void begin(struct look *l)
{
	struct preflight *p = l->p;
	int64_t end = clock_monotonic_ms() + LIMIT_MS;

	l->v = ARENA_ARRAY(p->arena, struct shake, p->names.n * PREFLIGHT_ADDRESSES + 1);
	for (size_t i = 0; i < p->names.n; i++)
		for (size_t k = 0; k < p->hosts[i].n; k++) {
			struct host *h = &p->hosts[i];

			if (h->v[k].seen != SEEN_FINE)
				continue;
			l->v[l->n++] = (struct shake){
				.host = h,
				.address = &h->v[k],
				.digest = l->digests[i],
				.tls = { .address = h->v[k].text,
				         .port = h->port,
				         .sni = name_kind(h->name) == NAME_IP
				                    ? name_ip_reverse(p->arena, h->name)
				                    : h->name,
				         .alpn = PROTOCOL },
				.end = end,
			};
		}
}

static void shake_one(void *ctx, size_t i)
{
	struct look *l = ctx;
	struct shake *s = &l->v[i];
	int64_t left = s->end - clock_monotonic_ms();

	s->tls.said = "there was no time left to ask";
	if (left <= 0 || cancel_is_set(l->p->run->cancel))
		return;
	s->arena = arena_new(0);
	s->tls.said = NULL;
	s->tls.limit_ms = left < PREFLIGHT_FETCH_MS ? (uint32_t)left : PREFLIGHT_FETCH_MS;
	reach_tls(s->arena, &s->tls);
}

/* The extension's value is the digest (RFC 8737 3): nobody else's certificate has it. */
static bool shows_digest(const struct shake *s)
{
	return s->tls.certificate &&
	       memmem(s->tls.certificate, s->tls.certificate_len, s->digest, DIGEST_BYTES);
}

static const char *judge(struct preflight *p, const struct shake *s)
{
	if (s->tls.fault || !(s->tls.shaken || s->tls.answered))
		return "does not finish a TLS handshake";
	if (!s->tls.shaken)
		return arena_printf(p->arena, "refuses the handshake for %s: %s", PROTOCOL,
		                    s->tls.said);
	if (!s->tls.protocol || strcmp(s->tls.protocol, PROTOCOL) != 0)
		return "speaks TLS, but not " PROTOCOL;
	return shows_digest(s) ? NULL : "speaks " PROTOCOL ", but shows another certificate";
}

static void take(struct preflight *p, struct shake *s)
{
	bool certain = s->tls.shaken || s->tls.answered;

	s->address->said = judge(p, s);
	if (!s->address->said)
		return;
	s->address->seen = certain ? preflight_weigh_failure(p, s->address->text) : SEEN_UNKNOWN;
	s->host->problem = "unauthorized";
}

static bool was_asked(const struct look *l, const struct address *x)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].address == x)
			return true;
	return false;
}

/* As for http-01: of the addresses that take connections, and no certainty beside others. */
static void tell(struct preflight *p, const struct look *l, struct host *h)
{
	struct address *v = ARENA_ARRAY(p->arena, struct address, h->n + 1);
	bool others = false;
	const char *said;
	enum seen seen;
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		if (was_asked(l, &h->v[i]))
			v[n++] = h->v[i];
		else
			others = others || h->v[i].seen == SEEN_UNKNOWN;
	if (n == 0)
		return; /* told with its addresses */
	seen = preflight_weigh(p->arena, v, n, p->laboratory, &said);
	if (!said)
		preflight_fine(p, h->name, CHECK, "the own listener answers at each address");
	else
		preflight_found(
		    p, h->name, CHECK, seen == SEEN_FAILS && others ? SEEN_UNKNOWN : seen,
		    h->problem,
		    "lead port 443 of that name to Everleaf's own listener, with nothing "
		    "in between that ends TLS",
		    "%s", said);
}

static int shake_all(struct look *l, struct err *e)
{
	struct preflight *p = l->p;
	int result;

	begin(l);
	result = pool_run(AT_ONCE, l->n, shake_one, l, e);
	for (size_t i = 0; i < l->n; i++) {
		if (result == 0)
			take(p, &l->v[i]);
		arena_free(l->v[i].arena);
		l->v[i].tls = (struct reach_tls){ 0 };
	}
	if (result == 0 && cancel_is_set(p->run->cancel))
		return cancel_error(p->run->cancel, e);
	return result;
}

int preflight_alpn(struct preflight *p, struct err *e)
{
	const struct solver *solver = solver_find(p->cert->method);
	struct look l = { .p = p };
	struct err cleanup;
	struct solve s;
	int result;

	if (!p->ask->solve)
		return 0;
	s = *p->ask->solve;
	s.journal = NULL;
	TRY(make_challenges(&l, e));
	TRY(solver->publish(&s, l.challenges, p->names.n, e));
	result = shake_all(&l, e);
	if (solver->withdraw(&s, l.challenges, p->names.n, &cleanup) < 0)
		log_warn("%s", cleanup.text);
	TRY(result);
	for (size_t i = 0; i < p->names.n; i++)
		tell(p, &l, &p->hosts[i]);
	return 0;
}
