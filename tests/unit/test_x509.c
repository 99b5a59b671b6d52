/* Certificates: the RFC 9773 example, chains of our own making that are right and wrong in one
 * point each, the stand-in, and the tls-alpn-01 certificate byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "sys/key_evp.h"
#include "sys/x509.h"

#define NOW INT64_C(1795305600) /* 2026-11-22 */
#define HOUR 3600
#define DAY (24 * HOUR)

static struct arena *a;
static struct key *leaf_key, *other_key, *ca_key, *root_key;

/* RFC 9773 appendix A */
static const char rfc9773[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
                              "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
                              "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
                              "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
                              "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
                              "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
                              "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
                              "-----END CERTIFICATE-----\n";

struct recipe {
	const char *cn, *san;
	const struct key *key;
	bool ca;
	int64_t from, to;
	const char *serial; /* decimal; NULL = "1" */
};

static X509 *certify(const struct recipe *r, const char *issuer_cn, const struct key *signer)
{
	X509 *x = X509_new();
	BIGNUM *bn = NULL;
	X509V3_CTX ctx;
	const struct {
		int nid;
		const char *value;
	} exts[] = { { NID_basic_constraints, r->ca ? "critical,CA:TRUE" : "CA:FALSE" },
		     { NID_subject_alt_name, r->san } };

	X509_set_version(x, 2);
	BN_dec2bn(&bn, r->serial ? r->serial : "1");
	BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	ASN1_TIME_set(X509_getm_notBefore(x), r->from);
	ASN1_TIME_set(X509_getm_notAfter(x), r->to);
	if (r->cn)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
		                           (const unsigned char *)r->cn, -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_UTF8,
	                           (const unsigned char *)issuer_cn, -1, -1, 0);
	X509_set_pubkey(x, key_evp(r->key));
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(exts); i++) {
		X509_EXTENSION *ext =
		    exts[i].value ? X509V3_EXT_conf_nid(NULL, &ctx, exts[i].nid, exts[i].value)
		                  : NULL;

		if (ext)
			X509_add_ext(x, ext, -1);
		X509_EXTENSION_free(ext);
	}
	X509_sign(x, key_evp(signer), EVP_sha256());
	return x;
}

static const char *pem_of(X509 *x)
{
	BIO *mem = BIO_new(BIO_s_mem());
	const char *text;

	PEM_write_bio_X509(mem, x);
	text = bio_text(a, mem);
	BIO_free(mem);
	X509_free(x);
	return text;
}

static const char *leaf(const struct recipe *r)
{
	return pem_of(certify(r, "Intermediate", ca_key));
}

static struct recipe good_leaf(void)
{
	return (struct recipe){ "example.org", "DNS:example.org,DNS:WWW.example.org,IP:192.0.2.1",
		                leaf_key,      false,
		                NOW - HOUR,    NOW + 90 * DAY,
		                NULL };
}

static const char *intermediate(void)
{
	return pem_of(certify(&(struct recipe){ "Intermediate", NULL, ca_key, true, NOW - 900 * DAY,
	                                        NOW + DAY, NULL },
	                      "Root", root_key));
}

static void parse(const char *pem, struct x509_chain *chain)
{
	struct err e;

	if (x509_chain_parse(a, pem, strlen(pem), chain, &e) < 0)
		fail_msg("%s", e.text);
}

static void the_rfc9773_example_has_its_id(void **state)
{
	struct x509_info info;
	struct err e;

	assert_int_equal(x509_parse(a, rfc9773, strlen(rfc9773), &info, &e), 0);
	assert_string_equal(info.ari_id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	assert_string_equal(info.serial, "87654321");
	assert_string_equal(info.subject_cn, "example.com");
	assert_string_equal(info.issuer, "CN=Example CA");
	assert_int_equal(info.names.n, 0);
	assert_true(info.not_before == INT64_C(-62135596800)); /* 0001-01-01 */
}

static const struct x509_chain *parse_known(struct x509_issuers *issuers, const char *pem)
{
	struct x509_chain *chain = ARENA_NEW(a, struct x509_chain);
	struct err e;

	if (x509_chain_parse_known(a, issuers, pem, strlen(pem), chain, &e) < 0)
		fail_msg("%s", e.text);
	return chain;
}

/* An issuer that was met before says the same again; another of the same name is another one. */
static void issuers_are_remembered_by_their_bytes(void **state)
{
	struct x509_issuers *issuers = x509_issuers_new();
	struct recipe r = good_leaf();
	const char *first = arena_printf(a, "%s%s", leaf(&r), intermediate());
	const char *other = pem_of(certify(&(struct recipe){ "Intermediate", NULL, leaf_key, true,
	                                                     NOW - 900 * DAY, NOW + DAY, NULL },
	                                   "Root", root_key));
	const char *foreign = arena_printf(a, "%s%s", leaf(&r), other);
	const struct x509_chain *new, *known;

	for (int i = 0; i < 3; i++) {
		new = parse_known(NULL, first);
		known = parse_known(issuers, first);
		assert_string_equal(known->fullchain_pem, new->fullchain_pem);
		assert_string_equal(known->v[1].fingerprint, new->v[1].fingerprint);
		assert_string_equal(known->v[1].spki_sha256, new->v[1].spki_sha256);
		assert_true(known->v[0].signed_by_next && known->v[1].is_ca);
		assert_false(parse_known(issuers, foreign)->v[0].signed_by_next);
	}
	for (int i = 0; i < 40; i++) /* more than are kept */
		parse_known(issuers, arena_printf(a, "%s%s", leaf(&r), intermediate()));
	assert_true(parse_known(issuers, first)->v[0].signed_by_next);
	x509_issuers_free(issuers);
}

static void a_chain_is_taken_apart(void **state)
{
	struct recipe r = good_leaf();
	const char *leaf_pem = leaf(&r), *ca_pem = intermediate();
	struct x509_chain chain;
	struct x509_info again;
	unsigned char md[HASH_MAX];
	char *spki;
	struct err e;

	parse(arena_printf(a, "words before\r\n%s\nbetween\n%s after", leaf_pem, ca_pem), &chain);
	assert_int_equal(chain.n, 2);
	assert_string_equal(chain.leaf_pem, leaf_pem);
	assert_string_equal(chain.chain_pem, ca_pem);
	assert_string_equal(chain.fullchain_pem, arena_printf(a, "%s%s", leaf_pem, ca_pem));
	assert_string_equal(strings_join(a, &chain.v[0].names, " "),
	                    "example.org www.example.org 192.0.2.1");
	assert_string_equal(chain.v[0].subject_cn, "example.org");
	assert_string_equal(chain.v[0].issuer_cn, "Intermediate");
	assert_int_equal(chain.v[0].not_before, NOW - HOUR);
	assert_int_equal(chain.v[0].not_after, NOW + 90 * DAY);
	assert_int_equal(chain.v[0].key_type, KEY_EC256);
	assert_false(chain.v[0].is_ca);
	assert_true(chain.v[1].is_ca);
	assert_false(chain.v[1].self_issued);
	assert_null(chain.v[0].ari_id);
	assert_int_equal(key_spki_sha256(a, leaf_key, &spki, &e), 0);
	assert_string_equal(chain.v[0].spki_sha256, spki);
	assert_int_equal(hash_digest(HASH_SHA256, chain.v[0].der.v, chain.v[0].der.n, md, &e), 0);
	assert_string_equal(chain.v[0].fingerprint, hex_encode(a, md, 32));
	assert_int_equal(x509_parse(a, chain.v[0].der.v, chain.v[0].der.n, &again, &e), 0);
	assert_string_equal(again.fingerprint, chain.v[0].fingerprint);
	assert_true(x509_chain_tops_with(&chain, "Root") &&
	            x509_chain_tops_with(&chain, "Intermediate"));
	assert_false(x509_chain_tops_with(&chain, "example.org"));
	parse(leaf_pem, &chain);
	assert_string_equal(chain.chain_pem, "");
}

static void serials_are_bare_hexadecimal(void **state)
{
	static const struct {
		const char *decimal, *want;
	} rows[] = {
		{ "0", "00" },
		{ "1", "01" },
		{ "127", "7f" },
		{ "128", "80" },
		{ "255", "ff" },
		{ "256", "0100" },
		{ "4096", "1000" },
		{ "-1", "ff" },
		{ "340282366920938463463374607431768211455", "ffffffffffffffffffffffffffffffff" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct recipe r = good_leaf();
		struct x509_chain chain;

		r.serial = rows[i].decimal;
		parse(leaf(&r), &chain);
		assert_string_equal(chain.v[0].serial, rows[i].want);
	}
}

static void refused(const char *pem, size_t len, const char *why)
{
	struct x509_chain chain = { .n = 77 };
	struct err e;

	if (x509_chain_parse(a, pem, len, &chain, &e) == 0)
		fail_msg("taken, but: %s", why);
	assert_int_equal(e.code, ERR_INPUT);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" lacks \"%s\"", e.text, why);
	assert_int_equal(chain.n, 77);
}

static void hostile_chains_are_refused(void **state)
{
	struct recipe r = good_leaf();
	const char *l = leaf(&r), *ca = intermediate();
	const char *self =
	    pem_of(certify(&(struct recipe){ "Root", NULL, root_key, true, NOW, NOW + DAY, NULL },
	                   "Root", root_key));
	const struct {
		const char *pem, *why;
	} rows[] = {
		{ "", "no certificate" },
		{ "<html>503</html>", "no certificate" },
		{ arena_strndup(a, l, strlen(l) / 2), "not whole" },
		{ arena_printf(a, "%s%.200s", l, ca), "not whole" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		  "not a certificate" },
		{ "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "not whole" },
		{ arena_printf(a, "%s%s", ca, l), "issuing order" },
		{ arena_printf(a, "%s%s", l, l), "issuing order" },
		{ arena_printf(a, "%s%s", l, self), "issuing order" },
		{ arena_printf(
		      a, "%s-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", l),
		  "PRIVATE KEY" },
		{ arena_printf(a, "%s%s%s%s%s%s%s%s%s%s%s", self, self, self, self, self, self,
		               self, self, self, self, self),
		  "more than 10" },
	};
	char *big = arena_alloc(a, (256 << 10) + 1);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refused(rows[i].pem, strlen(rows[i].pem), rows[i].why);
	memset(big, '\n', 256 << 10);
	refused(big, 256 << 10, "no certificate");
	refused(big, (256 << 10) + 1, "larger");
}

/* Whether the chain with this leaf is what was asked for; "" = yes. */
static void check(const struct recipe *r, const char *issuers, int64_t now, const char *want)
{
	static const char *const asked[] = { "192.0.2.1", "www.example.org", "EXAMPLE.org" };
	struct x509_chain chain;
	struct strings names = { (const char **)asked, 3 };
	struct err e = { 0 };
	int rc;

	parse(arena_printf(a, "%s%s", leaf(r), issuers), &chain);
	rc = x509_chain_check(&chain, leaf_key, NULL, &names, now, &e);
	if (rc < 0 && (!*want || !strstr(e.text, want)))
		fail_msg("\"%s\" instead of \"%s\"", e.text, want);
	assert_int_equal(rc, *want ? -ERR_PROTOCOL : 0);
}

static void what_came_back_is_compared_with_what_was_asked(void **state)
{
	const char *ca = intermediate();
	const char *impostor = pem_of(
	    certify(&(struct recipe){ "Intermediate", NULL, other_key, true, NOW, NOW + DAY, NULL },
	            "Root", root_key));
	struct recipe r = good_leaf();

	check(&r, ca, NOW, "");
	check(&r, "", NOW, "");
	check(&r, impostor, NOW, "not signed by");
	/* ten minutes of difference between clocks, no more */
	check(&r, ca, r.from - 600, "");
	check(&r, ca, r.from - 601, "not valid before 2026-11-2");
	check(&r, ca, r.to + 600, "");
	check(&r, ca, r.to + 601, "ended at");
	r = good_leaf();
	r.key = other_key;
	check(&r, ca, NOW, "another key");
	r = good_leaf();
	r.san = "DNS:example.org,DNS:www.example.org";
	check(&r, ca, NOW, "lacks the name 192.0.2.1");
	r.san = "DNS:example.org,DNS:www.example.org,IP:192.0.2.1,DNS:evil.example";
	check(&r, ca, NOW, "evil.example, which was not asked for");
	r.san = NULL;
	check(&r, ca, NOW, "lacks the name");
	r = good_leaf();
	r.to = r.from;
	check(&r, ca, NOW, "ends before it begins");
}

static void a_request_of_ones_own_is_known_by_its_digest(void **state)
{
	struct recipe r = good_leaf();
	struct x509_chain chain;
	struct strings names = { (const char *[]){ "example.org", "www.example.org", "192.0.2.1" },
		                 3 };
	struct err e;
	char *spki, *other;

	parse(leaf(&r), &chain);
	assert_int_equal(key_spki_sha256(a, leaf_key, &spki, &e), 0);
	assert_int_equal(key_spki_sha256(a, other_key, &other, &e), 0);
	assert_int_equal(x509_chain_check(&chain, NULL, spki, &names, NOW, &e), 0);
	assert_int_equal(x509_chain_check(&chain, NULL, other, &names, NOW, &e), -ERR_PROTOCOL);
}

static void the_stand_in_is_a_server_certificate(void **state)
{
	struct csr_spec spec = { .subject = { .common_name = "example.org",
		                              .organization = "Example" },
		                 .digest = HASH_SHA384,
		                 .names = { (const char *[]){ "example.org", "192.0.2.1" }, 2 } };
	struct x509_chain chain;
	struct err e;
	char *pem;
	X509 *x;
	BIO *in;

	clock_set(NOW);
	assert_int_equal(x509_self_signed(a, leaf_key, &spec, 30, &pem, &e), 0);
	parse(pem, &chain);
	assert_int_equal(x509_chain_check(&chain, leaf_key, NULL, &spec.names, NOW, &e), 0);
	assert_string_equal(chain.v[0].subject, "CN=example.org,O=Example");
	assert_true(chain.v[0].self_issued);
	assert_false(chain.v[0].is_ca);
	assert_in_range(chain.v[0].not_before, NOW - HOUR, NOW - HOUR + 5);
	assert_int_equal(chain.v[0].not_after - chain.v[0].not_before, 30 * DAY);
	in = BIO_new_mem_buf(pem, -1);
	x = PEM_read_bio_X509(in, NULL, NULL, NULL);
	assert_int_equal(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0), 1);
	assert_int_equal(X509_check_host(x, "example.org", 0, 0, NULL), 1);
	assert_int_equal(X509_get_signature_nid(x), NID_ecdsa_with_SHA384);
	assert_int_equal(X509_verify(x, key_evp(leaf_key)), 1);
	X509_free(x);
	BIO_free(in);
	/* nothing to put into the subject: an issuer must not be empty all the same */
	spec = (struct csr_spec){ .names = { (const char *[]){ "192.0.2.1" }, 1 },
		                  .digest = HASH_SHA256 };
	assert_int_equal(x509_self_signed(a, leaf_key, &spec, 1, &pem, &e), 0);
	parse(pem, &chain);
	assert_string_not_equal(chain.v[0].issuer, "");
	clock_set(0);
}

static void the_tls_alpn_certificate_is_rfc8737s(void **state)
{
	static const char *const names[] = { "example.org", "2001:db8::1", "192.0.2.1" };
	unsigned char digest[32], want[34] = { 4, 32 };
	struct err e;
	char *pem;

	for (int i = 0; i < 32; i++)
		want[2 + i] = digest[i] = (unsigned char)(i * 7);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct x509_chain chain;
		const ASN1_OCTET_STRING *value;
		X509_EXTENSION *ext;
		ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
		X509 *x;
		BIO *in;

		assert_int_equal(x509_tls_alpn01(a, leaf_key, names[i], digest, &pem, &e), 0);
		parse(pem, &chain);
		assert_int_equal(chain.v[0].names.n, 1);
		assert_string_equal(chain.v[0].names.v[0], names[i]);
		assert_true(chain.v[0].self_issued);
		in = BIO_new_mem_buf(pem, -1);
		x = PEM_read_bio_X509(in, NULL, NULL, NULL);
		ext = X509_get_ext(x, X509_get_ext_by_OBJ(x, oid, -1));
		assert_int_equal(X509_EXTENSION_get_critical(ext), 1);
		value = X509_EXTENSION_get_data(ext);
		assert_int_equal(ASN1_STRING_length(value), sizeof want);
		assert_memory_equal(ASN1_STRING_get0_data(value), want, sizeof want);
		ASN1_OBJECT_free(oid);
		X509_free(x);
		BIO_free(in);
	}
	assert_int_equal(x509_tls_alpn01(a, leaf_key, "*.example.org", digest, &pem, &e),
	                 -ERR_INPUT);
}

static int setup(void **state)
{
	struct err e;

	a = arena_new(0);
	return key_generate(KEY_EC256, &leaf_key, &e) < 0 ||
	       key_generate(KEY_EC256, &other_key, &e) < 0 ||
	       key_generate(KEY_EC384, &ca_key, &e) < 0 ||
	       key_generate(KEY_EC256, &root_key, &e) < 0;
}

static int teardown(void **state)
{
	key_free(leaf_key);
	key_free(other_key);
	key_free(ca_key);
	key_free(root_key);
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rfc9773_example_has_its_id),
		cmocka_unit_test(a_chain_is_taken_apart),
		cmocka_unit_test(issuers_are_remembered_by_their_bytes),
		cmocka_unit_test(serials_are_bare_hexadecimal),
		cmocka_unit_test(hostile_chains_are_refused),
		cmocka_unit_test(what_came_back_is_compared_with_what_was_asked),
		cmocka_unit_test(a_request_of_ones_own_is_known_by_its_digest),
		cmocka_unit_test(the_stand_in_is_a_server_certificate),
		cmocka_unit_test(the_tls_alpn_certificate_is_rfc8737s),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
