/*
 * clock_parse_http_date on whatever comes: a date that is accepted lies in the years 0 to 9999, and
 * one that is refused leaves its output alone.
 */
#include <stdlib.h>

#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *text = arena_strndup(a, (const char *)data, size);
	int64_t at = 42;
	struct err e;

	if (clock_parse_http_date(text, &at, &e) < 0) {
		if (at != 42 || e.code != ERR_INPUT)
			abort();
	} else if (at < -62167219200 || at > 253402300800) {
		abort();
	}
	return 0;
}
