/*
 * The table of commands, from commands.def, and looking things up in it. Constant data; nothing
 * here runs a command.
 */
#include "cli/command.h"

#include <string.h>

#include "cli/args.h"
#include "cli/args_people.h"
#include "cli/cmd.h"

const struct command commands[] = {
#define X(words_, fn, type, own, common, flags_, least, most, synopsis_, completes_, help_)        \
	{ .words = (words_),                                                                       \
	  .run = (fn),                                                                             \
	  .options = (own),                                                                        \
	  .shared = (common),                                                                      \
	  .args_size = sizeof(struct type),                                                        \
	  .flags = (flags_),                                                                       \
	  .min_words = (least),                                                                    \
	  .max_words = (most),                                                                     \
	  .synopsis = (synopsis_),                                                                 \
	  .completes = (completes_),                                                               \
	  .help = (help_) },
#include "cli/commands.def"
#undef X
	{ 0 }
};

const struct command_group command_groups[] = {
	{ "account", "accounts at CAs" },
	{ "ca", "the CAs themselves" },
	{ "dns", "write access to DNS zones" },
	{ "settings", "what holds for all nodes" },
	{ "notify", "who is told of what happens, and how" },
	{ "user", "who may ask the daemon" },
	{ "token", "by what programs are known to the daemon" },
	{ "database", "where the state is kept" },
	{ "master-key", "the key that seals all other keys" },
	{ 0 }
};

const struct command *command_find(const char *words)
{
	COMMAND_EACH(c)
	{
		if (strcmp(c->words, words) == 0)
			return c;
	}
	return NULL;
}

const struct command_group *command_group_find(const char *word)
{
	for (const struct command_group *g = command_groups; g->word; g++) {
		if (strcmp(g->word, word) == 0)
			return g;
	}
	return NULL;
}

bool command_in_group(const struct command *c, const char *group)
{
	size_t len = strlen(group);

	return strncmp(c->words, group, len) == 0 && c->words[len] == ' ';
}

#define WORD_MAX 40

static unsigned least(unsigned x, unsigned y)
{
	return x < y ? x : y;
}

/* How many letters must be added, dropped, replaced or exchanged with their neighbour. */
static unsigned distance(const char *x, const char *y)
{
	unsigned rows[WORD_MAX + 1][WORD_MAX + 1];
	size_t nx = strlen(x), ny = strlen(y);

	if (nx > WORD_MAX || ny > WORD_MAX)
		return WORD_MAX;
	for (size_t i = 0; i <= nx; i++) {
		for (size_t j = 0; j <= ny; j++) {
			if (i == 0 || j == 0) {
				rows[i][j] = (unsigned)(i + j);
				continue;
			}
			rows[i][j] = least(least(rows[i - 1][j], rows[i][j - 1]) + 1,
			                   rows[i - 1][j - 1] + (x[i - 1] != y[j - 1]));
			if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
				rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
		}
	}
	return rows[nx][ny];
}

const char *nearest_word(const char *word, const char *const *list, size_t n)
{
	size_t len = strlen(word);
	unsigned best = (unsigned)len / 3 + 2; /* "foo" may be "force": short words get some room */
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned d = distance(word, list[i]);

		if (len >= 3 && strncmp(list[i], word, len) == 0)
			d = least(d, 1);
		if (d < best) {
			best = d;
			found = list[i];
		}
	}
	return found;
}
