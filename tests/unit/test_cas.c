/* flow/cas and sys/yaml's places: cas.yaml as it is built in says what CAs publish; a host's own
 * changes what it names, and what is wrong in one is said with file, line and member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "flow/cas.h"
#include "sys/yaml.h"

#define LETSENCRYPT "https://acme-v02.api.letsencrypt.org/directory"
#define STAGING "https://acme-staging-v02.api.letsencrypt.org/directory"
#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)

static const struct config nothing_said;

/* letsencrypt.org/docs/rate-limits/ and /docs/staging-environment/ */
static void figures_are_the_published_ones(void **state)
{
	static const struct {
		const char *url;
		enum limit_kind kind;
		int64_t count, per_s;
	} published[] = {
		{ LETSENCRYPT, LIMIT_NEW_ACCOUNTS, 10, 3 * HOUR },
		{ LETSENCRYPT, LIMIT_NEW_ORDERS, 300, 3 * HOUR },
		{ LETSENCRYPT, LIMIT_DOMAIN, 50, 7 * DAY },
		{ LETSENCRYPT, LIMIT_EXACT_SET, 5, 7 * DAY },
		{ LETSENCRYPT, LIMIT_FAILED, 5, HOUR },
		{ LETSENCRYPT, LIMIT_CONSECUTIVE, 1152, 1152 * DAY },
		{ STAGING, LIMIT_NEW_ACCOUNTS, 50, 3 * HOUR },
		{ STAGING, LIMIT_NEW_ORDERS, 1500, 3 * HOUR },
		{ STAGING, LIMIT_DOMAIN, 30000, 7 * DAY },
		{ STAGING, LIMIT_EXACT_SET, 30000, 7 * DAY },
		{ STAGING, LIMIT_FAILED, 200, HOUR },
		{ STAGING, LIMIT_CONSECUTIVE, 3600, 3600 * DAY },
	};
	/* one more every so many seconds, as those pages say */
	static const int64_t refill_s[] = { 18 * 60, 36, 12096, 120960, 12 * 60, DAY };
	const struct cas *cas = cas_known(&nothing_said);
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(published); i++) {
		const struct known_ca *x = cas_by_url(&nothing_said, published[i].url);
		const struct limit_rule *rule = &x->limits[published[i].kind];

		assert_int_equal(rule->count, published[i].count);
		assert_int_equal(rule->per_s, published[i].per_s);
		assert_string_equal(rule->source, "published");
		if (i < ARRAY_LEN(refill_s))
			assert_int_equal(rule->per_s / rule->count, refill_s[i]);
		assert_non_null(x->ca.read);
		assert_true(x->ca.pages.n > 0);
	}
	for (size_t i = 0; i < cas->n; i++)
		for (size_t k = 0; k < N_LIMITS; k++)
			n += cas->v[i].limits[k].source != NULL;
	assert_int_equal(n, ARRAY_LEN(published)); /* there are no others */
}

static void directories(void **state)
{
	static const struct {
		const char *name, *url;
		bool needs_eab;
	} cases[] = {
		{ "letsencrypt", LETSENCRYPT, false },
		{ "letsencrypt-staging", STAGING, false },
		{ "zerossl", "https://acme.zerossl.com/v2/DV90", true },
		{ "google", "https://dv.acme-v02.api.pki.goog/directory", true },
		{ "google-staging", "https://dv.acme-v02.test-api.pki.goog/directory", true },
		{ "sslcom-rsa", "https://acme.ssl.com/sslcom-dv-rsa", true },
		{ "sslcom-ecc", "https://acme.ssl.com/sslcom-dv-ecc", true },
		{ "actalis", "https://acme-api.actalis.com/acme/directory", true },
		{ "sectigo", "https://acme.sectigo.com/v2/DV", true },
		{ "digicert", "https://one.digicert.com/mpki/api/v1/acme/v2/directory", true },
		{ "globalsign", "https://emea.acme.atlas.globalsign.com/directory", true },
		{ "litessl", "https://acme.litessl.com/acme/v2/directory", true },
	};
	const struct cas *cas = cas_known(&nothing_said);

	assert_int_equal(cas->n, ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct known_ca *x = cas_by_name(&nothing_said, cases[i].name);

		assert_string_equal(x->ca.url, cases[i].url);
		assert_int_equal(x->ca.needs_eab, cases[i].needs_eab);
		assert_true(x->ca.known);
		assert_ptr_equal(cas_by_url(&nothing_said, cases[i].url), x);
		if (x->ca.staging)
			assert_non_null(cas_by_name(&nothing_said, x->ca.staging));
	}
	assert_string_equal(cas_by_name(&nothing_said, "letsencrypt")->ca.staging,
	                    "letsencrypt-staging");
	assert_null(cas_by_name(&nothing_said, "buypass"));
	assert_null(cas_by_url(&nothing_said, "https://ca.example/dir"));
}

static void profiles(void **state)
{
	static const struct {
		const char *name;
		int64_t max_names;
		bool ip;
	} cases[] = { { NULL, 100, false },
		      { "classic", 100, false },
		      { "tlsserver", 25, false },
		      { "shortlived", 25, true } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int staging = 0; staging < 2; staging++) {
			const struct profile *x = cas_profile(
			    &nothing_said, staging ? STAGING : LETSENCRYPT, cases[i].name);

			assert_int_equal(x->max_names, cases[i].max_names);
			assert_int_equal(x->ip, cases[i].ip);
			assert_true(x->dns);
		}
	assert_null(cas_profile(&nothing_said, LETSENCRYPT, "fancy"));
	assert_null(cas_profile(&nothing_said, "https://ca.example/dir", NULL));
}

/* a host's own */

static int over(struct arena *a, const char *text, struct cas *out, struct err *e)
{
	return cas_parse(a, cas_known(&nothing_said), "own.yaml", text, strlen(text),
	                 LIMIT_FROM_CAS, out, e);
}

static void it_changes_what_it_names(void **state)
{
	struct arena *a = arena_new(0);
	struct config c = { 0 };
	const struct known_ca *x;
	struct cas cas;
	struct err e;

	assert_int_equal(over(a,
	                      "cas:\n"
	                      "  - name: letsencrypt\n"
	                      "    limits:\n"
	                      "      - { limit: new-orders, count: 3000, per: 6h }\n"
	                      "      - { limit: exact-set, count: 0 }\n"
	                      "  - name: mine\n"
	                      "    directory: https://ca.example/dir\n"
	                      "    staging: letsencrypt-staging\n"
	                      "    limits: [ { limit: failed-validations, count: 1, per: 90s } ]\n"
	                      "    profiles: [ { name: one, max_names: 1, ip: true } ]\n"
	                      "  - name: zerossl\n"
	                      "    needs_eab: false\n"
	                      "    directory: https://elsewhere.example/dir\n",
	                      &cas, &e),
	                 0);
	c.known = &cas;
	assert_int_equal(cas.n, cas_known(&nothing_said)->n + 1);
	x = cas_by_name(&c, "letsencrypt");
	assert_int_equal(x->limits[LIMIT_NEW_ORDERS].count, 3000);
	assert_int_equal(x->limits[LIMIT_NEW_ORDERS].per_s, 6 * HOUR);
	assert_string_equal(x->limits[LIMIT_NEW_ORDERS].source, "cas.yaml");
	assert_int_equal(x->limits[LIMIT_EXACT_SET].count, 0);
	assert_int_equal(x->limits[LIMIT_DOMAIN].count, 50);
	assert_string_equal(x->limits[LIMIT_DOMAIN].source, "published");
	assert_string_equal(x->ca.url, LETSENCRYPT);
	assert_int_equal(cas_profile(&c, LETSENCRYPT, NULL)->max_names, 100);
	x = cas_by_url(&c, "https://ca.example/dir");
	assert_string_equal(x->ca.name, "mine");
	assert_true(x->ca.known);
	assert_int_equal(x->limits[LIMIT_FAILED].per_s, 90);
	assert_null(x->limits[LIMIT_NEW_ORDERS].source);
	assert_int_equal(cas_profile(&c, "https://ca.example/dir", "one")->max_names, 1);
	assert_null(cas_profile(&c, "https://ca.example/dir", NULL));
	assert_string_equal(cas_by_name(&c, "zerossl")->ca.url, "https://elsewhere.example/dir");
	assert_false(cas_by_name(&c, "zerossl")->ca.needs_eab);
	/* those built in are as they were */
	assert_int_equal(cas_by_name(&nothing_said, "letsencrypt")->limits[LIMIT_NEW_ORDERS].count,
	                 300);
	arena_free(a);
}

static void nothing_in_it_changes_nothing(void **state)
{
	static const char *const texts[] = { "", "---\n", "cas:\n", "cas: []\n", "# later\n" };
	struct arena *a = arena_new(0);
	struct cas cas;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(over(a, texts[i], &cas, &e), 0);
		assert_int_equal(cas.n, cas_known(&nothing_said)->n);
	}
	/* all of what is built in, said again */
	assert_int_equal(over(a, ca_yaml, &cas, &e), 0);
	assert_int_equal(cas.n, cas_known(&nothing_said)->n);
	arena_free(a);
}

#define MINE "cas:\n  - name: mine\n    directory: https://ca.example/dir\n"

static void what_is_wrong(void **state)
{
	static const struct {
		const char *text, *where, *says;
	} cases[] = {
		{ "cas: 3\n", "own.yaml:1: ", "\"cas\" must be a list" },
		{ "limits: []\n", "own.yaml:1: ", "\"limits\" is not known here" },
		{ "# one\ncas: []\nca: []\n", "own.yaml:3: ", "\"ca\" is not known here" },
		{ "cas:\n  - letsencrypt\n", "own.yaml:2: ", "not a JSON object" },
		{ "cas:\n  - directory: https://ca.example/\n",
		  "own.yaml:2: ", "\"name\" is missing" },
		{ "cas:\n  - name: mine\n", "own.yaml:2: ", "\"directory\" is missing" },
		{ "cas:\n  - name: my CA\n    directory: https://ca.example/\n",
		  "own.yaml:2: ", "\"name\" may have letters" },
		{ "cas:\n  - name: letsencrypt\n    limit: []\n",
		  "own.yaml:3: ", "\"limit\" is not known here" },
		{ MINE "  - name: mine\n", "own.yaml:4: mine: ", "there twice" },
		{ "cas:\n  - name: mine\n    directory: http://ca.example/\n",
		  "own.yaml:3: mine: ", "https://" },
		{ "cas:\n  - name: mine\n    directory: " LETSENCRYPT "\n",
		  "own.yaml:3: mine: ", "that of letsencrypt" },
		{ MINE "    staging: nowhere\n", "own.yaml:4: mine: ", "\"staging\"" },
		{ MINE "    staging: mine\n", "own.yaml:4: mine: ", "another CA" },
		{ MINE "    needs_eab: maybe\n", "own.yaml:4: ", "true or false" },
		{ MINE "    read: yesterday\n", "own.yaml:4: mine: ", "a day like" },
		{ MINE "    read: 2026-02-30\n", "own.yaml:4: mine: ", "a day like" },
		{ MINE "    pages: https://ca.example/\n", "own.yaml:4: ", "a list of texts" },
		{ MINE "    limits:\n      - { limit: new-orders, count: 1, per: 1h }\n"
		       "      - limit: exact-set\n        cuont: 5\n        per: 7d\n",
		  "own.yaml:7: ", "\"cuont\" is not known here" },
		{ MINE "    limits:\n      - limit: exact-set\n        per: 7d\n",
		  "own.yaml:5: ", "\"count\" is missing" },
		{ MINE "    limits:\n      - limit: exact-set\n        count: many\n",
		  "own.yaml:6: ", "\"count\" must be a whole number" },
		{ MINE "    limits:\n      - limit: exact\n        count: 1\n        per: 1h\n",
		  "own.yaml:5: mine: ", "there is no limit \"exact\"" },
		{ MINE
		  "    limits:\n      - limit: exact-set\n        count: -1\n        per: 1h\n",
		  "own.yaml:6: mine: ", "count is -1" },
		{ MINE "    limits:\n      - limit: exact-set\n        count: 1000001\n",
		  "own.yaml:6: mine: ", "count is 1000001" },
		{ MINE
		  "    limits:\n      - limit: exact-set\n        count: 1\n        per: soon\n",
		  "own.yaml:7: mine: ", "per must be a time" },
		{ MINE "    limits:\n      - limit: exact-set\n        count: 1\n",
		  "own.yaml:5: mine: ", "per must be a time" },
		{ MINE "    limits:\n      - { limit: exact-set, count: 1, per: 1h }\n"
		       "      - { limit: exact-set, count: 2, per: 1h }\n",
		  "own.yaml:6: mine: ", "exact-set is there twice" },
		{ MINE "    profiles:\n      - { name: x, max_names: 0 }\n",
		  "own.yaml:5: mine: ", "max_names is 0" },
		{ MINE "    profiles:\n      - { name: x, max_names: 5 }\n"
		       "      - { name: x, max_names: 5 }\n",
		  "own.yaml:6: mine: ", "x is there twice" },
		{ MINE "    profiles:\n      - { name: x, default: true, max_names: 5 }\n"
		       "      - name: y\n        max_names: 5\n        default: true\n",
		  "own.yaml:8: mine: ", "another that is the default" },
		{ "cas:\n  - name: a\n   bad\n", "own.yaml:", "" },
		{ MINE MINE, "own.yaml:4: ", "twice" },
	};
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cas cas = { (const struct known_ca *)1, 7 };
		struct err e;

		if (over(a, cases[i].text, &cas, &e) == 0)
			fail_msg("taken:\n%s", cases[i].text);
		assert_int_equal(e.code, ERR_CONFIG);
		assert_int_equal(cas.n, 7);
		if (strncmp(e.text, cases[i].where, strlen(cases[i].where)) != 0 ||
		    !strstr(e.text, cases[i].says))
			fail_msg("%s\ninstead of %s … %s, of\n%s", e.text, cases[i].where,
			         cases[i].says, cases[i].text);
	}
	arena_free(a);
}

static void too_many(void **state)
{
	struct arena *a = arena_new(0);
	struct buf text CLEANUP(buf_done) = BUF_LIMIT(1 << 20);
	struct cas cas;
	struct err e;

	assert_int_equal(buf_str(&text, "cas:\n", &e), 0);
	for (int i = 0; i < 501; i++)
		assert_int_equal(buf_printf(&text, &e,
		                            "  - { name: ca%d, directory: \"https://ca%d/\" }\n", i,
		                            i),
		                 0);
	assert_true(cas_parse(a, NULL, "own.yaml", text.data, text.len, LIMIT_FROM_CAS, &cas, &e) <
	            0);
	assert_non_null(strstr(e.text, "at most 500 CAs"));
	arena_free(a);
}

/* places in a text */

static void lines(void **state)
{
	static const char text[] = "# a comment\n"
	                           "a: 1\n"
	                           "b:\n"
	                           "  - x\n"
	                           "  - y: 1\n"
	                           "    z:\n"
	                           "      - 5\n"
	                           "\n"
	                           "      - 6\n"
	                           "'c': { d: 1,\n"
	                           "  e: 2 }\n";
	static const struct {
		struct yaml_place place;
		size_t want;
	} cases[] = {
		{ { .n = 0 }, 1 },
		{ { { { "a", 0 } }, 1 }, 2 },
		{ { { { "b", 0 } }, 1 }, 3 },
		{ { { { "b", 0 }, { NULL, 1 } }, 2 }, 5 },
		{ { { { "b", 0 }, { NULL, 1 }, { "z", 0 } }, 3 }, 6 },
		{ { { { "b", 0 }, { NULL, 1 }, { "z", 0 }, { NULL, 1 } }, 4 }, 9 },
		{ { { { "c", 0 }, { "e", 0 } }, 2 }, 11 },
		/* what is not there: where it would be */
		{ { { { "nowhere", 0 } }, 1 }, 1 },
		{ { { { "b", 0 }, { NULL, 7 } }, 2 }, 3 },
		{ { { { "b", 0 }, { "y", 0 } }, 2 }, 3 },
		{ { { { "a", 0 }, { NULL, 0 }, { "x", 0 } }, 3 }, 2 },
	};
	const struct yaml_text t = { "x.yaml", text, sizeof(text) - 1 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(yaml_line(&t, &cases[i].place), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_the_published_ones),
		cmocka_unit_test(directories),
		cmocka_unit_test(profiles),
		cmocka_unit_test(it_changes_what_it_names),
		cmocka_unit_test(nothing_in_it_changes_nothing),
		cmocka_unit_test(what_is_wrong),
		cmocka_unit_test(too_many),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
