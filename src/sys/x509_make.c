/*
 * Certificates of our own: the self-signed stand-in, and the one that answers tls-alpn-01. Nobody
 * trusts them; they only have to be well-formed.
 */
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "sys/key_evp.h"
#include "sys/names.h"
#include "sys/x509.h"

#define DAY_S ((int64_t)86400)
#define BACKDATE_S 3600
#define TLS_ALPN_DAYS 7
#define SERIAL_BITS 127
#define ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31" /* RFC 8737 6.1 */

static bool is_serial_set(X509 *x)
{
	BIGNUM *n CLEANUP(bn_cleanup) = BN_new();

	return n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
	       BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
}

static bool is_extended(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool fine;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	fine = ext && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return fine;
}

/* Everything but names, purposes and signature. */
static int begin(const struct key *k, const struct subject *subject, int days, X509 **out,
                 struct err *e)
{
	X509 *x CLEANUP(x509_cleanup) = X509_new();
	int64_t from = clock_now() - BACKDATE_S;

	if (!x || X509_set_version(x, 2 /* v3 */) != 1 || !is_serial_set(x) ||
	    !ASN1_TIME_set(X509_getm_notBefore(x), from) ||
	    !ASN1_TIME_set(X509_getm_notAfter(x), from + days * DAY_S) ||
	    X509_set_pubkey(x, key_evp(k)) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot make a certificate");
	TRY(subject_fill(X509_get_subject_name(x), subject, e));
	if (X509_set_issuer_name(x, X509_get_subject_name(x)) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot make a certificate");
	*out = TAKE(x);
	return 0;
}

static int add_names(X509 *x, const struct strings *names, struct err *e)
{
	GENERAL_NAMES *gens CLEANUP(general_names_cleanup) = NULL;

	TRY(san_make(names, &gens, e));
	if (X509_add1_ext_i2d(x, NID_subject_alt_name, gens, 0, X509V3_ADD_DEFAULT) != 1)
		return key_openssl_error(e, ERR_CRYPTO,
		                         "cannot put the names into the certificate");
	return 0;
}

static int finish(struct arena *a, X509 *x, const struct key *k, enum hash_alg digest, char **pem,
                  struct err *e)
{
	EVP_MD *md CLEANUP(md_cleanup) = EVP_MD_fetch(NULL, hash_openssl_name(digest), NULL);
	BIO *mem CLEANUP(bio_cleanup) = BIO_new(BIO_s_mem());

	if (!md || !mem || X509_sign(x, key_evp(k), md) <= 0 || PEM_write_bio_X509(mem, x) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot sign the certificate");
	*pem = bio_text(a, mem);
	return 0;
}

static bool is_empty(const struct subject *s)
{
	return !s->common_name && !s->country && !s->province && !s->city && !s->organization &&
	       !s->unit && !s->email;
}

int x509_self_signed(struct arena *a, const struct key *k, const struct csr_spec *spec, int days,
                     char **pem, struct err *e)
{
	X509 *x CLEANUP(x509_cleanup) = NULL;
	struct subject subject = spec->subject;
	bool rsa = key_jws_alg(k)[0] == 'R';

	/* the subject is the issuer here, and an issuer must not be empty (RFC 5280 4.1.2.4) */
	if (is_empty(&subject))
		subject.common_name = "self-signed stand-in";
	TRY(begin(k, &subject, days, &x, e));
	TRY(add_names(x, &spec->names, e));
	if (!is_extended(x, NID_basic_constraints, "critical,CA:FALSE") ||
	    !is_extended(x, NID_key_usage,
	                 rsa ? "critical,digitalSignature,keyEncipherment"
	                     : "critical,digitalSignature") ||
	    !is_extended(x, NID_ext_key_usage, "serverAuth") ||
	    !is_extended(x, NID_subject_key_identifier, "hash"))
		return key_openssl_error(e, ERR_CRYPTO, "cannot make a self-signed certificate");
	return finish(a, x, k, spec->digest, pem, e);
}

/* The critical extension whose value is the digest as a DER octet string: 04 20 and 32 bytes. */
static int add_acme_identifier(X509 *x, const unsigned char sha256[32], struct err *e)
{
	unsigned char der[34] = { V_ASN1_OCTET_STRING, 32 };
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid = OBJ_txt2obj(ACME_IDENTIFIER, 1);
	X509_EXTENSION *ext = NULL;
	bool fine;

	for (size_t i = 0; i < 32; i++)
		der[2 + i] = sha256[i];
	fine = value && oid && ASN1_OCTET_STRING_set(value, der, sizeof der) == 1 &&
	       (ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value)) &&
	       X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(value);
	return fine ? 0
	            : key_openssl_error(e, ERR_CRYPTO, "cannot make the tls-alpn-01 certificate");
}

int x509_tls_alpn01(struct arena *a, const struct key *k, const char *name,
                    const unsigned char sha256[32], char **pem, struct err *e)
{
	X509 *x CLEANUP(x509_cleanup) = NULL;
	struct strings names = { &name, 1 };

	if (name_kind(name) == NAME_WILDCARD)
		return err_set(e, ERR_INPUT,
		               "%.253s: tls-alpn-01 cannot prove a wildcard; use dns-01", name);
	TRY(begin(k, &(struct subject){ .common_name = "ACME challenge" }, TLS_ALPN_DAYS, &x, e));
	TRY(add_names(x, &names, e));
	TRY(add_acme_identifier(x, sha256, e));
	return finish(a, x, k, HASH_SHA256, pem, e);
}
