/*
 * Landlock (Linux 5.13): what a child may read and write of the file system, and nothing else of
 * it. Raised around one thread, for good: a thread that only starts the child.
 */
#ifndef BASE_WALLS_H
#define BASE_WALLS_H

#include <stdbool.h>

#include "base/arena.h"

struct walls {
	struct strings readable; /* files and folders with all below: read, listed, executed */
	struct strings writable; /* files, written; folders, anything with all below */
};

bool walls_available(void); /* the kernel has Landlock, and it is on */
/* The part of the system that programs need to run; */
struct walls walls_system(struct arena *a);
/* Raises them around the calling thread, which can never gain rights again. Paths that are not
 * there are left out. 0 or an errno value. */
int walls_raise(const struct walls *w);

#endif
