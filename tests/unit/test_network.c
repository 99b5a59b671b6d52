/* base/network: what counts as one party. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "base/macros.h"
#include "base/network.h"

static const struct {
	const char *address, *want; /* NULL = none */
} rows[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "192.0.2.2", "192.0.2.2" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "::FFFF:c000:0201", "192.0.2.1" },
	{ "2001:db8:0:1::1", "2001:db8:0:1::" },
	{ "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::" },
	{ "2001:db8:0:2::1", "2001:db8:0:2::" },
	{ "2001:db8::ffff:192.0.2.1", "2001:db8::" },
	{ "::1", "::" },
	{ "fe80::1%eth0", NULL },
	{ "192.0.2", NULL },
	{ "alice", NULL },
	{ "", NULL },
};

static void texts(void **state)
{
	char text[INET6_ADDRSTRLEN];
	struct network n;
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(network_parse(rows[i].address, &n), rows[i].want != NULL);
		if (!rows[i].want)
			continue;
		network_text(&n, text);
		assert_string_equal(text, rows[i].want);
	}
}

/* The same of a socket's address, which in a listener for both kinds is one of IPv6. */
static void of_sockets(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = 1 };
	struct sockaddr_in6 mapped = { .sin6_family = AF_INET6, .sin6_port = 2 }, one = mapped,
	                    other = mapped, elsewhere = mapped;
	struct sockaddr local = { .sa_family = AF_UNIX };
	struct network n, m;
	(void)state;

	inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &mapped.sin6_addr);
	inet_pton(AF_INET6, "2001:db8::1", &one.sin6_addr);
	inet_pton(AF_INET6, "2001:db8::1:0:0:2", &other.sin6_addr);
	inet_pton(AF_INET6, "2001:db8:0:1::1", &elsewhere.sin6_addr);
	assert_true(network_of((struct sockaddr *)&v4, &n));
	assert_true(network_of((struct sockaddr *)&mapped, &m));
	assert_true(network_is_same(&n, &m));
	assert_true(network_of((struct sockaddr *)&one, &n));
	assert_false(network_is_same(&n, &m));
	assert_true(network_of((struct sockaddr *)&other, &m));
	assert_true(network_is_same(&n, &m));
	assert_true(network_of((struct sockaddr *)&elsewhere, &m));
	assert_false(network_is_same(&n, &m));
	assert_false(network_of(&local, &m));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(texts), cmocka_unit_test(of_sockets) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
