/* For whom a proxy asks: X-Forwarded-For read from its end, where trusted proxies write. */
#include "flow/forwarded.h"

#include <string.h>

#include "sys/names.h"

/* The address, canonical; one of IPv4 that is written as one of IPv6 is the IPv4 address. */
static const char *address_of(struct arena *a, const char *text)
{
	const char *address = name_ip_canonical(a, text);
	const char *v4 = address && strncmp(address, "::ffff:", 7) == 0
	                     ? name_ip_canonical(a, address + 7)
	                     : NULL;

	return v4 && strchr(v4, '.') ? v4 : address;
}

static bool is_trusted(struct arena *a, const struct strings *trusted, const char *address)
{
	for (size_t i = 0; i < trusted->n; i++) {
		const char *one = address_of(a, trusted->v[i]);

		if (one && strcmp(one, address) == 0)
			return true;
	}
	return false;
}

/* The text after the last comma, without blanks; *rest is what stands before that comma. */
static char *take_last(char *list, char **rest)
{
	char *comma = strrchr(list, ','), *word = comma ? comma + 1 : list;
	size_t n;

	*rest = comma ? list : NULL;
	if (comma)
		*comma = '\0';
	word += strspn(word, " \t");
	n = strlen(word);
	while (n > 0 && strchr(" \t", word[n - 1]))
		word[--n] = '\0';
	return word;
}

const char *forwarded_for(struct arena *a, const struct strings *trusted, const char *peer,
                          const char *header)
{
	const char *address = address_of(a, peer);
	char *rest = header ? arena_strdup(a, header) : NULL;

	if (!address)
		return peer;
	while (rest && is_trusted(a, trusted, address)) {
		const char *before = address_of(a, take_last(rest, &rest));

		if (!before)
			break;
		address = before;
	}
	return address;
}
