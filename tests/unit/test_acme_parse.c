/* The server's objects: directory (RFC 8555 7.1.1), order (7.1.3), authorization (7.1.4), renewal
 * information (RFC 9773). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/parse.h"
#include "base/json.h"

static struct arena *a;
static struct err e;

static json_t *parsed(const char *text)
{
	json_t *object;

	if (json_parse(text, strlen(text), &object, &e) < 0)
		fail_msg("%s: %s", e.text, text);
	return object;
}

#define ENDPOINTS                                                                                  \
	"\"newNonce\": \"https://example.com/acme/new-nonce\", \"newAccount\": "                   \
	"\"https://example.com/acme/new-account\","                                                \
	"\"newOrder\": \"https://example.com/acme/new-order\", \"revokeCert\": "                   \
	"\"https://example.com/acme/revoke-cert\","                                                \
	"\"keyChange\": \"https://example.com/acme/key-change\""

static void directory_of_rfc8555_is_read(void **state)
{
	json_auto_t *object = parsed(
	    "{" ENDPOINTS ", \"newAuthz\": \"https://example.com/acme/new-authz\","
	    "\"x7Qk\": \"https://community.example/adding-random-entries\","
	    "\"meta\": { \"termsOfService\": \"https://example.com/acme/terms/2017-5-30\","
	    "\"website\": \"https://www.example.com/\", \"caaIdentities\": [\"example.com\"],"
	    "\"externalAccountRequired\": false}}");
	struct acme_directory d;

	assert_int_equal(acme_directory_parse(a, object, false, &d, &e), 0);
	assert_string_equal(d.new_nonce, "https://example.com/acme/new-nonce");
	assert_string_equal(d.key_change, "https://example.com/acme/key-change");
	assert_string_equal(d.new_authz, "https://example.com/acme/new-authz");
	assert_string_equal(d.terms_of_service, "https://example.com/acme/terms/2017-5-30");
	assert_int_equal(d.caa_identities.n, 1);
	assert_false(d.external_account_required);
	assert_null(d.renewal_info);
	assert_null(d.account_hash_prefix);
	assert_int_equal(d.n_profiles, 0);
}

static void directory_has_extensions(void **state)
{
	json_auto_t *object = parsed(
	    "{" ENDPOINTS ", \"renewalInfo\": \"https://example.com/ri\", \"meta\": {"
	    "\"externalAccountRequired\": true,"
	    "\"profiles\": {\"classic\": \"https://x.example/c\", \"bad name\": \"x\", \"tls\": 5},"
	    "\"issuerDomainNames\": [\"a.example\", 7, \"b.example\"], \"accountHashPrefix\": "
	    "\"acme:\"}}");
	struct acme_directory d;

	assert_int_equal(acme_directory_parse(a, object, false, &d, &e), 0);
	assert_string_equal(d.renewal_info, "https://example.com/ri");
	assert_true(d.external_account_required);
	assert_int_equal(d.n_profiles, 2);
	assert_string_equal(d.profiles[0].name, "classic");
	assert_string_equal(d.profiles[1].description, "");
	assert_string_equal(strings_join(a, &d.issuer_domain_names, " "), "a.example b.example");
	assert_string_equal(d.account_hash_prefix, "acme:");
}

static void what_is_no_directory_is_refused(void **state)
{
	static const char *const rows[] = {
		"{}",
		"{\"newNonce\": \"https://example.com/n\"}",
		"{\"newNonce\": \"http://example.com/n\", \"newAccount\": "
		"\"https://example.com/a\"}",
		"{\"newNonce\": \"file:///etc/passwd\"}",
		"{" ENDPOINTS ", \"renewalInfo\": 5}",
		"[]",
	};
	struct acme_directory d = { .website = "untouched" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *object = parsed(rows[i]);
		assert_int_equal(acme_directory_parse(a, object, false, &d, &e), -ERR_PROTOCOL);
		assert_string_equal(d.website, "untouched");
	}
}

static void order_of_rfc8555_is_read(void **state)
{
	json_auto_t *object =
	    parsed("{\"status\": \"valid\", \"expires\": \"2016-01-20T14:09:07.99Z\","
	           "\"identifiers\": [{ \"type\": \"dns\", \"value\": \"www.example.org\" }, { "
	           "\"type\": \"dns\", \"value\": \"example.org\" }],"
	           "\"authorizations\": [\"https://example.com/acme/authz/PAniVnsZcis\", "
	           "\"https://example.com/acme/authz/r4HqLzrSrpI\"],"
	           "\"finalize\": \"https://example.com/acme/order/TOlocE8rfgo/finalize\","
	           "\"certificate\": \"https://example.com/acme/cert/mAt3xBGaobw\"}");
	struct acme_order o;

	assert_int_equal(acme_order_parse(a, object, "https://example.com/acme/order/TOlocE8rfgo",
	                                  false, &o, &e),
	                 0);
	assert_string_equal(o.url, "https://example.com/acme/order/TOlocE8rfgo");
	assert_string_equal(o.status, "valid");
	assert_int_equal(o.expires_at, 1453298947);
	assert_string_equal(strings_join(a, &o.identifiers, " "), "www.example.org example.org");
	assert_int_equal(o.authorizations.n, 2);
	assert_string_equal(o.certificate, "https://example.com/acme/cert/mAt3xBGaobw");
	assert_null(o.error_text);
}

static void an_orders_error_is_one_line(void **state)
{
	json_auto_t *object = parsed("{\"status\": \"invalid\", \"finalize\": "
	                             "\"https://x.example/f\", \"authorizations\": [],"
	                             "\"error\": {\"type\": \"urn:ietf:params:acme:error:caa\", "
	                             "\"detail\": \"forbidden\"}}");
	struct acme_order o;

	assert_int_equal(acme_order_parse(a, object, "https://x.example/o", false, &o, &e), 0);
	assert_string_equal(o.error_text, "caa: forbidden");
	assert_string_equal(o.error_type, "caa");
	assert_null(o.certificate);
}

static void odd_orders_are_refused(void **state)
{
	static const char *const rows[] = {
		"{}",
		"{\"status\": 5, \"finalize\": \"https://x.example/f\"}",
		"{\"status\": \"ready\"}",
		"{\"status\": \"ready\", \"finalize\": \"https://x.example/f\", "
		"\"authorizations\": "
		"[\"http://x.example/1\"]}",
		"{\"status\": \"ready\", \"finalize\": \"https://x.example/f\", "
		"\"authorizations\": [null]}",
		"{\"status\": \"valid\", \"finalize\": \"https://x.example/f\"}",
	};
	struct acme_order o;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *object = parsed(rows[i]);
		assert_int_equal(acme_order_parse(a, object, "https://x.example/o", false, &o, &e),
		                 -ERR_PROTOCOL);
	}
}

static void unknown_challenges_are_skipped(void **state)
{
	json_auto_t *object = parsed(
	    "{\"status\": \"pending\", \"expires\": \"2016-01-02T14:09:30Z\","
	    "\"identifier\": {\"type\": \"dns\", \"value\": \"www.example.org\"}, \"challenges\": ["
	    "{\"type\": \"future-07\", \"token\": [1, 2], \"url\": 5},"
	    "{\"type\": \"http-01\", \"url\": \"https://example.com/acme/chall/1\", \"token\": "
	    "\"DGyRejmCefe7v4NfDGDKfA\"},"
	    "{\"type\": \"dns-persist-01\", \"url\": \"https://example.com/acme/chall/2\","
	    " \"issuer-domain-names\": [\"ca.example\"], \"accounturi\": "
	    "\"https://example.com/acct/1\"},"
	    "7, null, {}, {\"type\": 5}]}");
	struct acme_authz z;

	assert_int_equal(
	    acme_authz_parse(a, object, "https://example.com/acme/authz/1", false, &z, &e), 0);
	assert_string_equal(z.identifier, "www.example.org");
	assert_false(z.wildcard);
	assert_int_equal(z.n_challenges, 2);
	assert_string_equal(acme_authz_challenge(&z, "http-01")->token, "DGyRejmCefe7v4NfDGDKfA");
	assert_string_equal(acme_authz_challenge(&z, "http-01")->status, "pending");
	assert_null(acme_authz_challenge(&z, "future-07"));
	assert_null(acme_authz_challenge(&z, "tls-alpn-01"));
	const struct acme_challenge *persist = acme_authz_challenge(&z, "dns-persist-01");
	assert_null(persist->token);
	assert_string_equal(strings_join(a, (struct strings *)&persist->issuer_domain_names, " "),
	                    "ca.example");
	assert_string_equal(persist->account_uri, "https://example.com/acct/1");
}

static void an_authorizations_error_is_its_challenges(void **state)
{
	json_auto_t *object =
	    parsed("{\"status\": \"invalid\", \"identifier\": {\"type\": \"ip\", \"value\": "
	           "\"2001:db8::1\"}, \"wildcard\": "
	           "true,"
	           "\"challenges\": [{\"type\": \"tls-alpn-01\", \"status\": \"pending\", \"url\": "
	           "\"https://x.example/1\", "
	           "\"token\": \"t\"},"
	           "{\"type\": \"http-01\", \"status\": \"invalid\", \"url\": "
	           "\"https://x.example/2\", \"token\": \"t\","
	           "\"error\": {\"type\": \"urn:ietf:params:acme:error:connection\", \"detail\": "
	           "\"refused\"}},"
	           "{\"type\": \"dns-persist-01\", \"url\": \"https://x.example/3\", "
	           "\"issuerDomainNames\": "
	           "[\"new.example\"]}]}");
	struct acme_authz z;

	assert_int_equal(acme_authz_parse(a, object, "https://x.example/z", false, &z, &e), 0);
	assert_true(z.is_ip);
	assert_true(z.wildcard);
	assert_string_equal(z.error_text, "connection: refused");
	assert_string_equal(z.error_type, "connection");
	assert_string_equal(z.challenges[2].issuer_domain_names.v[0], "new.example");
}

static void hostile_authorizations_are_refused(void **state)
{
#define DNS "\"identifier\": {\"type\": \"dns\", \"value\": \"x.example\"}"
	static const char *const rows[] = {
		"{}",
		"{\"identifier\": {\"type\": \"dns\", \"value\": \"\"}}",
		"{\"identifier\": {\"type\": \"dns\", \"value\": \"../../etc\"}}",
		"{\"identifier\": {\"type\": \"dns\", \"value\": \"a\\u001b[31m\"}}",
		"{" DNS ", \"challenges\": [{\"type\": \"http-01\", \"url\": "
		"\"https://x.example/1\", \"token\": \"../x\"}]}",
		"{" DNS ", \"challenges\": [{\"type\": \"http-01\", \"url\": "
		"\"https://x.example/1\", \"token\": \"\"}]}",
		"{" DNS
		", \"challenges\": [{\"type\": \"http-01\", \"url\": \"https://x.example/1\"}]}",
		"{" DNS ", \"challenges\": [{\"type\": \"http-01\", \"url\": "
		"\"http://x.example/1\", \"token\": \"t\"}]}",
		"{" DNS ", \"challenges\": [{\"type\": \"http-01\", \"token\": \"t\"}]}",
	};
	struct acme_authz z;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *object = parsed(rows[i]);
		if (acme_authz_parse(a, object, "https://x.example/z", false, &z, &e) !=
		    -ERR_PROTOCOL)
			fail_msg("row %zu was taken", i);
	}
}

static void renewal_information_of_rfc9773_is_read(void **state)
{
	json_auto_t *object = parsed("{\"suggestedWindow\": {\"start\": \"2025-01-02T04:00:00Z\", "
	                             "\"end\": \"2025-01-03T04:00:00Z\"},"
	                             "\"explanationURL\": \"https://acme.example.com/docs/ari\"}");
	struct acme_renewal_info info;

	assert_int_equal(acme_renewal_info_parse(a, object, &info, &e), 0);
	assert_int_equal(info.window_start, 1735790400);
	assert_int_equal(info.window_end, 1735876800);
	assert_string_equal(info.explanation_url, "https://acme.example.com/docs/ari");
}

static void windows_that_are_none_are_refused(void **state)
{
	static const char *const rows[] = {
		"{}",
		"{\"suggestedWindow\": 5}",
		"{\"suggestedWindow\": {\"start\": \"2025-01-03T04:00:00Z\"}}",
		"{\"suggestedWindow\": {\"start\": \"2025-01-03T04:00:00Z\", \"end\": "
		"\"2025-01-03T04:00:00Z\"}}",
		"{\"suggestedWindow\": {\"start\": \"2025-01-03T04:00:00Z\", \"end\": "
		"\"2025-01-02T04:00:00Z\"}}",
		"{\"suggestedWindow\": {\"start\": \"soon\", \"end\": \"later\"}}",
	};
	struct acme_renewal_info info;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_auto_t *object = parsed(rows[i]);
		assert_int_equal(acme_renewal_info_parse(a, object, &info, &e), -ERR_PROTOCOL);
	}
}

static void only_a_subscribers_reasons_are_known(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = {
		{ "unspecified", 0 },          { "keyCompromise", 1 },
		{ "affiliationChanged", 3 },   { "superseded", 4 },
		{ "cessationOfOperation", 5 }, { "cACompromise", -1 },
		{ "certificateHold", -1 },     { "", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(acme_reason_code(rows[i].name), rows[i].want);
}

static int setup(void **state)
{
	a = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directory_of_rfc8555_is_read),
		cmocka_unit_test(directory_has_extensions),
		cmocka_unit_test(what_is_no_directory_is_refused),
		cmocka_unit_test(order_of_rfc8555_is_read),
		cmocka_unit_test(an_orders_error_is_one_line),
		cmocka_unit_test(odd_orders_are_refused),
		cmocka_unit_test(unknown_challenges_are_skipped),
		cmocka_unit_test(an_authorizations_error_is_its_challenges),
		cmocka_unit_test(hostile_authorizations_are_refused),
		cmocka_unit_test(renewal_information_of_rfc9773_is_read),
		cmocka_unit_test(windows_that_are_none_are_refused),
		cmocka_unit_test(only_a_subscribers_reasons_are_known),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
