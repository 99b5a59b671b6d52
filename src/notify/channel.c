/* The table of kinds of channels, and their settings: read, checked, decoded, shown. */
#include "notify/channel.h"

#include <string.h>

#include "sys/mail.h"
#include "sys/settings.h"

const struct channel_kind *const channel_kinds[] = {
#define X(symbol) &channel_##symbol,
#include "notify/channels.def"
#undef X
	NULL
};

const struct channel_kind *channel_kind_find(const char *name)
{
	for (size_t i = 0; channel_kinds[i]; i++)
		if (strcmp(channel_kinds[i]->name, name) == 0)
			return channel_kinds[i];
	return NULL;
}

static int decode(struct arena *a, const struct channel_kind *k, const json_t *object,
                  const void **settings, struct err *e)
{
	void *own = arena_alloc(a, k->settings_size);

	TRY(json_decode(a, object, k->fields, own, k->settings_size, true, e));
	TRY(k->check(a, own, e));
	*settings = own;
	return 0;
}

static int about(const struct channel_kind *k, const char *name, struct err *e)
{
	e->code = e->code == ERR_INPUT ? ERR_CONFIG : e->code;
	return err_ctx(e, "%s (`everleaf notify help %s` shows the settings)", name, k->name);
}

int channel_settings_file(struct arena *a, const struct channel_kind *k, const char *text,
                          size_t len, const char *name, json_t **out, struct err *e)
{
	json_auto_t *object = NULL;

	TRY(settings_file_parse(a, text, len, name, &object, e));
	if (settings_fit(a, k->fields, NULL, object, e) < 0)
		return about(k, name, e);
	*out = TAKE(object);
	return 0;
}

int channel_settings_take(struct arena *a, const struct channel_kind *k, json_t *object,
                          const char *name, const char *over, const char **out, struct err *e)
{
	const void *settings;

	TRY(settings_merge(over, object, e));
	if (settings_fit(a, k->fields, NULL, object, e) < 0 ||
	    decode(a, k, object, &settings, e) < 0)
		return about(k, name, e);
	*out = json_text(a, object);
	return 0;
}

int channel_settings_open(struct arena *a, const struct channel_kind *k, const char *json,
                          const void **settings, struct err *e)
{
	json_auto_t *object = NULL;

	if (json_parse(json, strlen(json), &object, e) < 0)
		return err_set(e, ERR_DAMAGED, "its stored settings cannot be read");
	return decode(a, k, object, settings, e);
}

int channel_reach(struct arena *a, const struct channel_kind *k, const char *json, unsigned *out,
                  struct err *e)
{
	const void *settings;
	unsigned reach = REACH_OWN;

	if (k->reach) {
		TRY(channel_settings_open(a, k, json, &settings, e));
		reach = k->reach(settings);
	}
	*out = reach;
	return 0;
}

json_t *channel_settings_show(const struct channel_kind *k, const char *json)
{
	json_auto_t *object = NULL;
	struct err ignored;

	if (json_parse(json, strlen(json), &object, &ignored) < 0)
		return json_object();
	return settings_shown(k->fields, NULL, object);
}

const char *channel_contact(const char *contact)
{
	const char *address = strncmp(contact, "mailto:", 7) == 0 ? contact + 7 : contact;

	return mail_is_address(address) ? address : NULL;
}
