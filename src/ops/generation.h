/*
 * What the turns of a daemon work with: its files as they were read, the sessions at the CAs, and
 * the settings of the store where the files are silent. A change of the settings makes another one
 * on the same files and sessions. It is not changed while it is used; who counts its users frees it
 * after the last one.
 */
#ifndef OPS_GENERATION_H
#define OPS_GENERATION_H

#include "flow/run.h"
#include "ops/ops.h"

struct files;
struct generation {
	struct arena *arena;
	struct files *files; /* counted: what other generations stand on too */
	struct settings stored;
	struct config config; /* the files', and the stored settings where they are silent */
	struct run run;
	unsigned refs; /* its users; whoever frees it sees to that */
};

/* Reads the configuration file. */
NODISCARD int generation_read(const struct ops *o, const struct settings *stored,
                              struct generation **out, struct err *e);
/* The same files and sessions with other settings. */
struct generation *generation_with(const struct ops *o, const struct generation *former,
                                   const struct settings *stored);
void generation_free(struct generation *g);

#endif
