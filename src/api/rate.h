/*
 * How much one address or user may ask for: token buckets in a table of a fixed size, where the
 * least recently used one makes room. Any thread.
 */
#ifndef API_RATE_H
#define API_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate;

enum rate_kind {
	RATE_REQUEST, /* anything, by address */
	RATE_CHANGE,  /* what is no reading, by user */
	RATE_MAIL,    /* certificates sent to mail addresses, by user */
	RATE_FAILURE, /* tokens, cookies and passwords that are none, by address */
};

struct rate *rate_new(void);
void rate_free(struct rate *r);
/* Takes one token, if there is one; else *retry_s says when there will be. whom: an address (its
 * network counts: base/network.h) or a name. */
bool rate_take(struct rate *r, enum rate_kind kind, const char *whom, uint32_t *retry_s);
/* The same, and takes nothing. */
bool rate_has(struct rate *r, enum rate_kind kind, const char *whom, uint32_t *retry_s);

#endif
