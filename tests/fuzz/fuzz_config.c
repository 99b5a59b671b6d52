/*
 * A configuration, credentials or cas.yaml file: what is taken can be written as JSON and read
 * again, and is no deeper than promised; what is refused as either kind of file is refused with the
 * line, and nothing of it is taken.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/cas.h"
#include "sys/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refused(const struct err *e)
{
	if (e->code != ERR_CONFIG || strncmp(e->text, "config:", 7) != 0)
		abort();
}

/* Each limit in force is one that can be counted by. */
static void look_at(const struct cas *cas)
{
	for (size_t i = 0; i < cas->n; i++) {
		const struct known_ca *x = &cas->v[i];

		if (!x->ca.name || strncmp(x->ca.url, "https://", 8) != 0)
			abort();
		for (size_t k = 0; k < N_LIMITS; k++)
			if (x->limits[k].count < 0 ||
			    (x->limits[k].count && x->limits[k].per_s < 1))
				abort();
	}
}

static void as_cas(struct arena *a, const char *text, size_t size)
{
	const struct config nothing_said = { 0 };
	struct cas cas = { 0 };
	struct err e;

	if (cas_parse(a, cas_known(&nothing_said), "config", text, size, LIMIT_FROM_CAS, &cas, &e) <
	    0)
		refused(&e);
	look_at(&cas);
}

static void as_config(struct arena *a, const char *text, size_t size, const json_t *value)
{
	const struct yaml_text t = { "config", text, size };
	struct config c = { 0 };
	struct err e;

	if (yaml_decode(a, &t, NULL, value, config_fields, &c, sizeof(c), &e) < 0)
		refused(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_auto_t *value = NULL, *again = NULL;
	const char *given = (const char *)data, *text;
	struct err e;

	if (yaml_parse(given, size, "config", &value, &e) < 0) {
		if (e.code != ERR_CONFIG)
			abort();
		return 0;
	}
	as_cas(a, given, size);
	as_config(a, given, size, value);
	if (!json_is_object(value) && !json_is_array(value))
		return 0;
	text = json_text(a, value);
	if (json_parse(text, strlen(text), &again, &e) < 0 || !json_equal(value, again))
		abort();
	return 0;
}
