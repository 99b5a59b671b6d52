/*
 * The maintenance window: pure but for the machine's time zone. A renewal that is due waits for the
 * window's next beginning, plus up to an hour that each certificate has of its own, if it can
 * afford to; one that failed, or that a person asks for by name, does not wait.
 */
#ifndef FLOW_NIGHTLY_H
#define FLOW_NIGHTLY_H

#include "flow/plan.h"

/* "01:30" as minutes of the local day. ERR_CONFIG. */
NODISCARD int nightly_parse(const char *text, int *minute, struct err *e);
/* The first instant not before `after` at which a local clock shows that minute of the day. */
int64_t nightly_next(int64_t after, int minute);
/* plan_next, its renewal put into the window that starts at `window` ("01:30"); NULL = none. */
void nightly_plan(const char *window, const struct cert *c, int64_t now, struct plan *out);

#endif
