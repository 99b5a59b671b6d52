/*
 * Settings files: two forms of text become one JSON object whose members have the types of their
 * fields. A number written where a text is wanted (an identifier, a password) is that text.
 */
#include "sys/settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "sys/yaml.h"

#define FILE_MAX_BYTES ((size_t)64 << 10)

/* KEY=VALUE lines, '#' comments, one pair of quotes around a value taken away; names in any case.
 */
static int read_pairs(struct arena *a, const char *text, const char *name, json_t *out,
                      struct err *e)
{
	unsigned line = 0;

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		char *pair = arena_strndup(a, p, strcspn(p, "\r\n")), *value;
		size_t len;

		line++;
		pair += strspn(pair, " \t");
		if (strncmp(pair, "export ", 7) == 0)
			pair += 7;
		if (!*pair || *pair == '#')
			continue;
		value = strchr(pair, '=');
		if (!value)
			return err_set(e, ERR_CONFIG, "%s:%u: not KEY=VALUE", name, line);
		*value++ = '\0';
		len = strlen(value);
		if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value)
			value = arena_strndup(a, value + 1, len - 2);
		for (char *c = pair; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		json_object_set_new(out, pair, json_string(value));
	}
	return 0;
}

/* The first line that says something tells which of the two forms it is: KEY= or "key:". */
static bool is_pairs(const char *text)
{
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *word = p + strspn(p, " \t\r");

		if (*word == '#' || *word == '\n' || !*word)
			continue;
		if (strncmp(word, "export ", 7) == 0)
			return true;
		word += strspn(word,
		               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
		return *word == '=';
	}
	return false;
}

int settings_file_parse(struct arena *a, const char *text, size_t len, const char *name,
                        json_t **out, struct err *e)
{
	json_auto_t *object = NULL;

	if (strlen(text) != len)
		return err_set(e, ERR_CONFIG, "%s holds a zero byte: it is no text", name);
	if (is_pairs(text)) {
		object = json_object();
		TRY(read_pairs(a, text, name, object, e));
	} else {
		TRY(yaml_parse(text, len, name, &object, e));
	}
	if (!json_is_object(object))
		return err_set(e, ERR_CONFIG,
		               "%s must be `setting: value` or SETTING=VALUE, a line each", name);
	*out = TAKE(object);
	return 0;
}

/* `x_file` becomes `x` with the file's content, but for one trailing newline. */
static int read_files(struct arena *a, const struct field *table, const struct field *other,
                      json_t *object, struct err *e)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, name, value)
	{
		size_t n = strlen(name), len;
		char *stem, *text;

		if (n <= 5 || strcmp(name + n - 5, "_file") != 0 || field_find(table, name) ||
		    !json_is_string(value))
			continue;
		stem = arena_strndup(a, name, n - 5);
		if (!field_find(table, stem) && !(other && field_find(other, stem)))
			continue;
		if (json_object_get(object, stem))
			return err_set(e, ERR_CONFIG, "%s and %s are both given", stem, name);
		TRY(fs_read(a, json_string_value(value), FILE_MAX_BYTES, &text, &len, e));
		len -= len > 0 && text[len - 1] == '\n';
		if (json_object_set_new(object, stem, json_stringn(text, len)) < 0)
			return err_set(e, ERR_CONFIG, "%s: %s is no text", name,
			               json_string_value(value));
		json_object_del(object, name);
	}
	return 0;
}

static json_t *as_text(struct arena *a, const json_t *value)
{
	if (json_is_integer(value))
		return json_string(arena_printf(a, "%lld", (long long)json_integer_value(value)));
	if (json_is_boolean(value))
		return json_string(json_is_true(value) ? "true" : "false");
	if (json_is_object(value)) /* a service account's file pasted as it is */
		return json_string(json_text(a, value));
	return NULL;
}

/* A list written on one line: "a, b" or "a b". */
static json_t *as_list(struct arena *a, const char *text)
{
	json_t *list = json_array();

	for (const char *p = text; *(p += strspn(p, ", \t\n")); p += strcspn(p, ", \t\n"))
		json_array_append_new(list, json_string(arena_strndup(a, p, strcspn(p, ", \t\n"))));
	return list;
}

static json_t *as_number(const char *text)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	return *text && !*end ? json_integer(n) : NULL;
}

static json_t *as_truth(const char *text)
{
	if (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0)
		return json_true();
	if (strcasecmp(text, "false") == 0 || strcasecmp(text, "no") == 0)
		return json_false();
	return NULL;
}

static json_t *fitted(struct arena *a, const struct field *f, const json_t *value)
{
	const char *text = json_string_value(value);

	switch (f->type) {
	case FT_SECRET: /* a list, where it may be one, as its JSON text */
		if (json_is_array(value) && (f->flags & F_LIST))
			return json_string(json_text(a, value));
		return text ? NULL : as_text(a, value);
	case FT_STRING:
		return text ? NULL : as_text(a, value);
	case FT_STRINGS:
		return text ? as_list(a, text) : NULL;
	case FT_INT:
		return text ? as_number(text) : NULL;
	case FT_BOOL:
		return text ? as_truth(text) : NULL;
	case FT_TIME:
	case FT_JSON:
	case FT_RECORDS:
		break;
	}
	return NULL;
}

static int fit_records(struct arena *a, const struct field *f, json_t *list, struct err *e)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);

		if (json_is_object(one) && settings_fit(a, f->of, NULL, one, e) < 0)
			return err_ctx(e, "\"%s\", entry %zu", f->name, i + 1);
	}
	return 0;
}

int settings_fit(struct arena *a, const struct field *table, const struct field *other,
                 json_t *object, struct err *e)
{
	const char *name;
	json_t *value, *better;
	void *next;

	TRY(read_files(a, table, other, object, e));
	json_object_foreach_safe(object, next, name, value)
	{
		const struct field *f = field_find(table, name);

		if (!f && other)
			f = field_find(other, name);
		if (!f || (f->flags & F_HIDDEN))
			return err_set(e, ERR_CONFIG, "there is no setting \"%.60s\"", name);
		if (f->type == FT_RECORDS)
			TRY(fit_records(a, f, value, e));
		better = fitted(a, f, value);
		if (better)
			json_object_set_new(object, name, better);
	}
	return 0;
}

static void drop_nulls(json_t *object)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(object, next, name, value)
	{
		if (json_is_null(value))
			json_object_del(object, name);
	}
}

int settings_merge(const char *over, json_t *object, struct err *e)
{
	json_auto_t *old = NULL;
	const char *name;
	json_t *value;

	if (over) {
		TRY(json_parse(over, strlen(over), &old, e));
		json_object_foreach(old, name, value)
		{
			if (!json_object_get(object, name))
				json_object_set(object, name, value);
		}
	}
	drop_nulls(object);
	return 0;
}

static json_t *shown(const struct field *f, const json_t *value);

json_t *settings_shown(const struct field *table, const struct field *other, const json_t *object)
{
	json_t *out = json_object();
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		const struct field *f = field_find(table, name);

		f = f || !other ? f : field_find(other, name);
		if (f)
			json_object_set_new(out, name, shown(f, value));
	}
	return out;
}

static json_t *shown(const struct field *f, const json_t *value)
{
	json_t *list;

	if (f->type == FT_SECRET)
		return json_string("(kept secret)");
	if (f->type != FT_RECORDS)
		return json_deep_copy(value);
	list = json_array();
	for (size_t i = 0; i < json_array_size(value); i++)
		json_array_append_new(list, settings_shown(f->of, NULL, json_array_get(value, i)));
	return list;
}
