/*
 * Questions asked and messages exchanged: what dns_message.c writes, dns_flight.c carries and
 * dns_answer.c reads, put together.
 */
#include "sys/dns.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "sys/dns_flight.h"

#define LIMIT_MS 5000
#define SERVERS_LIMIT_MS 10000 /* of several, one after the other */
#define SERVER_LEAST_MS 2500
#define FLAGS_AT 3       /* RFC 4035 3: of the header */
#define FLAG_CD 0x10     /* "checking disabled" */
#define ADDITIONAL_AT 11 /* the lower byte of their number */

/* RFC 6891 6.1.2: an OPT record at the end. 1,232 bytes pass everywhere in one piece. */
static void add_edns(struct arena *a, struct bytes *m)
{
	static const unsigned char opt[] = {
		0, 0, 41, 1232 >> 8, 1232 & 0xff, 0, 0, 0x80, 0, 0, 0
	};
	unsigned char *v = arena_alloc(a, m->n + sizeof(opt));

	memcpy(v, m->v, m->n);
	memcpy(v + m->n, opt, sizeof(opt));
	v[ADDITIONAL_AT] = 1;
	m->v = v;
	m->n += sizeof(opt);
}

static void parse_one(struct arena *a, struct dns_question *q, const struct dns_flight *f)
{
	size_t tsig;

	q->why = f->why;
	q->fault = f->fault;
	if (q->why.code != ERR_NONE)
		return;
	if (dns_answer_parse(a, &f->answer, &q->answer, &tsig, &q->why) < 0)
		(void)err_ctx(&q->why, "%s", q->server);
}

int dns_ask_all(struct arena *a, struct dns_question *v, size_t n, uint32_t limit_ms,
                const struct cancel *cancel, struct err *e)
{
	struct dns_flight *flights = ARENA_ARRAY(a, struct dns_flight, n + 1);
	struct dns_question **asked = ARENA_ARRAY(a, struct dns_question *, n + 1);
	size_t sent = 0;

	for (size_t i = 0; i < n; i++) {
		struct dns_flight *f = &flights[sent];

		v[i].why = (struct err){ 0 };
		v[i].answer = (struct dns_answer){ 0 };
		v[i].fault = 0;
		f->server = v[i].server;
		if (dns_question_message(a, v[i].name, v[i].type, v[i].recursive, &f->message,
		                         &v[i].why) < 0)
			continue;
		if (v[i].unchecked)
			f->message.v[FLAGS_AT] |= FLAG_CD;
		if (v[i].explained)
			add_edns(a, &f->message);
		asked[sent++] = &v[i];
	}
	TRY(dns_fly(a, flights, sent, limit_ms ? limit_ms : LIMIT_MS, cancel, e));
	for (size_t i = 0; i < sent; i++)
		parse_one(a, asked[i], &flights[i]);
	return 0;
}

/* What one server said that is no answer, for people. */
static const char *said(struct arena *a, const struct dns_question *q)
{
	if (q->why.code != ERR_NONE)
		return arena_strdup(a, q->why.text);
	return arena_printf(a, "%s says %s", q->server, dns_rcode_name(q->answer.rcode));
}

int dns_ask(struct arena *a, const struct strings *servers, const char *name, enum dns_type type,
            const struct cancel *cancel, struct dns_answer *out, struct err *e)
{
	struct strings asked = { 0 }, words = { 0 };
	uint32_t limit_ms;

	if (servers && servers->n)
		asked = *servers;
	else
		TRY(dns_system_resolvers(a, &asked, e));
	limit_ms = SERVERS_LIMIT_MS / (uint32_t)(asked.n > 1 ? asked.n : 2);
	for (size_t i = 0; i < asked.n; i++) {
		struct dns_question q = {
			.server = asked.v[i], .name = name, .type = type, .recursive = true
		};
		TRY(dns_ask_all(a, &q, 1, limit_ms > SERVER_LEAST_MS ? limit_ms : SERVER_LEAST_MS,
		                cancel, e));
		if (q.why.code == ERR_INPUT) {
			*e = q.why;
			return -ERR_INPUT;
		}
		if (q.why.code == ERR_NONE &&
		    (q.answer.rcode == DNS_NOERROR || q.answer.rcode == DNS_NXDOMAIN)) {
			*out = q.answer;
			return 0;
		}
		strings_add(a, &words, said(a, &q));
	}
	return err_set(e, ERR_NETWORK, "no answer for %s %s: %s", dns_type_name(type),
	               *name ? name : ".", strings_join(a, &words, "; "));
}

int dns_txt(struct arena *a, const char *resolver, const char *name, struct strings *out,
            struct err *e)
{
	struct strings one = { 0 }, found = { 0 };
	struct dns_answer answer;

	if (resolver)
		strings_add(a, &one, resolver);
	TRY(dns_ask(a, &one, name, DNS_TXT, NULL, &answer, e));
	/* CNAMEs on the way are the resolver's business: whatever TXT records the answer ends with
	 * are the name's */
	for (size_t i = 0; i < answer.n_answer && found.n < DNS_MAX_STRINGS; i++)
		if (answer.answer[i].type == DNS_TXT)
			strings_add(a, &found, answer.answer[i].text);
	*out = found;
	return 0;
}

static int exchange(struct arena *a, struct dns_flight *f, uint32_t limit_ms,
                    const struct cancel *cancel, struct bytes *out, struct err *e)
{
	TRY(fault_point(FAULT_SEND, e));
	TRY(dns_fly(a, f, 1, limit_ms ? limit_ms : LIMIT_MS, cancel, e));
	if (f->why.code != ERR_NONE) {
		*e = f->why;
		return -(int)e->code;
	}
	TRY(fault_point(FAULT_ANSWER, e));
	*out = f->answer;
	return 0;
}

int dns_exchange(struct arena *a, const char *server, const struct bytes *message,
                 uint32_t limit_ms, const struct cancel *cancel, struct bytes *out, struct err *e)
{
	struct dns_flight f = { .server = server, .message = *message, .tcp = true };

	return exchange(a, &f, limit_ms, cancel, out, e);
}

int dns_exchange_udp(struct arena *a, const char *server, const struct bytes *message,
                     uint32_t limit_ms, const struct cancel *cancel, struct bytes *out,
                     struct err *e)
{
	struct dns_flight f = { .server = server, .message = *message };

	return exchange(a, &f, limit_ms, cancel, out, e);
}
