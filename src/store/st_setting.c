/* The settings of all nodes: one JSON object in `meta`, with the members that are set. */
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "store/internal.h"

#define NAME "settings"

/* Each by itself: one that cannot be read has its default, and keeps nobody from the others. */
static int decode(struct arena *a, const char *text, struct settings *out, struct err *e)
{
	json_auto_t *object = NULL;
	struct err ignored;

	*out = (struct settings){ 0 };
	if (!text)
		return 0;
	if (json_parse(text, strlen(text), &object, e) < 0)
		return err_ctx(e, "the settings in the database");
	FIELD_EACH (f, settings_fields) {
		json_auto_t *one = json_object();

		json_object_set(one, f->name, json_object_get(object, f->name));
		if (json_decode(a, one, settings_fields, out, sizeof(*out), true, &ignored) < 0)
			log_detail("the settings in the database: %s", ignored.text);
	}
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

/* What a newer version has there stays. */
int st_settings_put(struct store *s, const struct settings *x, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	json_auto_t *set = json_encode_given(settings_fields, x, NULL), *object = NULL;
	struct tx t CLEANUP(tx_done) = { 0 };
	const char *text = NULL;

	TRY(tx_open(s, &t, e));
	TRY(meta_get(s, a, NAME, &text, e));
	if (!text)
		text = "{}";
	TRY(json_parse(text, strlen(text), &object, e));
	FIELD_EACH (f, settings_fields)
		json_object_del(object, f->name);
	json_object_update(object, set);
	TRY(meta_put(s, NAME, json_text(a, object), e));
	return tx_commit(&t, e);
}
