/* What the files of the Route 53 provider share: one call, signed, paced and with its errors told.
 */
#ifndef DNS_ROUTE53_IMPL_H
#define DNS_ROUTE53_IMPL_H

#include "dns/aws_credentials.h"
#include "sys/xml.h"

#define ROUTE53_VERSION "/2013-04-01"

struct route53 {
	struct aws_caller caller;
	int64_t next_ms;        /* of the monotonic clock: the service takes 5 requests a second */
	struct strings changes; /* not yet known to be at all servers */
};
/* The session's own; made at first. */
struct route53 *route53_of(struct dns_session *s);

struct route53_call {
	const char *method, *path; /* path: after ROUTE53_VERSION, escaped */
	const char *body;          /* XML, NULL = none */
	const char *action;        /* the right it needs: "GetChange" */
	const char *resource;      /* what it acts on: "hostedzone/Z1", "change/C1"; NULL = all */
};
/* *out is the answer's first element. ERR_DENIED names the right that is missing; ERR_BUSY: a
 * change batch that no longer fits what is there; ERR_NOT_FOUND, ERR_INPUT, ERR_RATE_LIMITED,
 * ERR_PROTOCOL and what rest_do gives. */
NODISCARD int route53_do(struct dns_session *s, const struct route53_call *call,
                         const struct xml **out, struct err *e);

/* "Z1" of "/hostedzone/Z1"; NULL if it is no identifier of that kind ("hostedzone", "change"). */
const char *route53_id(struct arena *a, const char *kind, const char *text);
/* Adds or removes all of v in one change batch. */
NODISCARD int route53_change(struct dns_session *s, const struct dns_zone *z,
                             const struct dns_record *v, size_t n, bool remove, struct err *e);

#endif
