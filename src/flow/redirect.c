/* See redirect.h. */
#include "flow/redirect.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define BODY_BYTES 128

static bool is_address(const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool is_port(const struct redirect_rules *rules, uint16_t port)
{
	if (port == 80 || port == 443)
		return true;
	return rules->laboratory && port && (port == rules->http_port || port == rules->tls_port);
}

static const char *forbidden(struct arena *a, const struct redirect_rules *rules,
                             const struct hop *h, const struct url *to)
{
	if (strcmp(to->scheme, "http") != 0 && strcmp(to->scheme, "https") != 0)
		return arena_printf(a, "redirects to %s:, and only http: and https: are followed",
		                    to->scheme);
	if (!is_port(rules, to->port))
		return arena_printf(a, "redirects to port %u, and only 80 and 443 are followed",
		                    to->port);
	if (is_address(to->host) && !rules->laboratory)
		return arena_printf(a, "redirects to the address %s, and only names are followed",
		                    to->host);
	if (strings_has(&h->seen, to->text) || strcmp(h->url.text, to->text) == 0)
		return "redirects in a circle";
	if (h->seen.n >= REDIRECTS_MAX)
		return arena_printf(a, "redirects more than %d times", REDIRECTS_MAX);
	return NULL;
}

bool redirect_follow(struct arena *a, const struct redirect_rules *rules, struct hop *h,
                     const char *location, const char **why)
{
	struct url to;
	struct err bad;

	if (!location || !*location) {
		*why = "redirects without saying where";
		return false;
	}
	if (url_join(a, h->url.text, location, &to, &bad) < 0) {
		*why =
		    arena_printf(a, "redirects to something that cannot be followed: %s", bad.text);
		return false;
	}
	*why = forbidden(a, rules, h, &to);
	if (*why)
		return false;
	strings_add(a, &h->seen, h->url.text);
	h->url = to;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Only what it looks like: a body may be nobody's business. */
static const char *kind(const char *body, size_t len)
{
	while (len > 0 && is_blank(*body)) {
		body++;
		len--;
	}
	if (len == 0)
		return "with nothing";
	return *body == '<' ? "with an HTML page instead of the token" : "with something else";
}

bool redirect_is_token(struct arena *a, int status, const char *body, size_t len, const char *value,
                       const char **said)
{
	if (status != 200) {
		*said = arena_printf(a, "answers with status %d", status);
		return false;
	}
	if (len > BODY_BYTES)
		len = BODY_BYTES;
	while (len > 0 && is_blank(body[len - 1]))
		len--;
	if (len == strlen(value) && memcmp(body, value, len) == 0)
		return true;
	*said = arena_printf(a, "answers %s", kind(body, len));
	return false;
}
