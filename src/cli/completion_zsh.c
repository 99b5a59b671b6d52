/*
 * The completion script for zsh: for each command the specifications that zsh's own _arguments
 * works from.
 */
#include "cli/completion.h"

#include <string.h>

#include "cli/help.h"

static const char reader[] =
    "# Names come from the program itself, asked with the line's own idea of where its state is.\n"
    "_everleaf_names() {\n"
    "	local -a where names\n"
    "	local i\n"
    "	for ((i = 2; i < ${#_everleaf_line}; i++)); do\n"
    "		case ${_everleaf_line[i]} in\n"
    "		--state=*|--config=*|--database=*) where+=(${(Q)_everleaf_line[i]}) ;;\n"
    "		--state|--config|--database) where+=(${_everleaf_line[i]} "
    "${(Q)_everleaf_line[i+1]}) ;;\n"
    "		esac\n"
    "	done\n"
    "	names=(${(f)\"$(${(Q)_everleaf_line[1]} -qq $where names $1 2>/dev/null </dev/null)\"})\n"
    "	compadd -a names\n"
    "}\n"
    "\n"
    "_everleaf() {\n"
    "	local -a _everleaf_line=(\"${words[@]}\")\n"
    "	local command='' word skip='' i last=1\n"
    "	for ((i = 2; i < CURRENT; i++)); do\n"
    "		word=${words[i]}\n"
    "		if [[ -n $skip ]]; then\n"
    "			skip=''\n"
    "		elif [[ $word == -* ]]; then\n"
    "			[[ $word != *=* ]] && _everleaf_takes_value $word && skip=1\n"
    "		else\n"
    "			command=\"${command:+$command }$word\"\n"
    "			last=$i\n"
    "			_everleaf_is_group $command || break\n"
    "		fi\n"
    "	done\n"
    "	if [[ -n $command ]] && ! _everleaf_is_group $command; then\n"
    "		words=(everleaf \"${(@)words[last+1,-1]}\")\n"
    "		((CURRENT -= last - 1))\n"
    "		_everleaf_command $command\n"
    "	elif [[ -n $skip || ${words[CURRENT]} == -* ]]; then\n"
    "		words=(everleaf \"${(@)words[last+1,-1]}\")\n"
    "		((CURRENT -= last - 1))\n"
    "		_everleaf_command ''\n"
    "	else\n"
    "		_everleaf_verbs $command\n"
    "	fi\n"
    "}\n"
    "\n"
    "if [[ $funcstack[1] == _everleaf ]]; then\n"
    "	_everleaf \"$@\"\n"
    "else\n"
    "	compdef _everleaf everleaf\n"
    "fi\n";

/* A text for inside '…': a specification ends its description at ']' and _describe splits at ':'.
 */
static void quoted(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", out);
		else if (*s == '[' || *s == ']' || *s == ':')
			fprintf(out, "\\%c", *s);
		else
			fputc(*s, out);
	}
}

static void action(struct arena *a, FILE *out, const char *kind)
{
	if (strncmp(kind, "words ", 6) == 0)
		fprintf(out, "(%s)", kind + 6);
	else if (strncmp(kind, "names ", 6) == 0)
		fprintf(out, "{_everleaf_names %s}", kind + 6);
	else if (strcmp(kind, "files") == 0)
		fputs("_files", out);
	else if (strcmp(kind, "folders") == 0)
		fputs("_files -/", out);
}

static void specification(struct arena *a, FILE *out, const struct option *o, const char *dashes,
                          const char *name)
{
	const char *kind = o->flags & OPTION_OPTIONAL ? NULL : completion_value(a, o);

	fprintf(out, " \\\n\t\t'%s%s%s%s[", option_repeats(o) ? "*" : "", dashes, name,
	        !kind       ? ""
	        : dashes[1] ? "="
	                    : "+");
	quoted(out, o->help);
	fputc(']', out);
	if (kind) {
		fputs(": :", out);
		action(a, out, kind);
	}
	fputc('\'', out);
}

static void specifications(struct arena *a, FILE *out, const struct option *table)
{
	if (!table)
		return;
	OPTION_EACH (o, table) {
		const char letter[2] = { o->letter, '\0' };

		specification(a, out, o, "--", o->name);
		if (o->letter)
			specification(a, out, o, "-", letter);
	}
}

static void globals(struct arena *a, FILE *out, const struct command *command)
{
	OPTION_EACH (o, global_options) {
		const char letter[2] = { o->letter, '\0' };
		bool own = false;

		for (const struct option *mine = command ? command->options : NULL;
		     mine && mine->name; mine++)
			own = own || strcmp(mine->name, o->name) == 0;
		if (own)
			continue;
		specification(a, out, o, "--", o->name);
		if (o->letter)
			specification(a, out, o, "-", letter);
	}
}

static void command_function(struct arena *a, FILE *out)
{
	fputs("_everleaf_command() {\n\tcase $1 in\n", out);
	COMMAND_EACH(command)
	{
		const char *kind = completion_words(a, command);

		if (command->flags & COMMAND_HIDDEN)
			continue;
		fprintf(out, "\t'%s') _arguments -s", command->words);
		specifications(a, out, command->options);
		specifications(a, out, command->shared);
		globals(a, out, command);
		if (command->max_words) {
			fputs(command->max_words > 2 ? " \\\n\t\t'*: :" : " \\\n\t\t'1: :", out);
			action(a, out, kind);
			fputc('\'', out);
		}
		fputs(" ;;\n", out);
	}
	fputs("\t*) _arguments -s", out);
	globals(a, out, NULL);
	fputs(" ;;\n\tesac\n}\n\n", out);
}

static void verb_row(FILE *out, const char *word, const char *help)
{
	fprintf(out, " \\\n\t\t'%s:", word);
	quoted(out, help);
	fputc('\'', out);
}

static void verbs_of(FILE *out, const char *group)
{
	size_t skip = group ? strlen(group) + 1 : 0;

	fprintf(out, "\t'%s') list=(", group ? group : "");
	COMMAND_EACH(command)
	{
		bool fits = group ? command_in_group(command, group) : !strchr(command->words, ' ');

		if (fits && !(command->flags & COMMAND_HIDDEN))
			verb_row(out, command->words + skip, command->help);
	}
	for (const struct command_group *g = command_groups; !group && g->word; g++)
		verb_row(out, g->word, g->help);
	fputs(") ;;\n", out);
}

static void group_functions(FILE *out)
{
	fputs("_everleaf_is_group() {\n\t[[ $1 == (", out);
	for (const struct command_group *g = command_groups; g->word; g++)
		fprintf(out, "%s%s", g == command_groups ? "" : "|", g->word);
	fputs(") ]]\n}\n\n_everleaf_takes_value() {\n\t[[ $1 == (", out);
	OPTION_EACH (o, global_options) {
		if (o->arg)
			fprintf(out, "%s--%s", o == global_options ? "" : "|", o->name);
	}
	fputs(") ]]\n}\n\n_everleaf_verbs() {\n\tlocal -a list\n\tcase $1 in\n", out);
	verbs_of(out, NULL);
	for (const struct command_group *g = command_groups; g->word; g++)
		verbs_of(out, g->word);
	fputs("\tesac\n\t_describe command list\n}\n\n", out);
}

void completion_zsh(struct arena *a, FILE *out)
{
	fputs("#compdef everleaf\n# zsh completion for everleaf, made from its table of commands: "
	      "everleaf completion zsh\n\n",
	      out);
	group_functions(out);
	command_function(a, out);
	fputs(reader, out);
}
