/*
 * The help of the program, a group and a command, laid out for 80 columns; and the same as data.
 * Everything said comes from commands.def and the option tables.
 */
#include "cli/help.h"

#include <string.h>

#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/parse_value.h"
#include "cli/print.h"

#define COLUMNS 80
#define INDENT 30

bool option_repeats(const struct option *o)
{
	return o->kind == OPT_STRINGS || o->kind == OPT_COUNT || option_is_list(o);
}

const char *option_shown(struct arena *a, const struct option *o)
{
	if (!o->arg)
		return arena_printf(a, "--%s", o->name);
	if (o->flags & OPTION_OPTIONAL)
		return arena_printf(a, "--%s [%s]", o->name, o->arg);
	return arena_printf(a, "--%s %s%s", o->name, o->arg, option_repeats(o) ? "..." : "");
}

const char *option_help(struct arena *a, const struct option *o)
{
	const char *text = o->help;

	if (o->values) {
		struct strings values = { 0 };

		for (const char *const *v = o->values; *v; v++)
			strings_add(a, &values, *v);
		text = arena_printf(a, "%s: %s", text, strings_join(a, &values, ", "));
	}
	if (o->env)
		text = arena_printf(a, "%s; or the variable %s", text, o->env);
	return text;
}

/* Words of text from column indent on, broken before COLUMNS. */
static void wrap(FILE *out, const char *text, size_t indent)
{
	size_t at = indent;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (at + len + 1 > COLUMNS && at > indent) {
			fprintf(out, "\n%*s", (int)indent, "");
			at = indent;
		}
		fprintf(out, "%s%.*s", at > indent ? " " : "", (int)len, text);
		at += len + (at > indent);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void row(FILE *out, const char *left, const char *right, size_t indent)
{
	size_t len = strlen(left);

	fprintf(out, "  %s", left);
	if (len + 4 > indent)
		fprintf(out, "\n%*s", (int)indent, "");
	else
		fprintf(out, "%*s", (int)(indent - len - 2), "");
	wrap(out, right, indent);
}

static void options(struct arena *a, FILE *out, const struct option *table, bool hows)
{
	if (!table)
		return;
	OPTION_EACH (o, table) {
		const char *left = option_shown(a, o);

		if ((o->method != NULL) != hows)
			continue;
		if (o->letter)
			left = arena_printf(a, "-%c, %s", o->letter, left);
		row(out, left, option_help(a, o), INDENT);
	}
}

static void global_part(struct arena *a, FILE *out)
{
	fputs("\nGlobal options, before or after the command:\n", out);
	options(a, out, global_options, false);
}

static void usage(FILE *out, const struct command *command)
{
	const char *line = command->synopsis;
	const char *lead = "usage:";

	do {
		size_t len = strcspn(line, "\n");

		fprintf(out, "%s everleaf %s%s%.*s\n", lead, command->words, len ? " " : "",
		        (int)len, line);
		line += len + (line[len] == '\n');
		lead = "      ";
	} while (*line);
}

static void command_help(struct arena *a, FILE *out, const struct command *command)
{
	const char *page = arena_strndup(a, command->words, strcspn(command->words, " "));

	usage(out, command);
	fputc('\n', out);
	wrap(out, command->help, 0);
	if (command->flags & COMMAND_HOW)
		fputs("\nDOMAIN is a name, a wildcard *.example.org, an internationalised name or "
		      "an IP\naddress; up to 100.\n",
		      out);
	if (command->shared) {
		fprintf(out, "\nHOW the names are proved, %s:\n",
		        command->flags & COMMAND_HOW ? "exactly one" : "at most one");
		options(a, out, command->shared, true);
	}
	if (command->options || command->shared) {
		fputs("\nOptions:\n", out);
		options(a, out, command->options, false);
		options(a, out, command->shared, false);
	}
	global_part(a, out);
	if (!(command->flags & COMMAND_HIDDEN))
		fprintf(out, "\nMore: man everleaf-%s\n", page);
}

static void command_rows(FILE *out, const char *group)
{
	COMMAND_EACH(command)
	{
		if (!(command->flags & COMMAND_HIDDEN) &&
		    (!group || command_in_group(command, group)))
			row(out, command->words, command->help, 22);
	}
}

static void group_help(FILE *out, const char *group)
{
	fprintf(out, "usage: everleaf %s VERB [ARGS]\n\n", group);
	command_rows(out, group);
	fprintf(out, "\nMore: everleaf %s VERB --help, man everleaf-%s\n", group, group);
}

static void program_help(struct arena *a, FILE *out)
{
	fputs("everleaf obtains, renews, installs and revokes TLS certificates from\n"
	      "Let's Encrypt and any other ACME CA.\n\n"
	      "usage: everleaf [GLOBAL OPTIONS] COMMAND [ARGS]\n\n",
	      out);
	command_rows(out, NULL);
	global_part(a, out);
	fputs("\nTo begin, with a web server that serves /var/www/html:\n"
	      "  everleaf issue example.org --webroot /var/www/html --email you@example.org \\\n"
	      "      --agree-tos\n"
	      "\nMore: everleaf COMMAND --help, man everleaf\n",
	      out);
}

static json_t *option_json(const struct option *o)
{
	json_t *values = o->values ? json_array() : json_null();
	const char letter[2] = { o->letter, '\0' };

	for (const char *const *v = o->values; v && *v; v++)
		json_array_append_new(values, json_string(*v));
	return json_pack("{s:s, s:s?, s:s?, s:b, s:b, s:b, s:o, s:s?, s:s}", "name", o->name,
	                 "letter", o->letter ? letter : NULL, "value", o->arg, "value_optional",
	                 !!(o->flags & OPTION_OPTIONAL), "repeatable", option_repeats(o), "how",
	                 o->method != NULL, "values", values, "variable", o->env, "help", o->help);
}

json_t *command_json(const struct command *command)
{
	const struct option *tables[] = { command->options, command->shared };
	json_t *options_array = json_array();

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (!tables[i])
			continue;
		OPTION_EACH (o, tables[i])
			json_array_append_new(options_array, option_json(o));
	}
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o}", "command", command->words, "synopsis",
	                 command->synopsis, "help", command->help, "hidden",
	                 !!(command->flags & COMMAND_HIDDEN), "changes",
	                 !!(command->flags & COMMAND_CREATES), "options", options_array);
}

static json_t *commands_json(const char *group)
{
	json_t *array = json_array();

	COMMAND_EACH(command)
	{
		if (!group || command_in_group(command, group))
			json_array_append_new(array, command_json(command));
	}
	return array;
}

static json_t *everything(const char *group)
{
	json_t *globals = json_array();

	OPTION_EACH (o, global_options)
		json_array_append_new(globals, option_json(o));
	return json_pack("{s:o, s:o}", "commands", commands_json(group), "global_options", globals);
}

int help_print(struct cli *c, const struct command *command, const char *group, FILE *out,
               struct err *e)
{
	if (c->globals.json) {
		json_auto_t *object = command ? command_json(command) : everything(group);

		print_json(c->arena, object);
		return 0;
	}
	if (command)
		command_help(c->arena, out, command);
	else if (group)
		group_help(out, group);
	else
		program_help(c->arena, out);
	return 0;
}

int cmd_help(struct cli *c, struct err *e)
{
	const char *words = strings_join(c->arena, &c->words, " ");
	const struct command *command = c->words.n ? command_find(words) : NULL;

	if (c->words.n && !command && !command_group_find(words))
		return err_set(e, ERR_USAGE, "unknown command `%s`; see `everleaf --help`", words);
	return help_print(c, command, c->words.n ? words : NULL, stdout, e);
}

int cmd_commands(struct cli *c, struct err *e)
{
	if (c->globals.json)
		return help_print(c, NULL, NULL, stdout, e);
	COMMAND_EACH(command)
	puts(command->words);
	return 0;
}

int cmd_version(struct cli *c, struct err *e)
{
	json_auto_t *object = NULL;

	if (!c->globals.json) {
		puts("everleaf " EVERLEAF_VERSION);
		return 0;
	}
	object = json_pack("{s:s}", "version", EVERLEAF_VERSION);
	print_json(c->arena, object);
	return 0;
}
