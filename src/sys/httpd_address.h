/* ADDR:PORT of the HTTP server, and its listening socket. */
#ifndef SYS_HTTPD_ADDRESS_H
#define SYS_HTTPD_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

union httpd_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* ERR_USAGE. */
NODISCARD int httpd_address_parse(const char *text, union httpd_address *out, struct err *e);
bool httpd_address_is_loopback(const union httpd_address *at);
/* A listening socket, non-blocking. ERR_IO. */
NODISCARD int httpd_address_listen(const char *text, const union httpd_address *at, int *fd,
                                   struct err *e);

#endif
