/*
 * What both completion scripts are made of: which kind of thing an option's value or a command's
 * word is.
 */
#include "cli/completion.h"

#include <string.h>

#include "cli/cmd.h"
#include "cli/print_done.h"

const char *completion_value(struct arena *a, const struct option *o)
{
	struct strings values = { 0 };

	if (!o->arg)
		return NULL;
	for (const char *const *v = o->values; v && *v; v++)
		strings_add(a, &values, *v);
	if (values.n)
		return arena_printf(a, "words %s", strings_join(a, &values, " "));
	if (strcmp(o->arg, "DIR") == 0)
		return "folders";
	if (strcmp(o->arg, "FILE") == 0)
		return "files";
	if (strcmp(o->arg, "CA") == 0)
		return "names cas";
	if (strcmp(o->arg, "ACCOUNT") == 0)
		return "names dns";
	return strcmp(o->name, "account") == 0 ? "names accounts" : "";
}

const char *completion_words(struct arena *a, const struct command *command)
{
	static const char *const names[] = { "certificates", "accounts",  "cas",
		                             "dns",          "providers", "channels" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(command->completes, names[i]) == 0)
			return arena_printf(a, "names %s", names[i]);
	}
	if (strcmp(command->completes, "files") == 0)
		return "files";
	if (strcmp(command->completes, "commands") == 0)
		return arena_printf(a, "words %s", completion_commands(a, NULL));
	return *command->completes ? arena_printf(a, "words %s", command->completes) : "";
}

const char *completion_commands(struct arena *a, const char *group)
{
	struct strings words = { 0 };

	COMMAND_EACH(command)
	{
		size_t skip = group ? strlen(group) + 1 : 0;

		if ((command->flags & COMMAND_HIDDEN) ||
		    (group && !command_in_group(command, group)) ||
		    (!group && strchr(command->words, ' ')))
			continue;
		strings_add(a, &words, command->words + skip);
	}
	for (const struct command_group *g = command_groups; !group && g->word; g++)
		strings_add(a, &words, g->word);
	return strings_join(a, &words, " ");
}

static int write_script(struct cli *c, FILE *out, const void *ctx, struct err *e)
{
	if (strcmp(ctx, "bash") == 0)
		completion_bash(c->arena, out);
	else
		completion_zsh(c->arena, out);
	return 0;
}

int cmd_completion(struct cli *c, struct err *e)
{
	const char *shell = c->words.v[0];

	if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0)
		return err_set(e, ERR_USAGE,
		               "there is no completion for \"%s\": everleaf completion bash|zsh",
		               shell);
	return print_text(c, "script", write_script, shell, e);
}
