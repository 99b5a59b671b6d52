/* Field tables shown to people. */
#include "cli/print_fields.h"

#include <stdio.h>
#include <string.h>

#define TEXT_COLUMNS 80

static const char *type_word(const struct field *f)
{
	switch (f->type) {
	case FT_SECRET:
		return "secret";
	case FT_INT:
	case FT_TIME:
		return "number";
	case FT_BOOL:
		return "yes or no";
	case FT_STRINGS:
	case FT_RECORDS:
		return "list";
	case FT_JSON:
		return "JSON";
	case FT_STRING:
		return "text";
	}
	return "text";
}

json_t *fields_json(const struct field *fields)
{
	json_t *array = json_array();

	FIELD_EACH (f, fields) {
		json_t *one = json_pack("{s:s, s:s, s:b, s:b, s:s}", "name", f->name, "type",
		                        type_word(f), "required", !!(f->flags & F_REQUIRED),
		                        "secret", f->type == FT_SECRET, "help", f->help);

		if (f->type == FT_RECORDS)
			json_object_set_new(one, "fields", fields_json(f->of));
		json_array_append_new(array, one);
	}
	return array;
}

void print_words(const char *text, size_t indent)
{
	size_t at = 0;

	while (*text) {
		size_t len;

		if (*text == '\n' || (*text == ' ' && at == 0)) {
			len = *text == '\n' ? 0 : strcspn(text, "\n");
			printf("%s%.*s\n", at && *text == '\n' ? "" : "", (int)len, text);
			text += len + (text[len] == '\n');
			at = 0;
			continue;
		}
		len = strcspn(text, " \n");
		if (at && at + 1 + len > TEXT_COLUMNS) {
			putchar('\n');
			at = 0;
		}
		at += (size_t)printf("%*s%.*s", at ? 1 : (int)indent, "", (int)len, text);
		text += len;
		text += *text == ' ';
	}
	if (at)
		putchar('\n');
}

void print_fields(const struct field *fields, size_t indent)
{
	FIELD_EACH (f, fields) {
		printf("%*s%s (%s%s)\n", (int)indent, "", f->name, type_word(f),
		       f->flags & F_REQUIRED ? ", required" : "");
		print_words(f->help, indent + 4);
		if (f->type == FT_RECORDS)
			print_fields(f->of, indent + 4);
	}
}

void print_example(const struct field *fields)
{
	FIELD_EACH (f, fields) {
		const char *mark = f->flags & F_REQUIRED ? "" : "# ";

		if (f->type == FT_RECORDS)
			printf("    %s%s: [...]\n", mark, f->name);
		else if (f->type == FT_STRINGS)
			printf("    %s%s: [..., ...]\n", mark, f->name);
		else
			printf("    %s%s: ...\n", mark, f->name);
	}
}
