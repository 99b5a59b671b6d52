/*
 * DNS messages: updates byte by byte, answers that no server sends on purpose, and servers as
 * people write them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/codec.h"
#include "sys/dns.h"

/* RFC 2136 2.5.1, 2.5.4: class and TTL of an addition and of a removal; values over 255 bytes in
 * strings. */
static void writes_updates(void **state)
{
	struct arena *a = arena_new(0);
	char longer[301];
	struct dns_change v[] = { { "_acme-challenge.example.test", "abc", 60, false },
		                  { "_acme-challenge.example.test", "abc", 60, true },
		                  { "x.example.test", longer, 300, false },
		                  { "x.example.test", "", 0, false } };
	struct bytes m;
	struct err e;
	const char *hex;

	memset(longer, 'y', 300);
	longer[300] = '\0';
	assert_int_equal(dns_update_message(a, "example.test", v, 2, &m, &e), 0);
	hex = hex_encode(a, m.v + 2, m.n - 2);          /* but for the number */
	assert_string_equal(hex, "28000001000000020000" /* UPDATE, one zone, two changes */
	                         "076578616d706c65047465737400"
	                         "00060001"
	                         "0f5f61636d652d6368616c6c656e6765c00c"
	                         "00100001"
	                         "0000003c"
	                         "0004"
	                         "03616263"
	                         "c01e"
	                         "001000fe"
	                         "00000000"
	                         "0004"
	                         "03616263");
	assert_int_equal(dns_update_message(a, "example.test", v + 2, 2, &m, &e), 0);
	hex = hex_encode(a, m.v, m.n);
	assert_non_null(strstr(hex, "0000012c012eff7979"));
	assert_non_null(strstr(hex, "79792d7979"));
	assert_non_null(strstr(hex, "00000000000100"));
	v[0].name = "a..b";
	assert_int_equal(dns_update_message(a, "example.test", v, 1, &m, &e), -ERR_INPUT);
	arena_free(a);
	(void)state;
}

static struct bytes from_hex(struct arena *a, const char *hex)
{
	struct bytes b = { arena_alloc(a, strlen(hex) / 2 + 1), 0 };

	for (; hex[0] && hex[1]; hex += 2) {
		unsigned byte = 0;
		for (int k = 0; k < 2; k++)
			byte = byte << 4 |
			       (unsigned)(hex[k] <= '9' ? hex[k] - '0' : hex[k] - 'a' + 10);
		b.v[b.n++] = (unsigned char)byte;
	}
	return b;
}

#define QUESTION                                                                                   \
	"0161047465737400"                                                                         \
	"00100001"
#define OWNER                                                                                      \
	"c00c"                                                                                     \
	"0010"                                                                                     \
	"0001"                                                                                     \
	"0000003c"

static void parses_what_the_network_sends(void **state)
{
	static const struct {
		const char *hex, *text; /* of the first answer; NULL = refused */
		size_t n;
	} rows[] = {
		{ "000084000001000100000000" QUESTION OWNER "0004"
		  "03616263",
		  "abc", 1 },
		{ "000084000001000100000000" QUESTION OWNER "0008"
		  "03616263"
		  "03646566",
		  "abcdef", 1 },
		/* a zero byte does not end the value */
		{ "000084000001000100000000" QUESTION OWNER "0006"
		  "0561006263"
		  "64",
		  "a\\000bcd", 1 },
		/* class CHAOS is passed over, its neighbour is not */
		{ "000084000001000200000000" QUESTION "c00c"
		  "0010"
		  "0003"
		  "0000003c"
		  "0002"
		  "0178" OWNER "0002"
		  "0179",
		  "y", 1 },
		/* a name in capitals, with a dot and an unprintable byte in its label */
		{ "000084000001000100000000" QUESTION "0341422e02017a00"
		  "0005"
		  "0001"
		  "00000000"
		  "0003"
		  "015100",
		  "q", 1 },
		/* less than a header, no answer, nothing at all */
		{ "0000840000", NULL, 0 },
		{ "", NULL, 0 },
		{ "000004000001000100000000" QUESTION OWNER "0004"
		  "03616263",
		  NULL, 0 },
		/* counts that promise more, data that goes on, lengths that lie */
		{ "000084000001000200000000" QUESTION OWNER "0004"
		  "03616263",
		  NULL, 0 },
		{ "000084000001000100000000" QUESTION OWNER "0004"
		  "03616263"
		  "00",
		  NULL, 0 },
		{ "000084000001000100000000" QUESTION OWNER "0005"
		  "03616263",
		  NULL, 0 },
		{ "000084000001000100000000" QUESTION OWNER "0004"
		  "04616263",
		  NULL, 0 },
		{ "00008400ffffffffffffffff", NULL, 0 },
		/* compression that points at itself, in a circle, and out of the message */
		{ "000084000001000100000000"
		  "c00c"
		  "00100001"
		  "c00c00100001000000000000",
		  NULL, 0 },
		{ "000084000001000100000000" QUESTION "c01a"
		  "c018"
		  "00100001"
		  "00000000"
		  "0000",
		  NULL, 0 },
		{ "000084000001000100000000" QUESTION "cfff"
		  "00100001"
		  "00000000"
		  "0000",
		  NULL, 0 },
	};
	struct arena *a = arena_new(0);
	struct dns_answer got;
	size_t tsig;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes m = from_hex(a, rows[i].hex);
		int rc = dns_answer_parse(a, &m, &got, &tsig, &e);
		if (rc != (rows[i].text ? 0 : -ERR_PROTOCOL))
			fail_msg("row %zu: %d %s", i, rc, rc ? e.text : "");
		if (!rows[i].text)
			continue;
		assert_int_equal(got.n_answer, rows[i].n);
		assert_string_equal(got.answer[0].text, rows[i].text);
	}
	arena_free(a);
	(void)state;
}

#define FAILED "000081820001000000000001" QUESTION
#define OPT                                                                                        \
	"000029"                                                                                   \
	"04d0"                                                                                     \
	"00008000"

/* RFC 6891 6.1, RFC 8914 2: why a resolver has no answer, as far as it can be read. */
static void reads_extended_errors(void **state)
{
	static const struct {
		const char *hex, *text; /* of the last one */
		size_t n;
		int rcode, code;
	} rows[] = {
		{ FAILED OPT "0006000f00020007", "", 1, 2, 7 },
		/* the second one is longer than the record */
		{ FAILED OPT "000e000f00040016"
		             "6e6f"
		             "000f00030006",
		  "no", 1, 2, 22 },
		{ FAILED OPT "000e000f00040016"
		             "6e6f"
		             "000f00020006",
		  "", 2, 2, 6 },
		/* another option before it; control bytes, and one that ends the text */
		{ FAILED OPT "000f0003000155" /* NSID */
		             "000f000600066107"
		             "6200",
		  "a?b", 1, 2, 6 },
		/* a fifth is left out */
		{ FAILED OPT "001e000f00020001000f00020002000f00020003000f00020004000f00020005", "",
		  4, 2, 4 },
		/* none; one without a code; lengths that lie; half a header */
		{ FAILED OPT "0000", NULL, 0, 2, 0 },
		{ FAILED OPT "0005000f000106", NULL, 0, 2, 0 },
		{ FAILED OPT "0006000f00ff0006", NULL, 0, 2, 0 },
		{ FAILED OPT "0003000f00", NULL, 0, 2, 0 },
		/* what is no OPT record for having a name */
		{ FAILED "c00c002904d0010080000006000f00020007", NULL, 0, 2, 0 },
		/* BADVERS is no NOERROR */
		{ "000081800001000000000001" QUESTION "00002904d0010080000000", NULL, 0, 16, 0 },
	};
	struct arena *a = arena_new(0);
	struct dns_answer got;
	size_t tsig;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bytes m = from_hex(a, rows[i].hex);

		print_message("row %zu\n", i);
		assert_int_equal(dns_answer_parse(a, &m, &got, &tsig, &e), 0);
		assert_int_equal(got.rcode, rows[i].rcode);
		assert_int_equal(got.n_extended, rows[i].n);
		if (rows[i].n == 0)
			continue;
		assert_int_equal(got.extended[rows[i].n - 1].code, rows[i].code);
		assert_string_equal(got.extended[rows[i].n - 1].text, rows[i].text);
	}
	arena_free(a);
	(void)state;
}

static void reads_servers_as_people_write_them(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1:53" },
		{ "192.0.2.1:5300", "192.0.2.1:5300" },
		{ "2001:db8::1", "[2001:db8::1]:53" },
		{ "[2001:db8::1]", "[2001:db8::1]:53" },
		{ "[2001:db8::1]:5300", "[2001:db8::1]:5300" },
		{ "192.0.2.1:0", NULL },
		{ "192.0.2.1:65536", NULL },
		{ "192.0.2.1:", NULL },
		{ "192.0.2.1:5x", NULL },
		{ "192.0.2", NULL },
		{ "[2001:db8::1", NULL },
		{ "[2001:db8::1]5300", NULL },
		{ "[]:53", NULL },
		{ "ns1.example.org", NULL },
		{ "", NULL },
	};
	struct arena *a = arena_new(0);
	struct strings found = { 0 };
	const char *out;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc = dns_server_normalize(a, rows[i].text, 53, &out, &e);
		assert_int_equal(rc, rows[i].want ? 0 : -ERR_INPUT);
		if (rows[i].want)
			assert_string_equal(out, rows[i].want);
	}
	assert_int_equal(dns_server_addresses(a, "localhost:5300", 53, &found, &e), 0);
	assert_true(strings_has(&found, "127.0.0.1:5300") || strings_has(&found, "[::1]:5300"));
	found = (struct strings){ 0 };
	assert_int_equal(dns_server_addresses(a, "[::1]:54", 53, &found, &e), 0);
	assert_string_equal(found.v[0], "[::1]:54");
	assert_int_equal(dns_server_addresses(a, "no-such-host.invalid", 53, &found, &e),
	                 -ERR_NETWORK);
	assert_int_equal(dns_server_addresses(a, "1::2::3", 53, &found, &e), -ERR_INPUT);
	arena_free(a);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_updates),
		cmocka_unit_test(parses_what_the_network_sends),
		cmocka_unit_test(reads_extended_errors),
		cmocka_unit_test(reads_servers_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
