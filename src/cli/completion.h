/* Completion scripts for shells, from the tables. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include <stdio.h>

#include "cli/command.h"

void completion_bash(struct arena *a, FILE *out);
void completion_zsh(struct arena *a, FILE *out);

/* What an option's value is, in the words the scripts use: "files", "folders", "names accounts",
 * "words a b"; "" = anything. */
const char *completion_value(struct arena *a, const struct option *o);
/* The same for a command's words. */
const char *completion_words(struct arena *a, const struct command *command);
/* First words, or the verbs of a group. */
const char *completion_commands(struct arena *a, const char *group);

#endif
