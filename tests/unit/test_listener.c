/* The challenge listeners, asked over real sockets as a CA would, and as a nuisance would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "challenge/listener.h"
#include "sys/hash.h"
#include "sys/key.h"
#include "sys/x509.h"

static struct arena *a;
static char address[32];
static uint16_t port;

/* A port that was free a moment ago on all addresses. */
static void find_port(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	port = ntohs(at.sin6_port);
	close(fd);
	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
}

static int connect4(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_port = htons(port),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int connect6(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6,
		                   .sin6_port = htons(port),
		                   .sin6_addr = in6addr_loopback };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Everything the peer sends until it closes. */
static const char *read_all(int fd)
{
	char *text = arena_alloc(a, 4096);
	size_t len = 0;
	ssize_t n;

	while (len < 4095 && (n = recv(fd, text + len, 4095 - len, 0)) > 0)
		len += (size_t)n;
	close(fd);
	return text;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static const char *ask(const char *request)
{
	int fd = connect4();

	assert_true(fd >= 0);
	send_text(fd, request);
	return read_all(fd);
}

static void serves_what_it_holds_and_nothing_else(void **state)
{
	static const struct {
		const char *request, *begins, *ends;
	} rows[] = {
		{ "GET /.well-known/acme-challenge/abc HTTP/1.1\r\nHost: x\r\n\r\n",
		  "HTTP/1.1 200 OK\r\n", "\r\n\r\nabc.thumb" },
		{ "GET /.well-known/acme-challenge/abc HTTP/1.0\n\n", "HTTP/1.1 200 OK\r\n",
		  "\r\n\r\nabc.thumb" },
		{ "HEAD /.well-known/acme-challenge/abc HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n",
		  "\r\n\r\n" },
		{ "GET /.well-known/acme-challenge/abd HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ",
		  "not found\n" },
		{ "HEAD /.well-known/acme-challenge/abd HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ",
		  "\r\n\r\n" },
		{ "GET /.well-known/acme-challenge/abc/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ",
		  "not found\n" },
		{ "GET /.well-known/acme-challenge/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ",
		  "not found\n" },
		{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "not found\n" },
		{ "POST /.well-known/acme-challenge/abc HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ",
		  "not found\n" },
		{ "GET /.well-known/acme-challenge/abc\r\n\r\n", "HTTP/1.1 404 ", "not found\n" },
		{ "\r\n\r\n", "HTTP/1.1 404 ", "not found\n" },
	};
	struct listener *l;
	struct err e;

	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &l, &e), 0);
	listener_put_token(l, "abc", "abc.thumb");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *got = ask(rows[i].request);
		assert_int_equal(strncmp(got, rows[i].begins, strlen(rows[i].begins)), 0);
		assert_true(strlen(got) > strlen(rows[i].ends));
		assert_string_equal(got + strlen(got) - strlen(rows[i].ends), rows[i].ends);
	}
	listener_drop_token(l, "abc");
	assert_non_null(strstr(ask(rows[0].request), " 404 "));
	listener_release(l);
}

static void a_request_in_pieces_is_put_together(void **state)
{
	struct listener *l;
	struct err e;

	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &l, &e), 0);
	listener_put_token(l, "abc", "abc.thumb");
	int fd = connect4();
	send_text(fd, "GET /.well-known/acme-chal");
	/* Answered only after the listener has seen the first piece and gone on. */
	assert_non_null(
	    strstr(ask("GET /.well-known/acme-challenge/abc HTTP/1.1\r\n\r\n"), "abc.thumb"));
	send_text(fd, "lenge/abc HTTP/1.1\r\n\r\n");
	assert_non_null(strstr(read_all(fd), "abc.thumb"));
	listener_release(l);
}

static void a_large_request_is_refused(void **state)
{
	struct listener *l;
	struct err e;
	char big[9000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	memcpy(big, "GET /", 5);
	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &l, &e), 0);
	int fd = connect4();
	send_text(fd, big);
	assert_int_equal(strncmp(read_all(fd), "HTTP/1.1 431 ", 13), 0);
	listener_release(l);
}

static void slow_clients_do_not_keep_others_out(void **state)
{
	struct listener *l;
	struct err e;
	int slow[100];

	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &l, &e), 0);
	listener_put_token(l, "abc", "abc.thumb");
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = connect4();
		assert_true(slow[i] >= 0);
		send_text(slow[i], "GET /");
	}
	int64_t before = clock_monotonic_ms();
	assert_non_null(
	    strstr(ask("GET /.well-known/acme-challenge/abc HTTP/1.1\r\n\r\n"), "abc.thumb"));
	assert_true(clock_monotonic_ms() - before < 4500);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++)
		close(slow[i]);
	listener_release(l);
}

static void a_hundred_at_once_are_answered(void **state)
{
	struct listener *l;
	struct err e;
	int fds[100];

	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &l, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		listener_put_token(l, arena_printf(a, "token%zu", i),
		                   arena_printf(a, "token%zu.thumb", i));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = connect4();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		send_text(fds[i],
		          arena_printf(
		              a, "GET /.well-known/acme-challenge/token%zu HTTP/1.1\r\n\r\n", i));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_non_null(
		    strstr(read_all(fds[i]), arena_printf(a, "\r\n\r\ntoken%zu.thumb", i)));
	listener_release(l);
}

static void one_address_is_shared_until_the_last_lets_go(void **state)
{
	struct listener *x, *y;
	struct err e;

	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &x, &e), 0);
	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &y, &e), 0);
	assert_ptr_equal(x, y);
	listener_release(x);
	assert_non_null(strstr(ask("GET / HTTP/1.1\r\n\r\n"), " 404 "));
	listener_release(y);
	assert_int_equal(connect4(), -1);
	/* And the port can be had again at once. */
	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &x, &e), 0);
	listener_release(x);
}

static void only_a_port_listens_on_both_families(void **state)
{
	struct listener *l;
	struct err e;

	assert_int_equal(listener_acquire(LISTENER_HTTP01, strchr(address, ':'), &l, &e), 0);
	int v4 = connect4(), v6 = connect6();
	assert_true(v4 >= 0);
	if (v6 < 0)
		print_message("no IPv6 on this machine\n");
	else
		close(v6);
	close(v4);
	listener_release(l);
}

static void a_port_in_use_says_what_to_do(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_port = htons(port),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int other = socket(AF_INET, SOCK_STREAM, 0);
	struct listener *l = NULL;
	struct err e;

	assert_int_equal(bind(other, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &l, &e), -ERR_IO);
	assert_null(l);
	assert_non_null(strstr(e.text, address));
	assert_non_null(strstr(e.text, "--webroot DIR"));
	/* The same for both families together, although the other one is free. */
	assert_int_equal(listener_acquire(LISTENER_HTTP01, strchr(address, ':'), &l, &e), -ERR_IO);
	close(other);
}

static void addresses_that_are_none(void **state)
{
	static const char *const rows[] = {
		"",           "80",           ":",        ":0",      ":65536", ":080808",
		":80x",       "localhost:80", "1.2.3:80", "[::1:80", "::1:80", "[]:80",
		"1.2.3.4:-1", "[1.2.3.4]:80",
	};
	struct listener *l;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(listener_acquire(LISTENER_HTTP01, rows[i], &l, &e), -ERR_USAGE);
}

/* What the listener's certificate for sni is, as PEM-free DER digest; false if the handshake
 * failed. */
static bool handshake(const char *sni, const char *alpn, unsigned char digest[32])
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	unsigned int len = 32;
	int fd = connect4();
	bool ok;

	assert_true(fd >= 0);
	SSL_set_fd(ssl, fd);
	if (sni)
		SSL_set_tlsext_host_name(ssl, sni);
	if (alpn)
		SSL_set_alpn_protos(ssl, (const unsigned char *)alpn, (unsigned int)strlen(alpn));
	ok = SSL_connect(ssl) == 1;
	if (ok) {
		X509 *cert = SSL_get1_peer_certificate(ssl);
		X509_digest(cert, EVP_sha256(), digest, &len);
		X509_free(cert);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return ok;
}

static void make_certificate(const char *name, char **cert_pem, char **key_text,
                             unsigned char digest[32])
{
	CLEANUP(key_cleanup) struct key *key = NULL;
	unsigned char value[32] = { 1, 2, 3 };
	struct x509_info info;
	struct err e;

	assert_int_equal(key_generate(KEY_EC256, &key, &e), 0);
	assert_int_equal(key_pem(a, key, key_text, &e), 0);
	assert_int_equal(x509_tls_alpn01(a, key, name, value, cert_pem, &e), 0);
	assert_int_equal(x509_parse(a, *cert_pem, strlen(*cert_pem), &info, &e), 0);
	assert_int_equal(hash_digest(HASH_SHA256, info.der.v, info.der.n, digest, &e), 0);
}

static void tls_alpn_shows_the_certificate_of_the_name(void **state)
{
	static const struct {
		const char *sni, *alpn;
		int want; /* -1 = the handshake fails, else which certificate */
	} rows[] = {
		{ "one.example",
		  "\x0a"
		  "acme-tls/1",
		  0 },
		{ "ONE.example",
		  "\x0a"
		  "acme-tls/1",
		  0 },
		{ "1.2.0.192.in-addr.arpa",
		  "\x0a"
		  "acme-tls/1",
		  1 },
		{ "one.example",
		  "\x02h2\x0a"
		  "acme-tls/1",
		  0 },
		{ "one.example", "\x02h2", -1 },
		{ "one.example", NULL, -1 },
		{ "other.example",
		  "\x0a"
		  "acme-tls/1",
		  -1 },
		{ NULL,
		  "\x0a"
		  "acme-tls/1",
		  -1 },
	};
	unsigned char digests[2][32], got[32];
	char *cert_pem, *key_text;
	struct listener *l;
	struct err e;

	assert_int_equal(listener_acquire(LISTENER_ALPN01, address, &l, &e), 0);
	make_certificate("one.example", &cert_pem, &key_text, digests[0]);
	assert_int_equal(listener_put_name(l, "one.example", cert_pem, key_text, &e), 0);
	make_certificate("192.0.2.1", &cert_pem, &key_text, digests[1]);
	assert_int_equal(listener_put_name(l, "1.2.0.192.in-addr.arpa", cert_pem, key_text, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool ok = handshake(rows[i].sni, rows[i].alpn, got);
		assert_int_equal(ok, rows[i].want >= 0);
		if (ok)
			assert_memory_equal(got, digests[rows[i].want], 32);
	}
	listener_drop_name(l, "one.example");
	assert_false(handshake("one.example",
	                       "\x0a"
	                       "acme-tls/1",
	                       got));
	listener_release(l);
}

static void a_key_of_another_certificate_is_refused(void **state)
{
	char *cert_pem, *key_text, *other;
	unsigned char digest[32];
	struct listener *l;
	struct err e;

	assert_int_equal(listener_acquire(LISTENER_ALPN01, address, &l, &e), 0);
	make_certificate("one.example", &other, &key_text, digest);
	make_certificate("one.example", &cert_pem, &other, digest);
	assert_int_equal(listener_put_name(l, "one.example", cert_pem, key_text, &e), -ERR_INPUT);
	assert_int_equal(listener_put_name(l, "one.example", "no PEM", key_text, &e), -ERR_INPUT);
	assert_false(handshake("one.example",
	                       "\x0a"
	                       "acme-tls/1",
	                       digest));
	listener_release(l);
}

static void the_newest_of_two_orders_is_shown(void **state)
{
	struct listener *l;
	struct err e;

	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &l, &e), 0);
	listener_put_token(l, "abc", "first");
	listener_put_token(l, "abc", "second");
	listener_drop_token(l, "abc");
	assert_non_null(
	    strstr(ask("GET /.well-known/acme-challenge/abc HTTP/1.1\r\n\r\n"), "second"));
	listener_drop_token(l, "abc");
	assert_non_null(
	    strstr(ask("GET /.well-known/acme-challenge/abc HTTP/1.1\r\n\r\n"), " 404 "));
	listener_drop_token(l, "never there");
	listener_release(l);
}

/* Somewhere else that can be asked only after some looks; left: how many. */
static bool made_elsewhere(void *ctx, struct arena *into, const char *type, const char *key,
                           const char **value)
{
	*value = "made elsewhere";
	return *(int *)ctx == 0 && strcmp(type, "http-01") == 0 && strcmp(key, "theirs") == 0;
}

static bool cannot_be_asked(void *ctx)
{
	int *left = ctx;

	return *left != 0 && (*left)-- != 0;
}

static void who_cannot_be_asked_now_is_waited_for(void **state)
{
	int left = 3, never = -1;
	const struct listener_elsewhere soon = { made_elsewhere, cannot_be_asked, &left },
	                                not_at_all = { made_elsewhere, cannot_be_asked, &never };
	int64_t from;
	struct listener *l;
	struct err e;

	listener_new_ones_ask(&soon);
	assert_int_equal(listener_acquire(LISTENER_HTTP01, address, &l, &e), 0);
	listener_new_ones_ask(NULL);
	listener_put_token(l, "ours", "made here");
	assert_non_null(
	    strstr(ask("GET /.well-known/acme-challenge/theirs HTTP/1.1\r\n\r\n"), "elsewhere"));
	assert_int_equal(left, 0);
	/* nobody waits for ever, and not at all for what is known here */
	listener_ask_elsewhere(l, &not_at_all);
	from = clock_monotonic_ms();
	assert_non_null(
	    strstr(ask("GET /.well-known/acme-challenge/ours HTTP/1.1\r\n\r\n"), "made here"));
	assert_non_null(strstr(ask("GET /robots.txt HTTP/1.1\r\n\r\n"), " 404 "));
	assert_true(clock_monotonic_ms() - from < 3000);
	assert_non_null(
	    strstr(ask("GET /.well-known/acme-challenge/theirs HTTP/1.1\r\n\r\n"), " 404 "));
	assert_true(clock_monotonic_ms() - from > 3000);
	listener_release(l);
}

static int set_up(void **state)
{
	a = arena_new(0);
	find_port();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(a);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(serves_what_it_holds_and_nothing_else),
		TEST(a_request_in_pieces_is_put_together),
		TEST(a_large_request_is_refused),
		TEST(slow_clients_do_not_keep_others_out),
		TEST(a_hundred_at_once_are_answered),
		TEST(one_address_is_shared_until_the_last_lets_go),
		TEST(only_a_port_listens_on_both_families),
		TEST(a_port_in_use_says_what_to_do),
		TEST(addresses_that_are_none),
		TEST(tls_alpn_shows_the_certificate_of_the_name),
		TEST(a_key_of_another_certificate_is_refused),
		TEST(the_newest_of_two_orders_is_shown),
		TEST(who_cannot_be_asked_now_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
