/*
 * Mail handed to a server (SMTP, libcurl): TLS from the start or by STARTTLS, login, several
 * recipients. The message is complete as it is given (RFC 5322, lines end with CRLF). One
 * connection a message; blocks the calling thread.
 */
#ifndef SYS_MAIL_H
#define SYS_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"

enum mail_tls { MAIL_STARTTLS, MAIL_TLS, MAIL_PLAIN };

struct mail_server {
	const char *host; /* name or address, IPv6 without brackets */
	uint16_t port;
	enum mail_tls tls;
	const char *user, *password; /* NULL = no login */
	const char *ca_bundle_file;  /* PEM; NULL = the system's */
	const char *helo;            /* what we call ourselves */
	bool public_only;            /* never inside (reach.h) */
	uint32_t limit_s;            /* of the whole delivery; 0 = 60 */
	const struct cancel *cancel;
};

/* from, to: bare addresses that mail_is_address() has accepted. A recipient that the server refuses
 * does not stop the others: *refused (in the arena) says so in the server's words, NULL = none.
 * ERR_NETWORK, ERR_TLS, ERR_DENIED (login, an address inside), ERR_PROTOCOL (the server's words),
 * ERR_CANCELLED. */
NODISCARD int mail_send(struct arena *a, const struct mail_server *s, const char *from,
                        const struct strings *to, const char *message, size_t len,
                        const char **refused, struct err *e);

/* A bare address that can stand in a command and in a header as it is: ASCII, one '@', no blanks,
 * quotes, brackets or commas. */
bool mail_is_address(const char *s);

#endif
