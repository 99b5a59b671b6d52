/*
 * Runs n items on at most `threads` threads and waits for all. Straight-line code inside an item
 * may block.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/err.h"

/* Calls work(ctx, i) for i = 0 .. n-1, in that order of starting. With threads <= 1 or n <= 1 it
 * all runs on the calling thread. ERR_IO if not even one thread can be started. */
NODISCARD int pool_run(size_t threads, size_t n, void (*work)(void *ctx, size_t i), void *ctx,
                       struct err *e);

#endif
