/* cli/remote_request.h: an operation's record as path, query and body; what a daemon's URL may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "cli/remote_request.h"
#include "ops/op_account.h"
#include "ops/op_dns.h"
#include "ops/op_limits.h"

static struct arena *a;

static const char *words[] = { "www.example.org", "a b&c=d" };
static const char *given[] = { "zones", "settings" };

static void records_become_requests(void **state)
{
	struct nothing nothing = { 0 };
	struct page page = { .limit = 5, .cursor = "x_y-z" };
	struct named plain = { "home" }, odd = { "*.a/b?c#d%\xc3\xa4" };
	struct limits_ask limits = { .ca = "lab", .names = { words, 2 } };
	struct account_register account = { .emails = { words, 1 },
		                            .agree_tos = true,
		                            .eab_hmac = "c2VjcmV0",
		                            .eab_hmac_file = "/home/x/hmac" };
	struct dns_change change = { .given = { given, 2 },
		                     .name = "home",
		                     .settings = "{\"token\":null}",
		                     .origin = "creds.yaml",
		                     .propagation = "none" };
	const struct {
		enum operation_id op;
		void *in;
		const char *path, *body;
	} cases[] = {
		{ OP_VERSION, &nothing, "/version", NULL },
		{ OP_CHANNEL_KINDS, &page, "/notification-kinds?limit=5&cursor=x_y-z", NULL },
		{ OP_DNS_SHOW, &plain, "/dns-accounts/home", NULL },
		{ OP_DNS_SHOW, &odd, "/dns-accounts/%2A.a%2Fb%3Fc%23d%25%C3%A4", NULL },
		{ OP_DNS_DELETE, &plain, "/dns-accounts/home", NULL },
		{ OP_DNS_ENABLE, &plain, "/dns-accounts/home/enable", "{}" },
		{ OP_LIMITS, &limits, "/limits?ca=lab&names=www.example.org&names=a%20b%26c%3Dd",
		  NULL },
		{ OP_ACCOUNT_REGISTER, &account, "/accounts",
		  "{\"emails\":[\"www.example.org\"],\"agree_tos\":true,\"eab_hmac\":"
		  "\"c2VjcmV0\"}" },
		{ OP_DNS_UPDATE, &change, "/dns-accounts/home",
		  "{\"settings\":{\"token\":null},\"zones\":[]}" },
	};
	struct remote_request q;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    remote_request_make(a, &operations[cases[i].op], cases[i].in, &q, &e), 0);
		assert_string_equal(q.path, cases[i].path);
		if (cases[i].body)
			assert_string_equal(q.body, cases[i].body);
		else
			assert_null(q.body);
	}
}

static void a_path_keeps_its_shape(void **state)
{
	static const char *const names[] = { "", ".", ".." };
	struct remote_request q;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_true(remote_request_make(a, &operations[OP_DNS_SHOW],
		                                &(struct named){ names[i] }, &q, &e) < 0);
}

static void urls_of_daemons(void **state)
{
	static const struct {
		const char *text, *want;
		bool clear;
	} cases[] = {
		{ "https://certs.example.org", "https://certs.example.org", false },
		{ "https://certs.example.org:8470//", "https://certs.example.org:8470", false },
		{ "https://certs.example.org/everleaf/", "https://certs.example.org/everleaf",
		  false },
		{ "http://127.0.0.1:8470", "http://127.0.0.1:8470", false },
		{ "http://127.9.9.9/", "http://127.9.9.9", false },
		{ "http://[::1]:8470", "http://[::1]:8470", false },
		{ "http://localhost:8470", "http://localhost:8470", false },
		{ "http://certs.example.org", "http://certs.example.org", true },
		{ "http://127.0.0.1.example.org", "http://127.0.0.1.example.org", true },
		{ "http://localhost.example.org", "http://localhost.example.org", true },
		{ "http://10.0.0.1:80", "http://10.0.0.1:80", true },
		{ "ftp://certs.example.org", NULL, false },
		{ "certs.example.org", NULL, false },
		{ "https://", NULL, false },
		{ "https:///x", NULL, false },
		{ "https://user@certs.example.org", NULL, false },
		{ "https://certs.example.org?x=1", NULL, false },
		{ "https://certs.example.org/#x", NULL, false },
		{ "https://certs example.org", NULL, false },
	};
	const char *url;
	struct err e;
	bool clear;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = remote_url(a, cases[i].text, &url, &clear, &e);

		assert_int_equal(rc, cases[i].want ? 0 : -ERR_USAGE);
		if (rc < 0)
			continue;
		assert_string_equal(url, cases[i].want);
		assert_int_equal(clear, cases[i].clear);
	}
}

static int setup(void **state)
{
	(void)state;
	json_setup();
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_become_requests),
		cmocka_unit_test(a_path_keeps_its_shape),
		cmocka_unit_test(urls_of_daemons),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
