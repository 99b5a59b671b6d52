/*
 * What the service manager is told (sd_notify(3)): a datagram to the socket it names. Without one
 * everything here does nothing.
 */
#ifndef SYS_NOTIFY_SYSTEMD_H
#define SYS_NOTIFY_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

/* Lines "NAME=value". Never fails: nobody is left to tell. */
void notify_systemd(const char *fmt, ...) PRINTF(1, 2);
/* How often the watchdog wants to hear of us, in milliseconds; 0 = it does not. */
int64_t notify_watchdog_ms(void);
/* Standard error is the journal, which understands "<3>" before a line. */
bool notify_is_journal(void);

#endif
