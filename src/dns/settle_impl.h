/* Between settle.c (the wait), settle_round.c (one round of questions) and settle_servers.c (whom
 * to ask). */
#ifndef DNS_SETTLE_IMPL_H
#define DNS_SETTLE_IMPL_H

#include "dns/settle.h"

/* One server, and how it is doing. */
struct settle_asked {
	struct settle_server s;
	size_t group;
	bool answered; /* it has said something about the values, ever */
	bool speaks;   /* and did so when asked last: it is asked about all names at once */
	bool closed;   /* its port is, or it serves the zone not at all: no long wait for it */
	bool away;     /* there is no way to its network from here */
};
/* One name at one server. */
struct settle_point {
	size_t asked, name;
	unsigned round; /* when it was asked last */
	bool has;
	size_t n_has; /* values of it */
	enum settle_state state;
	const char *said;
};
/* One name and what must be there. */
struct settle_name {
	const char *name;
	struct strings values;
	size_t group;
};
/* Names of one zone and account. */
struct settle_group {
	const struct dns_placement *first;
};
struct settle_work {
	struct arena *a;
	const struct settle_how *how;
	bool recursive; /* resolvers are asked */
	struct settle_group *groups;
	struct settle_name *names;
	struct settle_asked *asked;
	struct settle_point *points;
	size_t n_groups, n_names, n_asked, n_points;
	unsigned round;
	const char *left_out; /* servers that may not be asked, and why; NULL = none */
};

/* Names and groups of v, those for which `wanted` is true. */
void settle_gather(struct settle_work *w, const struct dns_placement *v, size_t n,
                   const bool *wanted);
/* Finds the servers of each group (or its resolvers) and makes the points. */
NODISCARD int settle_prepare(struct settle_work *w, struct err *e);
/* Asks whatever is not there yet, once, and tells how->look. */
NODISCARD int settle_round(struct settle_work *w, struct settle_report *out, struct err *e);
/* The resolvers that an account, the view or the system names. */
NODISCARD int settle_resolvers(struct arena *a, const struct dns_session *s,
                               const struct settle_how *how, struct strings *out, struct err *e);
/* An address each of a few name servers of the zone that name is in; none if the resolvers do not
 * know. They are not asked for the name itself. */
NODISCARD int settle_few_servers(struct arena *a, const char *name, const struct dns_view *view,
                                 const struct cancel *cancel, struct strings *out, struct err *e);

#endif
