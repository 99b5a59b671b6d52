/* dns-persist-01: the draft's vectors in both formats, and the RFC 8659 grammar of what is found in
 * the DNS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/parse.h"
#include "rfc_keys.h"

#define NOW 1795000000
#define ACCOUNT "https://ca.example/acct/123"
#define HASH "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
#define HASH_ALL "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"

static struct arena *a;
static struct key *account_key; /* its thumbprint is RFC 7638's, which the draft's vector has too */

static void hash_is_the_drafts(void **state)
{
	static const char thumbprint[] = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
	struct err e;
	char *out;

	assert_int_equal(acme_persist_hash(a, "example.com", thumbprint, ACCOUNT, &out, &e), 0);
	assert_string_equal(out, HASH);
	assert_int_equal(acme_persist_hash(a, "*", thumbprint, ACCOUNT, &out, &e), 0);
	assert_string_equal(out, HASH_ALL);
}

static struct acme_persist_spec spec(const char *prefix, bool wildcard, int64_t until)
{
	return (struct acme_persist_spec){
		"example.com", "authority.example", ACCOUNT, account_key, prefix, wildcard, until
	};
}

static void values_have_both_formats(void **state)
{
	static const struct {
		const char *prefix;
		bool wildcard;
		int64_t until;
		const char *want;
	} rows[] = {
		{ NULL, false, 0, "authority.example; accounturi=" ACCOUNT },
		{ NULL, true, 0, "authority.example; accounturi=" ACCOUNT "; policy=wildcard" },
		{ NULL, true, 1721952000,
		  "authority.example; accounturi=" ACCOUNT
		  "; policy=wildcard; persistUntil=1721952000" },
		{ "acme-hash:", false, 0, "authority.example; accounturi=acme-hash:sha-256/" HASH },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct acme_persist_spec s = spec(rows[i].prefix, rows[i].wildcard, rows[i].until);
		struct err e;
		char *out;
		assert_int_equal(acme_persist_value(a, &s, &out, &e), 0);
		assert_string_equal(out, rows[i].want);
		assert_int_equal(acme_persist_matches(out, &s, 1700000000), true);
	}
}

static void a_value_cannot_bring_parameters_of_its_own(void **state)
{
	struct acme_persist_spec s = spec(NULL, false, 0);
	struct err e;
	char *out;

	s.issuer = "authority.example; policy=wildcard";
	assert_int_equal(acme_persist_value(a, &s, &out, &e), -ERR_INPUT);
}

static void found_values_are_compared_by_meaning(void **state)
{
#define A "accounturi=" ACCOUNT
	static const struct {
		const char *found;
		bool wildcard;
		int64_t until;
		bool want;
	} rows[] = {
		{ "authority.example; " A, false, 0, true },
		{ "Authority.Example;" A, false, 0, true },
		{ "  authority.example ;\tAccountURI = " ACCOUNT " ", false, 0, true },
		{ "authority.example; policy=wildcard; " A, true, 0, true },
		{ "authority.example; POLICY=WildCard; " A, true, 0, true },
		{ "authority.example; " A "; policy=wildcard", false, 0, true }, /* covers more */
		{ "authority.example; " A, true, 0, false },
		{ "authority.example; " A "; policy=other", true, 0, false },
		{ "authority.example; " A "; newtag=x", false, 0, true },
		{ "authority.example; " A ";", false, 0, false },
		{ "authority.example; " A "; policy", false, 0, false },
		{ "authority.example; " A "; x=1; X=2", false, 0, false },
		{ "authority.example; " A "; " A, false, 0, false },
		{ "other.example; " A, false, 0, false },
		{ "authority.example", false, 0, false },
		{ "authority.example; accounturi=https://ca.example/acct/124", false, 0, false },
		{ "authority.example; accounturi=HTTPS://ca.example/acct/123", false, 0, false },
		{ "authority.example; " A "; persistUntil=1795000001", false, 0, true },
		{ "authority.example; " A "; persistuntil=1795000001", false, 1795000001, true },
		{ "authority.example; " A "; persistUntil=1795000002", false, 1795000001, false },
		{ "authority.example; " A "; persistUntil=1795000000", false, 0, false }, /* over */
		{ "authority.example; " A "; persistUntil=never", false, 0, false },
		{ "authority.example; " A "; persistUntil=", false, 0, false },
		{ "authority.example; " A, false, 1795000001, false },
		{ "", false, 0, false },
		{ ";", false, 0, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct acme_persist_spec s = spec(NULL, rows[i].wildcard, rows[i].until);
		if (acme_persist_matches(rows[i].found, &s, NOW) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].found);
	}
}

static void hashed_values_match_for_the_name_and_for_all(void **state)
{
	struct acme_persist_spec s = spec("p:", false, 0);

	assert_true(acme_persist_matches("authority.example; accounturi=p:sha-256/" HASH, &s, NOW));
	assert_true(
	    acme_persist_matches("authority.example; accounturi=p:sha-256/" HASH_ALL, &s, NOW));
	assert_false(
	    acme_persist_matches("authority.example; accounturi=q:sha-256/" HASH, &s, NOW));
	assert_false(acme_persist_matches("authority.example; " A, &s, NOW));
	s.domain = "example.net";
	assert_false(
	    acme_persist_matches("authority.example; accounturi=p:sha-256/" HASH, &s, NOW));
}

static int setup(void **state)
{
	struct err e;

	a = arena_new(0);
	return key_parse(jwk_7517, strlen(jwk_7517), &account_key, &e);
}

static int teardown(void **state)
{
	key_free(account_key);
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_the_drafts),
		cmocka_unit_test(values_have_both_formats),
		cmocka_unit_test(a_value_cannot_bring_parameters_of_its_own),
		cmocka_unit_test(found_values_are_compared_by_meaning),
		cmocka_unit_test(hashed_values_match_for_the_name_and_for_all),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
