/*
 * What hooks of every kind have in common around proc_run: is the file one that can be run, what
 * did a failure say, and where its standard output goes.
 */
#ifndef BASE_PROC_CHECK_H
#define BASE_PROC_CHECK_H

#include "base/proc.h"

/* path is a regular file that this process may execute. ERR_INPUT naming it and what to do. */
NODISCARD int proc_check_executable(const char *path, struct err *e);
/* A status other than 0 is ERR_HOOK: "<what> ended with status N: <last line of its standard
 * error>". */
NODISCARD int proc_check_status(const struct proc_result *r, const char *what, struct err *e);
/* Each line of the standard output, in the log at info or, quiet, at detail level. */
void proc_log_output(const struct proc_result *r, bool quiet);

#endif
