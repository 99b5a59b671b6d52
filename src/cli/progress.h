/*
 * What is being done now, on standard error. On a terminal a few lines redrawn in place by a thread
 * of its own, at most ten times a second; elsewhere a plain line for each step. While it runs it
 * prints the log's lines too, so that neither overwrites the other.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "ops/ops.h"

struct progress;

/* live: redraw in place (else plain lines). Never fails: without a thread it prints plain lines. */
struct progress *progress_start(bool live);
/* To be given to ops. */
struct ops_report progress_report(struct progress *p);
/* Takes the display away, for good, so that something else can be printed. NULL is fine; more than
 * once, too. */
void progress_end(struct progress *p);
/* Ends it, gives the log back and frees it. */
void progress_stop(struct progress *p);

DEFINE_CLEANUP(progress_cleanup, struct progress, progress_stop)

#endif
