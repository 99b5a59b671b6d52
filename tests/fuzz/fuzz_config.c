/*
 * A configuration or credentials file in YAML: what is taken can be written as JSON and read again,
 * and is no deeper than promised.
 */
#include <stdlib.h>
#include <string.h>

#include "sys/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_auto_t *value = NULL, *again = NULL;
	const char *text;
	struct err e;

	if (yaml_parse((const char *)data, size, "config", &value, &e) < 0) {
		if (e.code != ERR_CONFIG)
			abort();
		return 0;
	}
	if (!json_is_object(value) && !json_is_array(value))
		return 0;
	text = json_text(a, value);
	if (json_parse(text, strlen(text), &again, &e) < 0 || !json_equal(value, again))
		abort();
	return 0;
}
