/*
 * The public suffix list, loaded once a process and kept to its end.
 */
#include "sys/suffix.h"

#include <arpa/inet.h>
#include <libpsl.h>
#include <pthread.h>
#include <string.h>

#include "sys/names.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const psl_ctx_t *suffixes;

static void load(void)
{
	suffixes = psl_latest(NULL);
	if (!suffixes)
		suffixes = psl_builtin();
}

static const char *of_address(struct arena *a, const char *address)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr v6;

	if (inet_pton(AF_INET6, address, &v6) != 1)
		return arena_strdup(a, address);
	memset(v6.s6_addr + 8, 0, 8);
	if (!inet_ntop(AF_INET6, &v6, text, sizeof(text)))
		return arena_strdup(a, address);
	return arena_printf(a, "%s/64", text);
}

const char *name_registered_domain(struct arena *a, const char *normalized)
{
	const char *base = name_base(normalized), *found;

	if (name_kind(normalized) == NAME_IP)
		return of_address(a, normalized);
	pthread_once(&once, load);
	found = suffixes ? psl_registrable_domain(suffixes, base) : NULL;
	return arena_strdup(a, found ? found : base);
}
