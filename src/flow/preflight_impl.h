/*
 * What the looks of a preflight share. Each look is a row of preflight.c: it first says what it
 * wants to know of the DNS (all questions of all looks go out together), then judges. What several
 * looks need of a host (addresses, whether they connect) is found once.
 */
#ifndef FLOW_PREFLIGHT_IMPL_H
#define FLOW_PREFLIGHT_IMPL_H

#include "flow/ca.h"
#include "flow/preflight.h"
#include "sys/dns.h"

#define PREFLIGHT_DNS_MS 5000
#define PREFLIGHT_CONNECT_MS 5000
#define PREFLIGHT_FETCH_MS 5000
#define PREFLIGHT_ADDRESSES 16 /* of one host that are looked at */

enum seen { SEEN_UNKNOWN, SEEN_FINE, SEEN_FAILS };

enum answered {
	ANSWERED,        /* NOERROR or NXDOMAIN: what it says is so */
	ANSWERED_BOGUS,  /* it does not validate (DNSSEC) */
	ANSWERED_FAILED, /* SERVFAIL, REFUSED, … */
	ANSWERED_NOT,    /* nobody answers, or not in DNS */
};
struct look_up {
	struct dns_question q;
	enum answered how;
	bool asked;
	const char *said; /* what is wrong, in words: "SERVFAIL" */
	const char *mend; /* ANSWERED_BOGUS */
};

struct address {
	const char *text;
	bool v6;
	bool refused_us; /* no connection was made: another address may be tried by a CA */
	enum seen seen;
	const char *said; /* NULL = fine */
};
/* A host and one of its ports. */
struct host {
	const char *name;
	uint16_t port;
	struct address *v;
	size_t n;
	enum seen seen;      /* over all addresses */
	const char *said;    /* what is wrong, in words */
	const char *problem; /* what the CA would answer */
	const char *mend;
	bool without_address;
};

struct preflight {
	struct run *run;
	struct arena *arena;
	const struct preflight_ask *ask;
	const struct cert *cert;
	struct ca ca;
	bool laboratory;      /* the CA says how it sees the world, so we see what it sees */
	bool inside;          /* and what is at addresses inside is looked at for it */
	bool elsewhere;       /* it is no public one either: what it sees is not known here */
	bool doubtful;        /* so what fails in this look is unknown */
	struct strings names; /* without "*.", each once */
	struct strings resolvers;
	struct look_up *questions;
	size_t n_questions, room;
	struct host *hosts; /* of names; NULL = nobody connects for this challenge type */
	struct findings found;
	size_t found_room;
};

/* Findings. fmt gives the text. */
void preflight_fine(struct preflight *p, const char *name, const char *check, const char *fmt, ...)
    PRINTF(4, 5);
void preflight_found(struct preflight *p, const char *name, const char *check, enum seen seen,
                     const char *problem, const char *mend, const char *fmt, ...) PRINTF(7, 8);

/* The DNS as the CA sees it. want: a question for the next ask (each only once). */
void preflight_want(struct preflight *p, const char *name, enum dns_type type);
NODISCARD int preflight_ask_all(struct preflight *p, struct err *e);
/* The answer; NULL if it was never wanted. */
const struct look_up *preflight_answer(const struct preflight *p, const char *name,
                                       enum dns_type type);
/* What an answer that is none means: fails if the CA is sure to meet the same. */
enum seen preflight_weigh_answer(const struct preflight *p, const struct look_up *x);
bool preflight_is_answer(const struct dns_question *q);
void preflight_take_answer(struct preflight *p, struct look_up *x, const struct dns_question *q);
/* preflight_dnssec.c. Of those that were answered SERVFAIL: whether that is DNSSEC's, and why. */
NODISCARD int preflight_ask_why(struct preflight *p, struct err *e);
/* What is wrong with it, from what its records say of their signatures, and how to mend that; NULL
 * = cannot be seen. */
const char *preflight_signatures_wrong(struct arena *a, const struct dns_answer *answer,
                                       int64_t now, const char **mend);
const char *preflight_said(struct preflight *p, const struct look_up *x, const char *name);

/* preflight_address.c. want_host before, find_hosts after the asking. */
void preflight_want_host(struct preflight *p, const char *name);
void preflight_find_host(struct preflight *p, struct host *h);
NODISCARD int preflight_connect(struct preflight *p, struct host *v, size_t n, struct err *e);
/* What the addresses mean for their host: a CA takes an IPv6 address if there is one (RFC 6724),
 * and some take an IPv4 one if that does not connect. all NULL-terminated words of those that do
 * not work in *said. */
enum seen preflight_weigh(struct arena *a, const struct address *v, size_t n, bool laboratory,
                          const char **said);
/* Whether a failure to reach this address is one that the CA would meet too. */
enum seen preflight_weigh_failure(const struct preflight *p, const char *address);

/* The looks. */
NODISCARD int preflight_limits(struct preflight *p, struct err *e);
void preflight_profile(struct preflight *p);
void preflight_address_want(struct preflight *p);
NODISCARD int preflight_address(struct preflight *p, struct err *e);
void preflight_caa_want(struct preflight *p);
NODISCARD int preflight_caa(struct preflight *p, struct err *e);
void preflight_dns_want(struct preflight *p);
NODISCARD int preflight_dns(struct preflight *p, struct err *e);
NODISCARD int preflight_delegation(struct preflight *p, struct err *e);
NODISCARD int preflight_http(struct preflight *p, struct err *e);
NODISCARD int preflight_alpn(struct preflight *p, struct err *e);

#endif
