/* Key stores as others read them: the openssl command (PKCS#12, both recipes) and Java's keytool
 * (JKS and PKCS#12). A program that is not there is said loudly, and its test is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/fs.h"
#include "base/proc.h"
#include "sys/keystore.h"
#include "sys/x509.h"

static struct arena *a;
static char *dir;

struct subject_of_test {
	struct key *key;
	char *key_pem, *cert_pem;
};
static struct subject_of_test ec, rsa;

static int make_subject(enum key_type type, struct subject_of_test *out)
{
	struct csr_spec spec = { .subject.common_name = "example.org",
		                 .names = { (const char *[]){ "example.org" }, 1 },
		                 .digest = HASH_SHA256 };
	struct err e;

	TRY(key_generate(type, &out->key, &e));
	TRY(key_pem(a, out->key, &out->key_pem, &e));
	return x509_self_signed(a, out->key, &spec, 90, &out->cert_pem, &e);
}

/* Runs a program on a key store with the password in the environment; "" if it fails. */
static const char *run(const char *password, const char *const *argv, int *status)
{
	const char *const env[] = { arena_printf(a, "STORE_PASSWORD=%s", password),
		                    "COPY_PASSWORD=copy-of-it", "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
		                    NULL };
	struct proc_spec spec = {
		.argv = argv, .env = env, .limit_s = 60, .output_limit = 256 << 10
	};
	struct proc_result result;
	struct err e;

	if (proc_run(a, &spec, &result, &e) < 0)
		fail_msg("%s", e.text);
	*status = result.status;
	if (result.status != 0)
		print_message("%s: %s%s\n", argv[0], result.out, result.err_tail);
	return result.out;
}

static bool is_there(const char *program)
{
	const char *path = getenv("PATH"), *end;

	for (; path && *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, ':');
		if (access(fs_join(a, arena_strndup(a, path, (size_t)(end - path)), program),
		           X_OK) == 0)
			return true;
	}
	print_message("SKIPPED: %s is not installed, so nobody but us has read these key stores\n",
	              program);
	return false;
}

static const char *store_file(const char *name, const struct bytes *v)
{
	char *path = fs_join(a, dir, name);
	struct err e;

	if (fs_write_atomic(path, v->v, v->n, 0600, &e) < 0)
		fail_msg("%s", e.text);
	return path;
}

static void openssl_reads_both_kinds_of_pkcs12(void **state)
{
	const struct {
		const struct subject_of_test *subject;
		bool legacy;
		const char *password, *marks[2]; /* what -info says of it */
	} rows[] = {
		{ &ec, false, "changeit", { "PBES2, PBKDF2, AES-256-CBC", "MAC: sha256" } },
		{ &rsa, false, "pass wörter €", { "PBES2, PBKDF2, AES-256-CBC", "MAC: sha256" } },
		{ &ec, true, "changeit", { "pbeWithSHA1And3-KeyTripleDES-CBC", "MAC: sha1" } },
		{ &rsa, true, "x", { "pbeWithSHA1And3-KeyTripleDES-CBC", "MAC: sha1" } },
	};

	if (!is_there("openssl"))
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct subject_of_test *s = rows[i].subject;
		struct keystore_spec spec = { s->key, s->cert_pem, "Example.org", rows[i].password,
			                      rows[i].legacy };
		struct bytes p12;
		struct err e;
		const char *out;
		int status;

		assert_int_equal(keystore_pkcs12(a, &spec, &p12, &e), 0);
		out = run(rows[i].password,
		          (const char *[]){ "openssl", "pkcs12", "-in", store_file("k.p12", &p12),
		                            "-passin", "env:STORE_PASSWORD", "-nodes", NULL },
		          &status);
		assert_int_equal(status, 0);
		assert_non_null(strstr(out, s->key_pem));
		assert_non_null(strstr(out, s->cert_pem));
		assert_non_null(strstr(out, "friendlyName: Example.org"));
		/* -info speaks on standard error */
		out = run(rows[i].password,
		          (const char *[]){ "sh", "-c",
		                            "exec openssl pkcs12 -in \"$1\" -passin "
		                            "env:STORE_PASSWORD -info -noout 2>&1",
		                            "sh", store_file("k.p12", &p12), NULL },
		          &status);
		assert_int_equal(status, 0);
		if (!strstr(out, rows[i].marks[0]) || !strstr(out, rows[i].marks[1]))
			fail_msg("row %zu: %s", i, out);
	}
}

static const char *fingerprint(const struct bytes *der)
{
	unsigned char md[HASH_MAX];
	struct err e;

	assert_int_equal(hash_digest(HASH_SHA256, der->v, der->n, md, &e), 0);
	return hex_encode_colons(a, md, 32);
}

/* What keytool says of a store, and the key it gives back by way of PKCS#12. */
static void keytool_reads(const struct subject_of_test *s, const char *path, const char *type,
                          const char *password)
{
	char *copy = fs_join(a, dir, "copy.p12");
	struct x509_chain chain;
	struct err e;
	const char *out;
	int status;

	out = run(password,
	          (const char *[]){ "keytool", "-list", "-v", "-keystore", path, "-storetype", type,
	                            "-storepass:env", "STORE_PASSWORD", NULL },
	          &status);
	assert_int_equal(status, 0);
	assert_int_equal(x509_chain_parse(a, s->cert_pem, strlen(s->cert_pem), &chain, &e), 0);
	assert_non_null(strstr(out, "Alias name: example.org"));
	assert_non_null(strstr(out, "Entry type: PrivateKeyEntry"));
	assert_non_null(strstr(out, "Certificate chain length: 1"));
	assert_non_null(strstr(out, fingerprint(&chain.v[0].der)));
	(void)unlink(copy);
	run(password,
	    (const char *[]){ "keytool", "-importkeystore", "-srckeystore", path, "-srcstoretype",
	                      type, "-srcstorepass:env", "STORE_PASSWORD", "-destkeystore", copy,
	                      "-deststoretype", "PKCS12", "-deststorepass:env", "COPY_PASSWORD",
	                      "-noprompt", NULL },
	    &status);
	assert_int_equal(status, 0);
	out = run(password,
	          (const char *[]){ "openssl", "pkcs12", "-in", copy, "-passin",
	                            "env:COPY_PASSWORD", "-nodes", "-nocerts", NULL },
	          &status);
	assert_int_equal(status, 0);
	assert_non_null(strstr(out, s->key_pem));
}

static void keytool_reads_jks_and_pkcs12(void **state)
{
	const struct {
		const struct subject_of_test *subject;
		const char *password, *type;
		bool legacy;
	} rows[] = {
		{ &ec, "changeit", "JKS", false },
		{ &rsa, "pa wörter", "JKS", false },
		{ &ec, "changeit", "PKCS12", false },
		{ &rsa, "changeit", "PKCS12", true },
	};

	if (!is_there("keytool") || !is_there("openssl"))
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct subject_of_test *s = rows[i].subject;
		struct keystore_spec spec = { s->key, s->cert_pem, "Example.ORG", rows[i].password,
			                      rows[i].legacy };
		bool jks = strcmp(rows[i].type, "JKS") == 0;
		struct bytes store;
		struct err e;

		assert_int_equal(jks ? keystore_jks(a, &spec, &store, &e)
		                     : keystore_pkcs12(a, &spec, &store, &e),
		                 0);
		keytool_reads(s, store_file("store", &store), rows[i].type, rows[i].password);
	}
}

/* The outermost shape, which the program that is not there would have checked. */
static void a_jks_has_its_shape(void **state)
{
	struct keystore_spec spec = { ec.key, ec.cert_pem, "Example.ORG", "changeit", false };
	static const unsigned char head[] = { 0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0,
		                              0,    0,    1,    0,    0, 0, 1, 0, 11 };
	static const unsigned char salt[] = "\0c\0h\0a\0n\0g\0e\0i\0tMighty Aphrodite";
	struct bytes one, two;
	unsigned char md[HASH_MAX], *all;
	struct err e;

	assert_int_equal(keystore_jks(a, &spec, &one, &e), 0);
	assert_int_equal(keystore_jks(a, &spec, &two, &e), 0);
	assert_int_equal(one.n, two.n);
	assert_memory_not_equal(one.v, two.v, one.n); /* a fresh salt */
	assert_memory_equal(one.v, head, sizeof head);
	assert_memory_equal(one.v + sizeof head, "example.org", 11);
	all = arena_alloc(a, sizeof salt - 1 + one.n);
	memcpy(all, salt, sizeof salt - 1);
	memcpy(all + sizeof salt - 1, one.v, one.n - 20);
	assert_int_equal(hash_digest(HASH_SHA1, all, sizeof salt - 1 + one.n - 20, md, &e), 0);
	assert_memory_equal(md, one.v + one.n - 20, 20);
}

static void bad_input_is_refused(void **state)
{
	const struct {
		const struct key *key;
		const char *chain, *alias, *password;
		bool p12, jks; /* whether each takes it */
	} rows[] = {
		{ ec.key, ec.cert_pem, "a", "changeit", true, true },
		{ ec.key, ec.cert_pem, NULL, "changeit", true, true },
		{ ec.key, ec.cert_pem, "a", "12345", true, false },
		{ ec.key, ec.cert_pem, "a", "äöüäö", true, false }, /* characters, not bytes */
		{ ec.key, ec.cert_pem, "a", "äöüäöü", true, true },
		{ ec.key, ec.cert_pem, "a", "", false, false },
		{ ec.key, ec.cert_pem, "a", NULL, false, false },
		{ ec.key, ec.cert_pem, "a", "chang\xff\xff", true, false },
		{ rsa.key, ec.cert_pem, "a", "changeit", false, false },
		{ ec.key, "", "a", "changeit", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct keystore_spec spec = { rows[i].key, rows[i].chain, rows[i].alias,
			                      rows[i].password, false };
		struct bytes out;
		struct err e = { 0 };

		if (keystore_pkcs12(a, &spec, &out, &e) != (rows[i].p12 ? 0 : -ERR_INPUT))
			fail_msg("row %zu as PKCS#12: %s", i, e.text);
		if (keystore_jks(a, &spec, &out, &e) != (rows[i].jks ? 0 : -ERR_INPUT))
			fail_msg("row %zu as JKS: %s", i, e.text);
		assert_null(strstr(e.text, "changeit"));
	}
}

static int setup(void **state)
{
	a = arena_new(0);
	dir = arena_strdup(a, "/tmp/everleaf-keystore-XXXXXX");
	return !mkdtemp(dir) || make_subject(KEY_EC256, &ec) < 0 ||
	       make_subject(KEY_RSA2048, &rsa) < 0;
}

static int teardown(void **state)
{
	struct err e;
	int rc = fs_remove(dir, &e);

	key_free(ec.key);
	key_free(rsa.key);
	arena_free(a);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_reads_both_kinds_of_pkcs12),
		cmocka_unit_test(keytool_reads_jks_and_pkcs12),
		cmocka_unit_test(a_jks_has_its_shape),
		cmocka_unit_test(bad_input_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
