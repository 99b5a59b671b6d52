/* What a look before an order found about one name (or all of them): for people and --json. */
#ifndef MODEL_FINDING_H
#define MODEL_FINDING_H

#include "base/field.h"

#define FINDING_FINE "fine"
#define FINDING_FAILS "fails"     /* the CA would certainly refuse */
#define FINDING_UNKNOWN "unknown" /* may look different from elsewhere: holds nothing back */

struct finding {
	const char *name;  /* the name it is about; NULL = all of them */
	const char *check; /* "address", "http-01", "tls-alpn-01", "dns-01", "caa", "profile", … */
	const char *verdict; /* one of the three above */
	const char *text;    /* what was seen */
	const char *problem; /* what the CA would answer: a problem type of RFC 8555 6.7; NULL if
	                        fine */
	const char *mend;    /* what to do; NULL = nothing */
	int64_t retry_at;    /* it will be otherwise then, by itself; 0 = not known */
};
extern const struct field finding_fields[];

#endif
