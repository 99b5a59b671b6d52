/* What depends on more than one word of a command line; a part of parse(). */
#ifndef CLI_PARSE_CHECK_H
#define CLI_PARSE_CHECK_H

#include "cli/command.h"

struct parser {
	struct cli *cli;
	int argc;
	const char *const *argv;
	int at;                        /* the next word */
	const struct option *seen[64]; /* each option that was given, once */
	size_t n_seen;
};
bool parser_saw(const struct parser *p, const struct option *o);

/* Is a command there, are its words as many as it takes, is there one HOW, and do the options fit
 * together? Settles the challenge type. ERR_USAGE. */
NODISCARD int parse_check(struct parser *p, struct err *e);

#endif
