/* The settings of all nodes: one JSON object in `meta`, with the members that are set. */
#include <string.h>

#include "base/json.h"
#include "store/internal.h"

#define NAME "settings"

static int decode(struct arena *a, const char *text, struct settings *out, struct err *e)
{
	json_auto_t *object = NULL;

	*out = (struct settings){ 0 };
	if (!text)
		return 0;
	/* not strict: a newer version's are left alone */
	if (json_parse(text, strlen(text), &object, e) < 0 ||
	    json_decode(a, object, settings_fields, out, sizeof(*out), false, e) < 0)
		return err_ctx(e, "the settings in the database");
	return 0;
}

int st_settings_get(struct store *s, struct arena *a, struct settings *out, struct err *e)
{
	const char *text = NULL;

	TRY(meta_get(s, a, NAME, &text, e));
	return decode(a, text, out, e);
}

int st_settings_take(struct store *s, struct arena *a, struct settings *out, struct err *e)
{
	struct strings found = { 0 };
	const struct arg args[] = { ARG_TEXT(NAME) };
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "insert into meta (name, value) values ($1, '{}') on conflict (name) do nothing",
	        NULL, e, ARG_TEXT(NAME)));
	TRY(query_strings(s, a, "update meta set value = value where name = $1 returning value",
	                  args, 1, &found, e));
	TRY(decode(a, found.n ? found.v[0] : NULL, out, e));
	return tx_commit(&t, e);
}

int st_settings_put(struct store *s, const struct settings *x, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_auto_t *object = json_encode_given(settings_fields, x, NULL);
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(meta_put(s, NAME, json_text(a, object), e));
	return tx_commit(&t, e);
}
