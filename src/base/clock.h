/*
 * The time: wall clock in Unix seconds (UTC) and a monotonic clock in milliseconds. Tests set the
 * wall clock (clock_set), and a test build honours EVERLEAF_CLOCK_OFFSET_S.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

int64_t clock_now(void);    /* Unix seconds */
int64_t clock_now_ms(void); /* the same in milliseconds */
int64_t clock_monotonic_ms(void);
/* What another machine's clock says, as it is. A test build moves that as it moves this one's, or
 * as EVERLEAF_OTHERS_CLOCK_FILE says: in a test the servers' clocks stand in for those of a world
 * where it is as late as the test says. */
int64_t clock_of_others(int64_t at);
void clock_set(
    int64_t unix_s); /* for tests: from now on clock_now() is this plus elapsed time; 0 = real */

/* RFC 3339 in UTC, whole seconds: "2026-11-22T00:00:00Z". 0 gives NULL. Years beyond 0..9999 become
 * the nearest of them. */
#define CLOCK_RFC3339_SIZE 21
void clock_format_rfc3339(int64_t at,
                          char out[static CLOCK_RFC3339_SIZE]); /* the same, 0 as any other time */
char *clock_rfc3339(struct arena *a, int64_t at);
/* Accepts any offset and a fraction (dropped). ERR_INPUT. */
NODISCARD int clock_parse_rfc3339(const char *s, int64_t *at, struct err *e);
/* RFC 9110 5.6.7 HTTP-date, all three forms. ERR_INPUT. */
NODISCARD int clock_parse_http_date(const char *s, int64_t *at, struct err *e);

#endif
