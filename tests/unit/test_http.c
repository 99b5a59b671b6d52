/* The HTTP client against a server that behaves badly on purpose: limits, cuts, silence,
 * cancelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "stub_server.h"
#include "sys/http.h"
#include "sys/http_curl.h"
#include "sys/reach.h"

static struct arena *a;
static struct http *h;
static struct stub_server server;

/* What the server says next (NULL = nothing) and what it last saw. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *answer;
static char seen[STUB_REQUEST_MAX];

static const char *say(void *ctx, const char *request)
{
	const char *next;

	pthread_mutex_lock(&lock);
	snprintf(seen, sizeof seen, "%s", request);
	next = answer;
	pthread_mutex_unlock(&lock);
	return next;
}

static void will_say(const char *text)
{
	pthread_mutex_lock(&lock);
	answer = text;
	pthread_mutex_unlock(&lock);
}

static bool has_seen(const char *part)
{
	bool has;

	pthread_mutex_lock(&lock);
	has = strstr(seen, part) != NULL;
	pthread_mutex_unlock(&lock);
	return has;
}

static char *url(const char *path)
{
	return arena_printf(a, "http://127.0.0.1:%d%s", server.port, path);
}

static void an_answer_comes_whole(void **state)
{
	const struct http_header headers[] = { { "Content-Type", "application/jose+json" },
		                               { "X-One", "1" } };
	struct http_request req = { .method = "POST",
		                    .url = url("/a/../b?c=%7e"),
		                    .headers = headers,
		                    .n_headers = 2,
		                    .body = "{}",
		                    .body_len = 2 };
	struct http_response res;
	struct err e;

	will_say("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 201 Created\r\nReplay-Nonce: "
	         " abc \r\nLINK: <x>\r\n"
	         "Link: <y>\r\nContent-Length: 5\r\n\r\nhello");
	assert_int_equal(http_do(h, a, &req, NULL, &res, &e), 0);
	assert_int_equal(res.status, 201);
	assert_string_equal(res.body, "hello");
	assert_int_equal(res.body_len, 5);
	assert_int_equal(res.n_headers, 4);
	assert_string_equal(http_header(&res, "replay-nonce"), "abc");
	assert_string_equal(http_header(&res, "link"), "<x>");
	assert_null(http_header(&res, "x-early"));
	assert_true(has_seen("POST /a/../b?c=%7e HTTP/1.1\r\n"));
	assert_true(has_seen("User-Agent: everleaf-test/1\r\n"));
	assert_true(has_seen("Content-Type: application/jose+json\r\n"));
	assert_true(has_seen("X-One: 1\r\n"));
	assert_true(has_seen("\r\n\r\n{}"));
}

static void head_and_get_have_no_body(void **state)
{
	struct http_request req = { .method = "HEAD", .url = url("/nonce") };
	struct http_response res;
	struct err e;

	will_say("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nReplay-Nonce: n\r\n\r\n");
	assert_int_equal(http_do(h, a, &req, NULL, &res, &e), 0);
	assert_true(has_seen("HEAD /nonce "));
	assert_int_equal(res.body_len, 0);
	req.method = "GET";
	will_say("HTTP/1.1 204 No Content\r\n\r\n");
	assert_int_equal(http_do(h, a, &req, NULL, &res, &e), 0);
	assert_true(has_seen("GET /nonce "));
}

static void redirects_are_not_followed(void **state)
{
	struct http_request req = { .method = "GET", .url = url("/") };
	struct http_response res;
	struct err e;

	will_say(arena_printf(a, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
	                      url("/elsewhere")));
	assert_int_equal(http_do(h, a, &req, NULL, &res, &e), 0);
	assert_int_equal(res.status, 302);
	assert_true(has_seen("GET / "));
}

static void bad_answers_are_told_apart(void **state)
{
	struct strings lines = { 0 };
	for (int i = 0; i < 101; i++)
		strings_add(a, &lines, arena_printf(a, "X-%d: 1\r\n", i));
	char *many = arena_printf(a, "HTTP/1.1 200 OK\r\n%s\r\n", strings_join(a, &lines, ""));
	const struct {
		const char *answer;
		enum err_code want;
		const char *want_text;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", ERR_NETWORK,
		  "broke off in the middle" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive5", ERR_NETWORK,
		  "broke off in the middle" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", ERR_NETWORK,
		  "broke off in the middle" },
		{ "HTTP/1.1 200 OK\r\n\r\n12345678901", ERR_PROTOCOL, "larger than 10 bytes" },
		{ "", ERR_NETWORK, "without an answer" },
		{ "SSH-2.0-OpenSSH_9.2\r\n", ERR_PROTOCOL, "does not speak HTTP" },
		{ "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", ERR_PROTOCOL, "status 999" },
		{ many, ERR_PROTOCOL, "more headers" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct http_request req = { .method = "GET", .url = url("/"), .max_body = 10 };
		struct http_response res = { .status = -1 };
		struct err e = { 0 };
		will_say(rows[i].answer);
		if (http_do(h, a, &req, NULL, &res, &e) != -(int)rows[i].want ||
		    !strstr(e.text, rows[i].want_text))
			fail_msg("row %zu: %d %s", i, e.code, e.text);
		assert_int_equal(res.status, -1);
		assert_false(e.unsent);
		assert_non_null(strstr(e.text, arena_printf(a, "127.0.0.1:%d", server.port)));
	}
}

static void silence_ends_when_the_time_is_over(void **state)
{
	struct http_request req = { .method = "GET", .url = url("/"), .limit_ms = 200 };
	int64_t since = clock_monotonic_ms();
	struct http_response res;
	struct err e;

	will_say(NULL);
	assert_int_equal(http_do(h, a, &req, NULL, &res, &e), -ERR_NETWORK);
	assert_non_null(strstr(e.text, "no answer from 127.0.0.1"));
	assert_in_range(clock_monotonic_ms() - since, 150, 5000);
}

static void *set_later(void *ctx)
{
	struct timespec t = { .tv_nsec = 50 * 1000000L };

	nanosleep(&t, NULL);
	cancel_set(ctx, -1);
	return NULL;
}

static void cancelling_ends_every_wait(void **state)
{
	struct http_request req = { .method = "GET", .url = url("/") };
	struct http_set *s = http_set_new(h);
	struct cancel cancel = { 0 };
	struct http_response res;
	struct err e, failure;
	pthread_t thread;
	int64_t since;
	size_t tag;

	will_say(NULL);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(http_set_add(s, &req, i, &e), 0);
	assert_int_equal(pthread_create(&thread, NULL, set_later, &cancel), 0);
	since = clock_monotonic_ms();
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(http_set_wait(s, a, &cancel, &tag, &res, &failure, &e), 0);
		assert_int_equal(failure.code, ERR_CANCELLED);
		assert_int_equal(tag, i);
	}
	assert_in_range(clock_monotonic_ms() - since, 0, 2000);
	assert_int_equal(http_set_wait(s, a, &cancel, &tag, &res, &failure, &e), -ERR_NOT_FOUND);
	pthread_join(thread, NULL);
	http_set_free(s);
}

static void a_set_can_be_left_with_exchanges_under_way(void **state)
{
	struct http_request req = { .method = "GET", .url = url("/") };
	struct err e;

	will_say(NULL);
	for (int round = 0; round < 20; round++) {
		struct http_set *s = http_set_new(h);
		for (size_t i = 0; i < 12; i++)
			assert_int_equal(http_set_add(s, &req, i, &e), 0);
		http_set_free(s);
	}
}

static void what_cannot_be_asked_is_refused_at_once(void **state)
{
	static const char *const urls[] = { "",
		                            "ftp://x.example/",
		                            "file:///etc/passwd",
		                            "x.example",
		                            "https://",
		                            "https://u:p@x.example/",
		                            "https://x.example/a b",
		                            "https://x.example/\r\nX: y",
		                            "https://x.example\\@y.example/" };
	struct http_options https_only = { .user_agent = "everleaf-test/1" };
	struct http_request req = { .method = "GET", .url = url("/") };
	const struct http_header bad = { "X", "1\r\nY: 2" };
	struct http_response res;
	struct http *strict;
	struct err e;

	assert_int_equal(http_open(&https_only, &strict, &e), 0);
	assert_int_equal(http_do(strict, a, &req, NULL, &res, &e), -ERR_INPUT);
	http_close(strict);
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		req.url = urls[i];
		assert_int_equal(http_do(h, a, &req, NULL, &res, &e), -ERR_INPUT);
	}
	req = (struct http_request){
		.method = "GET", .url = url("/"), .headers = &bad, .n_headers = 1
	};
	assert_int_equal(http_do(h, a, &req, NULL, &res, &e), -ERR_INPUT);
}

static void nobody_there_is_said_plainly(void **state)
{
	struct stub_server gone;
	struct http_request req = { .method = "GET" };
	struct http_response res;
	struct err e;

	stub_start(&gone, say, NULL);
	stub_stop(&gone);
	req.url = arena_printf(a, "https://127.0.0.1:%d/dir", gone.port);
	assert_int_equal(http_do(h, a, &req, NULL, &res, &e), -ERR_NETWORK);
	assert_string_equal(
	    e.text,
	    arena_printf(
	        a,
	        "cannot connect to 127.0.0.1:%d: connection refused; is the server up, and is the "
	        "URL right?",
	        gone.port));
	assert_true(e.unsent);
	will_say("HTTP/1.1 400 Bad Request\r\n\r\n");
	req.url = arena_printf(a, "https://127.0.0.1:%d/dir", server.port);
	assert_int_equal(http_do(h, a, &req, NULL, &res, &e), -ERR_PROTOCOL);
	assert_non_null(strstr(e.text, "is it an https port?"));
	assert_true(e.unsent);
}

static void a_proxy_is_used(void **state)
{
	struct http_options o = { .user_agent = "everleaf-test/1", .allow_http = true };
	struct http_request req = { .method = "GET", .url = "http://ca.example/dir" };
	struct http_response res;
	struct http *through;
	struct err e;

	o.proxy = url("");
	assert_int_equal(http_open(&o, &through, &e), 0);
	will_say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	assert_int_equal(http_do(through, a, &req, NULL, &res, &e), 0);
	assert_true(has_seen("GET http://ca.example/dir HTTP/1.1"));
	req.url = "https://ca.example/dir";
	will_say("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(http_do(through, a, &req, NULL, &res, &e), -ERR_NETWORK);
	assert_true(has_seen("CONNECT ca.example:443"));
	assert_non_null(strstr(e.text, "the proxy does not connect to ca.example:443"));
	http_close(through);
}

static void a_bundle_must_be_one(void **state)
{
	struct http_options rows[] = {
		{ .user_agent = "x", .ca_bundle_file = "/nonexistent.pem" },
		{ .user_agent = "x", .ca_bundle_file = "/dev/null" },
		{ .user_agent = "x", .ca_bundle_pem = "no certificate" },
	};
	struct http *none;
	struct err e;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(http_open(&rows[i], &none, &e), -ERR_INPUT);
}

static int setup(void **state)
{
	struct http_options o = { .user_agent = "everleaf-test/1", .allow_http = true };
	static const char *const proxies[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
		                               "all_proxy", "ALL_PROXY" };
	struct err e;

	for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
		unsetenv(proxies[i]);
	a = arena_new(0);
	stub_start(&server, say, NULL);
	return http_open(&o, &h, &e);
}

static int teardown(void **state)
{
	http_close(h);
	stub_stop(&server);
	arena_free(a);
	return 0;
}

/* A name leads to an address inside, and in some rows to one of the Internet as well that nobody
 * has: then what became of that one counts. */
/* The machine has these addresses, as far as anybody here asks: one of the Internet in each family.
 */
int getifaddrs(struct ifaddrs **out)
{
	static struct sockaddr_in v4 = { .sin_family = AF_INET };
	static struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	static struct ifaddrs list[] = { { .ifa_next = &list[1] }, /* one without an address */
		                         { .ifa_next = &list[2], .ifa_addr = (void *)&v4 },
		                         { .ifa_addr = (void *)&v6 } };

	inet_pton(AF_INET, "11.22.33.44", &v4.sin_addr);
	inet_pton(AF_INET6, "2a00:1:2::3", &v6.sin6_addr);
	*out = list;
	return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
}

static void what_is_inside(void **state)
{
	static const struct {
		const char *address;
		bool want;
	} rows[] = {
		{ "11.22.33.44", true },
		{ "11.22.33.45", false },
		{ "2a00:1:2::3", true },
		{ "2a00:1:2::4", false },
		{ "::ffff:11.22.33.44", true },
		{ "::ffff:11.22.33.45", false },
		{ "64:ff9b::11.22.33.44", true },
		{ "2002:b16:212c::1", true },
		{ "2002:b16:212d::1", false },
		{ "10.0.0.1", true },
		{ "127.0.0.1", true },
		{ "not an address", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (reach_is_inside(rows[i].address) != rows[i].want)
			fail_msg("%s", rows[i].address);
	assert_false(reach_is_private("11.22.33.44")); /* what preflight goes by */
}

/* Nothing is even connected to. */
static void this_machine_is_inside_by_its_public_address_too(void **state)
{
	static const char *const hosts[] = { "11.22.33.44", "[2a00:1:2::3]",
		                             "[::ffff:11.22.33.44]" };
	struct http_request req = { .method = "GET", .public_only = true, .limit_ms = 5000 };
	struct http_response res;
	struct err e;

	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		req.url = arena_printf(a, "http://%s:%d/", hosts[i], server.port);
		assert_int_equal(http_do(h, a, &req, NULL, &res, &e), -ERR_DENIED);
		assert_non_null(strstr(e.text, "one of this machine's own"));
		assert_true(e.unsent);
	}
}

static void where_it_leads_is_told_as_it_was(void **state)
{
	static const struct {
		const char *addresses;
		enum err_code want;
	} cases[] = {
		{ "127.0.0.1", ERR_DENIED },
		{ "127.0.0.1,[::1]", ERR_DENIED },
		{ "127.0.0.1,[2a00:1:2::4]", ERR_NETWORK },
		{ "[2a00:1:2::4],127.0.0.1", ERR_NETWORK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_settings s = { .allow_http = true, .public_only = true };
		struct http_request req = { .method = "GET", .url = "http://name.test:9/" };
		struct curl_slist *known =
		    curl_slist_append(NULL, arena_printf(a, "name.test:9:%s", cases[i].addresses));
		struct http_response res;
		struct http_exchange *x;
		struct err e;

		s.user_agent = arena_strdup(a, "Everleaf");
		assert_int_equal(http_exchange_new(&s, &req, &x, &e), 0);
		curl_easy_setopt(x->easy, CURLOPT_RESOLVE, known);
		curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, 500L);
		x->result = curl_easy_perform(x->easy);
		http_exchange_result(x, a, &res, &e);
		if (e.code != cases[i].want)
			fail_msg("%s: %s", cases[i].addresses, e.text);
		http_exchange_free(x);
		curl_slist_free_all(known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_whole),
		cmocka_unit_test(head_and_get_have_no_body),
		cmocka_unit_test(redirects_are_not_followed),
		cmocka_unit_test(bad_answers_are_told_apart),
		cmocka_unit_test(silence_ends_when_the_time_is_over),
		cmocka_unit_test(cancelling_ends_every_wait),
		cmocka_unit_test(a_set_can_be_left_with_exchanges_under_way),
		cmocka_unit_test(what_is_inside),
		cmocka_unit_test(this_machine_is_inside_by_its_public_address_too),
		cmocka_unit_test(what_cannot_be_asked_is_refused_at_once),
		cmocka_unit_test(nobody_there_is_said_plainly),
		cmocka_unit_test(where_it_leads_is_told_as_it_was),
		cmocka_unit_test(a_proxy_is_used),
		cmocka_unit_test(a_bundle_must_be_one),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
