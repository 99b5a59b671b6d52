/*
 * The one daemon of a state folder: who it is, for the command line and for a second one. Known by
 * a lock on STATE/daemon, which ends with the process however it ends; what stands in the file is
 * for people.
 */
#ifndef FLOW_DAEMON_H
#define FLOW_DAEMON_H

#include "flow/run.h"

/* Becomes it, until the process ends. http, alpn: the addresses of its challenge responders; NULL =
 * none. *fd is to be closed at the end. ERR_BUSY: another is; says which. */
NODISCARD int daemon_become(const char *state_dir, const char *http, const char *alpn, int *fd,
                            struct err *e);
/* After a listener could not be opened: when the daemon's own responder has that port, the error
 * says so. */
void daemon_explain_port(const struct run *r, struct arena *a, const char *address, struct err *e);

#endif
