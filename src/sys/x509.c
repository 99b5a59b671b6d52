/*
 * Certificates read: one, or the chain a CA sent. Everything wanted of them is taken out once, as
 * plain strings and numbers, so that no caller touches OpenSSL. Checks are in x509_check.c,
 * certificates of our own making in x509_make.c.
 */
#include "sys/x509.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "sys/key_evp.h"

#define CHAIN_BYTES_MAX ((size_t)256 << 10)
#define CHAIN_CERTS_MAX 10

static int hex_digest(struct arena *a, const void *data, size_t len, const char **out,
                      struct err *e)
{
	unsigned char md[HASH_MAX];

	TRY(hash_digest(HASH_SHA256, data, len, md, e));
	*out = hex_encode(a, md, hash_len(HASH_SHA256));
	return 0;
}

static int read_time(const ASN1_TIME *t, int64_t *out, struct err *e)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "the certificate's dates cannot be read");
	}
	*out = timegm(&tm);
	return 0;
}

/* The subject or issuer in one line, RFC 4514. */
static const char *name_line(struct arena *a, const X509_NAME *name)
{
	BIO *mem CLEANUP(bio_cleanup) = BIO_new(BIO_s_mem());

	if (!mem || X509_NAME_print_ex(mem, name, 0,
	                               XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
		return "";
	return bio_text(a, mem);
}

/* The content bytes of the serial number's DER: with the leading 00 that keeps it positive, as RFC
 * 9773 wants it. */
static int serial_bytes(struct arena *a, const X509 *x, struct bytes *out, struct err *e)
{
	unsigned char *der = NULL;
	int n = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der);

	/* RFC 5280 allows 20 bytes; with at most 127 the length is one byte, so the content begins
	 * at the third */
	if (n < 3 || n > 2 + 127) {
		OPENSSL_free(der);
		return err_set(e, ERR_INPUT,
		               "the certificate's serial number is not of a sane length");
	}
	*out = (struct bytes){ arena_memdup(a, der + 2, (size_t)n - 2), (size_t)n - 2 };
	OPENSSL_free(der);
	return 0;
}

/* RFC 9773 4.1. */
static const char *ari_id(struct arena *a, X509 *x, const struct bytes *serial)
{
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(x);

	if (!aki || ASN1_STRING_length(aki) <= 0)
		return NULL;
	return arena_printf(
	    a, "%s.%s",
	    base64url_encode(a, ASN1_STRING_get0_data(aki), (size_t)ASN1_STRING_length(aki)),
	    base64url_encode(a, serial->v, serial->n));
}

static int read_names(struct arena *a, const X509 *x, struct strings *out, struct err *e)
{
	GENERAL_NAMES *gens CLEANUP(general_names_cleanup) = NULL;
	int crit = -1;

	gens = X509_get_ext_d2i(x, NID_subject_alt_name, &crit, NULL);
	if (!gens && crit != -1)
		return key_openssl_error(e, ERR_INPUT,
		                         "the certificate's alternative names cannot be read");
	return gens ? san_read(a, gens, false, out, e) : 0;
}

static int read_key(struct arena *a, X509 *x, struct x509_info *info, struct err *e)
{
	EVP_PKEY *pkey = X509_get0_pubkey(x);
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der), rc;

	if (n <= 0)
		return key_openssl_error(e, ERR_INPUT,
		                         "the certificate's public key cannot be read");
	rc = hex_digest(a, der, (size_t)n, &info->spki_sha256, e);
	OPENSSL_free(der);
	info->key_type = pkey ? key_evp_type(pkey) : KEY_NONE;
	return rc;
}

static int read_info(struct arena *a, X509 *x, const struct bytes *der, struct x509_info *out,
                     struct err *e)
{
	const X509_NAME *subject = X509_get_subject_name(x), *issuer = X509_get_issuer_name(x);
	struct x509_info info = {
		.subject = name_line(a, subject),
		.subject_cn = subject_common_name(a, subject),
		.issuer = name_line(a, issuer),
		.issuer_cn = subject_common_name(a, issuer),
		.is_ca = X509_get_extension_flags(x) & EXFLAG_CA,
		.self_issued = X509_NAME_cmp(subject, issuer) == 0,
		.der = *der,
	};
	struct bytes serial = { 0 };
	size_t zeros;

	TRY(read_names(a, x, &info.names, e));
	TRY(read_key(a, x, &info, e));
	TRY(read_time(X509_get0_notBefore(x), &info.not_before, e));
	TRY(read_time(X509_get0_notAfter(x), &info.not_after, e));
	TRY(hex_digest(a, der->v, der->n, &info.fingerprint, e));
	TRY(serial_bytes(a, x, &serial, e));
	zeros = serial.n > 1 && serial.v[0] == 0;
	info.serial = hex_encode(a, serial.v + zeros, serial.n - zeros);
	info.ari_id = ari_id(a, x, &serial);
	ERR_clear_error();
	*out = info;
	return 0;
}

static int decode(const struct bytes *der, X509 **out, struct err *e)
{
	const unsigned char *p = der->v;
	X509 *x CLEANUP(x509_cleanup) = d2i_X509(NULL, &p, (long)der->n);

	if (!x || p != der->v + der->n) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "not a certificate");
	}
	*out = TAKE(x);
	return 0;
}

static int parse_der(struct arena *a, const struct bytes *der, struct x509_info *out, struct err *e)
{
	X509 *x CLEANUP(x509_cleanup) = NULL;

	TRY(decode(der, &x, e));
	return read_info(a, x, der, out, e);
}

/* Gives the handle too, for the caller to free. issuers: NULL = not to be looked for there. */
static int parse_handle(struct arena *a, struct x509_issuers *issuers, const struct bytes *der,
                        X509 **handle, struct x509_info *out, struct err *e)
{
	X509 *x CLEANUP(x509_cleanup) = issuers ? issuers_find(issuers, der) : NULL;

	bool known = x;

	if (!known)
		TRY(decode(der, &x, e));
	TRY(read_info(a, x, der, out, e));
	if (issuers && !known)
		issuers_add(issuers, x, der);
	*handle = TAKE(x);
	return 0;
}

/* Signatures are looked at while the handles are there: decoding a certificate takes OpenSSL 3.0
 * twice as long as verifying it. */
static void look_at_signatures(STACK_OF(X509) * certs, struct x509_info *v)
{
	for (int i = 0; i + 1 < sk_X509_num(certs); i++) {
		EVP_PKEY *by = X509_get0_pubkey(sk_X509_value(certs, i + 1));
		v[i].signed_by_next = by && X509_verify(sk_X509_value(certs, i), by) == 1;
	}
	ERR_clear_error();
}

/* All blocks of a PEM text, in their order. */
static int parse_blocks(struct arena *a, struct x509_issuers *issuers, const void *pem, size_t len,
                        struct x509_info *v, size_t *n, struct err *e)
{
	BIO *in CLEANUP(bio_cleanup) = BIO_new_mem_buf(pem, (int)len);
	STACK_OF(X509) * certs CLEANUP(certs_cleanup) = sk_X509_new_reserve(NULL, CHAIN_CERTS_MAX);
	struct pem_block block;
	X509 *x;
	int found;

	if (!in || !certs)
		return err_set(e, ERR_MEMORY, "out of memory");
	for (*n = 0; (found = pem_next(a, in, &block, e)) > 0; ++*n) {
		if (strcmp(block.name, "CERTIFICATE") != 0)
			return err_set(e, ERR_INPUT, "a block \"%.40s\" among the certificates",
			               block.name);
		if (*n == CHAIN_CERTS_MAX)
			return err_set(e, ERR_INPUT, "more than %d certificates in a chain",
			               CHAIN_CERTS_MAX);
		TRY(parse_handle(a, *n ? issuers : NULL, &block.der, &x, &v[*n], e));
		sk_X509_push(certs, x); /* room is reserved */
	}
	TRY(found);
	look_at_signatures(certs, v);
	return *n ? 0 : err_set(e, ERR_INPUT, "no certificate in it");
}

static int check_order(const struct x509_chain *chain, struct err *e)
{
	for (size_t i = 0; i + 1 < chain->n; i++)
		if (strcmp(chain->v[i].issuer, chain->v[i + 1].subject) != 0)
			return err_set(e, ERR_INPUT,
			               "the certificates are not in issuing order: \"%.120s\" was "
			               "issued by \"%.120s\", "
			               "not by the next one",
			               chain->v[i].subject, chain->v[i].issuer);
	return 0;
}

/* The PEM block of a DER certificate, 64 characters a line (RFC 7468). */
static const char *pem_block(struct arena *a, const struct bytes *der)
{
	const char *text = base64_encode(a, der->v, der->n);
	size_t n = strlen(text), lines = (n + 63) / 64;
	static const char head[] = "-----BEGIN CERTIFICATE-----\n",
	                  tail[] = "-----END CERTIFICATE-----\n";
	char *out = arena_alloc(a, sizeof head + n + lines + sizeof tail), *p = out;

	p = mempcpy(p, head, sizeof head - 1);
	for (size_t at = 0; at < n; at += 64) {
		p = mempcpy(p, text + at, n - at < 64 ? n - at : 64);
		*p++ = '\n';
	}
	memcpy(p, tail, sizeof tail);
	return out;
}

static void write_pem(struct arena *a, struct x509_chain *chain)
{
	struct strings issuers = { 0 };

	chain->leaf_pem = pem_block(a, &chain->v[0].der);
	for (size_t i = 1; i < chain->n; i++)
		strings_add(a, &issuers, pem_block(a, &chain->v[i].der));
	chain->chain_pem = strings_join(a, &issuers, "");
	chain->fullchain_pem = arena_printf(a, "%s%s", chain->leaf_pem, chain->chain_pem);
}

int x509_chain_parse_known(struct arena *a, struct x509_issuers *issuers, const char *pem,
                           size_t len, struct x509_chain *out, struct err *e)
{
	struct x509_chain chain = { .v = ARENA_ARRAY(a, struct x509_info, CHAIN_CERTS_MAX) };

	if (len > CHAIN_BYTES_MAX)
		return err_set(e, ERR_INPUT, "a certificate chain larger than %zu KiB",
		               CHAIN_BYTES_MAX >> 10);
	TRY(parse_blocks(a, issuers, pem, len, chain.v, &chain.n, e));
	TRY(check_order(&chain, e));
	write_pem(a, &chain);
	*out = chain;
	return 0;
}

int x509_chain_parse(struct arena *a, const char *pem, size_t len, struct x509_chain *out,
                     struct err *e)
{
	return x509_chain_parse_known(a, NULL, pem, len, out, e);
}

int x509_chain_split(struct arena *a, const char *fullchain_pem, const char **leaf_pem,
                     const char **chain_pem, struct err *e)
{
	static const char head[] = "-----BEGIN CERTIFICATE-----\n",
	                  tail[] = "-----END CERTIFICATE-----\n";
	const char *end = strstr(fullchain_pem, tail);

	if (strncmp(fullchain_pem, head, sizeof head - 1) != 0 || !end)
		return err_set(e, ERR_INPUT, "not a chain of certificates");
	end += sizeof tail - 1;
	*leaf_pem = arena_strndup(a, fullchain_pem, (size_t)(end - fullchain_pem));
	*chain_pem = arena_strdup(a, end);
	return 0;
}

int x509_parse(struct arena *a, const void *data, size_t len, struct x509_info *out, struct err *e)
{
	BIO *in CLEANUP(bio_cleanup) = NULL;
	struct pem_block block;
	int found;

	if (len == 0 || len > CHAIN_BYTES_MAX)
		return err_set(e, ERR_INPUT,
		               len ? "too large for a certificate" : "the certificate is empty");
	if (!pem_is(data, len))
		return parse_der(a, &(struct bytes){ arena_memdup(a, data, len), len }, out, e);
	in = BIO_new_mem_buf(data, (int)len);
	if (!in)
		return err_set(e, ERR_MEMORY, "out of memory");
	while ((found = pem_next(a, in, &block, e)) > 0)
		if (strcmp(block.name, "CERTIFICATE") == 0)
			return parse_der(a, &block.der, out, e);
	TRY(found);
	return err_set(e, ERR_INPUT, "no CERTIFICATE in the PEM file");
}
