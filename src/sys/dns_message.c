/*
 * DNS messages that we send: questions (RFC 1035 4.1) and updates (RFC 2136 2), put together and
 * written by ldns. Each has a random number. Nothing is sent here.
 */
#include <stdbool.h> /* first: ldns would make signed characters of truth values */

#include <ldns/ldns.h>

#include "sys/dns.h"
#include "sys/hash.h"

#define STRING_MAX_BYTES 255
#define MESSAGE_MAX 65000 /* leaves room for a TSIG record */

DEFINE_CLEANUP(packet_free, ldns_pkt, ldns_pkt_free)
DEFINE_CLEANUP(rr_free, ldns_rr, ldns_rr_free)

static ldns_pkt *packet_new(void)
{
	ldns_pkt *p = ldns_pkt_new();

	if (!p)
		out_of_memory();
	return p;
}

/* A record without data; its class and type are given. */
static int record_new(const char *name, ldns_rr_type type, ldns_rr_class class, ldns_rr **out,
                      struct err *e)
{
	ldns_rr *rr CLEANUP(rr_free) = ldns_rr_new();
	ldns_rdf *owner;

	if (!rr)
		out_of_memory();
	owner = ldns_dname_new_frm_str(*name ? name : ".");
	if (!owner)
		return err_set(e, ERR_INPUT, "\"%s\" is not a DNS name", name);
	ldns_rr_set_owner(rr, owner);
	ldns_rr_set_type(rr, type);
	ldns_rr_set_class(rr, class);
	*out = TAKE(rr);
	return 0;
}

static int add_question(ldns_pkt *p, const char *name, ldns_rr_type type, struct err *e)
{
	ldns_rr *rr;

	TRY(record_new(name, type, LDNS_RR_CLASS_IN, &rr, e));
	ldns_rr_set_question(rr, true);
	if (!ldns_pkt_push_rr(p, LDNS_SECTION_QUESTION, rr))
		out_of_memory();
	return 0;
}

static int number(ldns_pkt *p, struct err *e)
{
	uint16_t id;

	TRY(hash_random(&id, sizeof id, e));
	ldns_pkt_set_id(p, id);
	return 0;
}

static int wire(struct arena *a, const ldns_pkt *p, struct bytes *out, struct err *e)
{
	uint8_t *v = NULL;
	size_t n = 0;

	if (ldns_pkt2wire(&v, p, &n) != LDNS_STATUS_OK || n > MESSAGE_MAX) {
		free(v);
		return err_set(e, ERR_INPUT, "a DNS message cannot hold so much");
	}
	out->v = arena_memdup(a, v, n);
	out->n = n;
	free(v);
	return 0;
}

int dns_question_message(struct arena *a, const char *name, enum dns_type type, bool recursive,
                         struct bytes *out, struct err *e)
{
	ldns_pkt *p CLEANUP(packet_free) = packet_new();

	TRY(number(p, e));
	TRY(add_question(p, name, (ldns_rr_type)type, e));
	ldns_pkt_set_opcode(p, LDNS_PACKET_QUERY);
	ldns_pkt_set_rd(p, recursive);
	ldns_pkt_set_ad(p, recursive); /* "say whether it validates", RFC 6840 5.7 */
	return wire(a, p, out, e);
}

/* A text is one string of at most 255 bytes after the other, RFC 1035 3.3.14. */
static void add_strings(ldns_rr *rr, const char *value)
{
	size_t left = strlen(value);

	do {
		uint8_t string[1 + STRING_MAX_BYTES];
		size_t n = left < STRING_MAX_BYTES ? left : STRING_MAX_BYTES;
		ldns_rdf *d;

		string[0] = (uint8_t)n;
		memcpy(string + 1, value, n);
		d = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, n + 1, string);
		if (!d || !ldns_rr_push_rdf(rr, d))
			out_of_memory();
		value += n;
		left -= n;
	} while (left);
}

/* RFC 2136 2.5.1 and 2.5.4: one record is added, or exactly that one taken away. */
static int add_change(ldns_pkt *p, const struct dns_change *c, struct err *e)
{
	ldns_rr *rr;

	TRY(record_new(c->name, LDNS_RR_TYPE_TXT, c->remove ? LDNS_RR_CLASS_NONE : LDNS_RR_CLASS_IN,
	               &rr, e));
	ldns_rr_set_ttl(rr, c->remove ? 0 : c->ttl_s);
	add_strings(rr, c->value);
	if (!ldns_pkt_push_rr(p, LDNS_SECTION_AUTHORITY, rr))
		out_of_memory();
	return 0;
}

int dns_update_message(struct arena *a, const char *zone, const struct dns_change *v, size_t n,
                       struct bytes *out, struct err *e)
{
	ldns_pkt *p CLEANUP(packet_free) = packet_new();

	TRY(number(p, e));
	ldns_pkt_set_opcode(p, LDNS_PACKET_UPDATE);
	TRY(add_question(p, zone, LDNS_RR_TYPE_SOA, e));
	for (size_t i = 0; i < n; i++)
		TRY(add_change(p, &v[i], e));
	return wire(a, p, out, e);
}
