/* Between rfc2136.c (zones and changes), rfc2136_key.c (settings and keys) and rfc2136_talk.c
 * (messages and what servers say) and rfc2136_zone.c (what is asked before). */
#ifndef DNS_RFC2136_H
#define DNS_RFC2136_H

#include "dns/provider.h"
#include "sys/dns.h"
#include "sys/tsig.h"

struct rfc2136_entry {
	const char *domain, *zone, *key, *key_name, *key_algorithm, *key_secret;
};
struct rfc2136 {
	const char *server, *key, *key_name, *key_algorithm, *key_secret, *transport;
	struct records zones; /* struct rfc2136_entry */
};

/* Of one session. */
struct rfc2136_state {
	struct strings addresses; /* of the server */
	struct strings apexes;    /* zones found there */
	struct strings below;     /* names asked for, and below_apex[i] the zone each is in */
	struct strings below_apex;
};
struct rfc2136_state *rfc2136_state(struct dns_session *s);

/* The settings' own check; ERR_CONFIG. */
NODISCARD int rfc2136_check(struct arena *a, const void *settings, const struct dns_common *common,
                            struct err *e);
/* The entry of `zones` for a name, the longest that fits; NULL = none. */
const struct rfc2136_entry *rfc2136_entry(struct dns_session *s, const char *name);
/* The entry's own key, or the account's; NULL = nothing is signed. */
NODISCARD int rfc2136_key(struct dns_session *s, const struct rfc2136_entry *z,
                          const struct tsig_key **out, struct err *e);

/* One message and its answer. */
struct rfc2136_talk {
	struct dns_session *s;
	const struct tsig_key *key; /* NULL = unsigned */
	const char *address;
	struct dns_answer answer;
	struct tsig_verdict verdict;
	int64_t now;
};
/* A question, signed; asked twice. ERR_NETWORK, ERR_PROTOCOL; what the answer says is the caller's
 * to judge. */
NODISCARD int rfc2136_ask(struct rfc2136_talk *t, const struct bytes *message, struct err *e);
/* What was answered, as success or error; zone for the text. */
NODISCARD int rfc2136_judge(const struct rfc2136_talk *t, const char *zone, struct err *e);
const char *rfc2136_server(const struct rfc2136_talk *t); /* as the account names it */

/* The server's addresses, looked up once. */
NODISCARD int rfc2136_addresses(struct dns_session *s, const struct strings **out, struct err *e);
/* Asks for the SOA record of name; *apex: the zone it is in there, NULL = in none of that server's.
 * key NULL = unsigned. ERR_INPUT: delegated from there to somewhere else. */
NODISCARD int rfc2136_find_apex(struct dns_session *s, const struct tsig_key *key, const char *name,
                                const char **apex, struct err *e);
/* Asks for the zones of many names at once, unsigned: the first one is left for find_apex, which
 * shows early whether the server knows the key. */
NODISCARD int rfc2136_prepare(struct dns_session *s, const struct strings *names, struct err *e);
/* Sends one UPDATE of all of v; comes back when the server has proved that it did it. ERR_DENIED,
 * ERR_NOT_FOUND, ERR_NETWORK, ERR_PROTOCOL with the server's words. */
NODISCARD int rfc2136_update(struct dns_session *s, const struct tsig_key *key, const char *zone,
                             const struct dns_change *v, size_t n, struct err *e);
/* Sets each ttl_s to that of the values that are at the name already. */
NODISCARD int rfc2136_keep_ttl(struct dns_session *s, const struct tsig_key *key,
                               struct dns_change *v, size_t n, struct err *e);
/* Whether the server proves, signed where we sign, that none of the values is there. */
bool rfc2136_all_gone(struct dns_session *s, const struct tsig_key *key, const struct dns_change *v,
                      size_t n);

#endif
