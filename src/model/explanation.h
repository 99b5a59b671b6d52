/* Why a certificate renews when it does, and what comes next: for people and --json. */
#ifndef MODEL_EXPLANATION_H
#define MODEL_EXPLANATION_H

#include "base/field.h"

struct explanation {
	const char *name, *status;
	const char *reason; /* "first", "renewal-information", "policy", "lifetime", "never" */
	const char *why;    /* the same in words */
	int64_t renew_at;   /* 0 = never by itself */
	const char *next;   /* what comes next, in words */
	int64_t next_at;
	int64_t window_start, window_end; /* the CA's suggestion; 0 = none */
	const char *explanation_url;
	int64_t ask_ca_at; /* when the CA is asked for it again */
	int64_t failures;
	const char *last_error;
	int64_t last_error_at, retry_at;
	const char *held; /* the limit that would hold it back now, in words; NULL = none */
	int64_t held_until;
	struct records limits; /* of struct limit_state: what an order would touch */
};
extern const struct field explanation_fields[];

#endif
