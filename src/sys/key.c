/*
 * Private keys by OpenSSL EVP: generated, read from PEM and DER, written as PKCS#8. The JWK forms
 * and JWS signatures are in key_jwk.c. Only the five types of key.h get in, and only keys whose
 * private half signs for the public one, so that what comes later need not ask again. A struct key
 * never changes after it was made; it is counted.
 */
#include "sys/key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sys/key_evp.h"

#define KEY_INPUT_MAX ((size_t)64 << 10)

struct key {
	atomic_uint owners;
	enum key_type type;
	EVP_PKEY *pkey;
};

static const char *const type_names[] = {
	[KEY_NONE] = "",           [KEY_EC256] = "ec256",     [KEY_EC384] = "ec384",
	[KEY_RSA2048] = "rsa2048", [KEY_RSA3072] = "rsa3072", [KEY_RSA4096] = "rsa4096",
};

const char *key_type_name(enum key_type type)
{
	return type_names[type];
}

enum key_type key_type_parse(const char *name)
{
	for (size_t i = KEY_EC256; i < ARRAY_LEN(type_names); i++)
		if (name && strcmp(name, type_names[i]) == 0)
			return (enum key_type)i;
	return KEY_NONE;
}

EVP_PKEY *key_evp(const struct key *k)
{
	return k->pkey;
}

int key_openssl_error(struct err *e, enum err_code code, const char *fmt, ...)
{
	char text[sizeof e->text];
	/* the first error is the cause; its data are left out, they can hold input */
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ERR_clear_error();
	return reason ? err_set(e, code, "%s: %s", text, reason) : err_set(e, code, "%s", text);
}

static bool group_name(const EVP_PKEY *pkey, char *out, size_t size)
{
	return EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, out, size, NULL) ==
	       1;
}

enum key_type key_evp_type(const EVP_PKEY *pkey)
{
	char group[64];

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_EC:
		if (!group_name(pkey, group, sizeof group))
			return KEY_NONE;
		return strcmp(group, "prime256v1") == 0  ? KEY_EC256
		       : strcmp(group, "secp384r1") == 0 ? KEY_EC384
		                                         : KEY_NONE;
	case EVP_PKEY_RSA:
		switch (EVP_PKEY_get_bits(pkey)) {
		case 2048:
			return KEY_RSA2048;
		case 3072:
			return KEY_RSA3072;
		case 4096:
			return KEY_RSA4096;
		}
	}
	return KEY_NONE;
}

char *key_evp_describe(struct arena *a, const EVP_PKEY *pkey)
{
	const char *type = EVP_PKEY_get0_type_name(pkey);
	char group[64];

	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC)
		return arena_printf(a, "EC on %s",
		                    group_name(pkey, group, sizeof group) ? group
		                                                          : "a curve of its own");
	if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA)
		return arena_printf(a, "RSA of %d bits", EVP_PKEY_get_bits(pkey));
	return arena_strdup(a, type ? type : "unknown");
}

/* A key out of a file can have halves that do not belong together; a signature tells cheaply, for
 * every type. */
static bool is_whole(EVP_PKEY *pkey)
{
	static const unsigned char probe[] = "everleaf";
	EVP_MD_CTX *ctx CLEANUP(md_ctx_cleanup) = EVP_MD_CTX_new();
	unsigned char sig[1024];
	size_t n = sizeof sig;
	bool whole =
	    ctx && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, pkey, NULL) == 1 &&
	    EVP_DigestSign(ctx, sig, &n, probe, sizeof probe) == 1 && EVP_MD_CTX_reset(ctx) == 1 &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, pkey, NULL) == 1 &&
	    EVP_DigestVerify(ctx, sig, n, probe, sizeof probe) == 1;

	ERR_clear_error();
	return whole;
}

/* CAs want the curve by name and the point uncompressed, whatever form the file had. */
static bool is_ec_form_set(EVP_PKEY *pkey)
{
	return EVP_PKEY_get_base_id(pkey) != EVP_PKEY_EC ||
	       (EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING,
	                                       OSSL_PKEY_EC_ENCODING_GROUP) == 1 &&
	        EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
	                                       OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) ==
	            1);
}

static int wrap(EVP_PKEY **pkey, enum key_type type, struct key **out, struct err *e)
{
	struct key *k = calloc(1, sizeof *k);

	if (!k)
		return err_set(e, ERR_MEMORY, "out of memory");
	atomic_init(&k->owners, 1);
	k->type = type;
	k->pkey = TAKE(*pkey);
	*out = k;
	return 0;
}

int key_wrap(EVP_PKEY **pkey, struct key **out, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	enum key_type type = key_evp_type(*pkey);

	if (type == KEY_NONE)
		return err_set(e, ERR_INPUT,
		               "the key is %s; it must be EC P-256 or P-384, or RSA of 2048, 3072 "
		               "or 4096 bits",
		               key_evp_describe(a, *pkey));
	if (!is_ec_form_set(*pkey))
		return key_openssl_error(e, ERR_CRYPTO, "cannot use the key");
	if (!is_whole(*pkey))
		return err_set(
		    e, ERR_INPUT,
		    "not a private key, or its private and public parts do not belong together");
	return wrap(pkey, type, out, e);
}

int key_generate(enum key_type type, struct key **out, struct err *e)
{
	EVP_PKEY *pkey CLEANUP(pkey_cleanup) = NULL;

	switch (type) {
	case KEY_EC256:
		pkey = EVP_EC_gen("P-256");
		break;
	case KEY_EC384:
		pkey = EVP_EC_gen("P-384");
		break;
	case KEY_RSA2048:
		pkey = EVP_RSA_gen(2048);
		break;
	case KEY_RSA3072:
		pkey = EVP_RSA_gen(3072);
		break;
	case KEY_RSA4096:
		pkey = EVP_RSA_gen(4096);
		break;
	case KEY_NONE:
		return err_set(e, ERR_INPUT, "no key type given");
	}
	if (!pkey)
		return key_openssl_error(e, ERR_CRYPTO, "cannot make a key of type %s",
		                         key_type_name(type));
	return wrap(&pkey, type, out, e);
}

static int encrypted_error(struct err *e)
{
	return err_set(
	    e, ERR_INPUT,
	    "the private key is encrypted; decrypt it first (openssl pkey -in FILE -out NEWFILE)");
}

/* PKCS#8's encrypted form is an algorithm and an octet string: no plain key begins like that. */
static bool is_encrypted_der(const struct bytes *der)
{
	const unsigned char *p = der->v;
	X509_SIG *sig = d2i_X509_SIG(NULL, &p, (long)der->n);

	ERR_clear_error();
	X509_SIG_free(sig);
	return sig != NULL;
}

/* The algorithm that PKCS#8's outer form names; NID_undef for any other form. */
static int pkcs8_algorithm(const struct bytes *der)
{
	const unsigned char *p = der->v;
	PKCS8_PRIV_KEY_INFO *p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der->n);
	const ASN1_OBJECT *oid = NULL;
	int nid =
	    p8 && PKCS8_pkey_get0(&oid, NULL, NULL, NULL, p8) == 1 ? OBJ_obj2nid(oid) : NID_undef;

	ERR_clear_error();
	PKCS8_PRIV_KEY_INFO_free(p8);
	return nid;
}

/* Told the algorithm, OpenSSL 3.0 takes a quarter of the millisecond that asking all its decoders
 * takes. */
static EVP_PKEY *read_der(const unsigned char **p, const struct bytes *der)
{
	switch (pkcs8_algorithm(der)) {
	case NID_X9_62_id_ecPublicKey:
		return d2i_PrivateKey_ex(EVP_PKEY_EC, NULL, p, (long)der->n, NULL, NULL);
	case NID_rsaEncryption:
		return d2i_PrivateKey_ex(EVP_PKEY_RSA, NULL, p, (long)der->n, NULL, NULL);
	}
	return d2i_AutoPrivateKey_ex(NULL, p, (long)der->n, NULL, NULL);
}

static int parse_der(const struct bytes *der, EVP_PKEY **out, struct err *e)
{
	const unsigned char *p = der->v;
	EVP_PKEY *pkey CLEANUP(pkey_cleanup) = NULL;

	if (is_encrypted_der(der))
		return encrypted_error(e);
	pkey = read_der(&p, der);
	if (!pkey || p != der->v + der->n) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "not a private key in PEM, DER or JWK form");
	}
	*out = TAKE(pkey);
	return 0;
}

static bool is_key_block(const char *name)
{
	static const char *const names[] = { "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY",
		                             "ENCRYPTED PRIVATE KEY" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Takes the first private key; parameters and certificates beside it are passed over. */
static int parse_pem(const void *data, size_t len, EVP_PKEY **out, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	BIO *in CLEANUP(bio_cleanup) = BIO_new_mem_buf(data, (int)len);
	struct pem_block block;
	int found;

	if (!in)
		return err_set(e, ERR_MEMORY, "out of memory");
	while ((found = pem_next(a, in, &block, e)) > 0) {
		if (!is_key_block(block.name))
			continue;
		return block.encrypted ? encrypted_error(e) : parse_der(&block.der, out, e);
	}
	TRY(found);
	return err_set(e, ERR_INPUT, "no private key in the PEM file");
}

int key_parse(const void *data, size_t len, struct key **out, struct err *e)
{
	EVP_PKEY *pkey CLEANUP(pkey_cleanup) = NULL;
	const char *text = data;
	size_t skip = 0;

	if (len == 0 || len > KEY_INPUT_MAX)
		return err_set(e, ERR_INPUT,
		               len ? "too large for a private key" : "the private key is empty");
	while (skip < len && strchr(" \t\r\n", text[skip]) && text[skip])
		skip++;
	if (skip < len && text[skip] == '{')
		TRY(key_parse_jwk(text, len, &pkey, e));
	else if (pem_is(data, len))
		TRY(parse_pem(data, len, &pkey, e));
	else
		TRY(parse_der(&(struct bytes){ (unsigned char *)data, len }, &pkey, e));
	return key_wrap(&pkey, out, e);
}

struct key *key_ref(const struct key *k)
{
	struct key *mine = (struct key *)k; /* only the count changes */

	atomic_fetch_add(&mine->owners, 1);
	return mine;
}

void key_free(struct key *k)
{
	if (!k || atomic_fetch_sub(&k->owners, 1) != 1)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

enum key_type key_type(const struct key *k)
{
	return k->type;
}

bool key_same(const struct key *x, const struct key *y)
{
	return EVP_PKEY_eq(x->pkey, y->pkey) == 1;
}

int key_spki_sha256(struct arena *a, const struct key *k, char **out, struct err *e)
{
	unsigned char md[HASH_MAX];
	struct bytes der;

	TRY(key_spki(a, k, &der, e));
	TRY(hash_digest(HASH_SHA256, der.v, der.n, md, e));
	*out = hex_encode(a, md, hash_len(HASH_SHA256));
	return 0;
}
