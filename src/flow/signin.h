/*
 * How people prove who they are: a password, a second factor, a one-time link; and the random texts
 * that stand for them afterwards. What fails is counted by user and by address in the store, before
 * it is tried, and each further attempt waits longer.
 */
#ifndef FLOW_SIGNIN_H
#define FLOW_SIGNIN_H

#include "flow/run.h"
#include "store/people.h"

/* 256 random bits as text behind prefix, and SHA-256 of the text, hexadecimal. */
NODISCARD int secret_new(struct arena *a, const char *prefix, char **text, char **hash,
                         struct err *e);
NODISCARD int secret_hash(struct arena *a, const char *text, char **hash, struct err *e);
/* Takes as long whatever differs; NULL is the same as nothing. */
bool secret_same(const char *x, const char *y);

/* ERR_USAGE for one that is too short to be one. */
NODISCARD int signin_check_new_password(const char *password, struct err *e);
NODISCARD int signin_hash_password(struct arena *a, const char *password, char **out,
                                   struct err *e);

struct signin {
	const char *user, *password;
	const char *code;    /* of the second factor; NULL = none was sent */
	const char *address; /* from where; NULL = not known */
	bool password_alone; /* somebody who is signed in says it again */
};
/* The user as stored. ERR_UNKNOWN_CALLER in the same words whatever was wrong; with the member
 * "totp" when only the code is missing. ERR_RATE_LIMITED with retry_s: not before; ERR_AGAIN: too
 * many at once. */
NODISCARD int signin(struct run *r, struct arena *a, const struct signin *s, struct user *out,
                     struct err *e);

/* A new second factor: its secret, and the address that a telephone reads (otpauth). */
NODISCARD int signin_totp_new(struct arena *a, const char *user, char **secret, char **uri,
                              struct err *e);
/* *step 0: the code is wrong. */
NODISCARD int signin_totp_check(struct arena *a, const char *secret, const char *code,
                                int64_t *step, struct err *e);

#endif
