/*
 * What depends on more than one word of a command line: the command itself, the number of words,
 * exactly one HOW and the options that go with it, options that must be there or exclude each
 * other. Runs after all words were read.
 */
#include "cli/parse_check.h"

#include <string.h>

#include "cli/args.h"

bool parser_saw(const struct parser *p, const struct option *o)
{
	for (size_t i = 0; i < p->n_seen; i++) {
		if (p->seen[i] == o)
			return true;
	}
	return false;
}

static int no_command(const struct cli *c, struct err *e)
{
	struct strings verbs = { 0 };

	if (!c->group)
		return err_set(e, ERR_USAGE, "no command was given; see `everleaf --help`");
	COMMAND_EACH(command)
	{
		if (command_in_group(command, c->group))
			strings_add(c->arena, &verbs, command->words + strlen(c->group) + 1);
	}
	return err_set(e, ERR_USAGE, "`everleaf %s` needs one of: %s", c->group,
	               strings_join(c->arena, &verbs, ", "));
}

static const char *first_line(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strcspn(text, "\n"));
}

static int check_count(const struct cli *c, struct err *e)
{
	const struct command *command = c->command;
	const char *usage = first_line(c->arena, command->synopsis);

	if (c->words.n < command->min_words)
		return err_set(e, ERR_USAGE, "`everleaf %s` needs more: everleaf %s %s",
		               command->words, command->words, usage);
	if (c->words.n > command->max_words)
		return err_set(e, ERR_USAGE, "\"%s\" is one word too many: everleaf %s %s",
		               c->words.v[command->max_words], command->words, usage);
	for (size_t i = 0; i < c->words.n; i++) {
		if (!*c->words.v[i])
			return err_set(e, ERR_USAGE, "an empty word was given: everleaf %s %s",
			               command->words, usage);
	}
	return 0;
}

static int check_needed(const struct parser *p, const struct option *table, struct err *e)
{
	const char *words = p->cli->command->words;

	if (!table)
		return 0;
	OPTION_EACH (o, table) {
		if (!(o->flags & OPTION_NEEDED) || parser_saw(p, o))
			continue;
		if (o->arg)
			return err_set(e, ERR_USAGE, "`everleaf %s` needs --%s %s", words, o->name,
			               o->arg);
		return err_set(e, ERR_USAGE,
		               "`everleaf %s` cannot be undone; add --%s if you are sure", words,
		               o->name);
	}
	return 0;
}

static int check_standard_input(const struct parser *p, struct err *e)
{
	const struct option *reader = NULL;

	for (size_t i = 0; i < p->n_seen; i++) {
		const struct option *o = p->seen[i];
		const char *value;

		if (!(o->flags & OPTION_READS) || o->kind != OPT_STRING)
			continue;
		value = *(const char **)((char *)p->cli->args + o->offset);
		if (!value || strcmp(value, "-") != 0)
			continue;
		if (reader)
			return err_set(
			    e, ERR_USAGE,
			    "--%s and --%s cannot both read standard input; put one into a file",
			    reader->name, o->name);
		reader = o;
	}
	return 0;
}

static int check_how(const struct parser *p, bool needed, const struct option **how, struct err *e)
{
	*how = NULL;
	for (size_t i = 0; i < p->n_seen; i++) {
		if (!p->seen[i]->method)
			continue;
		if (*how)
			return err_set(
			    e, ERR_USAGE,
			    "--%s and --%s exclude each other; give one way to prove the names",
			    (*how)->name, p->seen[i]->name);
		*how = p->seen[i];
	}
	if (needed && !*how)
		return err_set(e, ERR_USAGE,
		               "say how the names are proved: one of --webroot DIR, --standalone, "
		               "--alpn, --dns ACCOUNT, "
		               "--dns-persist, --hook FILE, --manual");
	return 0;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len) {
		bool starts = at == list || at[-1] == ' ', ends = at[len] == ' ' || at[len] == '\0';

		if (starts && ends)
			return true;
	}
	return false;
}

static int check_belongings(const struct parser *p, const struct option *how, struct err *e)
{
	for (size_t i = 0; how && i < p->n_seen; i++) {
		const struct option *o = p->seen[i];

		if (!o->goes_with || has_word(o->goes_with, how->method))
			continue;
		if (strchr(o->goes_with, ' '))
			return err_set(
			    e, ERR_USAGE,
			    "--%s does not go with --%s, only with --hook, --manual or --dns",
			    o->name, how->name);
		return err_set(e, ERR_USAGE, "--%s does not go with --%s, only with --%s", o->name,
		               how->name, o->goes_with);
	}
	return 0;
}

/* A method chosen anew takes its own challenge type along, and a hook without --hook-chain is
 * called name by name; what an earlier method left behind does not count. For --manual the type
 * follows from the names, which only ops knows all of. */
static void settle_how(struct cli *c, struct cert_change *change, const struct option *how)
{
	if (!how)
		return;
	if (!strings_has(&change->given, "challenge")) {
		change->values.challenge = how->challenge;
		strings_add(c->arena, &change->given, "challenge");
	}
	if (strcmp(how->method, "hook") == 0 && !strings_has(&change->given, "hook_chain"))
		strings_add(c->arena, &change->given, "hook_chain");
}

static int check_from(const struct cli *c, struct err *e)
{
	const struct issue_args *args = c->args;

	if (!args->from) {
		if (c->words.n == 0 && !args->change.csr_file)
			return err_set(e, ERR_USAGE,
			               "`everleaf issue` needs at least one name, or --from FILE");
		return 0;
	}
	if (c->words.n > 0)
		return err_set(e, ERR_USAGE,
		               "--from and names exclude each other; put \"%s\" into the file",
		               c->words.v[0]);
	if (strings_has(&args->change.given, "name"))
		return err_set(e, ERR_USAGE,
		               "--from and --name exclude each other; in the file a line ends with "
		               "\"> CERTNAME\"");
	if (args->change.csr_file || args->change.key_file)
		return err_set(e, ERR_USAGE,
		               "--from and --%s exclude each other; it belongs to one certificate",
		               args->change.csr_file ? "csr" : "key");
	return 0;
}

static int check_exclusive(const struct cli *c, struct err *e)
{
	const struct cert_change *change = c->args;

	if (change->csr_file && change->key_file)
		return err_set(
		    e, ERR_USAGE,
		    "--csr and --key exclude each other; a request is already signed by its key");
	return 0;
}

static int check_cert(const struct parser *p, struct err *e)
{
	struct cli *c = p->cli;
	bool needs_how = c->command->flags & COMMAND_HOW;
	const struct option *how;

	TRY(check_exclusive(c, e));
	if (needs_how)
		TRY(check_from(c, e));
	TRY(check_how(p, needs_how, &how, e));
	TRY(check_belongings(p, how, e));
	settle_how(c, c->args, how);
	return 0;
}

int parse_check(struct parser *p, struct err *e)
{
	struct cli *c = p->cli;

	if (!c->command)
		return no_command(c, e);
	TRY(check_count(c, e));
	TRY(check_needed(p, c->command->options, e));
	TRY(check_standard_input(p, e));
	if (c->command->shared)
		return check_cert(p, e);
	return 0;
}
