/*
 * One question, one answer, over UDP and over TCP when truncated; ldns parses what came.
 */
#include "sys/dns.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define TRY_S 3
#define TRIES 2

static void resolver_free(ldns_resolver **r)
{
	if (*r)
		ldns_resolver_deep_free(*r);
}

static void packet_free(ldns_pkt **p)
{
	if (*p)
		ldns_pkt_free(*p);
}

static void rdf_free(ldns_rdf **d)
{
	if (*d)
		ldns_rdf_deep_free(*d);
}

static int add_server(struct arena *a, ldns_resolver *r, const char *server, struct err *e)
{
	ldns_rdf *address CLEANUP(rdf_free) = NULL;
	const char *colon = strrchr(server, ':');
	char *host, *end;
	long port = colon ? strtol(colon + 1, &end, 10) : 0;

	if (!colon || port < 1 || port > 65535 || *end)
		return err_set(e, ERR_CONFIG, "the resolver \"%s\" is not ADDR:PORT", server);
	host = arena_strndup(a, server, (size_t)(colon - server));
	if (*host == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		host++;
	}
	address =
	    ldns_rdf_new_frm_str(strchr(host, ':') ? LDNS_RDF_TYPE_AAAA : LDNS_RDF_TYPE_A, host);
	if (!address || ldns_resolver_push_nameserver(r, address) != LDNS_STATUS_OK)
		return err_set(e, ERR_CONFIG, "the resolver \"%s\" is not an address", server);
	ldns_resolver_set_port(r, (uint16_t)port);
	return 0;
}

static int resolver_open(struct arena *a, const char *server, ldns_resolver **out, struct err *e)
{
	ldns_resolver *r CLEANUP(resolver_free) = NULL;
	struct timeval limit = { .tv_sec = TRY_S };

	if (server) {
		r = ldns_resolver_new();
		if (!r)
			return err_set(e, ERR_MEMORY, "out of memory");
		TRY(add_server(a, r, server, e));
	} else if (ldns_resolver_new_frm_file(&r, NULL) != LDNS_STATUS_OK) {
		return err_set(e, ERR_NETWORK, "/etc/resolv.conf names no resolver");
	}
	ldns_resolver_set_recursive(r, true);
	ldns_resolver_set_timeout(r, limit);
	ldns_resolver_set_retry(r, TRIES);
	ldns_resolver_set_fallback(r, true);
	ldns_resolver_set_fail(r, false);
	*out = TAKE(r);
	return 0;
}

/* A character-string is a length byte and so many bytes. */
static void add_txt(struct arena *a, const ldns_rr *rr, struct strings *out)
{
	char *text = arena_strdup(a, "");

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *d = ldns_rr_rdf(rr, i);
		const uint8_t *v = ldns_rdf_data(d);
		if (ldns_rdf_size(d) < 1 || (size_t)v[0] + 1 > ldns_rdf_size(d) ||
		    memchr(v + 1, 0, v[0]))
			return;
		text = arena_printf(a, "%s%.*s", text, (int)v[0], (const char *)v + 1);
	}
	strings_add(a, out, text);
}

static int read_answer(struct arena *a, const char *name, const ldns_pkt *packet,
                       struct strings *out, struct err *e)
{
	ldns_pkt_rcode code = ldns_pkt_get_rcode(packet);
	ldns_rr_list *answer = ldns_pkt_answer(packet);
	struct strings found = { 0 };

	if (code != LDNS_RCODE_NOERROR && code != LDNS_RCODE_NXDOMAIN)
		return err_set(e, ERR_NETWORK,
		               "the resolver answers the question for TXT %s with %s", name,
		               code == LDNS_RCODE_SERVFAIL  ? "SERVFAIL"
		               : code == LDNS_RCODE_REFUSED ? "REFUSED"
		                                            : "an error");
	/* CNAMEs on the way are the resolver's business: whatever TXT records the answer ends with
	 * are the name's */
	for (size_t i = 0; i < ldns_rr_list_rr_count(answer) && found.n < DNS_MAX_STRINGS; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);
		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT)
			add_txt(a, rr, &found);
	}
	*out = found;
	return 0;
}

int dns_txt(struct arena *a, const char *resolver, const char *name, struct strings *out,
            struct err *e)
{
	ldns_resolver *r CLEANUP(resolver_free) = NULL;
	ldns_pkt *packet CLEANUP(packet_free) = NULL;
	ldns_rdf *question CLEANUP(rdf_free) = NULL;
	ldns_status status;

	TRY(resolver_open(a, resolver, &r, e));
	question = ldns_dname_new_frm_str(name);
	if (!question)
		return err_set(e, ERR_INPUT, "%s is not a DNS name", name);
	status = ldns_resolver_query_status(&packet, r, question, LDNS_RR_TYPE_TXT,
	                                    LDNS_RR_CLASS_IN, LDNS_RD);
	if (status != LDNS_STATUS_OK || !packet)
		return err_set(e, ERR_NETWORK, "%s does not answer for TXT %s: %s",
		               resolver ? resolver : "the system's resolver", name,
		               ldns_get_errorstr_by_id(status));
	return read_answer(a, name, packet, out, e);
}
