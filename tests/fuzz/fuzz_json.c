/*
 * json_parse and json_decode on whatever comes: bounds hold, a failed decode leaves its record
 * alone, and what was parsed and written again parses to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sample {
	const char *text, *secret;
	int64_t number, at;
	bool on;
	struct strings list;
};

static const struct field fields[] = { FIELD(struct sample, text, FT_STRING, F_REQUIRED, ""),
	                               FIELD(struct sample, secret, FT_SECRET, 0, ""),
	                               FIELD(struct sample, number, FT_INT, 0, ""),
	                               FIELD(struct sample, at, FT_TIME, 0, ""),
	                               FIELD(struct sample, on, FT_BOOL, 0, ""),
	                               FIELD(struct sample, list, FT_STRINGS, 0, ""),
	                               FIELD_END };

static void decode(struct arena *a, const json_t *value, bool strict)
{
	struct sample s = { .number = 8 }, before = s;
	struct err e;
	json_t *again;

	if (json_decode(a, value, fields, &s, sizeof(s), strict, &e) < 0) {
		if (memcmp(&s, &before, sizeof(s)) != 0)
			abort();
		return;
	}
	if (!s.text)
		abort();
	again = json_encode(fields, &s);
	json_text(a, again);
	json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_t *value, *again;
	const char *text;
	struct err e;

	if (!ready)
		json_setup();
	ready = true;
	if (json_parse((const char *)data, size, &value, &e) < 0)
		return 0;
	decode(a, value, false);
	decode(a, value, true);
	text = json_pretty(a, value);
	if (json_parse(text, strlen(text), &again, &e) < 0 || !json_equal(value, again))
		abort();
	json_decref(again);
	json_decref(value);
	return 0;
}
