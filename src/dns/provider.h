/*
 * A DNS provider: how one service adds a TXT value to a zone and takes exactly that value away
 * again. One file a provider, one row in providers.def. A provider knows its service's calls and
 * nothing else: aliases, choice of the zone, locks, what is recorded before, and propagation are in
 * place.h, zone.h, and settle.h, for all of them alike.
 *
 * Rules for every provider: add, never replace; a value that is there already is fine; remove only
 * the value given; one that is gone already is fine; nothing else of the zone is ever written.
 * Where the service has only sets of values (DNS_READS_FIRST), the set is read, changed and written
 * back under the service's own guard (ETag, change batch) if it has one, all other values, their
 * form and their TTL kept. No secret in a URL (unless the service has no other way), a log, an
 * error or an argument list. Errors say what the service said and what right is missing; the
 * account's and provider's names are put before by the caller (dns_ctx).
 */
#ifndef DNS_PROVIDER_H
#define DNS_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/field.h"
#include "sys/http.h"

#define DNS_ZONES_MAX 5000 /* of one account that are looked at */

struct dns_zone {
	const char *name;            /* lower case, no trailing dot */
	const char *id;              /* the service's own name for it; NULL = the name is it */
	struct strings name_servers; /* as the service tells; may be empty */
};

/* One TXT value at one name. */
struct dns_record {
	const char *name; /* owner: whole, lower case, no trailing dot */
	const char
	    *relative; /* the same below its zone: "_acme-challenge.www"; "" = the zone itself */
	const char *value; /* the text, without quotes */
};

/* What every account may say, whatever its provider (settings.h decodes it). */
struct dns_common {
	const char *base_url; /* in place of the service's own; no trailing slash */
	const char *zone;     /* the zone, where it is not to be looked for */
	const char *zone_id;
	int64_t ttl_s;           /* 0 = the provider's */
	const char *propagation; /* "authoritative" (default), "recursive", "provider", "none" */
	struct strings resolvers,
	    servers; /* ADDR:PORT: instead of the system's resolver, and of the zone's servers */
	int64_t propagation_timeout_s; /* 0 = the provider's settle_s times 4, at least 120 */
	int64_t propagation_wait_s;    /* waited before the first look, and with `none` instead of
	                                  looking */
	const char *ca_bundle;         /* PEM file: trust anchors for base_url */
	bool public_only;              /* base_url leads to no address inside */
};
extern const struct field dns_common_fields[];

/* Given by flow: what must be written down, or held, for others to see (all may be NULL in tests).
 */
struct dns_keeper {
	/* Holds all of the locks, or fails with ERR_BUSY after some 60 s naming who has one. */
	int (*lock)(void *ctx, const struct strings *names, const struct cancel *cancel,
	            struct err *e);
	void (*unlock)(void *ctx, const struct strings *names);
	/* Keeps, sealed, what a provider wants to find again next time (dnsapi's saved values): a
	 * JSON object's text. */
	int (*save)(void *ctx, const char *account, const char *saved, struct err *e);
	void *ctx;
};

struct dns_provider;
/* One account in use, for one piece of work on one thread. */
struct dns_session {
	const struct dns_provider *provider;
	const char *account;  /* its name; for messages */
	const void *settings; /* the provider's own struct, decoded from fields */
	struct dns_common common;
	const char *saved; /* JSON text kept by `save`; NULL = nothing */
	struct http *http; /* may speak http:// too: a person's own base_url, metadata services */
	const struct dns_keeper *keeper;
	const struct cancel *cancel;
	struct arena *arena; /* as long as the session */
	void *state;         /* the provider's own: access tokens, change IDs; NULL at first */
	bool doubt; /* some of what is to be added may be there already (an attempt was cut short):
	               where the service would keep a value twice, look first */
	/* zone.c's memory of this piece of work */
	struct dns_zone *zones;
	size_t n_zones;
	bool zones_read, zones_whole;
	struct strings no_zones; /* asked for, and not there */
};

enum dns_flags {
	DNS_READS_FIRST =
	    1, /* reads a set and writes it back: two writers at one name must take turns */
	DNS_NO_ZONES = 2, /* has no notion of zones (acme-dns, exec, …): the zone is found in the
	                     DNS, for propagation only */
	DNS_FIXED_NAME =
	    4, /* writes where the account says, whatever name is given (DuckDNS, acme-dns) */
};

struct dns_provider {
	const char *name, *title; /* "cloudflare", "Cloudflare" */
	const char *site;         /* its API's documentation */
	const char *setup; /* what to create at the vendor, with least rights: plain paragraphs, for
	                      docs/dns.md and `everleaf dns help` */
	const char *verified; /* what, not written by us, it was held against; NULL = unverified */
	const struct field *fields;
	size_t settings_size;
	const char *base_url;     /* NULL = none, or made from the settings */
	int64_t ttl_s, min_ttl_s; /* used by default, and the least the service takes */
	uint32_t
	    settle_s; /* how long it usually takes until its servers all answer with a new value */
	unsigned max_values; /* at one name at a time; 0 = no bound */
	unsigned flags;

	/* What the fields cannot say: which go together. ERR_CONFIG. May be NULL. */
	int (*check)(struct arena *a, const void *settings, const struct dns_common *common,
	             struct err *e);
	/* The account's public zones, at most DNS_ZONES_MAX; *whole = false: there are more, ask
	 * find_zone. One or both of these two, unless DNS_NO_ZONES. */
	int (*list_zones)(struct dns_session *s, struct dns_zone **out, size_t *n, bool *whole,
	                  struct err *e);
	/* The zone of exactly this name. ERR_NOT_FOUND. */
	int (*find_zone)(struct dns_session *s, const char *name, struct dns_zone *out,
	                 struct err *e);
	/* ERR_AGAIN from `add` (rest.h: it may or may not have been done) makes the caller call it
	 * again, with s->doubt set. */
	/* All names whose zones will be asked for, before find_zone is called for each: for
	 * services that can be asked about many at once. What it cannot find out it leaves. NULL =
	 * nothing to do. */
	int (*prepare)(struct dns_session *s, const struct strings *names, struct err *e);
	/* Adds or removes all of v (one zone; at most 100 or so), in as few calls as the service
	 * allows. After a failure some may have been written: the caller removes all of them again.
	 */
	int (*add)(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
	           size_t n, struct err *e);
	int (*remove)(struct dns_session *s, const struct dns_zone *z, const struct dns_record *v,
	              size_t n, struct err *e);
	/* Whether the service says that all it was given is at all its servers. NULL = it does not
	 * say. ERR_DENIED: the right to ask is missing (the DNS itself is asked then). */
	int (*in_sync)(struct dns_session *s, const struct dns_zone *z, bool *done, struct err *e);
	/* Its own servers, ADDR:PORT, asked for propagation beside those of the zone (rfc2136).
	 * NULL = none. */
	int (*servers)(struct dns_session *s, struct strings *out, struct err *e);
	void (*close)(struct dns_session *s); /* NULL = nothing to undo */
};

#define X(symbol) extern const struct dns_provider dns_##symbol;
#include "dns/providers.def"
#undef X

extern const struct dns_provider
    *const dns_providers[]; /* NULL-terminated, in the order of providers.def */
const struct dns_provider *dns_provider_find(const char *name); /* NULL = unknown */

/* Puts "DNS account home (rfc2136), zone example.org: " before an error. zone may be NULL. */
int dns_ctx(struct err *e, const struct dns_session *s, const struct dns_zone *z);
/* The service's address: common.base_url or the provider's own. */
const char *dns_base_url(const struct dns_session *s);
/* common.ttl_s, or the provider's, never below its least. */
int64_t dns_ttl(const struct dns_session *s);

#endif
