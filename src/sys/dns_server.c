/*
 * Whom to ask: servers as people write them, and the resolvers of this machine.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "sys/dns.h"

#define PORT_DNS 53
#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX 65536
#define RESOLVERS_MAX 3
#define ADDRESSES_MAX 16

struct parts {
	char *host;
	uint16_t port;
	bool v6; /* has colons */
};

/* HOST, HOST:PORT, [V6], [V6]:PORT, V6. */
static bool split(struct arena *a, const char *text, uint16_t default_port, struct parts *out)
{
	const char *end = text + strlen(text), *port = NULL;
	long number = default_port;
	char *rest;

	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		port = end[1] ? end + 2 : NULL;
		text++;
	} else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
		end = strchr(text, ':');
		port = end + 1;
	}
	if (port) {
		number = isdigit((unsigned char)*port) ? strtol(port, &rest, 10) : 0;
		if (number < 1 || number > 65535 || *rest)
			return false;
	}
	out->host = arena_strndup(a, text, (size_t)(end - text));
	out->port = (uint16_t)number;
	out->v6 = strchr(out->host, ':') != NULL;
	return *out->host != '\0';
}

static bool is_address(const char *host)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;
	struct in_addr v4;

	/* getaddrinfo reads "1" and "0x7f.1" as addresses too */
	if (!strchr(host, ':'))
		return inet_pton(AF_INET, host, &v4) == 1;
	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

static char *join(struct arena *a, const char *host, uint16_t port)
{
	return strchr(host, ':') ? arena_printf(a, "[%s]:%u", host, port)
	                         : arena_printf(a, "%s:%u", host, port);
}

int dns_server_normalize(struct arena *a, const char *text, uint16_t default_port, const char **out,
                         struct err *e)
{
	struct parts p;

	if (!split(a, text, default_port, &p) || !is_address(p.host))
		return err_set(e, ERR_INPUT, "\"%s\" is not ADDR:PORT or [v6]:PORT", text);
	*out = join(a, p.host, p.port);
	return 0;
}

/* All addresses of a host name, as the system finds them. */
static int look_up(struct arena *a, const struct parts *p, struct strings *out, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL;
	int rc = getaddrinfo(p->host, NULL, &hints, &found);

	if (rc != 0)
		return err_set(e, ERR_NETWORK, "the address of %s cannot be found: %s", p->host,
		               gai_strerror(rc));
	for (struct addrinfo *i = found; i && out->n < ADDRESSES_MAX; i = i->ai_next) {
		char host[NI_MAXHOST];
		if (getnameinfo(i->ai_addr, i->ai_addrlen, host, sizeof host, NULL, 0,
		                NI_NUMERICHOST) == 0 &&
		    !strings_has(out, join(a, host, p->port)))
			strings_add(a, out, join(a, host, p->port));
	}
	freeaddrinfo(found);
	return 0;
}

int dns_server_addresses(struct arena *a, const char *text, uint16_t default_port,
                         struct strings *out, struct err *e)
{
	struct strings found = { 0 };
	struct parts p;

	if (!split(a, text, default_port, &p))
		return err_set(e, ERR_INPUT, "\"%s\" is not HOST or HOST:PORT", text);
	if (is_address(p.host))
		strings_add(a, &found, join(a, p.host, p.port));
	else if (p.v6)
		return err_set(e, ERR_INPUT, "\"%s\" is not an address", text);
	else
		TRY(look_up(a, &p, &found, e));
	if (found.n == 0)
		return err_set(e, ERR_NETWORK, "%s has no address", p.host);
	*out = found;
	return 0;
}

/* "nameserver ADDR" */
static const char *resolver_of(struct arena *a, char *line)
{
	const char *word = "nameserver", *out;
	char *p = line + strspn(line, " \t");
	struct err ignored;

	if (strncmp(p, word, strlen(word)) != 0 || !strchr(" \t", p[strlen(word)]))
		return NULL;
	p += strlen(word);
	p += strspn(p, " \t");
	p[strcspn(p, " \t\r#;")] = '\0';
	return *p && dns_server_normalize(a, p, PORT_DNS, &out, &ignored) == 0 ? out : NULL;
}

int dns_system_resolvers(struct arena *a, struct strings *out, struct err *e)
{
	struct strings found = { 0 };
	char *text, *line, *next;

	if (fs_read(a, RESOLV_CONF, RESOLV_CONF_MAX, &text, NULL, e) < 0) {
		e->code = ERR_NETWORK;
		return -ERR_NETWORK;
	}
	for (line = text; line && found.n < RESOLVERS_MAX; line = next) {
		const char *one;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		one = resolver_of(a, line);
		if (one)
			strings_add(a, &found, one);
	}
	if (found.n == 0)
		return err_set(e, ERR_NETWORK, RESOLV_CONF " names no resolver");
	*out = found;
	return 0;
}
