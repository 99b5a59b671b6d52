/*
 * One parser for all commands, driven by the option tables. First the command's name is found
 * (global options may stand before it), then its options and words in any order. What depends on
 * more than one option is checked at the end (parse_check.c).
 */
#include "cli/parse.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "cli/parse_check.h"
#include "cli/parse_value.h"

#define OPTIONS_MAX 64

static const char *own_name(const struct parser *p)
{
	return p->cli->command ? arena_printf(p->cli->arena, "everleaf %s", p->cli->command->words)
	                       : "everleaf";
}

static const struct option *find_in(const struct option *table, const char *name, char letter)
{
	if (!table)
		return NULL;
	OPTION_EACH (o, table) {
		if (name ? strcmp(o->name, name) == 0 : (o->letter && o->letter == letter))
			return o;
	}
	return NULL;
}

/* The command's own come first: `ca add --ca-bundle` is not the global one. */
static const struct option *find(const struct parser *p, const char *name, char letter,
                                 bool *global)
{
	const struct command *command = p->cli->command;
	const struct option *o = command ? find_in(command->options, name, letter) : NULL;

	if (!o && command)
		o = find_in(command->shared, name, letter);
	*global = !o;
	return o ? o : find_in(global_options, name, letter);
}

static void add_names(const char **list, size_t *n, const struct option *table)
{
	if (!table)
		return;
	OPTION_EACH (o, table) {
		if (*n < OPTIONS_MAX)
			list[(*n)++] = o->name;
	}
}

static int unknown_option(const struct parser *p, const char *shown, const char *name,
                          struct err *e)
{
	const struct command *command = p->cli->command;
	const char *list[OPTIONS_MAX] = { 0 }, *near = NULL;
	size_t n = 0;

	if (command) {
		add_names(list, &n, command->options);
		add_names(list, &n, command->shared);
	}
	add_names(list, &n, global_options);
	if (name)
		near = nearest_word(name, list, n);
	if (near)
		return err_set(e, ERR_USAGE, "unknown option %s for `%s`; did you mean --%s?",
		               shown, own_name(p), near);
	if (!command)
		return err_set(e, ERR_USAGE,
		               "unknown option %s; options of a command stand after its name, see "
		               "`everleaf --help`",
		               shown);
	return err_set(
	    e, ERR_USAGE,
	    "unknown option %s for `%s`; see `%s --help`; a word that is none but begins "
	    "with a dash goes after `--`",
	    shown, own_name(p), own_name(p));
}

/* The value of option o: after '=', or the next word. */
static int take_value(struct parser *p, const struct option *o, const char *shown,
                      const char *inline_value, const char **value, struct err *e)
{
	*value = inline_value;
	if (!o->arg) {
		if (inline_value)
			return err_set(e, ERR_USAGE, "%s takes no value; write just %s", shown,
			               shown);
		return 0;
	}
	if (inline_value)
		return 0;
	if (o->flags & OPTION_OPTIONAL) {
		if (p->at < p->argc && is_address(p->argv[p->at]))
			*value = p->argv[p->at++];
		return 0;
	}
	if (p->at >= p->argc ||
	    (strncmp(p->argv[p->at], "--", 2) == 0 && p->argv[p->at][2] != '\0'))
		return err_set(e, ERR_USAGE, "%s needs a value: %s %s%s", shown, shown, o->arg,
		               p->at < p->argc ? " (one that begins with -- is written after '=')"
		                               : "");
	*value = p->argv[p->at++];
	return 0;
}

static int once(struct parser *p, const struct option *o, const char *shown, struct err *e)
{
	bool many = o->kind == OPT_STRINGS || o->kind == OPT_COUNT || !o->arg || option_is_list(o);

	if (!many && parser_saw(p, o))
		return err_set(e, ERR_USAGE, "%s was given twice; it takes one value", shown);
	if (!parser_saw(p, o) && p->n_seen < ARRAY_LEN(p->seen))
		p->seen[p->n_seen++] = o;
	return 0;
}

static int one_option(struct parser *p, const struct option *o, bool global, const char *shown,
                      const char *inline_value, struct err *e)
{
	void *target = global ? (void *)&p->cli->globals : p->cli->args;
	const char *value;

	TRY(once(p, o, shown, e));
	TRY(take_value(p, o, shown, inline_value, &value, e));
	return option_store(p->cli->arena, o, target, shown, value, e);
}

static int long_option(struct parser *p, const char *word, struct err *e)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	char *shown = arena_strndup(p->cli->arena, word, len);
	bool global;
	const struct option *o = find(p, shown + 2, 0, &global);

	if (!o)
		return unknown_option(p, shown, shown + 2, e);
	return one_option(p, o, global, shown, equals ? equals + 1 : NULL, e);
}

/* "-q", "-qv", "-o FILE", "-oFILE". */
static int letters(struct parser *p, const char *word, struct err *e)
{
	for (const char *at = word + 1; *at; at++) {
		char shown[3] = { '-', *at, '\0' };
		bool global;
		const struct option *o = find(p, NULL, *at, &global);

		if (!o)
			return unknown_option(
			    p,
			    strlen(word) > 2 ? arena_printf(p->cli->arena, "%s in %s", shown, word)
			                     : shown,
			    NULL, e);
		if (o->arg)
			return one_option(p, o, global, shown, at[1] ? at + 1 : NULL, e);
		TRY(one_option(p, o, global, shown, NULL, e));
	}
	return 0;
}

static int unknown_command(struct parser *p, const char *group, const char *word, struct err *e)
{
	const char *list[OPTIONS_MAX] = { 0 }, *near;
	size_t n = 0, skip = group ? strlen(group) + 1 : 0;

	COMMAND_EACH(c)
	{
		bool fits = group ? command_in_group(c, group) : !strchr(c->words, ' ');

		if (fits && !(c->flags & COMMAND_HIDDEN) && n < OPTIONS_MAX)
			list[n++] = c->words + skip;
	}
	for (const struct command_group *g = command_groups; !group && g->word; g++)
		list[n++] = g->word;
	near = nearest_word(word, list, n);
	if (near)
		return err_set(e, ERR_USAGE, "unknown command `%s%s%s`; did you mean `%s`?",
		               group ? group : "", group ? " " : "", word, near);
	return err_set(e, ERR_USAGE, "unknown command `%s%s%s`; see `everleaf%s%s --help`",
	               group ? group : "", group ? " " : "", word, group ? " " : "",
	               group ? group : "");
}

static int command_word(struct parser *p, const char *word, struct err *e)
{
	struct cli *c = p->cli;
	const char *words = c->group ? arena_printf(c->arena, "%s %s", c->group, word) : word;

	if (!c->group && command_group_find(word)) {
		c->group = word;
		return 0;
	}
	c->command = strchr(word, ' ') ? NULL : command_find(words);
	if (!c->command)
		return unknown_command(p, c->group, word, e);
	c->args = arena_alloc(c->arena, c->command->args_size);
	return 0;
}

static int all_words(struct parser *p, struct err *e)
{
	bool only_words = false;

	while (p->at < p->argc) {
		const char *word = p->argv[p->at++];

		if (!only_words && strcmp(word, "--") == 0)
			only_words = true;
		else if (!only_words && word[0] == '-' && word[1] == '-')
			TRY(long_option(p, word, e));
		else if (!only_words && word[0] == '-' && word[1])
			TRY(letters(p, word, e));
		else if (!p->cli->command)
			TRY(command_word(p, word, e));
		else
			strings_add(p->cli->arena, &p->cli->words, word);
	}
	return 0;
}

static void from_environment(struct cli *c)
{
	OPTION_EACH (o, global_options) {
		const char **target = (const char **)((char *)&c->globals + o->offset);
		const char *value = o->env ? getenv(o->env) : NULL;

		if (value && *value && !*target)
			*target = arena_strdup(c->arena, value);
	}
}

/* Paths that are kept; a daemon is given names instead, which are left as they are. */
static int make_absolute(struct parser *p, struct err *e)
{
	for (size_t i = 0; i < p->n_seen; i++)
		if (p->seen[i]->flags & OPTION_ABSOLUTE)
			TRY(option_make_absolute(p->cli->arena, p->seen[i], p->cli->args, e));
	return 0;
}

int parse(struct cli *c, int argc, const char *const *argv, struct err *e)
{
	struct parser p = { .cli = c, .argc = argc, .argv = argv, .at = 1 };

	TRY(all_words(&p, e));
	from_environment(c);
	if (c->globals.help || c->globals.version)
		return 0;
	if (!c->globals.server)
		TRY(make_absolute(&p, e));
	return parse_check(&p, e);
}
