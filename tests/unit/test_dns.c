/*
 * The way of DNS messages, against a server on loopback that says what a test dictates, over UDP
 * and TCP: lies about number, question and source, half answers, silence. The messages themselves
 * are in test_dns_message.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/dns.h"

#define NAME "_acme-challenge.example.test"

/* What the server does with a question. The answer is made of the question's own bytes. */
enum trick {
	HONEST,
	SILENT,
	SILENT_TWICE, /* answers the third time */
	WRONG_ID,
	WRONG_QUESTION,
	IS_QUESTION, /* QR is not set */
	WRONG_OPCODE,
	LIES_FIRST,      /* wrong number and wrong question, then the truth */
	TRUNCATED,       /* TC over UDP, the truth over TCP */
	TRUNCATED_LIAR,  /* and a wrong number there */
	TRUNCATED_CUT,   /* and half of it there */
	REFUSES,         /* REFUSED, with the question */
	REFUSES_BRIEFLY, /* REFUSED, header only */
	GARBAGE,         /* an answer section that is none */
	OTHER_PORT,      /* the answer comes from another socket */
};

struct server {
	int udp, tcp, other;
	char address[32];
	pthread_t thread;
	atomic_int trick, questions, values;
	atomic_bool stop;
};

static size_t question_len(const unsigned char *q, size_t n)
{
	size_t at = 12;

	while (at < n && q[at])
		at += (size_t)q[at] + 1;
	return at + 5;
}

/* Appends a TXT record "value-<i>" at the question's name. */
static size_t put_txt(unsigned char *v, size_t n, int i)
{
	static const unsigned char head[] = { 0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60 };
	char text[32];
	size_t len = (size_t)snprintf(text, sizeof text, "value-%d", i);

	memcpy(v + n, head, sizeof head);
	n += sizeof head;
	v[n++] = 0;
	v[n++] = (unsigned char)(len + 1);
	v[n++] = (unsigned char)len;
	memcpy(v + n, text, len);
	return n + len;
}

static size_t truth(const struct server *s, const unsigned char *q, size_t len, unsigned char *v)
{
	size_t n = question_len(q, len);
	int values = s->values;

	memcpy(v, q, n);
	v[2] = (unsigned char)(q[2] | 0x84); /* QR, AA */
	v[3] = 0;
	v[6] = (unsigned char)(values >> 8);
	v[7] = (unsigned char)values;
	for (int i = 0; i < values; i++)
		n = put_txt(v, n, i);
	return n;
}

/* The spoilt answer; 0 = none. */
static size_t answer(struct server *s, const unsigned char *q, size_t len, unsigned char *v,
                     bool tcp)
{
	enum trick trick = (enum trick)s->trick;
	size_t n = truth(s, q, len, v);

	switch (trick) {
	case SILENT:
		return 0;
	case SILENT_TWICE:
		return s->questions % 3 == 0 ? n : 0;
	case WRONG_ID:
		v[1] ^= 1;
		return n;
	case WRONG_QUESTION:
		v[14] ^= 1;
		return n;
	case IS_QUESTION:
		v[2] &= 0x7f;
		return n;
	case WRONG_OPCODE:
		v[2] |= 0x28;
		return n;
	case TRUNCATED_LIAR:
		v[1] ^= tcp;
		/* fallthrough */
	case TRUNCATED:
	case TRUNCATED_CUT:
		v[2] |= tcp ? 0 : 2;
		if (!tcp)
			v[6] = v[7] = 0;
		return tcp ? n : question_len(q, len);
	case REFUSES:
		v[3] = DNS_REFUSED;
		v[6] = v[7] = 0;
		return question_len(q, len);
	case REFUSES_BRIEFLY:
		v[3] = DNS_REFUSED;
		memset(v + 4, 0, 8);
		return 12;
	case GARBAGE:
		memset(v + question_len(q, len), 0xc0, 20);
		return question_len(q, len) + 20;
	case HONEST:
	case LIES_FIRST:
	case OTHER_PORT:
		break;
	}
	return n;
}

static void serve_udp(struct server *s)
{
	unsigned char q[600], v[65535], lie[65535];
	struct sockaddr_in from;
	socklen_t from_len = sizeof from;
	ssize_t n = recvfrom(s->udp, q, sizeof q, 0, (struct sockaddr *)&from, &from_len);
	size_t len;

	if (n < 17)
		return;
	s->questions++;
	len = answer(s, q, (size_t)n, v, false);
	if (s->trick == LIES_FIRST) {
		memcpy(lie, v, len);
		lie[0] ^= 0x55;
		lie[len - 1] = 'X';
		sendto(s->udp, lie, len, 0, (struct sockaddr *)&from, from_len);
		memcpy(lie, v, len);
		lie[13] ^= 1;
		sendto(s->udp, lie, len, 0, (struct sockaddr *)&from, from_len);
		sendto(s->udp, "x", 1, 0, (struct sockaddr *)&from, from_len);
	}
	if (len)
		sendto(s->trick == OTHER_PORT ? s->other : s->udp, v, len, 0,
		       (struct sockaddr *)&from, from_len);
}

static void serve_tcp(struct server *s)
{
	unsigned char q[600], v[65537];
	int fd = accept(s->tcp, NULL, NULL);
	ssize_t n = recv(fd, q, sizeof q, 0);
	size_t len, sent = 0;

	s->questions++;
	len = n > 19 ? answer(s, q + 2, (size_t)n - 2, v + 2, true) : 0;
	v[0] = (unsigned char)(len >> 8);
	v[1] = (unsigned char)len;
	/* in two pieces, as a network may bring it */
	if (len) {
		sent = (size_t)send(fd, v, 1, MSG_NOSIGNAL);
		usleep(2000);
	}
	if (len && s->trick != TRUNCATED_CUT)
		sent += (size_t)send(fd, v + sent, len + 2 - sent, MSG_NOSIGNAL);
	close(fd);
}

static void *serve(void *ctx)
{
	struct server *s = ctx;

	while (!s->stop) {
		struct pollfd p[] = { { s->udp, POLLIN, 0 }, { s->tcp, POLLIN, 0 } };
		if (poll(p, 2, 20) <= 0)
			continue;
		if (p[0].revents)
			serve_udp(s);
		if (p[1].revents)
			serve_tcp(s);
	}
	return NULL;
}

static int listener(int type, uint16_t port, uint16_t *got)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                  .sin_port = htons(port) };
	socklen_t len = sizeof in;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&in, sizeof in) < 0) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&in, &len);
	*got = ntohs(in.sin_port);
	if (type == SOCK_STREAM)
		listen(fd, 64);
	return fd;
}

static int start(void **state)
{
	static struct server s;
	uint16_t port, unused;

	do {
		s.udp = listener(SOCK_DGRAM, 0, &port);
		s.tcp = listener(SOCK_STREAM, port, &port);
		if (s.tcp < 0)
			close(s.udp);
	} while (s.tcp < 0);
	s.other = listener(SOCK_DGRAM, 0, &unused);
	snprintf(s.address, sizeof s.address, "127.0.0.1:%u", port);
	*state = &s;
	return pthread_create(&s.thread, NULL, serve, &s);
}

static int stop(void **state)
{
	struct server *s = *state;

	s->stop = true;
	pthread_join(s->thread, NULL);
	close(s->udp);
	close(s->tcp);
	close(s->other);
	return 0;
}

static struct dns_question ask(struct arena *a, struct server *s, enum trick trick,
                               uint32_t limit_ms)
{
	struct dns_question q = { .server = s->address,
		                  .name = "_ACME-challenge.Example.test.",
		                  .type = DNS_TXT };
	struct err e;

	s->trick = trick;
	s->questions = 0;
	s->values = 3;
	assert_int_equal(dns_ask_all(a, &q, 1, limit_ms, NULL, &e), 0);
	return q;
}

static void takes_only_the_answer(void **state)
{
	static const struct {
		enum trick trick;
		size_t values;
		enum err_code why;
		int rcode;
	} rows[] = {
		{ HONEST, 3, ERR_NONE, 0 },
		{ SILENT, 0, ERR_NETWORK, 0 },
		{ SILENT_TWICE, 3, ERR_NONE, 0 },
		{ WRONG_ID, 0, ERR_NETWORK, 0 },
		{ WRONG_QUESTION, 0, ERR_NETWORK, 0 },
		{ IS_QUESTION, 0, ERR_NETWORK, 0 },
		{ WRONG_OPCODE, 0, ERR_NETWORK, 0 },
		{ LIES_FIRST, 3, ERR_NONE, 0 },
		{ TRUNCATED, 3, ERR_NONE, 0 },
		{ TRUNCATED_LIAR, 0, ERR_PROTOCOL, 0 },
		{ TRUNCATED_CUT, 0, ERR_NETWORK, 0 },
		{ REFUSES, 0, ERR_NONE, DNS_REFUSED },
		{ REFUSES_BRIEFLY, 0, ERR_NONE, DNS_REFUSED },
		{ GARBAGE, 0, ERR_PROTOCOL, 0 },
		{ OTHER_PORT, 0, ERR_NETWORK, 0 },
	};
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_question q = ask(a, *state, rows[i].trick, 700);
		struct strings found;
		if (q.why.code != rows[i].why)
			fail_msg("trick %d: %d %s", rows[i].trick, q.why.code, q.why.text);
		if (q.why.code == ERR_NETWORK)
			assert_non_null(strstr(q.why.text, "127.0.0.1:"));
		found = dns_answer_txt(a, &q.answer, NAME ".");
		assert_int_equal(found.n, rows[i].values);
		assert_int_equal(q.answer.rcode, rows[i].rcode);
		if (found.n)
			assert_string_equal(found.v[2], "value-2");
	}
	arena_free(a);
}

static void asks_three_times(void **state)
{
	struct arena *a = arena_new(0);
	struct server *s = *state;
	struct dns_question q = ask(a, s, SILENT, 350);

	assert_int_equal(s->questions, 3);
	assert_int_equal(q.fault, ETIMEDOUT);
	arena_free(a);
}

static void knows_a_closed_port_from_silence(void **state)
{
	struct arena *a = arena_new(0);
	uint16_t port;
	int fd = listener(SOCK_DGRAM, 0, &port);
	struct dns_question q = { .name = NAME, .type = DNS_TXT };
	int64_t before = clock_monotonic_ms();
	struct err e;

	close(fd);
	q.server = arena_printf(a, "127.0.0.1:%u", port);
	assert_int_equal(dns_ask_all(a, &q, 1, 5000, NULL, &e), 0);
	assert_int_equal(q.why.code, ERR_NETWORK);
	assert_int_equal(q.fault, ECONNREFUSED);
	assert_true(clock_monotonic_ms() - before < 2500);
	arena_free(a);
	(void)state;
}

/* More than are under way at once, some to a server that is silent, names and servers that are
 * none. */
static void asks_many_at_once(void **state)
{
	struct arena *a = arena_new(0);
	struct server *s = *state;
	struct dns_question v[300];
	struct err e;

	s->trick = HONEST;
	s->values = 1;
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		v[i] = (struct dns_question){ .server = s->address,
			                      .name = arena_printf(a, "n%zu.example.test", i),
			                      .type = DNS_TXT };
	v[7].name = "a..b";
	v[8].server = "ns1.example.test";
	v[9].server = "127.0.0.1:";
	assert_int_equal(dns_ask_all(a, v, ARRAY_LEN(v), 5000, NULL, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		bool wrong = i >= 7 && i <= 9;
		assert_int_equal(v[i].why.code, wrong ? ERR_INPUT : ERR_NONE);
		assert_int_equal(dns_answer_txt(a, &v[i].answer, v[i].name).n, wrong ? 0 : 1);
	}
	arena_free(a);
}

/* Other threads hold most of the process's sockets: fewer are under way, and all are answered. */
static void makes_do_with_few_sockets(void **state)
{
	struct arena *a = arena_new(0);
	struct server *s = *state;
	struct dns_question v[60];
	struct rlimit before, few;
	struct err e;
	int rc;

	s->trick = HONEST;
	s->values = 1;
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		v[i] = (struct dns_question){ .server = s->address, .name = NAME, .type = DNS_TXT };
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = (rlim_t)s->other + 8;
	setrlimit(RLIMIT_NOFILE, &few);
	rc = dns_ask_all(a, v, ARRAY_LEN(v), 5000, NULL, &e);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		assert_int_equal(v[i].why.code, ERR_NONE);
	arena_free(a);
}

static void looks_at_64_values_at_most(void **state)
{
	struct arena *a = arena_new(0);
	struct server *s = *state;
	struct strings found = { 0 };
	struct err e;

	s->trick = TRUNCATED;
	s->values = 300;
	assert_int_equal(dns_txt(a, s->address, NAME, &found, &e), 0);
	assert_int_equal(found.n, DNS_MAX_STRINGS);
	s->trick = REFUSES;
	assert_int_equal(dns_txt(a, s->address, NAME, &found, &e), -ERR_NETWORK);
	assert_non_null(strstr(e.text, "REFUSED"));
	s->trick = HONEST;
	s->values = 0;
	assert_int_equal(dns_txt(a, s->address, NAME, &found, &e), 0);
	assert_int_equal(found.n, 0);
	arena_free(a);
}

static void goes_on_to_the_next_server(void **state)
{
	struct arena *a = arena_new(0);
	struct server *s = *state;
	struct strings servers = { 0 };
	struct dns_answer answer;
	struct err e;
	uint16_t port;
	int fd = listener(SOCK_DGRAM, 0, &port);

	close(fd);
	s->trick = HONEST;
	s->values = 2;
	strings_add(a, &servers, arena_printf(a, "127.0.0.1:%u", port));
	strings_add(a, &servers, s->address);
	assert_int_equal(dns_ask(a, &servers, NAME, DNS_TXT, NULL, &answer, &e), 0);
	assert_int_equal(answer.n_answer, 2);
	s->trick = REFUSES;
	assert_int_equal(dns_ask(a, &servers, NAME, DNS_TXT, NULL, &answer, &e), -ERR_NETWORK);
	assert_non_null(strstr(e.text, "REFUSED"));
	assert_non_null(strstr(e.text, servers.v[0]));
	arena_free(a);
}

static void stops_when_told(void **state)
{
	struct arena *a = arena_new(0);
	struct server *s = *state;
	struct dns_question q = { .server = s->address, .name = NAME, .type = DNS_TXT };
	struct cancel cancel = { 0 };
	struct err e;

	s->trick = SILENT;
	cancel_set(&cancel, 15);
	assert_int_equal(dns_ask_all(a, &q, 1, 60000, &cancel, &e), -ERR_CANCELLED);
	arena_free(a);
}

static void exchanges_whole_messages(void **state)
{
	struct arena *a = arena_new(0);
	struct server *s = *state;
	struct dns_change change = { .name = NAME, .value = "v", .ttl_s = 60 };
	struct bytes message, got;
	struct err e;

	s->values = 0;
	s->trick = HONEST;
	assert_int_equal(dns_update_message(a, "example.test", &change, 1, &message, &e), 0);
	assert_int_equal(dns_exchange(a, s->address, &message, 3000, NULL, &got, &e), 0);
	assert_memory_equal(got.v, message.v, 2);
	assert_int_equal(dns_exchange_udp(a, s->address, &message, 3000, NULL, &got, &e), 0);
	s->trick = WRONG_ID;
	assert_int_equal(dns_exchange(a, s->address, &message, 3000, NULL, &got, &e),
	                 -ERR_PROTOCOL);
	assert_int_equal(dns_exchange_udp(a, s->address, &message, 300, NULL, &got, &e),
	                 -ERR_NETWORK);
	s->trick = SILENT;
	assert_int_equal(dns_exchange(a, s->address, &message, 300, NULL, &got, &e), -ERR_NETWORK);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_only_the_answer),
		cmocka_unit_test(asks_three_times),
		cmocka_unit_test(knows_a_closed_port_from_silence),
		cmocka_unit_test(asks_many_at_once),
		cmocka_unit_test(makes_do_with_few_sockets),
		cmocka_unit_test(looks_at_64_values_at_most),
		cmocka_unit_test(goes_on_to_the_next_server),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(exchanges_whole_messages),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
