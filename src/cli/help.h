/* The help, and the table of commands as JSON. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "base/json.h"
#include <stdio.h>

#include "cli/command.h"

/* command NULL: the group's, or with group NULL the program's. With --json the same as data. */
NODISCARD int help_print(struct cli *c, const struct command *command, const char *group, FILE *out,
                         struct err *e);

/* "--output FILE", "--standalone [ADDR:PORT]", "--email ADDR..." */
const char *option_shown(struct arena *a, const struct option *o);
/* May it stand more than once on a line? */
bool option_repeats(const struct option *o);
/* What it takes, for the help: its own words and the values allowed. */
const char *option_help(struct arena *a, const struct option *o);

json_t *command_json(const struct command *command);

#endif
