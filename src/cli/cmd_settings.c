/* settings …: what is set for all nodes. */
#include "cli/cmd.h"

#include <string.h>

#include "base/json.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "ops/op_system.h"

/* A number that is not set has its default in `everleaf settings show`'s page of the manual. */
static const char *in_words(struct cli *c, const json_t *value)
{
	if (json_is_string(value))
		return shown(c->arena, json_string_value(value));
	if (json_is_array(value))
		return json_text(c->arena, value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	if (json_is_integer(value) && json_integer_value(value) != 0)
		return arena_printf(c->arena, "%lld", (long long)json_integer_value(value));
	return "-";
}

static const char *list_in_words(struct cli *c, const struct strings *list)
{
	return list->n ? shown(c->arena, strings_join(c->arena, list, ", ")) : "-";
}

static void print_settings(struct cli *c, const struct settings_said *said)
{
	json_auto_t *object = json_encode(settings_said_fields, said);

	if (c->globals.json) {
		print_json(c->arena, object);
		return;
	}
	FIELD_EACH (f, settings_said_fields)
		if (f->type == FT_STRINGS)
			print_line(stdout, f->name, list_in_words(c, &FIELD_STRINGS(f, said)));
		else if (f->type != FT_RECORDS)
			print_line(stdout, f->name, in_words(c, json_object_get(object, f->name)));
}

int cmd_settings_show(struct cli *c, struct err *e)
{
	struct nothing nothing = { 0 };
	struct settings_said said = { 0 };

	TRY(ask(c, OP_SETTINGS, &nothing, &said, e));
	print_settings(c, &said);
	return 0;
}

static const struct field *find(struct cli *c, const char *name, struct err *e)
{
	const struct field *f = field_find(settings_change_fields, name);
	struct strings names = { 0 };

	if (f)
		return f;
	FIELD_EACH (one, settings_change_fields)
		strings_add(c->arena, &names, one->name);
	err_set(e, ERR_USAGE, "there is no setting \"%s\" to change: there are %s", name,
	        strings_join(c->arena, &names, ", "));
	return NULL;
}

static int change(struct cli *c, struct settings_change *ch, struct err *e)
{
	struct settings_said said = { 0 };

	TRY(ask(c, OP_SETTINGS_CHANGE, ch, &said, e));
	print_settings(c, &said);
	return 0;
}

/* A list of numbers is given with commas. */
static int take_word(struct cli *c, const struct field *f, const char *text,
                     struct settings_change *ch, struct err *e)
{
	json_auto_t *list = NULL;
	char *json;

	if (f->type != FT_JSON)
		return json_decode_text(c->arena, f, text, ch, e);
	json = arena_printf(c->arena, "[%s]", text);
	if (json_parse(json, strlen(json), &list, e) < 0)
		return err_set(e, ERR_USAGE, "%s is NUMBER,NUMBER..., not \"%s\"", f->name, text);
	FIELD_STRING(f, ch) = json;
	return 0;
}

int cmd_settings_set(struct cli *c, struct err *e)
{
	struct settings_change ch = { 0 };

	for (size_t i = 0; i < c->words.n; i++) {
		const char *word = c->words.v[i], *value = strchr(word, '=');
		const struct field *f;

		if (!value)
			return err_set(e, ERR_USAGE, "NAME=VALUE is meant, not \"%s\"", word);
		f = find(c, arena_strndup(c->arena, word, (size_t)(value - word)), e);
		if (!f)
			return -(int)e->code;
		if (f->type != FT_STRINGS && strings_has(&ch.given, f->name))
			return err_set(e, ERR_USAGE, "%s is given twice", f->name);
		if (take_word(c, f, value + 1, &ch, e) < 0) {
			e->code = ERR_USAGE;
			return -(int)e->code;
		}
		if (!strings_has(&ch.given, f->name))
			strings_add(c->arena, &ch.given, f->name);
	}
	return change(c, &ch, e);
}

int cmd_settings_reset(struct cli *c, struct err *e)
{
	struct settings_change ch = { 0 };

	for (size_t i = 0; i < c->words.n; i++) {
		const struct field *f = find(c, c->words.v[i], e);

		if (!f)
			return -(int)e->code;
		strings_add(c->arena, &ch.given, f->name);
	}
	return change(c, &ch, e);
}
