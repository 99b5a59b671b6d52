/*
 * What came back: an answer's bytes become records, by ldns, one record after the other so that the
 * place of the TSIG record is known. All of it is hostile; at most DNS_MAX_RECORDS are kept, and a
 * message that does not end where its counts say is refused.
 */
#include <stdbool.h> /* first: ldns would make signed characters of truth values */

#include <ctype.h>
#include <ldns/ldns.h>
#include <string.h>

#include "sys/dns_flight.h"

#define HEADER_LEN 12
#define TYPE_TSIG 250
#define OPT_HEAD_LEN 11 /* of an OPT record: all but its options */
#define OPT_RCODE_AT 5
#define OPTION_EXTENDED 15
#define EXTENDED_TEXT_MAX 200

DEFINE_CLEANUP(rr_free, ldns_rr, ldns_rr_free)

/* Header and question were written by us, so the name is not compressed. 0 = none. */
static size_t question_end(const struct bytes *m)
{
	size_t at = HEADER_LEN;

	while (at < m->n && m->v[at])
		at += (size_t)m->v[at] + 1;
	return at + 5 <= m->n ? at + 5 : 0;
}

/* RFC 5452 9.1. A refusal without any question is taken too: some servers send only a header. */
bool dns_is_answer_to(const struct bytes *asked, const unsigned char *v, size_t n)
{
	size_t end = question_end(asked);

	if (n < HEADER_LEN || v[0] != asked->v[0] || v[1] != asked->v[1] || !(v[2] & 0x80) ||
	    (v[2] & 0x78) != (asked->v[2] & 0x78))
		return false;
	if (v[4] == 0 && v[5] == 0)
		return (v[3] & 0x0f) != 0 && v[6] == 0 && v[7] == 0;
	if (v[4] != 0 || v[5] != 1 || end == 0 || n < end ||
	    memcmp(v + end - 4, asked->v + end - 4, 4) != 0)
		return false;
	for (size_t i = HEADER_LEN; i < end - 4; i++)
		if (tolower(v[i]) != tolower(asked->v[i]))
			return false;
	return true;
}

static const struct {
	enum dns_type type;
	const char *name;
} types[] = {
	{ DNS_A, "A" },         { DNS_NS, "NS" },       { DNS_CNAME, "CNAME" },
	{ DNS_SOA, "SOA" },     { DNS_TXT, "TXT" },     { DNS_AAAA, "AAAA" },
	{ DNS_DNAME, "DNAME" }, { DNS_RRSIG, "RRSIG" }, { DNS_CAA, "CAA" },
};

const char *dns_type_name(enum dns_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "record";
}

const char *dns_rcode_name(int rcode)
{
	static const char *const names[] = { "NOERROR",  "FORMERR",  "SERVFAIL", "NXDOMAIN",
		                             "NOTIMP",   "REFUSED",  "YXDOMAIN", "YXRRSET",
		                             "NXRRSET",  "NOTAUTH",  "NOTZONE",  "RCODE 11",
		                             "RCODE 12", "RCODE 13", "RCODE 14", "RCODE 15" };

	return rcode >= 0 && rcode < (int)ARRAY_LEN(names) ? names[rcode] : "another RCODE";
}

/* One rdata field in presentation form, or a name in ours. */
static char *field_text(struct arena *a, const ldns_rdf *d)
{
	char *text = d ? ldns_rdf2str(d) : NULL, *copy;
	size_t n;

	if (!text)
		return arena_strdup(a, "");
	n = strlen(text);
	if (d && ldns_rdf_get_type(d) == LDNS_RDF_TYPE_DNAME) {
		if (n > 0 && text[n - 1] == '.')
			n--;
		for (size_t i = 0; i < n; i++)
			text[i] = (char)tolower((unsigned char)text[i]);
	}
	copy = arena_strndup(a, text, n);
	free(text);
	return copy;
}

/* A NUL byte is written \000: cut off there, a longer value would pass for a shorter one. */
static char *txt_text(struct arena *a, const ldns_rr *rr)
{
	size_t most = 0, n = 0;
	char *text;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		most += ldns_rdf_size(ldns_rr_rdf(rr, i));
	text = arena_alloc(a, most * 4 + 1);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *d = ldns_rr_rdf(rr, i);
		const uint8_t *v = ldns_rdf_data(d);
		size_t len = ldns_rdf_size(d) > 0 ? v[0] : 0;

		for (size_t k = 1; k <= len && k < ldns_rdf_size(d); k++) {
			if (v[k]) {
				text[n++] = (char)v[k];
			} else {
				memcpy(text + n, "\\000", 4);
				n += 4;
			}
		}
	}
	return text;
}

static const char *rr_text(struct arena *a, const ldns_rr *rr)
{
	struct strings fields = { 0 };

	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_TXT)
		return txt_text(a, rr);
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA)
		return field_text(a, ldns_rr_rdf(rr, 0));
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		strings_add(a, &fields, field_text(a, ldns_rr_rdf(rr, i)));
	return strings_join(a, &fields, " ");
}

struct reader {
	struct arena *a;
	const struct bytes *message;
	size_t at, kept;
	struct err *e;
	struct dns_answer *answer;
};

static unsigned number_at(const struct bytes *m, size_t at)
{
	return (unsigned)m->v[at] << 8 | m->v[at + 1];
}

/* RFC 8914 2: a code, and words for people. */
static void read_extended(struct reader *r, size_t at, size_t len)
{
	struct dns_answer *answer = r->answer;
	struct dns_extended *v;
	size_t n = len - 2 < EXTENDED_TEXT_MAX ? len - 2 : EXTENDED_TEXT_MAX;
	char *text;

	if (answer->n_extended >= DNS_MAX_EXTENDED)
		return;
	v = ARENA_ARRAY(r->a, struct dns_extended, answer->n_extended + 1);
	if (answer->n_extended)
		memcpy(v, answer->extended, answer->n_extended * sizeof(*v));
	text = arena_strndup(r->a, (const char *)r->message->v + at + 2, n);
	text_clean(text);
	v[answer->n_extended++] = (struct dns_extended){ (int)number_at(r->message, at), text };
	answer->extended = v;
}

/* RFC 6891 6.1: the OPT record from `at` to where the reader is. Its TTL is the RCODE's upper part.
 */
static void read_edns(struct reader *r, size_t at)
{
	const struct bytes *m = r->message;

	if (r->at - at < OPT_HEAD_LEN || m->v[at] != 0)
		return;
	r->answer->rcode |= m->v[at + OPT_RCODE_AT] << 4;
	for (at += OPT_HEAD_LEN; r->at - at >= 4;) {
		size_t len = number_at(m, at + 2);

		if (len > r->at - at - 4)
			return;
		if (number_at(m, at) == OPTION_EXTENDED && len >= 2)
			read_extended(r, at + 4, len);
		at += 4 + len;
	}
}

static int read_rr(struct reader *r, ldns_pkt_section section, ldns_rr **out)
{
	if (ldns_wire2rr(out, r->message->v, r->message->n, &r->at, section) != LDNS_STATUS_OK)
		return err_set(r->e, ERR_PROTOCOL, "the answer is not a DNS message");
	return 0;
}

/* One section of count records; those of other classes than IN are passed over. */
static int read_section(struct reader *r, ldns_pkt_section section, size_t count,
                        const struct dns_rr **out, size_t *n)
{
	size_t room = count < DNS_MAX_RECORDS ? count : DNS_MAX_RECORDS, kept = 0;
	struct dns_rr *v = ARENA_ARRAY(r->a, struct dns_rr, room + 1);

	for (size_t i = 0; i < count; i++) {
		ldns_rr *rr CLEANUP(rr_free) = NULL;
		size_t from = r->at;
		TRY(read_rr(r, section, &rr));
		if (section == LDNS_SECTION_ADDITIONAL && ldns_rr_get_type(rr) == LDNS_RR_TYPE_OPT)
			read_edns(r, from);
		if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN || r->kept >= DNS_MAX_RECORDS)
			continue;
		v[kept].name = field_text(r->a, ldns_rr_owner(rr));
		v[kept].type = (int)ldns_rr_get_type(rr);
		v[kept].ttl = ldns_rr_ttl(rr);
		v[kept++].text = rr_text(r->a, rr);
		r->kept++;
	}
	*out = v;
	*n = kept;
	return 0;
}

/* The type of the record that begins at `at`: TSIG is told by it, before it is read. */
static int type_at(const struct bytes *m, size_t at)
{
	ldns_rdf *name = NULL;

	if (ldns_wire2dname(&name, m->v, m->n, &at) != LDNS_STATUS_OK || at + 2 > m->n) {
		if (name)
			ldns_rdf_deep_free(name);
		return -1;
	}
	ldns_rdf_deep_free(name);
	return m->v[at] << 8 | m->v[at + 1];
}

/* All but the last record first: if the last one is TSIG, it ends the message and is not ours to
 * read (sys/tsig.c does). */
static int read_additional(struct reader *r, size_t count, struct dns_answer *answer, size_t *tsig)
{
	const struct dns_rr *last;
	struct dns_rr *all;
	size_t n = 0;

	*tsig = 0;
	if (count == 0)
		return read_section(r, LDNS_SECTION_ADDITIONAL, 0, &answer->additional,
		                    &answer->n_additional);
	TRY(read_section(r, LDNS_SECTION_ADDITIONAL, count - 1, &answer->additional,
	                 &answer->n_additional));
	if (type_at(r->message, r->at) == TYPE_TSIG) {
		ldns_rr *rr CLEANUP(rr_free) = NULL;
		*tsig = r->at;
		return read_rr(r, LDNS_SECTION_ADDITIONAL, &rr);
	}
	TRY(read_section(r, LDNS_SECTION_ADDITIONAL, 1, &last, &n));
	if (n == 0)
		return 0;
	all = ARENA_ARRAY(r->a, struct dns_rr, answer->n_additional + 1);
	memcpy(all, answer->additional, answer->n_additional * sizeof(*all));
	all[answer->n_additional++] = *last;
	answer->additional = all;
	return 0;
}

static int read_questions(struct reader *r, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ldns_rr *rr CLEANUP(rr_free) = NULL;
		TRY(read_rr(r, LDNS_SECTION_QUESTION, &rr));
	}
	return 0;
}

int dns_answer_parse(struct arena *a, const struct bytes *message, struct dns_answer *out,
                     size_t *tsig_at, struct err *e)
{
	struct dns_answer answer = { 0 };
	struct reader r = { a, message, HEADER_LEN, 0, e, &answer };
	const uint8_t *v = message->v;
	size_t tsig;

	if (message->n < HEADER_LEN)
		return err_set(e, ERR_PROTOCOL, "the answer is too short for a DNS message");
	if (!LDNS_QR_WIRE(v))
		return err_set(e, ERR_PROTOCOL, "the answer is a question itself");
	answer.rcode = LDNS_RCODE_WIRE(v);
	answer.authoritative = LDNS_AA_WIRE(v);
	answer.authenticated = LDNS_AD_WIRE(v);
	answer.recursion = LDNS_RA_WIRE(v);
	TRY(read_questions(&r, LDNS_QDCOUNT(v)));
	TRY(read_section(&r, LDNS_SECTION_ANSWER, LDNS_ANCOUNT(v), &answer.answer,
	                 &answer.n_answer));
	TRY(read_section(&r, LDNS_SECTION_AUTHORITY, LDNS_NSCOUNT(v), &answer.authority,
	                 &answer.n_authority));
	TRY(read_additional(&r, LDNS_ARCOUNT(v), &answer, &tsig));
	if (r.at != message->n)
		return err_set(e, ERR_PROTOCOL, "the answer goes on after its end");
	*out = answer;
	*tsig_at = tsig;
	return 0;
}

struct strings dns_answer_txt(struct arena *a, const struct dns_answer *answer, const char *name)
{
	struct strings found = { 0 };
	size_t n = strlen(name);

	if (n > 0 && name[n - 1] == '.')
		n--;
	for (size_t i = 0; i < answer->n_answer && found.n < DNS_MAX_STRINGS; i++)
		if (answer->answer[i].type == DNS_TXT && strlen(answer->answer[i].name) == n &&
		    strncasecmp(answer->answer[i].name, name, n) == 0)
			strings_add(a, &found, answer->answer[i].text);
	return found;
}
