/* Whole DNS messages on their way and the answers to them; used by dns.c alone (dns.h is what
 * others include). */
#ifndef SYS_DNS_FLIGHT_H
#define SYS_DNS_FLIGHT_H

#include "sys/dns.h"

struct dns_flight {
	const char *server; /* ADDR:PORT */
	struct bytes message;
	bool tcp; /* at once; else UDP first */
	/* out */
	struct bytes answer; /* with our number, and our question if it has one */
	struct err why;      /* ERR_NONE: there is an answer */
	int fault;           /* errno of ERR_NETWORK */
};
/* Sends all, waits for all, at most limit_ms. ERR_CANCELLED, ERR_IO. */
NODISCARD int dns_fly(struct arena *a, struct dns_flight *v, size_t n, uint32_t limit_ms,
                      const struct cancel *cancel, struct err *e);
/* Whether bytes are an answer to exactly this message: number, opcode and question. */
bool dns_is_answer_to(const struct bytes *asked, const unsigned char *v, size_t n);

#endif
