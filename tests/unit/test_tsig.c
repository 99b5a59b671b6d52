/* TSIG against messages that dnspython 2.3 signed: same bytes when we sign, the same verdict when
 * we check, and none of it any more once a byte is another. Keys as people write them, and BIND's
 * files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "sys/dns.h"
#include "sys/tsig.h"

#define AT 1700000000

/* the update without its TSIG record: what all of the rows' requests begin with, but for ARCOUNT */
#define PLAIN                                                                                      \
	"123428000001000000010000076578616d706c65047465737400000600010f5f61636d652d6368616c6c65"   \
	"6e6765c00c001000010000003c000403616263"

static const struct row {
	const char *algorithm, *secret, *request, *answer;
} rows[] = {
	{ "hmac-md5", "AQIDBAUGBwgJCgsMDQ4PEA==",
	  "123428000001000000010001076578616d706c65047465737400000600010f5f61636d652d63"
	  "68616c6c656e6765c00c001000010000003c0004036162630474657374036b65790000fa00ff"
	  "00000000003a08686d61632d6d6435077369672d616c670372656703696e740000006553f100"
	  "012c001018899c79566ac5aa7d17c9037da10d3b123400000000",
	  "1234a8000001000000000001076578616d706c65047465737400000600010454657374034b45"
	  "590000fa00ff00000000003a08484d41432d4d4435075349472d414c470352454703494e5400"
	  "00006553f100012c0010df401378e4e89105e1d5e8a263723df8123400000000" },
	{ "hmac-sha1", "AQIDBAUGBwgJCgsMDQ4PEBESExQ=",
	  "123428000001000000010001076578616d706c65047465737400000600010f5f61636d652d63"
	  "68616c6c656e6765c00c001000010000003c0004036162630474657374036b65790000fa00ff"
	  "00000000002f09686d61632d736861310000006553f100012c001423ac46b3d48be8fbb76cca"
	  "ecbecff64df16f437e123400000000",
	  "1234a8000001000000000001076578616d706c65047465737400000600010454657374034b45"
	  "590000fa00ff00000000002f09484d41432d534841310000006553f100012c00143244ddebb5"
	  "aa09f9d3495dcaf1442a9baba86de3123400000000" },
	{ "hmac-sha224", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHA==",
	  "123428000001000000010001076578616d706c65047465737400000600010f5f61636d652d63"
	  "68616c6c656e6765c00c001000010000003c0004036162630474657374036b65790000fa00ff"
	  "0000000000390b686d61632d7368613232340000006553f100012c001c1b1d6e06a51ceb7ffe"
	  "11bf04f8121aadfc65aaf8ceec376e64098542123400000000",
	  "1234a8000001000000000001076578616d706c65047465737400000600010454657374034b45"
	  "590000fa00ff0000000000390b484d41432d5348413232340000006553f100012c001c5ae8b6"
	  "80537071f1d53f49ca338c577ebb6d2f46031a6f0bfa3e2708123400000000" },
	{ "hmac-sha256", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
	  "123428000001000000010001076578616d706c65047465737400000600010f5f61636d652d63"
	  "68616c6c656e6765c00c001000010000003c0004036162630474657374036b65790000fa00ff"
	  "00000000003d0b686d61632d7368613235360000006553f100012c00206a3a06c7f8bad90d33"
	  "8691ae318b6bca42334d0560471c5fa4f720d12db92cce123400000000",
	  "1234a8000001000000000001076578616d706c65047465737400000600010454657374034b45"
	  "590000fa00ff00000000003d0b484d41432d5348413235360000006553f100012c002062efb0"
	  "1e34ec4024a0eda3643f3eba0a026b9b74e944a545e52dadd3eca29285123400000000" },
	{ "hmac-sha384", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8w",
	  "123428000001000000010001076578616d706c65047465737400000600010f5f61636d652d63"
	  "68616c6c656e6765c00c001000010000003c0004036162630474657374036b65790000fa00ff"
	  "00000000004d0b686d61632d7368613338340000006553f100012c0030f3c26ef5e07e0130db"
	  "c6658ccc1285c2c6969372bf21247b2d67b1467784dee438fc043fa83090099257a01397d7b9"
	  "49123400000000",
	  "1234a8000001000000000001076578616d706c65047465737400000600010454657374034b45"
	  "590000fa00ff00000000004d0b484d41432d5348413338340000006553f100012c00308232e6"
	  "1c3b4b14c1d14c55bf43224488cb0f4c8151639b3f8eb8ad605ab7903c1e46c1e27ca6c13cb1"
	  "1625ba7f0e24ba123400000000" },
	{ "hmac-sha512",
	  "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"
	  "QA==",
	  "123428000001000000010001076578616d706c65047465737400000600010f5f61636d652d63"
	  "68616c6c656e6765c00c001000010000003c0004036162630474657374036b65790000fa00ff"
	  "00000000005d0b686d61632d7368613531320000006553f100012c00408ea2e12aee00839d08"
	  "51daad9337976911267739b29e585ec6b37c1846ad0b808c2d2b2c49d80cb6b72479ef32e807"
	  "82c0963d85358e68dbaa1a92db47639cdf123400000000",
	  "1234a8000001000000000001076578616d706c65047465737400000600010454657374034b45"
	  "590000fa00ff00000000005d0b484d41432d5348413531320000006553f100012c0040bbf4bc"
	  "4420f8bdcb5d154601a172ae302d32566c47c4047bc7cb51d60e12edb8d4228337f1d07000ae"
	  "f379534c969af181953ab8cd9b2199b032109bad118ef7123400000000" },
};
static const char badtime[] =
    "1234a8090001000000000001076578616d706c65047465737400000600010454657374034b45"
    "590000fa00ff0000000000430b484d41432d5348413235360000006553f100012c0020ba7055"
    "0b809d539ccbdf62b4b304cecc62ac2387dc5b6b888d6c190853fb2a02123400120006000065"
    "5400a0";

static struct bytes from_hex(struct arena *a, const char *hex)
{
	struct bytes b = { arena_alloc(a, strlen(hex) / 2 + 1), strlen(hex) / 2 };

	for (size_t i = 0; i < b.n; i++) {
		unsigned byte = 0;
		for (int k = 0; k < 2; k++) {
			char c = hex[2 * i + (size_t)k];
			byte = byte << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		}
		b.v[i] = (unsigned char)byte;
	}
	return b;
}

static struct tsig_key key_of(struct arena *a, const char *algorithm, const char *secret)
{
	struct tsig_key k;
	struct err e;

	assert_int_equal(tsig_key_make(a, "Test.Key.", algorithm, secret, &k, &e), 0);
	return k;
}

static struct tsig_verdict check(struct arena *a, const struct tsig_key *k,
                                 const struct bytes *answer, const struct bytes *mac, int64_t now)
{
	struct tsig_verdict v = { 0 };
	struct dns_answer parsed;
	size_t at = 0;
	struct err e;

	if (dns_answer_parse(a, answer, &parsed, &at, &e) < 0 ||
	    tsig_check(a, k, answer, at, mac, now, &v, &e) < 0)
		return (struct tsig_verdict){ 0 };
	return v;
}

static void signs_as_others_do(void **state)
{
	struct arena *a = arena_new(0);
	struct bytes plain = from_hex(a, PLAIN), out, mac;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tsig_key k = key_of(a, rows[i].algorithm, rows[i].secret);
		assert_int_equal(tsig_sign(a, &k, &plain, AT, &out, &mac, &e), 0);
		assert_string_equal(hex_encode(a, out.v, out.n), rows[i].request);
	}
	arena_free(a);
	(void)state;
}

static void believes_answers_of_others(void **state)
{
	struct arena *a = arena_new(0);
	struct bytes plain = from_hex(a, PLAIN), out, mac, answer;
	struct tsig_verdict v;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tsig_key k = key_of(a, rows[i].algorithm, rows[i].secret);
		assert_int_equal(tsig_sign(a, &k, &plain, AT, &out, &mac, &e), 0);
		answer = from_hex(a, rows[i].answer);
		v = check(a, &k, &answer, &mac, AT + 300);
		assert_true(v.present && v.proved && v.error == TSIG_OK);
		assert_false(check(a, &k, &answer, &mac, AT + 301).proved);
		assert_false(check(a, &k, &answer, &mac, AT - 301).proved);
	}
	arena_free(a);
	(void)state;
}

/* One byte of the answer, of the request's MAC or of the key is another. */
static void believes_nothing_else(void **state)
{
	struct arena *a = arena_new(0);
	struct bytes plain = from_hex(a, PLAIN), out, mac, answer;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tsig_key k = key_of(a, rows[i].algorithm, rows[i].secret);
		assert_int_equal(tsig_sign(a, &k, &plain, AT, &out, &mac, &e), 0);
		for (size_t at = 0; at < strlen(rows[i].answer) / 2; at++) {
			if (at < 2)
				continue; /* the number: the record's copy is what is signed */
			answer = from_hex(a, rows[i].answer);
			answer.v[at] ^= 0x01;
			assert_false(check(a, &k, &answer, &mac, AT).proved);
		}
		answer = from_hex(a, rows[i].answer);
		mac.v[0] ^= 0x80;
		assert_false(check(a, &k, &answer, &mac, AT).proved);
		mac.v[0] ^= 0x80;
		k.secret.v[0] ^= 0x80;
		assert_false(check(a, &k, &answer, &mac, AT).proved);
	}
	arena_free(a);
	(void)state;
}

static void tells_the_servers_clock(void **state)
{
	struct arena *a = arena_new(0);
	struct tsig_key k = key_of(a, "hmac-sha256", rows[3].secret);
	struct bytes plain = from_hex(a, PLAIN), out, mac, answer = from_hex(a, badtime);
	struct tsig_verdict v;
	struct err e;

	assert_int_equal(tsig_sign(a, &k, &plain, AT, &out, &mac, &e), 0);
	v = check(a, &k, &answer, &mac, AT);
	assert_true(v.proved);
	assert_int_equal(v.error, TSIG_BADTIME);
	assert_int_equal(v.server_time, AT + 4000);
	arena_free(a);
	(void)state;
}

static void an_answer_without_a_record_proves_nothing(void **state)
{
	struct arena *a = arena_new(0);
	struct tsig_key k = key_of(a, NULL, rows[3].secret);
	struct bytes answer = from_hex(a, PLAIN), mac = { NULL, 0 };
	struct tsig_verdict v = { .present = true, .proved = true };
	struct err e;

	assert_int_equal(tsig_check(a, &k, &answer, 0, &mac, AT, &v, &e), 0);
	assert_false(v.present || v.proved);
	/* a place that is not in the message, and one that holds no record */
	assert_int_equal(tsig_check(a, &k, &answer, answer.n + 1, &mac, AT, &v, &e), -ERR_PROTOCOL);
	assert_int_equal(tsig_check(a, &k, &answer, 12, &mac, AT, &v, &e), -ERR_PROTOCOL);
	arena_free(a);
	(void)state;
}

static void keys_are_read_as_people_write_them(void **state)
{
	static const struct {
		const char *name, *algorithm, *secret, *want;
	} table[] = {
		{ "K.", NULL, "AQID", "hmac-sha256" },
		{ "k", "HMAC-SHA512.", "AQID", "hmac-sha512" },
		{ "k.example", "sha-384", "AQID", "hmac-sha384" },
		{ "k", "hmac_sha224", "AQIDBA==", "hmac-sha224" },
		{ "k", "hmac-sha1", "AQIDBA", "hmac-sha1" },
		{ "k", "HMAC-MD5", "AQID", "hmac-md5.sig-alg.reg.int" },
		{ "k", "hmac-md5.sig-alg.reg.int.", "AQID", "hmac-md5.sig-alg.reg.int" },
		{ "k", "hmac-sha3", "AQID", NULL },
		{ "k", "gss-tsig", "AQID", NULL },
		{ "k", "", "AQID", NULL },
		{ "", NULL, "AQID", NULL },
		{ "a..b", NULL, "AQID", NULL },
		{ "a b", NULL, "AQID", NULL },
		{ "k", NULL, "", NULL },
		{ "k", NULL, "top*secret", NULL },
	};
	struct arena *a = arena_new(0);
	struct tsig_key k;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int rc =
		    tsig_key_make(a, table[i].name, table[i].algorithm, table[i].secret, &k, &e);
		assert_int_equal(rc, table[i].want ? 0 : -ERR_INPUT);
		if (table[i].want)
			assert_string_equal(k.algorithm, table[i].want);
		else
			assert_null(strstr(e.text, "top*secret"));
	}
	arena_free(a);
	(void)state;
}

#define TWO                                                                                        \
	"key a { algorithm hmac-sha1; secret \"AQID\"; };\nkey b. { algorithm md5; secret AQIE; "  \
	"};"

static void key_files_are_read(void **state)
{
	static const struct {
		const char *text, *want, *name, *error; /* error: a part of it */
	} table[] = {
		{ "key \"home.\" {\n\talgorithm hmac-sha256;\n\tsecret \"AQID\";\n};\n", NULL,
		  "home", NULL },
		{ "// one\n# two\n/* three\n */ key home{secret AQI/;algorithm hmac-sha512;};",
		  NULL, "home", NULL },
		{ TWO, "B", "b", NULL },
		{ TWO, NULL, NULL, "2 keys" },
		{ TWO, "c", NULL, "no key named c" },
		{ "", NULL, NULL, "no key" },
		{ "\n\noptions { };", NULL, NULL, "line 3" },
		{ "key a {\nalgorithm hmac-sha256;\nsecret \"AQID;\n};", NULL, NULL, "line 3" },
		{ "key a { algorithm hmac-sha256; };", NULL, NULL, "no secret" },
		{ "key a { algorithm hmac-sha256; secret AQID; }", NULL, NULL, "\";\" is missing" },
		{ "key a { algorithm nope; secret AQID; };", NULL, NULL, "no TSIG algorithm" },
		{ "key a { algorithm hmac-sha256; secret \"top*secret\"; };", NULL, NULL,
		  "not base64" },
		{ "key a { /* never ends", NULL, NULL, "line 1" },
		{ "key", NULL, NULL, "missing" },
	};
	struct arena *a = arena_new(0);
	struct tsig_key k;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int rc = tsig_key_read(a, table[i].text, table[i].want, &k, &e);
		assert_int_equal(rc, table[i].name ? 0 : -ERR_INPUT);
		if (table[i].name) {
			assert_string_equal(k.name, table[i].name);
			continue;
		}
		if (!strstr(e.text, table[i].error))
			fail_msg("row %zu: \"%s\"", i, e.text);
		assert_null(strstr(e.text, "top*secret"));
	}
	arena_free(a);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_others_do),
		cmocka_unit_test(believes_answers_of_others),
		cmocka_unit_test(believes_nothing_else),
		cmocka_unit_test(tells_the_servers_clock),
		cmocka_unit_test(an_answer_without_a_record_proves_nothing),
		cmocka_unit_test(keys_are_read_as_people_write_them),
		cmocka_unit_test(key_files_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
