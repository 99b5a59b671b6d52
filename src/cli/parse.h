/*
 * From the words of a command line to a struct cli. Nothing is opened or read; the working
 * directory is asked for where a path is kept. Everything wrong is ERR_USAGE with one line that
 * says what to do.
 */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "cli/command.h"

/* argv[0] is the program. Fills command, group, globals (variables of the environment stand in for
 * global options), args and words of *c, whose arena must be set. With --help nothing is demanded
 * to be complete. */
NODISCARD int parse(struct cli *c, int argc, const char *const *argv, struct err *e);

/* ADDR:PORT, [v6]:PORT or :PORT, and nothing else. */
bool is_address(const char *s);

/* "15d" or "1/3". */
bool is_renewal_policy(const char *s);

#endif
