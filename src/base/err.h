/*
 * The one error convention. Every function that can fail returns int, 0 or -ERR_x, and takes
 * struct err * last. On failure *e is filled and outputs are untouched; on success *e is untouched.
 * Callers add context on the way up; the text is shown once, where the error stops.
 * Texts never hold secrets: no key, password, token or request body goes into one.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

enum err_code {
	ERR_NONE = 0,
#define X(code, http, exit_status, again, word) code,
#include "base/errors.def"
#undef X
};

struct err {
	enum err_code code;
	uint32_t retry_s; /* the peer asked to wait this long, seconds; 0 = no word */
	int http_status;  /* of the answer that told the failure; 0 = none */
	bool unsent;      /* of an HTTP request: no byte of it had left */
	char member[64];  /* of the request, which is at fault; "" = none in particular */
	char problem[64]; /* ACME problem type without its urn prefix ("badNonce"); "" = none */
	char text[1024];  /* one line for a person, outermost context first */
};

/* Fills *e (everything else cleared) and returns -code. Control characters in the formatted text
 * become '?', so that a peer's words cannot play with a terminal. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF(3, 4);

/* As err_set, appending ": " and strerror(saved_errno); ENOSPC and EDQUOT say "the disk is full".
 */
int err_errno(struct err *e, enum err_code code, int saved_errno, const char *fmt, ...)
    PRINTF(4, 5);

/* Puts "<formatted>: " before the text and returns -e->code. */
int err_ctx(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* Says which member of a request is at fault, unless that was said already; returns -e->code. */
int err_member(struct err *e, const char *member);

/* Lets the compiler see that what these return is a failure, always, so that it can follow TRY. */
static inline int err_is_failure(int rc)
{
	return rc < 0 ? rc : -(int)ERR_IO;
}
#define err_set(...) err_is_failure(err_set(__VA_ARGS__))
#define err_errno(...) err_is_failure(err_errno(__VA_ARGS__))
#define err_ctx(...) err_is_failure(err_ctx(__VA_ARGS__))
#define err_member(...) err_is_failure(err_member(__VA_ARGS__))

/* As err_ctx with a name, unless the text begins with that name already. */
int err_about(struct err *e, const char *name);

/* The database's connection was lost at a moment at which nothing can be repeated: nothing of the
 * transaction was kept, and whoever comes again finds everything as it was before. */
#define PROBLEM_DATABASE "database"
bool err_is_of_database(const struct err *e);
/* Another process took a lease over while this one stood still: what was to be done is its affair
 * now. */
#define PROBLEM_TAKEN_OVER "taken-over"
bool err_is_taken_over(const struct err *e);
/* Too many wait already for what others have (turn.h): nothing failed, and it is tried again. */
#define PROBLEM_CROWDED "crowded"
bool err_is_crowded(const struct err *e);

/* The row of errors.def. */
int err_exit_status(enum err_code code);
int err_http_status(enum err_code code);
bool err_is_retryable(enum err_code code);
const char *err_word(enum err_code code);
enum err_code err_of_word(const char *word); /* ERR_PROTOCOL: there is none (NULL is fine) */

#endif
