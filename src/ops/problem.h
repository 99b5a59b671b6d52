/* An error as a problem document (RFC 9457), the one form in which the REST API and its jobs tell
 * one. */
#ifndef OPS_PROBLEM_H
#define OPS_PROBLEM_H

#include "base/field.h"

struct problem {
	const char *type, *title;
	int64_t status;      /* of HTTP */
	const char *detail;  /* what a person reads */
	const char *code;    /* err_word */
	const char *member;  /* of the request, which is at fault; NULL = none in particular */
	const char *problem; /* of the CA, ACME's word; NULL = none */
	int64_t retry_after; /* seconds; 0 = no word */
};
extern const struct field problem_fields[];

struct problem problem_of(struct arena *a, const struct err *e);
/* For who asks over the network: what is wrong with the host, or names files below dir (NULL =
 * none), goes to its log instead, and the text says under which number. what: the operation. */
void problem_hide(struct err *e, const char *dir, const char *what);
/* As JSON text, without what is absent. */
const char *problem_text(struct arena *a, const struct err *e);
/* The error again, for who was told a document. */
void problem_error(const struct problem *p, struct err *e);

#endif
