/*
 * Certificate signing requests: made from a specification, or a person's own, read and checked. A
 * person's request is sent as it is, so everything the CA would refuse in it is told here.
 */
#include "sys/csr.h"

#include <openssl/pem.h>
#include <openssl/err.h>
#include <string.h>
#include <strings.h>

#include "sys/key_evp.h"
#include "sys/names.h"

#define CSR_INPUT_MAX ((size_t)64 << 10)
#define CSR_NAMES_MAX 100
#define COMMON_NAME_MAX 64
#define TLS_FEATURE_STATUS_REQUEST 5

const char *csr_common_name(const struct strings *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (name_kind(names->v[i]) != NAME_IP)
			return strlen(names->v[i]) <= COMMON_NAME_MAX ? names->v[i] : NULL;
	return NULL;
}

static int add_names(X509_REQ *req, const struct strings *names, struct err *e)
{
	STACK_OF(X509_EXTENSION) * exts CLEANUP(extensions_cleanup) = NULL;
	GENERAL_NAMES *gens CLEANUP(general_names_cleanup) = NULL;
	/* RFC 5280 4.2.1.6: critical if the subject is empty */
	bool critical = X509_NAME_entry_count(X509_REQ_get_subject_name(req)) == 0;

	TRY(san_make(names, &gens, e));
	if (X509V3_add1_i2d(&exts, NID_subject_alt_name, gens, critical, X509V3_ADD_DEFAULT) != 1 ||
	    X509_REQ_add_extensions(req, exts) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot put the names into the request");
	return 0;
}

static int req_der(struct arena *a, X509_REQ *req, struct bytes *out, struct err *e)
{
	unsigned char *der = NULL;
	int n = i2d_X509_REQ(req, &der);

	if (n <= 0)
		return key_openssl_error(e, ERR_CRYPTO, "cannot write the request");
	*out = (struct bytes){ arena_memdup(a, der, (size_t)n), (size_t)n };
	OPENSSL_free(der);
	return 0;
}

int csr_make(struct arena *a, const struct key *k, const struct csr_spec *spec, struct bytes *der,
             struct err *e)
{
	X509_REQ *req CLEANUP(x509_req_cleanup) = X509_REQ_new();
	EVP_MD *md CLEANUP(md_cleanup) = EVP_MD_fetch(NULL, hash_openssl_name(spec->digest), NULL);

	if (!req || !md || X509_REQ_set_version(req, 0 /* v1 */) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot make a request");
	TRY(key_public(k, X509_REQ_get_X509_PUBKEY(req), e));
	TRY(subject_fill(X509_REQ_get_subject_name(req), &spec->subject, e));
	TRY(add_names(req, &spec->names, e));
	if (X509_REQ_sign(req, key_evp(k), md) <= 0)
		return key_openssl_error(e, ERR_CRYPTO, "cannot sign the request");
	return req_der(a, req, der, e);
}

/* The DER of a request in PEM, or what was given. */
static int unwrap(struct arena *a, const void *data, size_t len, struct bytes *out, struct err *e)
{
	BIO *in CLEANUP(bio_cleanup) = NULL;
	struct pem_block block;
	int found;

	if (len == 0 || len > CSR_INPUT_MAX)
		return err_set(e, ERR_INPUT,
		               len ? "too large for a request" : "the request is empty");
	if (!pem_is(data, len)) {
		*out = (struct bytes){ arena_memdup(a, data, len), len };
		return 0;
	}
	in = BIO_new_mem_buf(data, (int)len);
	if (!in)
		return err_set(e, ERR_MEMORY, "out of memory");
	while ((found = pem_next(a, in, &block, e)) > 0)
		if (strcmp(block.name, "CERTIFICATE REQUEST") == 0 ||
		    strcmp(block.name, "NEW CERTIFICATE REQUEST") == 0) {
			*out = block.der;
			return 0;
		}
	TRY(found);
	return err_set(e, ERR_INPUT, "no CERTIFICATE REQUEST in the PEM file");
}

/* A name as it stands must already be in the form that is sent, since the request is not changed.
 */
static int add_checked(struct arena *a, const char *name, struct strings *names, struct err *e)
{
	enum name_kind kind;
	const char *normal;

	TRY(name_normalize(a, name, &normal, &kind, e));
	if (kind != NAME_IP && strcasecmp(normal, name) != 0)
		return err_set(e, ERR_INPUT, "\"%.200s\" in the request must be written \"%.200s\"",
		               name, normal);
	if (!strings_has(names, normal))
		strings_add(a, names, normal);
	return 0;
}

static int read_names(struct arena *a, X509_REQ *req, const GENERAL_NAMES *gens,
                      struct strings *out, struct err *e)
{
	struct strings raw = { 0 }, names = { 0 };
	const char *cn = subject_common_name(a, X509_REQ_get_subject_name(req));

	if (cn && add_checked(a, cn, &names, e) < 0)
		return err_ctx(e, "the request's common name");
	if (gens)
		TRY(san_read(a, gens, true, &raw, e));
	/* the common name goes first only if it is not an alternative name too, so that their order
	 * is kept */
	if (names.n && strings_has(&raw, names.v[0]))
		names = (struct strings){ 0 };
	for (size_t i = 0; i < raw.n; i++) {
		if (names.n >= CSR_NAMES_MAX)
			return err_set(e, ERR_INPUT, "the request has more than %d names",
			               CSR_NAMES_MAX);
		TRY(add_checked(a, raw.v[i], &names, e));
	}
	if (names.n == 0)
		return err_set(e, ERR_INPUT, "the request has no names");
	*out = names;
	return 0;
}

static bool asks_must_staple(STACK_OF(X509_EXTENSION) * exts)
{
	TLS_FEATURE *features = X509V3_get_d2i(exts, NID_tlsfeature, NULL, NULL);
	bool asked = false;

	for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
		asked |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) ==
		         TLS_FEATURE_STATUS_REQUEST;
	TLS_FEATURE_free(features);
	return asked;
}

static int read_extensions(struct arena *a, X509_REQ *req, struct csr_info *info, struct err *e)
{
	STACK_OF(X509_EXTENSION) * exts CLEANUP(extensions_cleanup) = X509_REQ_get_extensions(req);
	GENERAL_NAMES *gens CLEANUP(general_names_cleanup) = NULL;
	int crit = -1;

	gens = X509V3_get_d2i(exts, NID_subject_alt_name, &crit, NULL);
	if (!gens && crit != -1)
		return key_openssl_error(e, ERR_INPUT,
		                         "the request's alternative names cannot be read");
	info->must_staple = asks_must_staple(exts);
	return read_names(a, req, gens, &info->names, e);
}

static int read_key(struct arena *a, X509_REQ *req, struct csr_info *info, struct err *e)
{
	EVP_PKEY *pkey = X509_REQ_get0_pubkey(req);
	unsigned char md[HASH_MAX], *der = NULL;
	int n, rc;

	if (!pkey)
		return key_openssl_error(e, ERR_INPUT, "the request's public key cannot be read");
	info->key_type = key_evp_type(pkey);
	if (info->key_type == KEY_NONE)
		return err_set(e, ERR_INPUT,
		               "the request's key is %s; it must be EC P-256 or P-384, or RSA of "
		               "2048, 3072 or 4096 bits",
		               key_evp_describe(a, pkey));
	if (X509_REQ_verify(req, pkey) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "the request's signature does not verify");
	}
	/* the bytes as they stand, since a certificate made from the request repeats them */
	n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(req), &der);
	if (n <= 0)
		return key_openssl_error(e, ERR_CRYPTO, "cannot write the public key");
	rc = hash_digest(HASH_SHA256, der, (size_t)n, md, e);
	OPENSSL_free(der);
	if (rc == 0)
		info->spki_sha256 = hex_encode(a, md, hash_len(HASH_SHA256));
	return rc;
}

int csr_parse(struct arena *a, const void *data, size_t len, struct csr_info *out, struct err *e)
{
	X509_REQ *req CLEANUP(x509_req_cleanup) = NULL;
	struct csr_info info = { 0 };
	const unsigned char *p;

	TRY(unwrap(a, data, len, &info.der, e));
	p = info.der.v;
	req = d2i_X509_REQ(NULL, &p, (long)info.der.n);
	if (!req || p != info.der.v + info.der.n) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT,
		               "not a certificate signing request (PKCS#10) in PEM or DER form");
	}
	TRY(read_key(a, req, &info, e));
	TRY(read_extensions(a, req, &info, e));
	ERR_clear_error();
	*out = info;
	return 0;
}

int csr_pem(struct arena *a, const struct bytes *der, char **out, struct err *e)
{
	BIO *mem CLEANUP(bio_cleanup) = BIO_new(BIO_s_mem());

	if (!mem || PEM_write_bio(mem, PEM_STRING_X509_REQ, "", der->v, (long)der->n) <= 0)
		return key_openssl_error(e, ERR_CRYPTO, "the request cannot be written as PEM");
	*out = bio_text(a, mem);
	return 0;
}
