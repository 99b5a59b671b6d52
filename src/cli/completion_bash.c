/*
 * The completion script for bash: three functions of data made from the tables, and one that reads
 * the line. It works with and without the bash-completion package.
 */
#include "cli/completion.h"

static const char reader[] =
    "# Names come from the program itself, asked with the line's own idea of where its state is.\n"
    "_everleaf_names() {\n"
    "	local -a where=()\n"
    "	local i\n"
    "	for ((i = 1; i + 1 < COMP_CWORD; i++)); do\n"
    "		case ${COMP_WORDS[i]} in\n"
    "		--state | --config | --database)\n"
    "			if [[ ${COMP_WORDS[i + 1]} == '=' ]]; then\n"
    "				where+=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[i + 2]-}\")\n"
    "			else\n"
    "				where+=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[i + 1]}\")\n"
    "			fi\n"
    "			;;\n"
    "		esac\n"
    "	done\n"
    "	\"${COMP_WORDS[0]}\" -qq \"${where[@]}\" names \"$1\" 2>/dev/null </dev/null\n"
    "}\n"
    "\n"
    "_everleaf_offer() { # kind word\n"
    "	local IFS=$' \\t\\n'\n"
    "	case $1 in\n"
    "	'words '*) mapfile -t COMPREPLY < <(compgen -W \"${1#words }\" -- \"$2\") ;;\n"
    "	'names '*) mapfile -t COMPREPLY < <(compgen -W \"$(_everleaf_names \"${1#names }\")\" -- "
    "\"$2\") ;;\n"
    "	files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$2\") ;;\n"
    "	folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$2\") ;;\n"
    "	esac\n"
    "}\n"
    "\n"
    "_everleaf() {\n"
    "	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' skip='' "
    "word i kind\n"
    "	COMPREPLY=()\n"
    "	if [[ $cur == '=' ]]; then\n"
    "		cur=''\n"
    "	elif [[ $prev == '=' ]]; then\n"
    "		prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "	fi\n"
    "	for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "		word=${COMP_WORDS[i]}\n"
    "		if [[ $word == '=' ]]; then\n"
    "			skip=1\n"
    "		elif [[ $skip ]]; then\n"
    "			skip=''\n"
    "		elif [[ $word == -* ]]; then\n"
    "			_everleaf_value '' \"$word\" >/dev/null && skip=1\n"
    "		elif [[ -z $command ]]; then\n"
    "			command=$word\n"
    "		elif [[ $command != *' '* ]] && _everleaf_commands \"$command\" >/dev/null; then\n"
    "			command=\"$command $word\"\n"
    "		fi\n"
    "	done\n"
    "	if [[ $prev == -* ]] && kind=$(_everleaf_value \"$command\" \"$prev\"); then\n"
    "		if [[ $kind != optional ]]; then\n"
    "			_everleaf_offer \"$kind\" \"$cur\"\n"
    "			return\n"
    "		fi\n"
    "	fi\n"
    "	if [[ $cur == -* ]]; then\n"
    "		_everleaf_offer \"words $(_everleaf_options \"$command\")\" \"$cur\"\n"
    "	elif [[ $command != *' '* ]] && kind=$(_everleaf_commands \"$command\"); then\n"
    "		_everleaf_offer \"words $kind\" \"$cur\"\n"
    "	else\n"
    "		_everleaf_offer \"$(_everleaf_kind \"$command\")\" \"$cur\"\n"
    "	fi\n"
    "}\n"
    "\n"
    "complete -F _everleaf everleaf\n";

static void commands_function(struct arena *a, FILE *out)
{
	fputs("_everleaf_commands() { # group: what may follow\n\tcase $1 in\n", out);
	fprintf(out, "\t'') echo '%s' ;;\n", completion_commands(a, NULL));
	for (const struct command_group *g = command_groups; g->word; g++)
		fprintf(out, "\t%s) echo '%s' ;;\n", g->word, completion_commands(a, g->word));
	fputs("\t*) return 1 ;;\n\tesac\n}\n\n", out);
}

static void kind_function(struct arena *a, FILE *out)
{
	fputs("_everleaf_kind() { # command: what its words are\n\tcase $1 in\n", out);
	COMMAND_EACH(command)
	{
		const char *kind = completion_words(a, command);

		if (*kind && !(command->flags & COMMAND_HIDDEN))
			fprintf(out, "\t'%s') echo '%s' ;;\n", command->words, kind);
	}
	fputs("\tesac\n}\n\n", out);
}

static void option_names(FILE *out, const struct option *table)
{
	if (!table)
		return;
	OPTION_EACH (o, table)
		fprintf(out, "--%s ", o->name);
}

static void options_function(FILE *out)
{
	fputs("_everleaf_options() { # command: its options\n\tcase $1 in\n", out);
	COMMAND_EACH(command)
	{
		if (command->flags & COMMAND_HIDDEN || (!command->options && !command->shared))
			continue;
		fprintf(out, "\t'%s') echo -n '", command->words);
		option_names(out, command->options);
		option_names(out, command->shared);
		fputs("' ;;\n", out);
	}
	fputs("\tesac\n\techo '", out);
	option_names(out, global_options);
	fputs("'\n}\n\n", out);
}

/* words: a shell pattern, "'issue'" or "*". */
static void values_of(struct arena *a, FILE *out, const char *words, const struct option *table)
{
	if (!table)
		return;
	OPTION_EACH (o, table) {
		const char *kind = o->flags & OPTION_OPTIONAL ? "optional" : completion_value(a, o);

		if (!kind)
			continue;
		fprintf(out, "\t%s' --%s'", words, o->name);
		if (o->letter)
			fprintf(out, " | %s' -%c'", words, o->letter);
		fprintf(out, ") echo '%s' ;;\n", kind);
	}
}

static void value_function(struct arena *a, FILE *out)
{
	fputs("_everleaf_value() { # command option: what its value is; fails if it takes "
	      "none\n\tcase \"$1 $2\" in\n",
	      out);
	COMMAND_EACH(command)
	{
		const char *words = arena_printf(a, "'%s'", command->words);

		if (command->flags & COMMAND_HIDDEN)
			continue;
		values_of(a, out, words, command->options);
		values_of(a, out, words, command->shared);
	}
	values_of(a, out, "*", global_options);
	fputs("\t*) return 1 ;;\n\tesac\n}\n\n", out);
}

void completion_bash(struct arena *a, FILE *out)
{
	fputs("# bash completion for everleaf, made from its table of commands: everleaf "
	      "completion bash\n\n",
	      out);
	commands_function(a, out);
	kind_function(a, out);
	options_function(out);
	value_function(a, out);
	fputs(reader, out);
}
