/* sys/httpd: bodies up to the route's limit, streams, headers, and who is cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/httpd.h"

static int n_done;

static size_t body_limit(void *ctx, const struct httpd_request *q)
{
	(void)ctx;
	return strcmp(q->path, "/echo") == 0 ? 1000 : 0;
}

static ssize_t count_down(void *ctx, char *out, size_t max)
{
	int *left = ctx;

	if (*left == 0)
		return 0;
	memset(out, 'x', max < 100 ? max : 100);
	return *left -= 1, (ssize_t)(max < 100 ? max : 100);
}

static void count_done(void *ctx)
{
	(void)ctx;
	n_done++;
}

static void handle(void *ctx, struct arena *a, const struct httpd_request *q,
                   struct httpd_reply *out)
{
	static int left;
	const char *word = httpd_query(q, "word"), *agent = httpd_header(q, "X-Word");

	(void)ctx;
	assert_true(q->from_loopback);
	assert_string_equal(q->peer, "127.0.0.1");
	out->type = "text/plain";
	if (strcmp(q->path, "/stream") == 0) {
		left = 50;
		out->more = count_down;
		out->done = count_done;
		out->more_ctx = &left;
		return;
	}
	out->status = 201;
	out->headers[0].name = "X-Method";
	out->headers[0].value = q->method;
	out->body = arena_printf(a, "%s|%s|%s|%s", q->path, word ? word : "-", agent ? agent : "-",
	                         q->body);
	out->len = strlen(out->body);
}

static void refuse(void *ctx, struct arena *a, unsigned status, struct httpd_reply *out)
{
	(void)ctx;
	(void)a;
	(void)status;
	out->body = "refused";
	out->len = 7;
}

static const struct httpd_handler handler = { body_limit, handle, refuse, NULL };

/* A port that was free a moment ago. */
static int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static struct httpd *server(int *port, const struct httpd_limits *limits)
{
	struct httpd *h = NULL;
	char address[32];
	struct err e;

	*port = free_port();
	snprintf(address, sizeof(address), "127.0.0.1:%d", *port);
	assert_int_equal(httpd_start(address, &handler, limits, NULL, &h, &e), 0);
	return h;
}

static int dial(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                  .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static size_t talk(int port, const char *text, char *out, size_t size)
{
	int fd = dial(port);
	size_t len = 0;
	ssize_t n;

	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
	while (len + 1 < size && (n = recv(fd, out + len, size - 1 - len, 0)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fd);
	return len;
}

static void requests(void **state)
{
	static const struct {
		const char *sent, *want, *and;
	} cases[] = {
		{ "GET /a%20b?word=x%20y HTTP/1.0\r\nX-Word: z\r\n\r\n", "201 Created",
		  "\r\n\r\n/a%20b|x%20y|z|" },
		{ "POST /echo HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", "X-Method: POST",
		  "/echo|-|-|hello" },
		{ "POST /echo HTTP/1.0\r\nContent-Length: 1001\r\n\r\n", " 413 ", "refused" },
		{ "POST /echo HTTP/1.0\r\nContent-Length: 99999999999\r\n\r\n", " 413 ",
		  "refused" },
		{ "POST /other HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", " 413 ", "refused" },
		{ "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: "
		  "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		  " 201 ", "/echo|-|-|hello" },
	};
	struct httpd *h;
	char got[4096];
	int port;

	(void)state;
	h = server(&port, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s", cases[i].sent);
		talk(port, cases[i].sent, got, sizeof(got));
		assert_non_null(strstr(got, cases[i].want));
		assert_non_null(strstr(got, cases[i].and));
	}
	httpd_stop(h);
}

static void streams(void **state)
{
	struct httpd *h;
	char got[16384];
	int port;

	(void)state;
	n_done = 0;
	h = server(&port, NULL);
	assert_true(talk(port, "GET /stream HTTP/1.0\r\n\r\n", got, sizeof(got)) > 5000);
	assert_int_equal(strspn(strstr(got, "\r\n\r\n") + 4, "x"), 5000);
	httpd_stop(h);
	assert_int_equal(n_done, 1);
}

static void slow_ones_are_cut_off(void **state)
{
	const struct httpd_limits limits = {
		.connections = 10, .connections_per_address = 10, .idle_s = 60, .request_s = 1
	};
	struct httpd *h;
	int64_t start;
	char got[64];
	int port, fd;

	(void)state;
	h = server(&port, &limits);
	fd = dial(port);
	start = clock_monotonic_ms();
	assert_int_equal(send(fd, "GET /", 5, MSG_NOSIGNAL), 5);
	while (recv(fd, got, sizeof(got), 0) > 0)
		continue;
	assert_in_range(clock_monotonic_ms() - start, 900, 8000);
	close(fd);
	httpd_stop(h);
}

static void addresses(void **state)
{
	static const struct {
		const char *text;
		int want; /* 1 loopback, 0 not, -1 malformed */
	} cases[] = {
		{ "127.0.0.1:1", 1 },
		{ "127.1.2.3:65535", 1 },
		{ "[::1]:80", 1 },
		{ "0.0.0.0:80", 0 },
		{ "[::]:80", 0 },
		{ "192.0.2.1:80", 0 },
		{ "[::ffff:127.0.0.1]:80", 1 },
		{ "", -1 },
		{ "80", -1 },
		{ ":80", -1 },
		{ "127.0.0.1", -1 },
		{ "127.0.0.1:0", -1 },
		{ "127.0.0.1:65536", -1 },
		{ "127.0.0.1:8x", -1 },
		{ "::1:80", -1 },
		{ "localhost:80", -1 },
		{ "[127.0.0.1]:80", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool loopback = false;
		struct err e;
		int result = httpd_is_loopback(cases[i].text, &loopback, &e);

		print_message("\"%s\"\n", cases[i].text);
		assert_int_equal(result, cases[i].want < 0 ? -ERR_USAGE : 0);
		assert_int_equal(loopback, cases[i].want > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(streams),
		cmocka_unit_test(slow_ones_are_cut_off),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
