/*
 * Propagation: waits until a value is where the CA will look. Every authoritative server of the
 * zone is asked directly, over IPv4 and IPv6: the servers that the parent names and those that the
 * zone itself names. All that answer must have the value, with authority; those that do not answer
 * are named. Only then a recursive resolver, if wanted, so that it never remembers an absence.
 */
#ifndef DNS_SETTLE_H
#define DNS_SETTLE_H

#include "dns/place.h"

enum settle_state { SETTLE_HAS, SETTLE_HAS_NOT, SETTLE_SILENT, SETTLE_ERROR };
struct settle_server {
	const char *name;    /* "ns1.example.org"; NULL = given by address */
	const char *address; /* ADDR:PORT */
	const char *zone;
	enum settle_state state; /* over all values of this zone: the worst */
	const char *said; /* for people: "has it", "has 3 of 4", "does not answer", "REFUSED" */
	bool own;         /* the provider's own, or named by the account: no AA needed */
};
struct settle_report {
	const struct settle_server *v;
	size_t n;
	size_t n_has, n_has_not, n_silent;
};

struct settle_how {
	const struct dns_view *view;
	const struct cancel *cancel;
	uint32_t park_after_s; /* 0 = wait to the end; else ERR_AGAIN with retry_s once this long
	                          was waited */
	/* Told after each round of questions; NULL = nobody looks. */
	void (*look)(void *ctx, const struct settle_report *r);
	void *ctx;
};
/* Waits for all of v, one wait for all of them together. ERR_VALIDATION when the time is up: names
 * each server that has not the value. Servers that never answered are told in the log, once. */
NODISCARD int settle_wait(struct arena *a, const struct dns_placement *v, size_t n,
                          const struct settle_how *how, struct err *e);
/* One look: what each server says now; nothing is waited for. */
NODISCARD int settle_look(struct arena *a, const struct dns_placement *v, size_t n,
                          const struct settle_how *how, struct settle_report *out, struct err *e);

/* The servers to ask for a zone. own: asked beside. */
struct settle_servers {
	const struct settle_server *v;
	size_t n;
	const char *zone;     /* the zone cut found in the DNS */
	const char *left_out; /* which are not among them, and why; NULL = none */
};
NODISCARD int settle_find_servers(struct arena *a, const struct dns_placement *p,
                                  const struct settle_how *how, struct settle_servers *out,
                                  struct err *e);

#endif
