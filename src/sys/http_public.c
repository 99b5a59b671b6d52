/*
 * Connections that may not lead inside: the address is looked at when the socket is made, so that
 * whatever a name leads to by then, nothing is even connected to.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sys/http_curl.h"
#include "sys/reach.h"

static bool is_inside(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *v6 = (const void *)sa;
	const struct sockaddr_in *v4 = (const void *)sa;
	const void *address =
	    sa->sa_family == AF_INET6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr;
	char text[INET6_ADDRSTRLEN];

	return (sa->sa_family != AF_INET && sa->sa_family != AF_INET6) ||
	       !inet_ntop(sa->sa_family, address, text, sizeof(text)) || reach_is_inside(text);
}

static curl_socket_t open_public(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct http_places *places = ctx;

	(void)purpose;
	if (is_inside(&to->addr)) {
		places->inside = true;
		return CURL_SOCKET_BAD;
	}
	places->outside = true;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

void http_public_apply(CURL *easy, struct http_places *places)
{
	*places = (struct http_places){ 0 };
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_public);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, places);
}

bool http_public_refused(const struct http_places *places)
{
	return places->inside && !places->outside;
}
