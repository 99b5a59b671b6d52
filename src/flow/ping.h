/*
 * The dead man's switch: that a pass over all that is due has run is written down, and an address
 * of a watching service is fetched. When none comes any more, the service, or `check`, says so.
 */
#ifndef FLOW_PING_H
#define FLOW_PING_H

#include "flow/run.h"

/* After a pass. ping_url is fetched as it is, with /fail after its path when something failed. A
 * failure to do so is warned about and stops nothing. */
void ping_pass(struct run *r, bool failed);
/* *last: 0 = none has ever run. *overdue: none within the time that is configured, since there are
 * certificates here. */
NODISCARD int ping_is_overdue(struct run *r, int64_t *last, bool *overdue, struct err *e);

#endif
