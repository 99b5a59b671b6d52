/*
 * DNS messages (ldns) and their way to a server and back. Questions go straight to the servers
 * named, many at a time on one thread: over UDP from a random port, over TCP when the answer was
 * truncated. Answers are hostile: bounded, and taken only from the server asked, with the number
 * and the question that were sent. Servers are "ADDR:PORT" or "[v6]:PORT".
 */
#ifndef SYS_DNS_H
#define SYS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/codec.h"
#include "base/err.h"

#define DNS_MAX_STRINGS 64  /* TXT values of one name that are looked at */
#define DNS_MAX_RECORDS 256 /* records of one answer that are looked at */

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_DNAME = 39,
	DNS_RRSIG = 46,
	DNS_CAA = 257,
};
const char *dns_type_name(enum dns_type type); /* "TXT" */

/* RFC 1035 4.1.1, RFC 2136 2.2, RFC 8945 3. */
enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_YXDOMAIN = 6,
	DNS_YXRRSET = 7,
	DNS_NXRRSET = 8,
	DNS_NOTAUTH = 9,
	DNS_NOTZONE = 10,
};
const char *dns_rcode_name(int rcode); /* "NXDOMAIN", "RCODE 23" */

struct dns_rr {
	const char *name; /* owner: lower case, no trailing dot, bytes that are not text as \DDD */
	int type;         /* enum dns_type or another number */
	uint32_t ttl;
	const char *text; /* A, AAAA: the address; NS, CNAME, DNAME: the target as a name; SOA: the
	                     primary server's name; TXT: its strings joined, without quotes; CAA and
	                     others: the presentation form */
};
/* RFC 8914: more about an error than its RCODE says. */
struct dns_extended {
	int code;
	const char *text; /* printable; "" = none */
};
#define DNS_MAX_EXTENDED 4
struct dns_answer {
	int rcode;
	bool authoritative; /* AA */
	bool authenticated; /* AD */
	bool recursion;     /* RA */
	const struct dns_rr *answer, *authority, *additional;
	size_t n_answer, n_authority, n_additional;
	const struct dns_extended *extended; /* of an explained question */
	size_t n_extended;
};
/* The TXT values of exactly this name in the answer; CNAMEs are not followed. */
struct strings dns_answer_txt(struct arena *a, const struct dns_answer *answer, const char *name);

struct dns_question {
	const char *server; /* whom to ask */
	const char *name;   /* without or with a trailing dot; "" = the root */
	enum dns_type type;
	bool recursive; /* RD */
	bool unchecked; /* CD: the answer as it is, whether DNSSEC validates or not */
	bool explained; /* EDNS with DO: errors say more, and signatures come along */
	/* out */
	struct dns_answer answer; /* if why.code is ERR_NONE */
	struct err why; /* ERR_NETWORK: no answer (names the server); ERR_PROTOCOL: not DNS;
	                   ERR_INPUT: not a name or not an address */
	int fault;      /* of ERR_NETWORK: ETIMEDOUT (silent), ECONNREFUSED, ENETUNREACH, … */
};
/* Asks all of them at once and waits for all, at most limit_ms altogether (0 = 5,000; each question
 * is sent three times meanwhile). What failed is told in each question; only ERR_CANCELLED and
 * ERR_IO (no sockets) fail the call. Any number of questions: no more than 128 are under way. */
NODISCARD int dns_ask_all(struct arena *a, struct dns_question *v, size_t n, uint32_t limit_ms,
                          const struct cancel *cancel, struct err *e);
/* One question to the first of several servers that answers with NOERROR or NXDOMAIN (they are
 * asked one after the other). servers NULL or empty: the system's resolvers, RD set. ERR_NETWORK if
 * none does: the text says what each one said. */
NODISCARD int dns_ask(struct arena *a, const struct strings *servers, const char *name,
                      enum dns_type type, const struct cancel *cancel, struct dns_answer *out,
                      struct err *e);
/* The resolvers of /etc/resolv.conf as ADDR:PORT. ERR_NETWORK if there are none. */
NODISCARD int dns_system_resolvers(struct arena *a, struct strings *out, struct err *e);
/* "ADDR", "[v6]", "v6", "ADDR:PORT", "[v6]:PORT" -> "ADDR:PORT" or "[v6]:PORT"; ERR_INPUT if it is
 * not an address. */
NODISCARD int dns_server_normalize(struct arena *a, const char *text, uint16_t default_port,
                                   const char **out, struct err *e);
/* The same for HOST or HOST:PORT too: its addresses, A and AAAA, from the system's resolver
 * (getaddrinfo). ERR_NETWORK if it has none. */
NODISCARD int dns_server_addresses(struct arena *a, const char *text, uint16_t default_port,
                                   struct strings *out, struct err *e);

/* The TXT records at name, as a resolver sees them (CNAMEs followed), each one's strings joined, at
 * most DNS_MAX_STRINGS. resolver NULL = the system's. A name that does not exist, or has no TXT
 * record, gives none (and is no error). ERR_NETWORK when nobody answers or the answer is a failure
 * (SERVFAIL, REFUSED): then nothing is known. Blocks up to 10 s. */
NODISCARD int dns_txt(struct arena *a, const char *resolver, const char *name, struct strings *out,
                      struct err *e);

/* RFC 2136: one UPDATE message. */
struct dns_change {
	const char *name, *value; /* a TXT record; value of any length (strings of 255 bytes) */
	uint32_t ttl_s;
	bool remove; /* exactly this value (class NONE); otherwise add it */
};
/* The message without TSIG. ERR_INPUT for what is no DNS name, or too much for one message. */
NODISCARD int dns_update_message(struct arena *a, const char *zone, const struct dns_change *v,
                                 size_t n, struct bytes *out, struct err *e);
/* A question's message, for signing too. */
NODISCARD int dns_question_message(struct arena *a, const char *name, enum dns_type type,
                                   bool recursive, struct bytes *out, struct err *e);
/* Sends a whole message over TCP and reads the answer's bytes; its number is that of the message.
 * ERR_NETWORK. Passes fault_point before it sends and after it has the answer. */
NODISCARD int dns_exchange(struct arena *a, const char *server, const struct bytes *message,
                           uint32_t limit_ms, const struct cancel *cancel, struct bytes *out,
                           struct err *e);
/* The same over UDP, sent up to three times, and over TCP when the answer was truncated. */
NODISCARD int dns_exchange_udp(struct arena *a, const char *server, const struct bytes *message,
                               uint32_t limit_ms, const struct cancel *cancel, struct bytes *out,
                               struct err *e);
/* Reads an answer; ERR_PROTOCOL. tsig_at: where its TSIG record begins (it must be the last one of
 * the additional section), 0 = it has none. */
NODISCARD int dns_answer_parse(struct arena *a, const struct bytes *message, struct dns_answer *out,
                               size_t *tsig_at, struct err *e);

#endif
