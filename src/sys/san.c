/*
 * What requests and certificates share: subject alternative names and subjects, written and read.
 * What is read is a stranger's; a name that holds a NUL or a character no name has never becomes a
 * string of ours.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/err.h>
#include <string.h>

#include "sys/key_evp.h"

static ASN1_STRING *address_string(const char *name)
{
	unsigned char ip[16];
	int n = inet_pton(AF_INET, name, ip) == 1 ? 4 : inet_pton(AF_INET6, name, ip) == 1 ? 16 : 0;
	ASN1_OCTET_STRING *s = n ? ASN1_OCTET_STRING_new() : NULL;

	if (s && ASN1_OCTET_STRING_set(s, ip, n) != 1) {
		ASN1_OCTET_STRING_free(s);
		s = NULL;
	}
	return s;
}

static ASN1_STRING *dns_string(const char *name)
{
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	if (s && ASN1_STRING_set(s, name, -1) != 1) {
		ASN1_IA5STRING_free(s);
		s = NULL;
	}
	return s;
}

static int san_add(GENERAL_NAMES *gens, const char *name, struct err *e)
{
	GENERAL_NAME *gen = GENERAL_NAME_new();
	ASN1_STRING *s = address_string(name);
	int kind = s ? GEN_IPADD : GEN_DNS;

	s = s ? s : dns_string(name);
	if (gen && s) {
		GENERAL_NAME_set0_value(gen, kind, s);
		if (sk_GENERAL_NAME_push(gens, gen) > 0)
			return 0;
	} else {
		ASN1_STRING_free(s);
	}
	GENERAL_NAME_free(gen);
	return err_set(e, ERR_MEMORY, "out of memory");
}

int san_make(const struct strings *names, GENERAL_NAMES **out, struct err *e)
{
	GENERAL_NAMES *gens CLEANUP(general_names_cleanup) = GENERAL_NAMES_new();

	if (names->n == 0)
		return err_set(e, ERR_INPUT, "no names for the certificate");
	if (!gens)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < names->n; i++)
		TRY(san_add(gens, names->v[i], e));
	*out = TAKE(gens);
	return 0;
}

static int read_address(struct arena *a, const ASN1_OCTET_STRING *s, struct strings *names,
                        struct err *e)
{
	int n = ASN1_STRING_length(s), family = n == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	if ((n != 4 && n != 16) || !inet_ntop(family, ASN1_STRING_get0_data(s), text, sizeof text))
		return err_set(e, ERR_INPUT, "an address among the alternative names has %d bytes",
		               n);
	strings_add(a, names, text);
	return 0;
}

static int read_dns(struct arena *a, const ASN1_IA5STRING *s, struct strings *names, struct err *e)
{
	size_t n = (size_t)ASN1_STRING_length(s);
	char *name = arena_strndup(a, (const char *)ASN1_STRING_get0_data(s), n);

	for (size_t i = 0; i < n; i++) {
		if (name[i] <= ' ' || name[i] > '~')
			return err_set(
			    e, ERR_INPUT,
			    "a DNS name among the alternative names holds a character no name has");
		name[i] = (char)tolower((unsigned char)name[i]);
	}
	if (n == 0)
		return err_set(e, ERR_INPUT, "a DNS name among the alternative names is empty");
	strings_add(a, names, name);
	return 0;
}

static const char *kind_name(int kind)
{
	switch (kind) {
	case GEN_EMAIL:
		return "an e-mail address";
	case GEN_URI:
		return "a URI";
	case GEN_DIRNAME:
		return "a directory name";
	}
	return "a name of another kind";
}

int san_read(struct arena *a, const GENERAL_NAMES *gens, bool strict, struct strings *names,
             struct err *e)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(gens); i++) {
		int kind;
		const void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(gens, i), &kind);

		if (kind == GEN_DNS)
			TRY(read_dns(a, value, names, e));
		else if (kind == GEN_IPADD)
			TRY(read_address(a, value, names, e));
		else if (strict)
			return err_set(e, ERR_INPUT,
			               "%s is among the alternative names; only DNS names and "
			               "addresses may be",
			               kind_name(kind));
	}
	return 0;
}

int subject_fill(X509_NAME *name, const struct subject *s, struct err *e)
{
	const struct {
		int nid;
		const char *what, *value;
	} parts[] = {
		{ NID_countryName, "country", s->country },
		{ NID_stateOrProvinceName, "province", s->province },
		{ NID_localityName, "city", s->city },
		{ NID_organizationName, "organization", s->organization },
		{ NID_organizationalUnitName, "unit", s->unit },
		{ NID_commonName, "common name", s->common_name },
		{ NID_pkcs9_emailAddress, "subject e-mail", s->email },
	};

	ERR_clear_error(); /* the reason told must be of this call */
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].value && X509_NAME_add_entry_by_NID(
		                          name, parts[i].nid, MBSTRING_UTF8,
		                          (const unsigned char *)parts[i].value, -1, -1, 0) != 1)
			return key_openssl_error(e, ERR_INPUT,
			                         "the subject's %s \"%.100s\" does not fit",
			                         parts[i].what, parts[i].value);
	return 0;
}

const char *subject_common_name(struct arena *a, const X509_NAME *name)
{
	int last = -1;
	const char *result = NULL;
	unsigned char *utf8 = NULL;

	for (int i = -1; (i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) >= 0;)
		last = i;
	if (last >= 0) {
		int n = ASN1_STRING_to_UTF8(
		    &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));

		if (n > 0 && !memchr(utf8, 0, (size_t)n))
			result = arena_strndup(a, (const char *)utf8, (size_t)n);
		OPENSSL_free(utf8);
	}
	ERR_clear_error();
	return result;
}
