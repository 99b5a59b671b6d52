/* The daemon's look at dns-persist-01 records, once a day. */
#ifndef FLOW_PERSIST_DAILY_H
#define FLOW_PERSIST_DAILY_H

#include "flow/run.h"

/* If a day has passed since the last look, by whatever node: every certificate that is proved by a
 * record that stays has it looked at, and what is missing, wrong or near its end is told. One that
 * could not look is tried again after an hour. Waits for the DNS and for CAs. */
NODISCARD int persist_daily(struct run *r, struct err *e);

#endif
