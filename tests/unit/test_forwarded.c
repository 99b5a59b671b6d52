/* Who asks, when proxies stand between: only what trusted ones have added counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#include "flow/forwarded.h"

static const struct {
	const char *peer, *header, *want;
} rows[] = {
	{ "192.0.2.1", NULL, "192.0.2.1" },
	{ "192.0.2.1", "198.51.100.7", "192.0.2.1" }, /* no proxy of ours */
	{ "127.0.0.1", NULL, "127.0.0.1" },
	{ "127.0.0.1", "198.51.100.7", "198.51.100.7" },
	{ "127.0.0.1", "10.9.9.9, 198.51.100.7",
	  "198.51.100.7" }, /* the first is the client's own word */
	{ "127.0.0.1", "10.9.9.9 ,198.51.100.7,\t2001:DB8:0::1 ",
	  "198.51.100.7" }, /* two of ours */
	{ "2001:db8::1", "2001:db8::99", "2001:db8::99" },
	{ "127.0.0.1", "198.51.100.7, unknown", "127.0.0.1" },
	{ "127.0.0.1", "unknown, 2001:db8::1", "2001:db8::1" },
	{ "127.0.0.1", "", "127.0.0.1" },
	{ "127.0.0.1", ",,", "127.0.0.1" },
	{ "127.0.0.1", "198.51.100.7:4711", "127.0.0.1" },
	{ "127.0.0.1", "198.51.100.7 x", "127.0.0.1" },
	{ "127.0.0.1", "127.0.0.1, 127.0.0.1", "127.0.0.1" },
	{ "", "198.51.100.7", "" },
	/* IPv4 in the words of IPv6, as a socket for both gives it */
	{ "::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7" },
	{ "127.0.0.1", "::ffff:198.51.100.7", "198.51.100.7" },
	{ "127.0.0.1", "198.51.100.7, ::FFFF:7f00:1", "198.51.100.7" },
};

static void test_table(void **state)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct strings trusted = { 0 }, none = { 0 };

	(void)state;
	strings_add(a, &trusted, "127.0.0.1");
	strings_add(a, &trusted, "2001:db8::0001");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(forwarded_for(a, &trusted, rows[i].peer, rows[i].header),
		                    rows[i].want);
		assert_string_equal(forwarded_for(a, &none, rows[i].peer, rows[i].header),
		                    strncmp(rows[i].peer, "::ffff:", 7) == 0 ? rows[i].peer + 7
		                                                             : rows[i].peer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
