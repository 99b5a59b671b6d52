/*
 * clock_parse_rfc3339 on whatever comes: what is accepted is written as a time that reads as the
 * same instant (within the years that can be written), and what is refused leaves the output alone.
 */
#include <stdlib.h>

#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *text = arena_strndup(a, (const char *)data, size);
	char again[CLOCK_RFC3339_SIZE];
	int64_t at = 42, same;
	struct err e;

	if (clock_parse_rfc3339(text, &at, &e) < 0) {
		if (at != 42 || e.code != ERR_INPUT)
			abort();
		return 0;
	}
	clock_format_rfc3339(at, again);
	if (clock_parse_rfc3339(again, &same, &e) < 0)
		abort();
	/* An offset may lead out of the years 0 to 9999 by a day. */
	if (at >= -62167219200 && at <= 253402300799 && same != at)
		abort();
	return 0;
}
