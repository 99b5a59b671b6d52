/* The daemon's log lines: for the journal with its level before them, elsewhere with the time. */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

void journal_start(void);
void journal_stop(void);

#endif
