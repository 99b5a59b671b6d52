/* Rules for what is set over the network. */
#include "flow/afar.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "sys/reach.h"

/* "https://user@host:1/x", "host:1", "[::1]:1", "::1", "host" */
static const char *host_of(struct arena *a, const char *text)
{
	const char *host = strstr(text, "://"), *at;
	size_t len;

	host = host ? host + 3 : text;
	len = strcspn(host, "/?#");
	at = memrchr(host, '@', len);
	if (at) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	if (*host == '[')
		return arena_strndup(a, host + 1, strcspn(host + 1, "]"));
	at = memchr(host, ':', len);
	if (at && !memchr(at + 1, ':', len - (size_t)(at + 1 - host)))
		len = (size_t)(at - host);
	return arena_strndup(a, host, len);
}

static int refuse(const char *what, const char *host, struct err *e)
{
	err_set(e, ERR_DENIED,
	        "\"%s\": %.200s is a loopback, link-local or private address, or one of this "
	        "machine's own, which is not reached for who asks over the network unless "
	        "allow_private is configured",
	        what, host);
	return err_member(e, what);
}

int afar_peer(struct arena *a, const struct afar *afar, const char *what, const char *text,
              struct err *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *host = host_of(a, text);
	struct addrinfo *list = NULL;
	bool inside = false;

	if (afar->allow_private || !*host)
		return 0;
	if (getaddrinfo(host, NULL, &hints, &list) != 0)
		return 0; /* it leads nowhere now; whoever connects looks again */
	for (const struct addrinfo *x = list; x && !inside; x = x->ai_next) {
		char address[INET6_ADDRSTRLEN];

		inside = getnameinfo(x->ai_addr, x->ai_addrlen, address, sizeof(address), NULL, 0,
		                     NI_NUMERICHOST) != 0 ||
		         reach_is_inside(address);
	}
	freeaddrinfo(list);
	return inside ? refuse(what, host, e) : 0;
}

static int check_value(struct arena *a, const struct afar *afar, const struct field *f,
                       const json_t *value, struct err *e)
{
	const json_t *item;
	size_t i;

	if (f->flags & F_HOST) { /* null as well: it takes away what the host said */
		err_set(e, ERR_DENIED,
		        "\"%s\" is this host's own affair: it is set on the host, not over the "
		        "network",
		        f->name);
		return err_member(e, f->name);
	}
	if (f->type == FT_RECORDS)
		json_array_foreach(value, i, item)
		    TRY(afar_settings(a, afar, f->of, NULL, item, e));
	if (!(f->flags & F_PEER))
		return 0;
	json_array_foreach(value, i, item) if (json_is_string(item))
	    TRY(afar_peer(a, afar, f->name, json_string_value(item), e));
	for (const char *p = json_string_value(value); p && *(p += strspn(p, ", \t\n"));
	     p += strcspn(p, ", \t\n"))
		TRY(afar_peer(a, afar, f->name, arena_strndup(a, p, strcspn(p, ", \t\n")), e));
	return 0;
}

int afar_settings(struct arena *a, const struct afar *afar, const struct field *table,
                  const struct field *other, const json_t *object, struct err *e)
{
	const char *name;
	json_t *value;

	/* jansson's iteration wants a json_t that is not const; nothing is changed */
	json_object_foreach((json_t *)object, name, value)
	{
		const struct field *f = field_find(table, name);
		size_t n = strlen(name);

		if (!f && other)
			f = field_find(other, name);
		if (!f && n > 5 && strcmp(name + n - 5, "_file") == 0) {
			err_set(e, ERR_DENIED,
			        "\"%.60s\" names a file of this host: over the network, give "
			        "\"%.*s\" itself",
			        name, (int)(n - 5 < 60 ? n - 5 : 60), name);
			return err_member(e, name);
		}
		if (f)
			TRY(check_value(a, afar, f, value, e));
	}
	return 0;
}

bool afar_leads(const struct field *own, const struct field *common, const json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		const struct field *f = own ? field_find(own, name) : NULL;

		if (f && !(f->flags & F_INERT))
			return true;
		f = f ? NULL : field_find(common, name);
		if (f && f->flags & F_PEER)
			return true;
	}
	return false;
}
