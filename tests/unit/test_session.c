/* Sessions against a server that says what the test dictates: nonces, repeating, polling, and what
 * is done once only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/account.h"
#include "acme/authz.h"
#include "acme/issued.h"
#include "acme/order.h"
#include "base/codec.h"
#include "base/json.h"
#include "base/log.h"
#include "stub_server.h"

#define REQUESTS_MAX 400
#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\nReplay-Nonce: %s\r\n"
#define BAD                                                                                        \
	"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: "                          \
	"application/problem+json\r\nReplay-Nonce: "                                               \
	"%s\r\n"
#define PROBLEM(type)                                                                              \
	"\r\n{\"type\":\"urn:ietf:params:acme:error:" type "\",\"detail\":\"said the test\"}"
#define ORDER(status)                                                                              \
	"\r\n{\"status\":\"" status                                                                \
	"\",\"finalize\":\"http://127.0.0.1/f\",\"authorizations\":[],\"identifiers\":[]}"

/* What the server does with the next POSTs; the last one stays. Guarded by lock, as all of the
 * record is. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *script[64];
static size_t n_script, next_script;
static struct {
	char path[64], nonce[64], payload[512], brought[64]; /* brought: the nonce of its answer */
} requests[REQUESTS_MAX];
static size_t n_requests, n_directories, n_nonces;
static const char *directory_path; /* NULL = the usual one */
static char answer[8192];

static struct arena *a;
static struct http *h;
static struct acme *ca;
static struct key *key;
static struct stub_server server;
static struct err e;

static void copy_member(const char *text, size_t len, const char *name, char *out, size_t size)
{
	json_auto_t *object = NULL;
	struct err ignored;
	const char *s;

	if (json_parse(text, len, &object, &ignored) < 0)
		return;
	s = json_string_value(json_object_get(object, name));
	snprintf(out, size, "%s", s ? s : "");
}

/* Takes the signed request apart. */
static void record(const char *request)
{
	CLEANUP(arena_cleanup) struct arena *scratch = arena_new(0);
	const char *body = strstr(request, "\r\n\r\n") + 4;
	static char part[STUB_REQUEST_MAX];
	struct bytes b;
	struct err ignored;

	if (n_requests >= REQUESTS_MAX)
		return;
	memset(&requests[n_requests], 0, sizeof *requests);
	const char *path = strchr(request, ' ') + 1;
	snprintf(requests[n_requests].path, sizeof requests->path, "%.*s", (int)strcspn(path, " "),
	         path);
	copy_member(body, strlen(body), "protected", part, sizeof part);
	if (base64url_decode(scratch, part, &b, &ignored) >= 0)
		copy_member((char *)b.v, b.n, "nonce", requests[n_requests].nonce,
		            sizeof requests->nonce);
	copy_member(body, strlen(body), "payload", part, sizeof part);
	if (base64url_decode(scratch, part, &b, &ignored) >= 0 && b.n)
		snprintf(requests[n_requests].payload, sizeof requests->payload, "%.*s", (int)b.n,
		         (char *)b.v);
	n_requests++;
}

static const char *directory_text(void)
{
	static char text[2048];

	snprintf(text, sizeof text,
	         "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n"
	         "{\"newNonce\":\"http://127.0.0.1:%1$d/nonce\",\"newAccount\":\"http://"
	         "127.0.0.1:%1$d/account\","
	         "\"newOrder\":\"http://127.0.0.1:%1$d%2$s\",\"revokeCert\":\"http://"
	         "127.0.0.1:%1$d/revoke\","
	         "\"keyChange\":\"http://127.0.0.1:%1$d/key\",\"renewalInfo\":\"http://"
	         "127.0.0.1:%1$d/ari\","
	         "\"meta\":{\"profiles\":{\"classic\":\"c\",\"short\":\"s\"}}}",
	         server.port, directory_path && n_directories > 1 ? directory_path : "/order");
	return text;
}

static const char *respond(const char *request)
{
	char nonce[64];

	if (!strncmp(request, "GET /dir", 8)) {
		n_directories++;
		return directory_text();
	}
	snprintf(nonce, sizeof nonce, "nonce-%zu", ++n_nonces);
	if (!strncmp(request, "HEAD ", 5)) {
		snprintf(answer, sizeof answer, OK "\r\n", nonce);
		return answer;
	}
	record(request);
	snprintf(requests[n_requests - 1].brought, sizeof requests->brought, "%s", nonce);
	const char *form = script[next_script];
	if (next_script + 1 < n_script)
		next_script++;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(answer, sizeof answer, form, nonce);
#pragma GCC diagnostic pop
	return answer;
}

static const char *say(void *ctx, const char *request)
{
	const char *text;

	pthread_mutex_lock(&lock);
	text = respond(request);
	pthread_mutex_unlock(&lock);
	return text;
}

static void will_do(const char *first, const char *second, const char *third)
{
	pthread_mutex_lock(&lock);
	n_script = next_script = n_requests = 0;
	script[n_script++] = first;
	if (second)
		script[n_script++] = second;
	if (third)
		script[n_script++] = third;
	pthread_mutex_unlock(&lock);
}

static char *url(const char *path)
{
	return arena_printf(a, "http://127.0.0.1:%d%s", server.port, path);
}

static struct acme_call call_to(const char *path)
{
	return (struct acme_call){ .url = url(path), .payload = "{}" };
}

/* RFC 8555 6.5: the retry uses the nonce of the very answer that refused the former. */
static void a_bad_nonce_is_tried_again_with_the_one_it_brought(void **state)
{
	struct acme_call call = call_to("/x");

	will_do(BAD PROBLEM("badNonce"), NULL, NULL);
	for (int i = 1; i < 20; i++)
		script[n_script++] = BAD PROBLEM("badNonce");
	script[n_script++] = OK "\r\n{}";
	if (acme_call(ca, a, &call, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(n_requests, 21);
	for (size_t i = 1; i < n_requests; i++)
		assert_string_equal(requests[i].nonce, requests[i - 1].brought);
}

static void a_nonce_that_is_never_good_is_given_up(void **state)
{
	struct acme_call call = call_to("/x");

	will_do(BAD PROBLEM("badNonce"), NULL, NULL);
	assert_int_equal(acme_call(ca, a, &call, &e), -ERR_ACME);
	assert_string_equal(e.problem, "badNonce");
	assert_int_equal(n_requests, 21);
}

static void many_calls_never_use_a_nonce_twice(void **state)
{
	struct acme_call calls[100];

	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		calls[i] = call_to(arena_printf(a, "/many/%zu", i));
	will_do(OK "\r\n{}", BAD PROBLEM("badNonce"), OK "\r\n{}");
	assert_int_equal(acme_call_many(ca, a, calls, ARRAY_LEN(calls), &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		assert_int_equal(calls[i].failure.code, ERR_NONE);
	assert_int_equal(n_requests, 101);
	for (size_t i = 0; i < n_requests; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(requests[i].nonce, requests[j].nonce);
}

static void one_failure_leaves_the_others_alone(void **state)
{
	struct acme_call calls[3] = { call_to("/1"), call_to("/2"), call_to("/3") };

	will_do(OK "\r\n{}", BAD PROBLEM("rejectedIdentifier"), OK "\r\n{}");
	calls[2].url = "file:///etc/passwd";
	assert_int_equal(acme_call_many(ca, a, calls, 3, &e), 0);
	assert_int_equal(calls[0].failure.code, ERR_NONE);
	assert_int_equal(calls[1].failure.code, ERR_ACME);
	assert_string_equal(calls[1].failure.problem, "rejectedIdentifier");
	assert_non_null(strstr(calls[1].problem_json, "said the test"));
	assert_int_equal(calls[2].failure.code, ERR_PROTOCOL);
}

/* What a second sending does no harm to is sent again; an order is not made twice. A limit that
 * ends within a minute, counted over all its waits, is waited for whatever the request (RFC 8555
 * 6.6). */
static void repeating_is_for_what_it_does_no_harm_to(void **state)
{
#define LIMITED(s)                                                                                 \
	"HTTP/1.1 429 Wait\r\nConnection: close\r\nRetry-After: " s "\r\nReplay-Nonce: %s\r\n\r\n"
#define FAILS "HTTP/1.1 500 Oh\r\nConnection: close\r\nReplay-Nonce: %s\r\n\r\n"
	static const struct {
		const char *first, *second, *third, *path;
		int want;
		size_t want_requests;
		uint32_t retry_s;
	} rows[] = {
		{ FAILS, FAILS, OK "\r\n{}", "/x", 0, 3 },
		{ FAILS, NULL, NULL, "/x", -ERR_CA_UNAVAILABLE, 3 },
		{ FAILS, OK "\r\n{}", NULL, "/order", -ERR_CA_UNAVAILABLE, 1 },
		{ FAILS, OK "\r\n{}", NULL, "/account", -ERR_CA_UNAVAILABLE, 1 },
		{ "", OK "\r\n{}", NULL, "/x", 0, 2 },
		{ "", OK "\r\n{}", NULL, "/order", -ERR_NETWORK, 1 },
		{ "HTTP/1.1 503 Wait\r\nRetry-After: 7\r\nReplay-Nonce: %s\r\n\r\n", OK "\r\n{}",
		  NULL, "/x", -ERR_CA_UNAVAILABLE, 1, 7 },
		{ LIMITED("1"), OK "\r\n{}", NULL, "/x", 0, 2 },
		{ LIMITED("1"), LIMITED("1"), OK "\r\n{}", "/order", 0, 3 },
		{ LIMITED("1"), LIMITED("60"), OK "\r\n{}", "/x", -ERR_RATE_LIMITED, 2, 60 },
		{ LIMITED("61"), OK "\r\n{}", NULL, "/x", -ERR_RATE_LIMITED, 1, 61 },
		{ LIMITED("0"), OK "\r\n{}", NULL, "/x", -ERR_RATE_LIMITED, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct acme_call call = call_to(rows[i].path);
		will_do(rows[i].first, rows[i].second, rows[i].third);
		if (acme_call(ca, a, &call, &e) != rows[i].want ||
		    n_requests != rows[i].want_requests)
			fail_msg("row %zu: %s, %zu requests", i, call.failure.text, n_requests);
		if (rows[i].want < 0)
			assert_int_equal(e.retry_s, rows[i].retry_s);
	}
}

static struct acme_new_order order_for(const char *name)
{
	struct acme_new_order want = { 0 };

	strings_add(a, &want.names, name);
	return want;
}

#define MADE "HTTP/1.1 201 Created\r\nConnection: close\r\nLocation: /o/1\r\nReplay-Nonce: %s\r\n"

static void an_order_is_asked_for_as_rfc8555_has_it(void **state)
{
	struct acme_new_order want = order_for("*.example.org");
	struct acme_order o;

	strings_add(a, &want.names, "2001:db8::1");
	want.profile = "short";
	want.replaces = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
	will_do(MADE ORDER("pending"), NULL, NULL);
	if (acme_order_new(ca, a, &want, &o, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(o.url, url("/o/1"));
	assert_string_equal(requests[0].path, "/order");
	assert_string_equal(
	    requests[0].payload,
	    "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"*.example.org\"},{\"type\":\"ip\","
	    "\"value\":\"2001:db8::1\"}],"
	    "\"profile\":\"short\",\"replaces\":\"aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE\"}");
}

static void a_refused_replacement_is_ordered_without(void **state)
{
	struct acme_new_order want = order_for("example.org");
	struct acme_order o;

	want.replaces = "x.y";
	will_do("HTTP/1.1 409 Conflict\r\nReplay-Nonce: %s\r\n" PROBLEM("alreadyReplaced"),
	        MADE ORDER("ready"), NULL);
	assert_int_equal(acme_order_new(ca, a, &want, &o, &e), 0);
	assert_int_equal(n_requests, 2);
	assert_non_null(strstr(requests[0].payload, "replaces"));
	assert_null(strstr(requests[1].payload, "replaces"));
	will_do(BAD PROBLEM("rejectedIdentifier"), MADE ORDER("ready"), NULL);
	assert_int_equal(acme_order_new(ca, a, &want, &o, &e), -ERR_ACME);
	assert_int_equal(n_requests, 1);
}

static void a_profile_not_offered_is_not_sent(void **state)
{
	struct acme_new_order want = order_for("example.org");
	struct acme_order o;

	want.profile = "tlsclient";
	will_do(MADE ORDER("ready"), NULL, NULL);
	assert_int_equal(acme_order_new(ca, a, &want, &o, &e), -ERR_INPUT);
	assert_non_null(strstr(e.text, "classic, short"));
	assert_int_equal(n_requests, 0);
}

static const char *const waiting[] = { "pending", "processing", NULL };

static void polling_ends_with_the_state(void **state)
{
	struct acme_order o = { .url = url("/o/1"), .status = "pending" };

	will_do(OK ORDER("pending"), OK ORDER("processing"), OK ORDER("ready"));
	assert_int_equal(acme_order_poll(ca, a, &o, waiting, 5, &e), 0);
	assert_string_equal(o.status, "ready");
	assert_int_equal(n_requests, 3);
	assert_string_equal(requests[0].payload, "");
}

static void a_long_wait_is_the_callers(void **state)
{
	struct acme_order o = { .url = url("/o/1"), .status = "pending" };

	will_do("HTTP/1.1 200 OK\r\nRetry-After: 30\r\nReplay-Nonce: %s\r\n" ORDER("processing"),
	        NULL, NULL);
	assert_int_equal(acme_order_poll(ca, a, &o, waiting, 60, &e), -ERR_AGAIN);
	assert_int_equal(e.retry_s, 30);
	assert_string_equal(o.status, "processing");
	assert_int_equal(n_requests, 1);
	o = (struct acme_order){ .url = url("/o/1"), .status = "pending", .retry_s = 3 };
	assert_int_equal(acme_order_poll(ca, a, &o, waiting, 1, &e), -ERR_AGAIN);
	assert_int_equal(e.retry_s, 3);
	assert_int_equal(n_requests, 1);
}

/* The first CSR arrived and its answer did not: the second is refused, and the order shows why. */
static void finalizing_twice_is_finalizing_once(void **state)
{
	struct acme_order o = { .url = url("/o/1"), .status = "ready", .finalize = url("/f") };
	struct bytes csr = { (unsigned char *)"csr", 3 };

	will_do("HTTP/1.1 403 No\r\nReplay-Nonce: %s\r\n" PROBLEM("orderNotReady"),
	        OK ORDER("processing"), NULL);
	assert_int_equal(acme_order_finalize(ca, a, &o, &csr, &e), 0);
	assert_string_equal(o.status, "processing");
	assert_string_equal(requests[0].payload, "{\"csr\":\"Y3Ny\"}");
	o.finalize = url("/f");
	will_do("HTTP/1.1 403 No\r\nReplay-Nonce: %s\r\n" PROBLEM("orderNotReady"),
	        OK ORDER("pending"), NULL);
	assert_int_equal(acme_order_finalize(ca, a, &o, &csr, &e), -ERR_ACME);
	assert_string_equal(e.problem, "orderNotReady");
}

static void a_challenge_answered_before_is_fine(void **state)
{
	struct strings urls = { 0 };

	strings_add(a, &urls, url("/c/1"));
	will_do(BAD PROBLEM("malformed"), OK "\r\n{\"status\":\"valid\"}", NULL);
	assert_int_equal(acme_challenge_answer(ca, a, &urls, &e), 0);
	assert_int_equal(n_requests, 2);
	will_do(BAD PROBLEM("malformed"), OK "\r\n{\"status\":\"invalid\"}", NULL);
	assert_int_equal(acme_challenge_answer(ca, a, &urls, &e), -ERR_ACME);
}

static void an_unknown_order_is_not_found(void **state)
{
	struct acme_order o;

	will_do("HTTP/1.1 404 None\r\nReplay-Nonce: %s\r\n" PROBLEM("malformed"), NULL, NULL);
	assert_int_equal(acme_order_get(ca, a, url("/o/9"), &o, &e), -ERR_NOT_FOUND);
}

static void an_account_is_found_by_its_key(void **state)
{
	struct acme_new_account want = { .key = key, .only_existing = true };
	struct acme_account out;

	will_do("HTTP/1.1 200 OK\r\nLocation: /acct/7\r\nReplay-Nonce: "
	        "%s\r\n\r\n{\"contact\":[\"mailto:a@example.org\"]}",
	        NULL, NULL);
	assert_int_equal(acme_account_new(ca, a, &want, &out, &e), 0);
	assert_string_equal(requests[0].payload, "{\"onlyReturnExisting\":true}");
	assert_string_equal(out.url, url("/acct/7"));
	assert_string_equal(acme_account_url(ca), url("/acct/7"));
	assert_string_equal(out.contacts.v[0], "a@example.org");
	will_do(BAD PROBLEM("accountDoesNotExist"), NULL, NULL);
	assert_int_equal(acme_account_new(ca, a, &want, &out, &e), -ERR_NOT_FOUND);
}

static void a_revoked_certificate_is_revoked(void **state)
{
	struct bytes der = { (unsigned char *)"der", 3 };
	bool already = false;

	will_do(BAD PROBLEM("alreadyRevoked"), NULL, NULL);
	assert_int_equal(acme_revoke(ca, a, &der, 4, NULL, &already, &e), 0);
	assert_true(already);
	assert_string_equal(requests[0].payload, "{\"certificate\":\"ZGVy\",\"reason\":4}");
	will_do(BAD PROBLEM("badRevocationReason"), NULL, NULL);
	assert_int_equal(acme_revoke(ca, a, &der, 4, NULL, &already, &e), -ERR_ACME);
}

static void html_is_no_certificate(void **state)
{
	struct x509_chain chain;
	bool matched;

	will_do(OK "Content-Type: text/html\r\n\r\n<html><title>Maintenance</title>", NULL, NULL);
	assert_int_equal(acme_certificate_get(ca, a, url("/cert"), NULL, &chain, &matched, &e),
	                 -ERR_PROTOCOL);
	assert_non_null(strstr(e.text, "titled \"Maintenance\""));
}

/* The last test: the directory is read again once, for all that comes after. */
static void an_endpoint_that_has_gone_is_looked_up_again(void **state)
{
	struct acme_new_order want = order_for("example.org");
	struct acme_order o;

	directory_path = "/order-moved";
	will_do("HTTP/1.1 404 Gone\r\nReplay-Nonce: %s\r\n\r\n", MADE ORDER("ready"), NULL);
	assert_int_equal(acme_order_new(ca, a, &want, &o, &e), 0);
	assert_int_equal(n_directories, 2);
	assert_string_equal(requests[1].path, "/order-moved");
	will_do("HTTP/1.1 404 Gone\r\nReplay-Nonce: %s\r\n\r\n", NULL, NULL);
	assert_int_equal(acme_order_new(ca, a, &want, &o, &e), -ERR_PROTOCOL);
	assert_int_equal(n_directories, 2);
}

static int setup(void **state)
{
	struct http_options ho = { .user_agent = "everleaf-test/1", .allow_http = true };
	struct acme_options o = { 0 };

	unsetenv("http_proxy");
	json_setup();
	a = arena_new(0);
	stub_start(&server, say, NULL);
	if (http_open(&ho, &h, &e) < 0 || key_generate(KEY_EC256, &key, &e) < 0)
		return -1;
	o = (struct acme_options){ .directory_url = url("/dir"), .http = h };
	if (acme_open(&o, &ca, &e) < 0)
		return -1;
	acme_use_account(ca, key, url("/acct/1"));
	return 0;
}

static int teardown(void **state)
{
	acme_close(ca);
	http_close(h);
	stub_stop(&server);
	key_free(key);
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_nonce_is_tried_again_with_the_one_it_brought),
		cmocka_unit_test(a_nonce_that_is_never_good_is_given_up),
		cmocka_unit_test(many_calls_never_use_a_nonce_twice),
		cmocka_unit_test(one_failure_leaves_the_others_alone),
		cmocka_unit_test(repeating_is_for_what_it_does_no_harm_to),
		cmocka_unit_test(an_order_is_asked_for_as_rfc8555_has_it),
		cmocka_unit_test(a_refused_replacement_is_ordered_without),
		cmocka_unit_test(a_profile_not_offered_is_not_sent),
		cmocka_unit_test(polling_ends_with_the_state),
		cmocka_unit_test(a_long_wait_is_the_callers),
		cmocka_unit_test(finalizing_twice_is_finalizing_once),
		cmocka_unit_test(a_challenge_answered_before_is_fine),
		cmocka_unit_test(an_unknown_order_is_not_found),
		cmocka_unit_test(an_account_is_found_by_its_key),
		cmocka_unit_test(a_revoked_certificate_is_revoked),
		cmocka_unit_test(html_is_no_certificate),
		cmocka_unit_test(an_endpoint_that_has_gone_is_looked_up_again),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
