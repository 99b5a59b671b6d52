/* CAA records judged as a CA judges them (RFC 8659, RFC 8657). Pure. */
#ifndef FLOW_CAA_H
#define FLOW_CAA_H

#include "base/arena.h"

enum caa_verdict { CAA_ALLOWS, CAA_FORBIDS, CAA_UNKNOWN };

struct caa_asked {
	struct strings records;    /* of the relevant record set: `0 issue "ca.example"` */
	bool wildcard;             /* for the wildcard name */
	struct strings identities; /* the CA's names (RFC 8555 7.1.1 caaIdentities) */
	const char *account_url;   /* NULL = not known */
	const char *method;        /* the challenge type */
};
/* *why: what forbids it or cannot be known, in words; NULL if it is allowed. */
enum caa_verdict caa_judge(struct arena *a, const struct caa_asked *asked, const char **why);

#endif
