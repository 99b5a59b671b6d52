/*
 * A daemon asked over its REST API (`everleaf --server URL`): the row of an operation makes the
 * request, and its answer becomes the record that the state folder would have given. What waits for
 * the outside is a job there, which is waited for. The token is in no error, log or argument list.
 */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "cli/command.h"
#include "ops/operation.h"

struct remote;

/* By the global options. No connection is made. ERR_USAGE, ERR_INPUT. */
NODISCARD int remote_open(struct cli *c, struct remote **out, struct err *e);
void remote_close(struct remote *r);
/* Its errors are the daemon's own words. Interrupted while a job runs: the job goes on there, and
 * the error says so. */
NODISCARD int remote_ask(struct cli *c, struct arena *a, const struct operation *op, void *in,
                         void *out, struct err *e);

/* An OP_JOB begun, and waited for: so that several run at once. */
NODISCARD int remote_begin(struct cli *c, const struct operation *op, void *in, int64_t *id,
                           struct err *e);
NODISCARD int remote_await(struct cli *c, struct arena *a, const struct operation *op, int64_t id,
                           void *out, struct err *e);

DEFINE_CLEANUP(remote_cleanup, struct remote, remote_close)

#endif
