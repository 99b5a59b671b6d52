/* The daemon's log lines: for the journal with its level before them, elsewhere with the time. */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

void journal_start(void);
void journal_stop(void);

struct ops_daemon;
/* Writes the head of the event log, whatever level the log has: who keeps the journal can tell
 * later that nothing was cut off (`everleaf log --verify --head`). */
void journal_head(struct ops_daemon *d);

#endif
