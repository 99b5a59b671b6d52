/*
 * Child processes: posix_spawn, no shell, no inherited descriptors but 0-2, a clean environment, a
 * time limit and the cancel token. Blocks the calling thread.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/turn.h"
#include "base/walls.h"

struct proc_spec {
	const char *const
	    *argv; /* NULL-terminated; argv[0] is a path (PATH is searched if it has no slash) */
	const char *const
	    *env; /* "NAME=value", NULL-terminated, added to PATH, HOME, LANG and TZ of our own */
	const char *name;    /* for messages; NULL = argv[0] without its folders */
	const char *cwd;     /* NULL = ours */
	const char *input;   /* standard input; NULL = /dev/null */
	size_t output_limit; /* bytes of standard output kept (the rest is read and dropped); 0 = 64
	                        KiB */
	uint32_t limit_s;    /* killed (its process group, TERM then KILL) after this; 0 = 600 */
	const struct cancel *cancel;
	const struct turns *turns; /* one at a time of what the file argv[0] really is; NULL = as it
	                              comes. The child, and what it starts, is known as having its
	                              turn, and does not wait for itself. */
	const struct strings *masked; /* hidden in the log and in err_tail (mask.h); NULL = none */
	const struct walls *walls;    /* what of the file system it may use (walls.h), and no new
	                                 rights by set-user-ID programs; NULL = all */
	bool alone; /* what it leaves running in its process group is killed when it ends */
};

struct proc_result {
	int status;     /* exit status, or 128 + signal */
	char *out;      /* standard output, NUL-terminated */
	char *err_tail; /* the last 2 KiB of standard error; each finished line was also logged at
	                   detail level */
};

/* ERR_HOOK if it cannot be started or was killed at its limit; a non-zero exit status is not an
 * error here. */
NODISCARD int proc_run(struct arena *a, const struct proc_spec *spec, struct proc_result *out,
                       struct err *e);

#endif
