/*
 * Dynamic updates (RFC 2136) signed with TSIG (RFC 8945), to one server: the zone's primary, which
 * need not be public. Values are added and removed one by one in a single message, never a set; so
 * several writers do each other no harm, and no lock of the zone is needed.
 */
#include "dns/rfc2136.h"

#include <string.h>

#include "dns/txt.h"

#define MESSAGE_MOST 16000 /* bytes, estimated; a message may have 65,535 */
#define RECORD_MOST_OVERHEAD 300

#define KEY_FIELDS(T)                                                                              \
	FIELD(T, key, FT_SECRET, F_INERT,                                                          \
	      "key in BIND's form, as tsig-keygen prints it (`key_file: FILE` reads it)"),         \
	    FIELD(T, key_name, FT_STRING, F_INERT, "the key's name; or which of the key file's"),  \
	    FIELD(T, key_algorithm, FT_STRING, F_INERT,                                            \
	          "hmac-md5, -sha1, -sha224, -sha256 (default), -sha384 or -sha512"),              \
	    FIELD(T, key_secret, FT_SECRET, F_INERT, "the key's secret in base64")

static const struct field entry_fields[] = {
	FIELD(struct rfc2136_entry, domain, FT_STRING, F_REQUIRED,
	      "names at and below this one use this entry; the longest that fits counts"),
	FIELD(struct rfc2136_entry, zone, FT_STRING, 0,
	      "the zone they are in (default: the server is asked)"),
	KEY_FIELDS(struct rfc2136_entry), FIELD_END
};

static const struct field fields[] = {
	FIELD(struct rfc2136, server, FT_STRING, F_REQUIRED | F_PEER,
	      "HOST[:PORT] or ADDRESS[:PORT] of the primary server (port 53 by default)"),
	KEY_FIELDS(struct rfc2136),
	FIELD(struct rfc2136, transport, FT_STRING, F_INERT, "tcp (default) or udp"),
	FIELD_RECORDS(struct rfc2136, zones, struct rfc2136_entry, entry_fields, F_INERT,
	              "a zone and key of their own for some domains"),
	FIELD_END
};

struct rfc2136_state *rfc2136_state(struct dns_session *s)
{
	if (!s->state)
		s->state = ARENA_NEW(s->arena, struct rfc2136_state);
	return s->state;
}

/* What earlier questions told: true if it is known whether name is a zone's own. */
static bool known(const struct rfc2136_state *t, const char *name, bool *is_apex)
{
	*is_apex = strings_has(&t->apexes, name);
	for (size_t i = 0; i < t->below.n && !*is_apex; i++)
		if (zone_has(name, t->below.v[i]) && zone_has(t->below_apex.v[i], name))
			return true;
	return *is_apex;
}

static int find_zone(struct dns_session *s, const char *name, struct dns_zone *out, struct err *e)
{
	struct rfc2136_state *t = rfc2136_state(s);
	const struct rfc2136_entry *z = rfc2136_entry(s, name);
	const struct tsig_key *key;
	const char *apex = NULL;
	bool is_apex = false;

	if (s->common.zone || (z && z->zone)) {
		out->name = zone_name(s->arena, s->common.zone ? s->common.zone : z->zone);
		return 0;
	}
	if (!known(t, name, &is_apex)) {
		TRY(rfc2136_key(s, z, &key, e));
		TRY(rfc2136_find_apex(s, key, name, &apex, e));
		is_apex = apex && strcmp(apex, name) == 0;
		if (apex && !strings_has(&t->apexes, apex))
			strings_add(s->arena, &t->apexes, apex);
		if (apex && !is_apex) {
			strings_add(s->arena, &t->below, name);
			strings_add(s->arena, &t->below_apex, apex);
		}
	}
	if (!is_apex)
		return err_set(e, ERR_NOT_FOUND, "%s is no zone of the server's", name);
	out->name = arena_strdup(s->arena, name);
	return 0;
}

static size_t size_of(const struct dns_change *c)
{
	size_t len = strlen(c->value);

	return len + len / 255 + RECORD_MOST_OVERHEAD;
}

/* All changes that one key signs, in as few messages as they fit in. */
static int update_all(struct dns_session *s, const struct tsig_key *key, const char *zone,
                      const struct dns_change *v, size_t n, struct err *e)
{
	size_t first = 0, size = 0;

	for (size_t i = 0; i < n; i++) {
		if (i > first && size + size_of(&v[i]) > MESSAGE_MOST) {
			TRY(rfc2136_update(s, key, zone, v + first, i - first, e));
			first = i;
			size = 0;
		}
		size += size_of(&v[i]);
	}
	return n > first ? rfc2136_update(s, key, zone, v + first, n - first, e) : 0;
}

/* A key that may not write has nothing to take away: its refused values would be asked for at every
 * run. */
static int remove_all(struct dns_session *s, const struct tsig_key *key, const char *zone,
                      const struct dns_change *v, size_t n, struct err *e)
{
	struct err why;

	if (update_all(s, key, zone, v, n, &why) == 0)
		return 0;
	if (why.code == ERR_DENIED && rfc2136_all_gone(s, key, v, n))
		return 0;
	*e = why;
	return -(int)e->code;
}

/* Names of one zone may have keys of their own: a message for each key. */
static int change(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
                  size_t n, bool remove, struct err *e)
{
	bool *done = ARENA_ARRAY(s->arena, bool, n + 1);
	struct dns_change *group = ARENA_ARRAY(s->arena, struct dns_change, n + 1);

	for (size_t i = 0; i < n; i++) {
		const struct rfc2136_entry *entry = rfc2136_entry(s, v[i].name);
		const struct tsig_key *key;
		size_t k = 0;

		if (done[i])
			continue;
		for (size_t j = i; j < n; j++) {
			if (done[j] || rfc2136_entry(s, v[j].name) != entry)
				continue;
			done[j] = true;
			group[k++] = (struct dns_change){ v[j].name, v[j].value,
				                          (uint32_t)dns_ttl(s), remove };
		}
		TRY(rfc2136_key(s, entry, &key, e));
		if (remove) {
			TRY(remove_all(s, key, z->name, group, k, e));
			continue;
		}
		TRY(rfc2136_keep_ttl(s, key, group, k, e));
		TRY(update_all(s, key, z->name, group, k, e));
	}
	return 0;
}

static int add(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
               size_t n, struct err *e)
{
	return change(s, z, v, n, false, e);
}

static int remove_values(struct dns_session *s, const struct dns_zone *z,
                         const struct dns_record *v, size_t n, struct err *e)
{
	return change(s, z, v, n, true, e);
}

static int servers(struct dns_session *s, struct strings *out, struct err *e)
{
	const struct strings *addresses;

	TRY(rfc2136_addresses(s, &addresses, e));
	*out = strings_dup(s->arena, addresses);
	return 0;
}

const struct dns_provider dns_rfc2136 = {
	.name = "rfc2136",
	.title = "RFC 2136 (BIND, Knot, PowerDNS, …)",
	.site = "https://www.rfc-editor.org/rfc/rfc2136",
	.setup =
	    "Make a key with `tsig-keygen -a hmac-sha256 everleaf`, include its output in the "
	    "server's "
	    "configuration, and name the same file as key_file. The server is the zone's primary; "
	    "it may be "
	    "hidden, and the zone is found by asking it.\n\n"
	    "BIND: in the zone, `update-policy { grant everleaf. name _acme-challenge.example.org. "
	    "TXT; };` for "
	    "one name, or `grant everleaf. subdomain _acme-challenge.example.org. TXT;`, one line "
	    "a name; "
	    "`zonesub TXT` in place of both allows all TXT records of the zone.\n\n"
	    "Knot: an acl with `key: everleaf`, `action: update`, `update-type: TXT`, "
	    "`update-owner: name`, "
	    "`update-owner-match: sub-or-equal`, `update-owner-name: _acme-challenge`, named in "
	    "the zone's acl.\n\n"
	    "PowerDNS: `dnsupdate=yes`, `pdnsutil import-tsig-key everleaf hmac-sha256 SECRET` and "
	    "`pdnsutil set-meta "
	    "example.org TSIG-ALLOW-DNSUPDATE everleaf`; it cannot narrow a key to some names.\n\n"
	    "A server that looks at addresses alone needs no key here; its answers are then "
	    "believed as they "
	    "come.",
	.verified = "BIND, Knot DNS and PowerDNS from Debian: all six algorithms, their refusals, "
	            "whole zones compared; TSIG against messages signed by dnspython",
	.fields = fields,
	.settings_size = sizeof(struct rfc2136),
	.ttl_s = 60,
	.min_ttl_s = 0,
	.settle_s = 30,
	.check = rfc2136_check,
	.find_zone = find_zone,
	.prepare = rfc2136_prepare,
	.add = add,
	.remove = remove_values,
	.servers = servers,
};
