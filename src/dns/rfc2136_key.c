/*
 * An RFC 2136 account's settings: whether they fit together, and which key is for which name.
 */
#include <string.h>

#include "dns/rfc2136.h"
#include "dns/txt.h"

/* *out stays NULL if nothing is said about a key. */
static int make_key(struct arena *a, const char *file, const char *name, const char *algorithm,
                    const char *secret, const struct tsig_key **out, struct err *e)
{
	struct tsig_key *k = ARENA_NEW(a, struct tsig_key);

	if (file && secret)
		return err_set(e, ERR_CONFIG, "key (or key_file) and key_secret are both given");
	if (file) {
		TRY(tsig_key_read(a, file, name, k, e));
	} else if (name && secret) {
		TRY(tsig_key_make(a, name, algorithm, secret, k, e));
	} else if (name || secret || algorithm) {
		return err_set(e, ERR_CONFIG, "%s is missing: a key has both name and secret",
		               name ? "key_secret" : "key_name");
	} else {
		return 0;
	}
	*out = k;
	return 0;
}

static int entry_key(struct arena *a, const struct rfc2136_entry *z, const struct tsig_key **out,
                     struct err *e)
{
	return make_key(a, z->key, z->key_name, z->key_algorithm, z->key_secret, out, e);
}

static int check_entry(struct arena *a, const struct rfc2136_entry *z, struct err *e)
{
	const struct tsig_key *key = NULL;

	if (z->zone && !zone_has(zone_name(a, z->zone), zone_name(a, z->domain)))
		return err_set(e, ERR_CONFIG, "zones: %s is not in its zone %s", z->domain,
		               z->zone);
	return entry_key(a, z, &key, e) < 0 ? err_ctx(e, "zones: %s", z->domain) : 0;
}

/* HOST[:PORT]; whether there is such a host is found out when it is used. */
static int check_server(struct arena *a, const char *server, struct err *e)
{
	const char *colon = strchr(server, ':'), *out;
	struct err ignored;

	if (dns_server_normalize(a, server, 53, &out, &ignored) == 0)
		return 0;
	/* a host's name in place of an address: what is left of it must be right too */
	if (*server && !strpbrk(server, " \t/@[]\"") && server[strspn(server, "0123456789.")] &&
	    (!colon || dns_server_normalize(a, arena_printf(a, "192.0.2.1%s", colon), 53, &out,
	                                    &ignored) == 0))
		return 0;
	return err_set(e, ERR_CONFIG, "server: \"%s\" is not HOST, HOST:PORT, ADDRESS or [v6]:PORT",
	               server);
}

int rfc2136_check(struct arena *a, const void *settings, const struct dns_common *common,
                  struct err *e)
{
	const struct rfc2136 *set = settings;
	const struct rfc2136_entry *z = set->zones.v;
	const struct tsig_key *key = NULL;

	(void)common;
	TRY(check_server(a, set->server, e));
	if (set->transport && strcmp(set->transport, "tcp") != 0 &&
	    strcmp(set->transport, "udp") != 0)
		return err_set(e, ERR_CONFIG, "transport must be tcp or udp");
	TRY(make_key(a, set->key, set->key_name, set->key_algorithm, set->key_secret, &key, e));
	for (size_t i = 0; i < set->zones.n; i++)
		TRY(check_entry(a, &z[i], e));
	return 0;
}

const struct rfc2136_entry *rfc2136_entry(struct dns_session *s, const char *name)
{
	const struct rfc2136 *set = s->settings;
	const struct rfc2136_entry *z = set->zones.v, *best = NULL;

	for (size_t i = 0; i < set->zones.n; i++)
		if (zone_has(zone_name(s->arena, z[i].domain), name) &&
		    (!best || strlen(z[i].domain) > strlen(best->domain)))
			best = &z[i];
	return best;
}

int rfc2136_key(struct dns_session *s, const struct rfc2136_entry *z, const struct tsig_key **out,
                struct err *e)
{
	const struct rfc2136 *set = s->settings;

	*out = NULL;
	if (z)
		TRY(entry_key(s->arena, z, out, e));
	if (*out)
		return 0;
	return make_key(s->arena, set->key, set->key_name, set->key_algorithm, set->key_secret, out,
	                e);
}
