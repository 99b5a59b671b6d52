/* The commands: each is given its parsed run and does one thing: ask ops, print. */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "cli/command.h"

#define X(words, fn, type, own, common, flags, least, most, synopsis, completes, help)             \
	int fn(struct cli *c, struct err *e);
#include "cli/commands.def"
#undef X

#endif
