/* Access tokens: what is taken from a token service's answer, and when they are renewed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "dns/oauth.h"

#define NOW 1700000000

static void test_when_it_is_renewed(void **state)
{
	static const struct {
		const char *answer;
		int64_t renew_s; /* from now; -1 = refused */
	} cases[] = {
		{ "{\"access_token\":\"t\",\"expires_in\":3600}", 3300 },
		{ "{\"access_token\":\"t\",\"expires_in\":\"3599\"}", 3299 },
		{ "{\"access_token\":\"t\",\"expires_in\":601}", 301 },
		{ "{\"access_token\":\"t\",\"expires_in\":600}", 300 },
		{ "{\"access_token\":\"t\",\"expires_in\":100}", 50 },
		{ "{\"access_token\":\"t\",\"expires_in\":1}", 0 },
		{ "{\"access_token\":\"t\",\"expires_in\":999999999}", 86100 },
		{ "{\"access_token\":\"t\",\"expires_on\":\"1700003600\"}", 3300 },
		{ "{\"access_token\":\"t\",\"expires_on\":1699999999}", 300 },
		{ "{\"access_token\":\"t\",\"expires_on\":\"06/19/2026 23:57:57\"}", 300 },
		{ "{\"access_token\":\"t\",\"expires_in\":-5}", 300 },
		{ "{\"access_token\":\"t\"}", 300 },
		{ "{\"access_token\":\"\"}", -1 },
		{ "{\"access_token\":\"a b\"}", -1 },
		{ "{\"access_token\":\"a\\r\\nX: y\"}", -1 },
		{ "{\"access_token\":7}", -1 },
		{ "{\"expires_in\":3600}", -1 },
	};
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct dns_session s = { .arena = a };

	clock_set(NOW);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_auto_t *answer = NULL;
		struct oauth o = { 0 };
		struct err e;
		int rc;

		assert_int_equal(json_parse(cases[i].answer, strlen(cases[i].answer), &answer, &e),
		                 0);
		rc = oauth_take(&s, &o, answer, &e);
		if (cases[i].renew_s < 0) {
			assert_int_equal(rc, -ERR_PROTOCOL);
			assert_null(o.token);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_string_equal(o.token, "t");
		if (llabs(o.renew_at - NOW - cases[i].renew_s) > 1)
			fail_msg("%s: renewed after %lld s", cases[i].answer,
			         (long long)(o.renew_at - NOW));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_when_it_is_renewed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
