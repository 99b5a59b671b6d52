/*
 * What an RFC 2136 server is asked before it is changed: which zone a name is in there, and which
 * TTL its values have; and after it refused to remove, whether they are there at all.
 */
#include <string.h>

#include "dns/rfc2136.h"
#include "dns/txt.h"

#define LOOK_MS 1500

/* The zone that an authoritative answer's SOA record names, from either section. */
static const char *soa_owner(const struct dns_answer *r, const char *name)
{
	for (size_t i = 0; i < r->n_answer; i++)
		if (r->answer[i].type == DNS_SOA && strcmp(r->answer[i].name, name) == 0)
			return r->answer[i].name;
	for (size_t i = 0; i < r->n_authority; i++)
		if (r->authority[i].type == DNS_SOA && zone_has(r->authority[i].name, name))
			return r->authority[i].name;
	return NULL;
}

static bool is_referral(const struct dns_answer *r, const char *name)
{
	for (size_t i = 0; i < r->n_authority; i++)
		if (r->authority[i].type == DNS_NS && *r->authority[i].name &&
		    zone_has(r->authority[i].name, name))
			return true;
	return false;
}

int rfc2136_find_apex(struct dns_session *s, const struct tsig_key *key, const char *name,
                      const char **apex, struct err *e)
{
	struct rfc2136_talk t = { .s = s, .key = key };
	struct bytes message;
	int rcode;

	*apex = NULL;
	TRY(dns_question_message(s->arena, name, DNS_SOA, false, &message, e));
	TRY(rfc2136_ask(&t, &message, e));
	rcode = t.answer.rcode;
	/* whether a zone is served there is no secret: REFUSED and NOTAUTH say "not here" */
	if (t.verdict.error == TSIG_OK &&
	    (rcode == DNS_REFUSED || (rcode == DNS_NOTAUTH && t.verdict.proved)))
		return 0;
	if (rcode == DNS_NOTAUTH && key && !t.verdict.present)
		return err_set(
		    e, ERR_DENIED,
		    "%s says, unsigned: NOTAUTH: the key %s (%s) is unknown there, or its "
		    "secret is not the one the server has",
		    rfc2136_server(&t), key->name, key->algorithm);
	if (rcode == DNS_NXDOMAIN)
		t.answer.rcode = DNS_NOERROR;
	TRY(rfc2136_judge(&t, name, e));
	if (!t.answer.authoritative) {
		if (is_referral(&t.answer, name))
			return err_set(e, ERR_INPUT,
			               "%s is in a zone that %s delegates to other servers: give "
			               "the primary of that zone",
			               name, rfc2136_server(&t));
		return 0;
	}
	*apex = soa_owner(&t.answer, name);
	return 0;
}

/* What an unsigned question tells is a zone's name and nothing more: an update to the wrong one
 * would be refused. */
static void keep_apex(struct dns_session *s, const struct dns_question *q)
{
	struct rfc2136_state *t = rfc2136_state(s);
	const char *apex;

	if (q->why.code || !q->answer.authoritative ||
	    (q->answer.rcode != DNS_NOERROR && q->answer.rcode != DNS_NXDOMAIN))
		return;
	apex = soa_owner(&q->answer, q->name);
	if (!apex)
		return;
	if (!strings_has(&t->apexes, apex))
		strings_add(s->arena, &t->apexes, apex);
	if (strcmp(apex, q->name) != 0) {
		strings_add(s->arena, &t->below, q->name);
		strings_add(s->arena, &t->below_apex, apex);
	}
}

int rfc2136_prepare(struct dns_session *s, const struct strings *names, struct err *e)
{
	struct dns_question *q = ARENA_ARRAY(s->arena, struct dns_question, names->n + 1);
	const struct strings *addresses;
	size_t n = 0;

	if (s->common.zone)
		return 0;
	TRY(rfc2136_addresses(s, &addresses, e));
	for (size_t i = 1; i < names->n; i++) {
		const struct rfc2136_entry *z = rfc2136_entry(s, names->v[i]);

		if (z && z->zone)
			continue;
		q[n++] = (struct dns_question){ .server = addresses->v[0],
			                        .name = names->v[i],
			                        .type = DNS_SOA };
	}
	if (n == 0)
		return 0;
	TRY(dns_ask_all(s->arena, q, n, LOOK_MS, s->cancel, e));
	for (size_t i = 0; i < n; i++)
		keep_apex(s, &q[i]);
	return 0;
}

/* The TTL of the TXT values at a name, if the answer is one. */
static bool read_ttl(const struct dns_answer *r, const char *name, uint32_t *ttl_s)
{
	if (!r->authoritative || (r->rcode != DNS_NOERROR && r->rcode != DNS_NXDOMAIN))
		return false;
	for (size_t i = 0; i < r->n_answer; i++)
		if (r->answer[i].type == DNS_TXT && strcmp(r->answer[i].name, name) == 0)
			*ttl_s = r->answer[i].ttl;
	return true;
}

/* By the way that updates take, signed. What cannot be found out leaves the account's TTL. */
static int ask_signed(struct dns_session *s, const struct tsig_key *key, struct dns_change *c,
                      struct err *e)
{
	struct rfc2136_talk t = { .s = s, .key = key };
	struct bytes message;

	TRY(dns_question_message(s->arena, c->name, DNS_TXT, false, &message, e));
	TRY(rfc2136_ask(&t, &message, e));
	(void)read_ttl(&t.answer, c->name, &c->ttl_s);
	return 0;
}

/* A set has one TTL: what is added takes that of the values that are there, so that theirs stays.
 * All are asked for at once over UDP, and what is not told there like an update. */
int rfc2136_keep_ttl(struct dns_session *s, const struct tsig_key *key, struct dns_change *v,
                     size_t n, struct err *e)
{
	struct dns_question *q = ARENA_ARRAY(s->arena, struct dns_question, n + 1);
	const struct strings *addresses;

	TRY(rfc2136_addresses(s, &addresses, e));
	for (size_t i = 0; i < n; i++)
		q[i] = (struct dns_question){ .server = addresses->v[0],
			                      .name = v[i].name,
			                      .type = DNS_TXT };
	TRY(dns_ask_all(s->arena, q, n, LOOK_MS, s->cancel, e));
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		if (!q[i].why.code && read_ttl(&q[i].answer, v[i].name, &v[i].ttl_s))
			continue;
		while (strcmp(v[k].name, v[i].name) != 0)
			k++;
		if (k == i)
			TRY(ask_signed(s, key, &v[i], e));
		v[i].ttl_s = v[k].ttl_s;
	}
	return 0;
}

/* Whether the server proves that the value is not at its name. */
static bool is_gone(struct dns_session *s, const struct tsig_key *key, const struct dns_change *c)
{
	struct rfc2136_talk t = { .s = s, .key = key };
	struct bytes message;
	uint32_t ignored_ttl;
	struct err ignored;

	if (dns_question_message(s->arena, c->name, DNS_TXT, false, &message, &ignored) < 0 ||
	    rfc2136_ask(&t, &message, &ignored) < 0)
		return false;
	if ((key && !t.verdict.proved) || !read_ttl(&t.answer, c->name, &ignored_ttl))
		return false;
	for (size_t i = 0; i < t.answer.n_answer; i++)
		if (t.answer.answer[i].type == DNS_TXT &&
		    strcmp(t.answer.answer[i].text, c->value) == 0)
			return false;
	return true;
}

bool rfc2136_all_gone(struct dns_session *s, const struct tsig_key *key, const struct dns_change *v,
                      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_gone(s, key, &v[i]))
			return false;
	return true;
}
