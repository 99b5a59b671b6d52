/* Requests of our own, read back by OpenSSL and by ourselves; and people's requests, good and bad.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "sys/csr.h"
#include "sys/key_evp.h"

static struct arena *a;
static struct key *ec, *rsa;

static struct strings names_of(const char *list)
{
	struct strings names = { 0 };
	char *copy = arena_strdup(a, list), *save = NULL;

	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save))
		strings_add(a, &names, p);
	return names;
}

static struct bytes make(const struct key *k, const struct csr_spec *spec)
{
	struct bytes der;
	struct err e;

	if (csr_make(a, k, spec, &der, &e) < 0)
		fail_msg("%s", e.text);
	return der;
}

static void common_name_follows_the_rule(void **state)
{
	static const char label[] =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; /* 60 */
	struct strings n;

	assert_string_equal(
	    csr_common_name(&(struct strings){ (const char *[]){ "b.example", "a.example" }, 2 }),
	    "b.example");
	assert_string_equal(
	    csr_common_name(&(struct strings){ (const char *[]){ "*.example.org" }, 1 }),
	    "*.example.org");
	assert_null(csr_common_name(&(struct strings){ (const char *[]){ "192.0.2.1" }, 1 }));
	assert_string_equal(
	    csr_common_name(&(struct strings){ (const char *[]){ "::1", "a.example" }, 2 }),
	    "a.example");
	n = names_of(arena_printf(a, "%s.org", label));
	assert_string_equal(csr_common_name(&n), n.v[0]);
	n = names_of(arena_printf(a, "%s.info", label));
	assert_null(csr_common_name(&n));
}

static void requests_read_back_as_they_were_asked_for(void **state)
{
	static const struct {
		const char *names, *cn;
		enum hash_alg digest;
		bool is_rsa;
		int nid;
	} rows[] = {
		{ "example.org www.example.org *.example.org", "example.org", HASH_SHA256, false,
		  NID_ecdsa_with_SHA256 },
		{ "example.org", "example.org", HASH_SHA384, false, NID_ecdsa_with_SHA384 },
		{ "example.org", NULL, HASH_SHA512, false, NID_ecdsa_with_SHA512 },
		{ "192.0.2.1 2001:db8::1", NULL, HASH_SHA256, true, NID_sha256WithRSAEncryption },
		{ "example.org 192.0.2.1", "example.org", HASH_SHA384, true,
		  NID_sha384WithRSAEncryption },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct key *k = rows[i].is_rsa ? rsa : ec;
		struct csr_spec spec = { .subject.common_name = rows[i].cn,
			                 .names = names_of(rows[i].names),
			                 .digest = rows[i].digest };
		struct bytes der = make(k, &spec);
		const unsigned char *p = der.v;
		X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)der.n);
		STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
		struct csr_info info;
		struct err e;
		char *spki;
		int crit;

		assert_int_equal(X509_REQ_get_signature_nid(req), rows[i].nid);
		assert_int_equal(X509_REQ_verify(req, key_evp(k)), 1);
		assert_int_equal(X509_REQ_get_version(req), 0);
		/* critical exactly if the subject is empty */
		GENERAL_NAMES_free(X509V3_get_d2i(exts, NID_subject_alt_name, &crit, NULL));
		assert_int_equal(crit, rows[i].cn ? 0 : 1);
		assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(req)),
		                 rows[i].cn ? 1 : 0);
		assert_int_equal(csr_parse(a, der.v, der.n, &info, &e), 0);
		assert_true(strings_same(&info.names, &spec.names));
		assert_int_equal(info.key_type, key_type(k));
		assert_int_equal(key_spki_sha256(a, k, &spki, &e), 0);
		assert_string_equal(info.spki_sha256, spki);
		assert_false(info.must_staple);
		assert_int_equal(info.der.n, der.n);
		assert_memory_equal(info.der.v, der.v, der.n);
		extensions_free(exts);
		X509_REQ_free(req);
	}
}

static void subject_has_what_was_given(void **state)
{
	struct csr_spec spec = { .subject = { .common_name = "example.org",
		                              .country = "DE",
		                              .province = "Hessen",
		                              .city = "Gießen",
		                              .organization = "Müller & Söhne",
		                              .unit = "IT",
		                              .email = "hostmaster@example.org" },
		                 .names = names_of("example.org"),
		                 .digest = HASH_SHA256 };
	struct bytes der = make(ec, &spec);
	const unsigned char *p = der.v;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)der.n);
	BIO *mem = BIO_new(BIO_s_mem());
	struct err e;

	X509_NAME_print_ex(mem, X509_REQ_get_subject_name(req), 0,
	                   XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	assert_string_equal(
	    bio_text(a, mem),
	    "emailAddress=hostmaster@example.org,CN=example.org,OU=IT,O=Müller & Söhne,"
	    "L=Gießen,ST=Hessen,C=DE");
	BIO_free(mem);
	X509_REQ_free(req);
	spec.subject.country = "Germany";
	assert_int_equal(csr_make(a, ec, &spec, &der, &e), -ERR_INPUT);
	assert_non_null(strstr(e.text, "country \"Germany\""));
	spec.subject.country = NULL;
	spec.names.n = 0;
	assert_int_equal(csr_make(a, ec, &spec, &der, &e), -ERR_INPUT);
}

/* A person's request: common name (NULL = none), alternative names in OpenSSL's notation (NULL =
 * none). */
static struct bytes request(EVP_PKEY *pkey, const char *cn, const char *san, bool staple)
{
	X509_REQ *req = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	unsigned char *der = NULL;
	struct bytes out;
	int n;

	if (cn)
		X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
		                           (const unsigned char *)cn, -1, -1, 0);
	if (san)
		sk_X509_EXTENSION_push(exts,
		                       X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san));
	if (staple)
		sk_X509_EXTENSION_push(
		    exts, X509V3_EXT_conf_nid(NULL, NULL, NID_tlsfeature, "status_request"));
	if (sk_X509_EXTENSION_num(exts) > 0)
		X509_REQ_add_extensions(req, exts);
	X509_REQ_set_pubkey(req, pkey);
	X509_REQ_sign(req, pkey, EVP_sha256());
	n = i2d_X509_REQ(req, &der);
	out = (struct bytes){ arena_memdup(a, der, (size_t)n), (size_t)n };
	OPENSSL_free(der);
	extensions_free(exts);
	X509_REQ_free(req);
	return out;
}

static void peoples_requests_are_read(void **state)
{
	static const struct {
		const char *cn, *san, *want;
		bool staple;
	} rows[] = {
		{ "Example.ORG", NULL, "example.org", false },
		{ "example.org", "DNS:WWW.example.org", "example.org www.example.org", false },
		{ "b.example", "DNS:a.example,DNS:B.example", "a.example b.example", false },
		{ NULL, "DNS:a.example,IP:192.0.2.1,IP:2001:db8:0:0::1,DNS:a.example",
		  "a.example 192.0.2.1 2001:db8::1", false },
		{ "192.0.2.1", "IP:192.0.2.1", "192.0.2.1", true },
		{ NULL, "DNS:*.example.org", "*.example.org", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes der = request(key_evp(ec), rows[i].cn, rows[i].san, rows[i].staple);
		struct csr_info info = { 0 };
		struct err e;
		char *pem;

		if (csr_parse(a, der.v, der.n, &info, &e) < 0)
			fail_msg("row %zu: %s", i, e.text);
		assert_string_equal(strings_join(a, &info.names, " "), rows[i].want);
		assert_int_equal(info.must_staple, rows[i].staple);
		/* and the same in PEM, with words before it */
		pem = arena_printf(a,
		                   "Request:\n-----BEGIN NEW CERTIFICATE "
		                   "REQUEST-----\n%s\n-----END NEW CERTIFICATE REQUEST-----\n",
		                   base64_encode(a, der.v, der.n));
		info = (struct csr_info){ 0 };
		if (csr_parse(a, pem, strlen(pem), &info, &e) < 0)
			fail_msg("row %zu in PEM: %s", i, e.text);
		assert_string_equal(strings_join(a, &info.names, " "), rows[i].want);
		assert_int_equal(info.der.n, der.n);
	}
}

static void refused(struct bytes der, const char *why)
{
	struct csr_info info = { .must_staple = true };
	struct err e;

	if (csr_parse(a, der.v, der.n, &info, &e) == 0)
		fail_msg("taken, but: %s", why);
	assert_int_equal(e.code, ERR_INPUT);
	if (!strstr(e.text, why))
		fail_msg("\"%s\" lacks \"%s\"", e.text, why);
	assert_null(info.der.v);
}

static void bad_requests_are_refused_with_their_reason(void **state)
{
	EVP_PKEY *small = EVP_RSA_gen(1024), *p521 = EVP_EC_gen("P-521");
	struct bytes der = request(key_evp(ec), "example.org", NULL, false);
	char *many = arena_strdup(a, "DNS:n0.example");
	char *other =
	    arena_strdup(a, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");

	refused(request(key_evp(ec), NULL, NULL, false), "no names");
	refused(request(key_evp(ec), "My Server", "DNS:a.example", false), "common name");
	refused(request(key_evp(ec), "bücher.example", NULL, false), "xn--bcher-kva.example");
	refused(request(key_evp(ec), NULL, "DNS:a.example,email:a@example.org", false), "e-mail");
	refused(request(key_evp(ec), NULL, "URI:https://a.example/", false), "URI");
	refused(request(key_evp(ec), NULL, "DNS:a_b.example", false), "\"_\"");
	refused(request(key_evp(ec), NULL, "DNS:localhost", false), "two labels");
	refused(request(small, "example.org", NULL, false), "RSA of 1024 bits");
	refused(request(p521, "example.org", NULL, false), "EC on secp521r1");
	for (int i = 1; i <= 100; i++)
		many = arena_printf(a, "%s,DNS:n%d.example", many, i);
	refused(request(key_evp(ec), NULL, many, false), "more than 100");
	der.v[der.n - 1] ^= 1;
	refused(der, "signature");
	der.n -= 1;
	refused(der, "not a certificate signing request");
	refused((struct bytes){ NULL, 0 }, "empty");
	refused((struct bytes){ (unsigned char *)other, strlen(other) }, "no CERTIFICATE REQUEST");
	EVP_PKEY_free(small);
	EVP_PKEY_free(p521);
}

static int setup(void **state)
{
	struct err e;

	a = arena_new(0);
	return key_generate(KEY_EC256, &ec, &e) < 0 || key_generate(KEY_RSA2048, &rsa, &e) < 0;
}

static int teardown(void **state)
{
	key_free(ec);
	key_free(rsa);
	arena_free(a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_name_follows_the_rule),
		cmocka_unit_test(requests_read_back_as_they_were_asked_for),
		cmocka_unit_test(subject_has_what_was_given),
		cmocka_unit_test(peoples_requests_are_read),
		cmocka_unit_test(bad_requests_are_refused_with_their_reason),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
