/* flow/preflight's pure parts: CAA, redirects, what addresses mean, private addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "flow/caa.h"
#include "flow/preflight_impl.h"
#include "flow/redirect.h"
#include "sys/reach.h"

#define US "ca.example"
#define ACCOUNT "https://ca.example/acct/1"

static void caa_table(void **state)
{
	static const struct {
		const char *what, *records[4];
		bool wildcard, no_identity, no_account;
		enum caa_verdict want;
	} cases[] = {
		{ "only where to write to",
		  { "0 iodef \"mailto:a@b.example\"" },
		  .want = CAA_ALLOWS },
		{ "us", { "0 issue \"ca.example\"" }, .want = CAA_ALLOWS },
		{ "us, in capitals and with blanks",
		  { "0 ISSUE \" CA.Example \"" },
		  .want = CAA_ALLOWS },
		{ "us, with a dot and a semicolon",
		  { "0 issue \"ca.example.;\"" },
		  .want = CAA_ALLOWS },
		{ "us, critical", { "128 issue \"ca.example\"" }, .want = CAA_ALLOWS },
		{ "another", { "0 issue \"other.example\"" }, .want = CAA_FORBIDS },
		{ "another and us",
		  { "0 issue \"other.example\"", "0 issue \"ca.example\"" },
		  .want = CAA_ALLOWS },
		{ "nobody", { "0 issue \";\"" }, .want = CAA_FORBIDS },
		{ "nobody, and empty", { "0 issue \"\"" }, .want = CAA_FORBIDS },
		{ "nobody and us",
		  { "0 issue \";\"", "0 issue \"ca.example\"" },
		  .want = CAA_ALLOWS },
		{ "a suffix of us", { "0 issue \"ca.example.org\"" }, .want = CAA_FORBIDS },
		{ "issuewild does not bind a name", { "0 issuewild \";\"" }, .want = CAA_ALLOWS },
		{ "issuewild binds a wildcard",
		  { "0 issuewild \";\"" },
		  true,
		  .want = CAA_FORBIDS },
		{ "issuewild goes before issue",
		  { "0 issue \"ca.example\"", "0 issuewild \"other.example\"" },
		  true,
		  .want = CAA_FORBIDS },
		{ "issuewild allows though issue does not",
		  { "0 issue \";\"", "0 issuewild \"ca.example\"" },
		  true,
		  .want = CAA_ALLOWS },
		{ "issue binds a wildcard too", { "0 issue \";\"" }, true, .want = CAA_FORBIDS },
		{ "unknown, not critical", { "0 tbs \"x\"" }, .want = CAA_ALLOWS },
		{ "unknown and critical",
		  { "128 tbs \"x\"", "0 issue \"ca.example\"" },
		  .want = CAA_FORBIDS },
		{ "our account",
		  { "0 issue \"ca.example; accounturi=" ACCOUNT "\"" },
		  .want = CAA_ALLOWS },
		{ "another account",
		  { "0 issue \"ca.example; accounturi=" ACCOUNT "2\"" },
		  .want = CAA_FORBIDS },
		{ "an account, and we do not know ours",
		  { "0 issue \"ca.example; accounturi=" ACCOUNT "\"" },
		  .no_account = true,
		  .want = CAA_UNKNOWN },
		{ "two accounts in one record",
		  { "0 issue \"ca.example; accounturi=" ACCOUNT "; accounturi=" ACCOUNT "\"" },
		  .want = CAA_FORBIDS },
		{ "our method among others",
		  { "0 issue \"ca.example;validationmethods=dns-01,http-01\"" },
		  .want = CAA_ALLOWS },
		{ "other methods",
		  { "0 issue \"ca.example; validationmethods=dns-01,http-010\"" },
		  .want = CAA_FORBIDS },
		{ "both fit",
		  { "0 issue \"ca.example; validationmethods=http-01; accounturi=" ACCOUNT "\"" },
		  .want = CAA_ALLOWS },
		{ "one of both does not",
		  { "0 issue \"ca.example; validationmethods=dns-01; accounturi=" ACCOUNT "\"" },
		  .want = CAA_FORBIDS },
		{ "a parameter of others",
		  { "0 issue \"ca.example; cabal=1\"" },
		  .want = CAA_ALLOWS },
		{ "a parameter without value",
		  { "0 issue \"ca.example; alone\"" },
		  .want = CAA_FORBIDS },
		{ "escaped", { "0 issue \"c\\a.\\101xample\"" }, .want = CAA_ALLOWS },
		{ "who are we?",
		  { "0 issue \"ca.example\"" },
		  .no_identity = true,
		  .want = CAA_UNKNOWN },
		{ "nobody, whoever we are",
		  { "0 issue \";\"" },
		  .no_identity = true,
		  .want = CAA_FORBIDS },
		{ "not a record", { "nonsense" }, .want = CAA_UNKNOWN },
	};
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct caa_asked asked = { .wildcard = cases[i].wildcard,
			                   .account_url = cases[i].no_account ? NULL : ACCOUNT,
			                   .method = "http-01" };
		const char *why;
		enum caa_verdict got;

		for (size_t k = 0; cases[i].records[k]; k++)
			strings_add(a, &asked.records, cases[i].records[k]);
		if (!cases[i].no_identity)
			strings_add(a, &asked.identities, US);
		got = caa_judge(a, &asked, &why);
		if (got != cases[i].want)
			fail_msg("%s: %d, %s", cases[i].what, got, why ? why : "-");
		assert_true((why == NULL) == (got == CAA_ALLOWS));
	}
	arena_free(a);
}

static void redirect_table(void **state)
{
	static const struct {
		const char *location;
		bool laboratory, want;
		const char *to;
	} cases[] = {
		{ "https://www.example.org/x", false, true, "https://www.example.org/x" },
		{ "//www.example.org/x", false, true, "http://www.example.org/x" },
		{ "/else", false, true, "http://example.org/else" },
		{ "else?a=b", false, true, "http://example.org/a/else?a=b" },
		{ "HTTPS://WWW.example.org:443/x", false, true, NULL },
		{ "http://example.org:80/y", false, true, NULL },
		{ "http://example.org:8080/y", false, false, NULL },
		{ "http://example.org:5002/y", false, false, NULL },
		{ "http://example.org:5002/y", true, true, NULL },
		{ "http://example.org:5003/y", true, false, NULL },
		{ "ftp://example.org/y", false, false, NULL },
		{ "file:///etc/passwd", false, false, NULL },
		{ "gopher://example.org:80/x", false, false, NULL },
		{ "javascript:1", false, false, NULL },
		{ "http://192.0.2.1/x", false, false, NULL },
		{ "http://[2001:db8::1]/x", false, false, NULL },
		{ "http://192.0.2.1/x", true, true, NULL },
		{ "http://user@example.org/x", false, false, NULL },
		{ "http://example.org/a/b", false, false, NULL }, /* itself */
		{ "http://example.org/x y", false, false, NULL },
		{ "", false, false, NULL },
		{ NULL, false, false, NULL },
	};
	struct arena *a = arena_new(0);
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct redirect_rules rules = { cases[i].laboratory, 5002, 5001 };
		struct hop h = { 0 };
		const char *why = NULL;
		bool got;

		assert_int_equal(url_join(a, NULL, "http://example.org/a/b", &h.url, &e), 0);
		got = redirect_follow(a, &rules, &h, cases[i].location, &why);
		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].location, why ? why : "followed");
		if (cases[i].to)
			assert_string_equal(h.url.text, cases[i].to);
	}
	arena_free(a);
}

static void redirects_end(void **state)
{
	const struct redirect_rules rules = { 0 };
	struct arena *a = arena_new(0);
	struct hop h = { 0 };
	const char *why;
	struct err e;
	int n = 0;

	assert_int_equal(url_join(a, NULL, "http://example.org/", &h.url, &e), 0);
	while (redirect_follow(a, &rules, &h, arena_printf(a, "/%d", n), &why))
		n++;
	assert_int_equal(n, REDIRECTS_MAX);
	assert_non_null(strstr(why, "more than 10"));
	arena_free(a);
}

static void tokens(void **state)
{
	char long_body[200];
	struct arena *a = arena_new(0);
	const char *said;

	memset(long_body, ' ', sizeof long_body);
	memcpy(long_body, "tok.key", 7);
	assert_true(redirect_is_token(a, 200, "tok.key", 7, "tok.key", &said));
	assert_true(redirect_is_token(a, 200, "tok.key\r\n \n", 11, "tok.key", &said));
	long_body[150] = 'x'; /* nobody reads so far */
	assert_true(redirect_is_token(a, 200, long_body, sizeof long_body, "tok.key", &said));
	assert_false(redirect_is_token(a, 404, "tok.key", 7, "tok.key", &said));
	assert_non_null(strstr(said, "404"));
	assert_false(redirect_is_token(a, 200, " <!doctype html>", 16, "tok.key", &said));
	assert_non_null(strstr(said, "HTML"));
	assert_false(redirect_is_token(a, 200, "", 0, "tok.key", &said));
	assert_non_null(strstr(said, "nothing"));
	assert_false(redirect_is_token(a, 200, "secret", 6, "tok.key", &said));
	assert_null(strstr(said, "secret"));
	arena_free(a);
}

#define V4(seen_, dead_)                                                                           \
	{                                                                                          \
		"192.0.2.1", false, dead_, seen_, (seen_) == SEEN_FINE ? NULL : "bad"              \
	}
#define V6(seen_, dead_)                                                                           \
	{                                                                                          \
		"2001:db8::1", true, dead_, seen_, (seen_) == SEEN_FINE ? NULL : "bad"             \
	}

static void address_table(void **state)
{
	static const struct {
		const char *what;
		struct address v[3];
		size_t n;
		enum seen outside, laboratory;
	} cases[] = {
		{ "good", { V4(SEEN_FINE, false) }, 1, SEEN_FINE, SEEN_FINE },
		{ "bad", { V4(SEEN_FAILS, true) }, 1, SEEN_FAILS, SEEN_FAILS },
		{ "one of two",
		  { V4(SEEN_FAILS, true), V4(SEEN_FINE, false) },
		  2,
		  SEEN_UNKNOWN,
		  SEEN_UNKNOWN },
		{ "silent", { V4(SEEN_UNKNOWN, true) }, 1, SEEN_UNKNOWN, SEEN_UNKNOWN },
		{ "refused over IPv6",
		  { V6(SEEN_FAILS, true), V4(SEEN_FINE, false) },
		  2,
		  SEEN_UNKNOWN,
		  SEEN_FAILS },
		{ "another page over IPv6",
		  { V6(SEEN_FAILS, false), V4(SEEN_FINE, false) },
		  2,
		  SEEN_FAILS,
		  SEEN_FAILS },
		{ "another page over IPv4, which nobody asks",
		  { V6(SEEN_FINE, false), V4(SEEN_FAILS, false) },
		  2,
		  SEEN_FINE,
		  SEEN_FINE },
		{ "no way to IPv6 here",
		  { V6(SEEN_UNKNOWN, true), V4(SEEN_FINE, false) },
		  2,
		  SEEN_UNKNOWN,
		  SEEN_UNKNOWN },
		{ "refused over both",
		  { V6(SEEN_FAILS, true), V4(SEEN_FAILS, true) },
		  2,
		  SEEN_FAILS,
		  SEEN_FAILS },
	};
	struct arena *a = arena_new(0);
	const char *said;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (preflight_weigh(a, cases[i].v, cases[i].n, false, &said) != cases[i].outside)
			fail_msg("%s", cases[i].what);
		if (preflight_weigh(a, cases[i].v, cases[i].n, true, &said) != cases[i].laboratory)
			fail_msg("%s, in a laboratory", cases[i].what);
	}
	arena_free(a);
}

static void private_addresses(void **state)
{
	static const struct {
		const char *address;
		bool want;
	} cases[] = {
		{ "127.0.0.1", true },
		{ "10.1.2.3", true },
		{ "172.16.0.1", true },
		{ "172.32.0.1", false },
		{ "192.168.1.1", true },
		{ "169.254.169.254", true },
		{ "100.64.0.1", true },
		{ "100.128.0.1", false },
		{ "0.0.0.0", true },
		{ "224.0.0.1", true },
		{ "255.255.255.255", true },
		{ "8.8.8.8", false },
		{ "192.0.2.1", true },
		{ "192.0.3.1", false },
		{ "::1", true },
		{ "::", true },
		{ "fe80::1", true },
		{ "fd00::1", true },
		{ "ff02::1", true },
		{ "2001:db8::1", true },
		{ "2606:4700::1", false },
		{ "::ffff:10.0.0.1", true },
		{ "::ffff:8.8.8.8", false },
		{ "64:ff9b::7f00:1", true },
		{ "2002:7f00:1::", true },
		{ "2001:0:4136:e378:8000:63bf:3fff:fdd2", true },
		/* the first and last addresses of IANA's special-purpose blocks, and their
		   neighbours */
		{ "0.255.255.255", true },
		{ "1.0.0.0", false },
		{ "100.63.255.255", false },
		{ "100.127.255.255", true },
		{ "169.253.255.255", false },
		{ "169.255.0.0", false },
		{ "172.15.255.255", false },
		{ "172.31.255.255", true },
		{ "191.255.255.255", false },
		{ "192.0.0.0", true },
		{ "192.0.0.10", true },
		{ "192.0.0.171", true },
		{ "192.0.1.0", false },
		{ "192.0.2.255", true },
		{ "192.88.98.255", false },
		{ "192.88.99.1", true },
		{ "192.88.100.0", false },
		{ "192.167.255.255", false },
		{ "192.169.0.0", false },
		{ "198.17.255.255", false },
		{ "198.18.0.0", true },
		{ "198.19.255.255", true },
		{ "198.20.0.0", false },
		{ "198.51.99.255", false },
		{ "198.51.100.1", true },
		{ "198.51.101.0", false },
		{ "203.0.112.255", false },
		{ "203.0.113.1", true },
		{ "203.0.114.0", false },
		{ "223.255.255.255", false },
		{ "239.255.255.255", true },
		{ "240.0.0.1", true },
		{ "::8.8.8.8", true },
		{ "::ffff:192.88.99.1", true },
		{ "64:ff9b::8.8.8.8", false },
		{ "64:ff9b::10.0.0.1", true },
		{ "64:ff9b::c058:6301", true },
		{ "64:ff9b:1::8.8.8.8", true },
		{ "64:ff9b:1:ffff::1", true },
		{ "64:ff9b:2::1", true },
		{ "100::1", true },
		{ "100:0:0:1::1", true },
		{ "1fff:ffff::1", true },
		{ "2000::1", false },
		{ "2000:ffff::1", false },
		{ "2001::1", true },
		{ "2001:1::1", true },
		{ "2001:2::1", true },
		{ "2001:10::1", true },
		{ "2001:2f:ffff::1", true },
		{ "2001:1ff:ffff::1", true },
		{ "2001:200::1", false },
		{ "2001:db7:ffff::1", false },
		{ "2001:db8:ffff::1", true },
		{ "2001:db9::1", false },
		{ "2002:808:808::1", false },
		{ "2002:a00:1::1", true },
		{ "2002:c058:6301::1", true },
		{ "2003::1", false },
		{ "3ffe:ffff::1", false },
		{ "3fff::1", true },
		{ "3fff:fff:ffff::1", true },
		{ "3fff:1000::1", false },
		{ "4000::1", true },
		{ "5f00::1", true },
		{ "fbff::1", true },
		{ "fc00::1", true },
		{ "febf::1", true },
		{ "fec0::1", true },
		{ "localhost", true },
		{ "1.2.3", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (reach_is_private(cases[i].address) != cases[i].want)
			fail_msg("%s", cases[i].address);
}

static void verdicts(void **state)
{
	struct arena *a = arena_new(0);
	struct finding v[] = {
		{ .name = "a.example", .check = "caa", .verdict = FINDING_FINE, .text = "x" },
		{ .name = "b.example",
		  .check = "address",
		  .verdict = FINDING_UNKNOWN,
		  .text = "y" },
		{ .name = "c.example",
		  .check = "address",
		  .verdict = FINDING_FINE,
		  .text = "no address",
		  .problem = "dns",
		  .mend = "add one" },
		{ .check = "limits", .verdict = FINDING_FINE, .text = "too many" },
	};
	struct findings f = { v, ARRAY_LEN(v) };
	struct err e;

	assert_int_equal(preflight_verdict(a, &f, &e), 0);
	v[2].verdict = FINDING_FAILS;
	assert_int_equal(preflight_verdict(a, &f, &e), -ERR_VALIDATION);
	assert_non_null(strstr(e.text, "c.example: no address (the CA would answer dns); add one"));
	assert_string_equal(e.problem, "dns");
	v[3].verdict = FINDING_FAILS;
	v[3].retry_at = clock_now() + 100;
	assert_int_equal(preflight_verdict(a, &f, &e), -ERR_VALIDATION);
	assert_non_null(strstr(e.text, "and 1 more"));
	v[2].verdict = FINDING_FINE;
	assert_int_equal(preflight_verdict(a, &f, &e), -ERR_RATE_LIMITED);
	assert_in_range(e.retry_s, 98, 100);
	arena_free(a);
}

/* 2026-11-22T08:00:00Z */
#define NOW INT64_C(1795334400)
#define RRSIG(end, begin)                                                                          \
	{                                                                                          \
		.name = "a.test", .type = DNS_RRSIG,                                               \
		.text = "A 13 2 60 " end " " begin " 12345 a.test c2ln"                            \
	}

static void signatures(void **state)
{
	static const struct dns_rr address = { .name = "a.test",
		                               .type = DNS_A,
		                               .text = "192.0.2.1" };
	static const struct {
		const char *what;
		struct dns_rr v[2];
		const char *want; /* NULL = nothing is seen */
	} cases[] = {
		{ "of now", { address, RRSIG("20261122080001", "20261122075959") }, NULL },
		{ "over",
		  { address, RRSIG("20261122075959", "20261101000000") },
		  "the signature of A expired at 2026-11-22T07:59:59Z" },
		{ "not yet",
		  { address, RRSIG("20261222000000", "20261122080001") },
		  "the signature of A is not valid before 2026-11-22T08:00:01Z" },
		{ "none", { address, address }, "its records have no signatures" },
		{ "what is no time", { address, RRSIG("-", "soon") }, NULL },
		{ "what is no signature",
		  { address, { .name = "a.test", .type = DNS_RRSIG, .text = "A 13" } },
		  NULL },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *mend = NULL;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct dns_answer sections[] = { { .answer = cases[i].v, .n_answer = 2 },
			                               { .authority = cases[i].v,
			                                 .n_authority = 2 } };

		print_message("%s\n", cases[i].what);
		for (size_t s = 0; s < ARRAY_LEN(sections); s++) {
			const char *got = preflight_signatures_wrong(a, &sections[s], NOW, &mend);

			if (!cases[i].want)
				assert_null(got);
			else
				assert_string_equal(got, cases[i].want);
			assert_non_null(mend);
		}
	}
	assert_null(preflight_signatures_wrong(a, &(struct dns_answer){ 0 }, NOW, &mend));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caa_table),     cmocka_unit_test(redirect_table),
		cmocka_unit_test(redirects_end), cmocka_unit_test(tokens),
		cmocka_unit_test(address_table), cmocka_unit_test(private_addresses),
		cmocka_unit_test(verdicts),      cmocka_unit_test(signatures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
