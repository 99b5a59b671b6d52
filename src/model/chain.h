/* The event log as a keyed chain: what a look at it found. */
#ifndef MODEL_CHAIN_H
#define MODEL_CHAIN_H

#include "base/field.h"

struct chain_check {
	bool fine;
	int64_t records;   /* that are as they were written, from the first one on */
	const char *head;  /* "NUMBER:MAC" of the last of these */
	const char *found; /* "changed", "removed", "put in", "cut off", "head"; NULL = fine */
	int64_t number;    /* of the first record at fault */
	int64_t at;        /* what it says of itself, if it is there: when, and what kind */
	const char *kind;
	const char *why; /* for a person */
};
extern const struct field chain_check_fields[];

#endif
