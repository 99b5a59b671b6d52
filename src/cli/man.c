/*
 * Manual pages, as roff: names, synopses and options come from the tables, the words around them
 * from docs/man. One page for the program, one for each command that stands alone, one for each
 * group.
 */
#include <string.h>

#include "base/fs.h"
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/help.h"
#include "cli/print_done.h"
#include "cli/prose.h"

#define PROSE_MAX ((size_t)256 << 10)

static void text(FILE *out, const char *s)
{
	roff_text(out, s, strlen(s), true);
}

static void head(FILE *out, const char *page, const char *help)
{
	fprintf(out, ".\\\" Made from the table of commands and docs/man.\n.TH \"EVERLEAF%s",
	        *page ? "\\-" : "");
	for (const char *s = page; *s; s++) {
		if (*s == '-')
			fputs("\\-", out);
		else
			fputc(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s, out);
	}
	fprintf(out,
	        "\" 1 \"\" \"everleaf " EVERLEAF_VERSION
	        "\" \"Everleaf\"\n.nh\n.SH NAME\neverleaf%s",
	        *page ? "\\-" : "");
	text(out, page);
	fputs(" \\- ", out);
	text(out, help);
	fputc('\n', out);
}

static void synopsis_of(FILE *out, const struct command *command)
{
	const char *line = command->synopsis;

	do {
		size_t len = strcspn(line, "\n");

		fputs(".PP\n\\fBeverleaf ", out);
		text(out, command->words);
		fputs("\\fR ", out);
		roff_text(out, line, len, false);
		fputc('\n', out);
		line += len + (line[len] == '\n');
	} while (*line);
}

static void one_option(FILE *out, struct arena *a, const struct option *o)
{
	const char *all = option_shown(a, o);
	size_t name_len = strcspn(all, " ");

	fputs(".TP\n", out);
	if (o->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
	fputs("\\fB", out);
	roff_text(out, all, name_len, false);
	fputs("\\fR", out);
	text(out, all + name_len);
	fputc('\n', out);
	text(out, option_help(a, o));
	fputs(".\n", out);
}

static void option_part(FILE *out, struct arena *a, const struct option *table, bool hows)
{
	if (!table)
		return;
	OPTION_EACH (o, table) {
		if ((o->method != NULL) == hows)
			one_option(out, a, o);
	}
}

static void options_of(FILE *out, struct arena *a, const struct command *command)
{
	if (command->shared) {
		fprintf(out, ".SH \"HOW THE NAMES ARE PROVED\"\n%s of these.\n",
		        command->flags & COMMAND_HOW ? "Exactly one" : "At most one");
		option_part(out, a, command->shared, true);
	}
	if (command->options || command->shared)
		fputs(".SH OPTIONS\n", out);
	option_part(out, a, command->options, false);
	option_part(out, a, command->shared, false);
}

static void verbs(FILE *out, struct arena *a, const char *group)
{
	fputs(".SH COMMANDS\n", out);
	COMMAND_EACH(command)
	{
		if (!command_in_group(command, group))
			continue;
		fputs(".SS \"everleaf ", out);
		text(out, command->words);
		if (*command->synopsis)
			fputc(' ', out);
		text(out, command->synopsis);
		fputs("\"\n", out);
		text(out, command->help);
		fputs(".\n", out);
		option_part(out, a, command->options, false);
	}
}

static void all_commands(FILE *out)
{
	fputs(".SH COMMANDS\n", out);
	COMMAND_EACH(command)
	{
		if (command->flags & COMMAND_HIDDEN)
			continue;
		fputs(".TP\n\\fB", out);
		text(out, command->words);
		fputs("\\fR\n", out);
		text(out, command->help);
		fputs(".\n", out);
	}
}

static void exit_status(FILE *out)
{
	static const struct {
		const char *status, *meaning;
	} rows[] = {
		{ "0", "Done, or nothing had to be done." },
		{ "1", "It failed; `everleaf check`: something expires." },
		{ "2", "Wrong usage or configuration; nothing was changed." },
		{ "3", "Some of several items failed." },
		{ "75", "Try again later: a rate limit, a CA or network that cannot be reached, a "
		        "certificate that another process works on, an interruption." },
	};

	fputs(".SH \"EXIT STATUS\"\n", out);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fprintf(out, ".TP\n\\fB%s\\fR\n", rows[i].status);
		text(out, rows[i].meaning);
		fputc('\n', out);
	}
}

static void see_also(FILE *out, const char *page)
{
	const char *last = "";

	fputs(".SH \"SEE ALSO\"\n", out);
	if (*page)
		fputs("\\fBeverleaf\\fR(1)", out);
	COMMAND_EACH(command)
	{
		size_t len = strcspn(command->words, " ");

		if ((command->flags & COMMAND_HIDDEN) ||
		    (strncmp(last, command->words, len) == 0 && last[len] == command->words[len]) ||
		    (strlen(page) == len && strncmp(page, command->words, len) == 0))
			continue;
		fprintf(out, "%s\\fBeverleaf\\-", *page || *last ? ",\n" : "");
		roff_text(out, command->words, len, false);
		fputs("\\fR(1)", out);
		last = command->words;
	}
	fputc('\n', out);
}

/* The rest is alike on every page. */
static void tail(FILE *out, struct arena *a, const char *page, const char *prose)
{
	fputs(".SH \"GLOBAL OPTIONS\"\nThey may stand before or after the command.\n", out);
	option_part(out, a, global_options, false);
	prose_print(out, prose, NULL);
	if (!prose_has(prose, "EXIT STATUS"))
		exit_status(out);
	see_also(out, page);
}

static void program_page(FILE *out, struct arena *a, const char *prose)
{
	head(out, "", "obtain, renew, install and revoke TLS certificates");
	fputs(".SH SYNOPSIS\n\\fBeverleaf\\fR [GLOBAL OPTIONS] COMMAND [ARGS]\n", out);
	prose_print(out, prose, "DESCRIPTION");
	all_commands(out);
	tail(out, a, "", prose);
}

static void command_page(FILE *out, struct arena *a, const struct command *command,
                         const char *prose)
{
	head(out, command->words, command->help);
	fputs(".SH SYNOPSIS\n", out);
	synopsis_of(out, command);
	prose_print(out, prose, "DESCRIPTION");
	options_of(out, a, command);
	tail(out, a, command->words, prose);
}

static void group_page(FILE *out, struct arena *a, const struct command_group *group,
                       const char *prose)
{
	head(out, group->word, group->help);
	fputs(".SH SYNOPSIS\n", out);
	COMMAND_EACH(command)
	{
		if (command_in_group(command, group->word))
			synopsis_of(out, command);
	}
	prose_print(out, prose, "DESCRIPTION");
	verbs(out, a, group->word);
	tail(out, a, group->word, prose);
}

static int write_page(struct cli *c, FILE *out, const void *ctx, struct err *e)
{
	const char *page = c->words.n ? c->words.v[0] : "", *prose = ctx;
	const struct command *command = command_find(page);
	const struct command_group *group = command_group_find(page);

	if (!*page)
		program_page(out, c->arena, prose);
	else if (group)
		group_page(out, c->arena, group, prose);
	else if (command)
		command_page(out, c->arena, command, prose);
	else
		return err_set(e, ERR_USAGE, "no page for `%s`; see `everleaf --help`", page);
	return 0;
}

int cmd_man(struct cli *c, struct err *e)
{
	const struct man_args *args = c->args;
	char *prose = NULL;
	size_t len;

	if (args->prose)
		TRY(fs_read(c->arena, args->prose, PROSE_MAX, &prose, &len, e));
	return print_text(c, "page", write_page, prose, e);
}
