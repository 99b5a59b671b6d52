/*
 * Java's own key store format, version 2, written out by hand: no C library has it. One private key
 * entry with its chain. The key is hidden by Sun's key protector: a stream of SHA-1 digests of the
 * password and what came before, XORed over the PKCS#8 form. That is weak by today's measure, so
 * the file's mode protects it, not the password; it is for Java that reads nothing else.
 */
#include <openssl/err.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "sys/key_evp.h"
#include "sys/keystore.h"
#include "sys/x509.h"

#define JKS_MAGIC 0xFEEDFEEDu
#define JKS_VERSION 2
#define JKS_PRIVATE_KEY 1
#define JKS_MAX ((size_t)1 << 20)
#define PASSWORD_MIN 6 /* characters; keytool takes no fewer */
#define PASSWORD_MAX 1024
#define SHA1_LEN 20
#define KEY_PROTECTOR "1.3.6.1.4.1.42.2.17.1.1"
#define WHITENER "Mighty Aphrodite"

DEFINE_CLEANUP(sig_cleanup, X509_SIG, X509_SIG_free)

static int add_number(struct buf *b, uint64_t v, int width, struct err *e)
{
	unsigned char be[8];

	for (int i = 0; i < width; i++)
		be[i] = (unsigned char)(v >> (8 * (width - 1 - i)));
	return buf_add(b, be, (size_t)width, e);
}

static int add_block(struct buf *b, const struct bytes *v, struct err *e)
{
	TRY(add_number(b, v->n, 4, e));
	return buf_add(b, v->v, v->n, e);
}

/* Java's writeUTF. Its "modified" UTF-8 is plain UTF-8 as long as there is no NUL and nothing above
 * U+FFFF. */
static int add_utf(struct buf *b, const char *s, struct err *e)
{
	TRY(add_number(b, strlen(s), 2, e));
	return buf_str(b, s, e);
}

/* The password as Java sees it: UTF-16, high byte first. */
static int java_password(struct arena *a, const char *utf8, struct bytes *out, struct err *e)
{
	const unsigned char *p = (const unsigned char *)utf8;
	size_t left = utf8 ? strlen(utf8) : 0, n = 0;
	unsigned char *v;

	if (left > PASSWORD_MAX)
		return err_set(e, ERR_INPUT, "the key store's password is longer than %d bytes",
		               PASSWORD_MAX);
	v = arena_alloc(a, 2 * left + 2); /* a UTF-8 byte gives at most one 16-bit unit */
	while (left > 0) {
		unsigned long c, units[2];
		int used = UTF8_getc(p, (int)left, &c), pair = c > 0xFFFF;

		if (used <= 0 || c > 0x10FFFF)
			return err_set(e, ERR_INPUT, "the key store's password is not UTF-8");
		units[0] = pair ? 0xD800 + ((c - 0x10000) >> 10) : c;
		units[1] = 0xDC00 + ((c - 0x10000) & 0x3FF);
		for (int i = 0; i <= pair; i++) {
			v[n++] = (unsigned char)(units[i] >> 8);
			v[n++] = (unsigned char)units[i];
		}
		p += used;
		left -= (size_t)used;
	}
	if (n < 2 * PASSWORD_MIN)
		return err_set(e, ERR_INPUT,
		               "the password of a JKS key store needs at least %d characters",
		               PASSWORD_MIN);
	*out = (struct bytes){ v, n };
	return 0;
}

static int sha1_of_two(struct arena *a, const struct bytes *x, const void *y, size_t y_len,
                       unsigned char *out, struct err *e)
{
	unsigned char *both = arena_alloc(a, x->n + y_len);

	memcpy(both, x->v, x->n);
	memcpy(both + x->n, y, y_len);
	return hash_digest(HASH_SHA1, both, x->n + y_len, out, e);
}

/* Sun's key protector: salt, the key XORed with the stream, and a digest by which Java knows the
 * right password. */
static int protect(struct arena *a, const struct bytes *password, const struct bytes *plain,
                   struct bytes *out, struct err *e)
{
	size_t n = SHA1_LEN + plain->n + SHA1_LEN;
	unsigned char *v = arena_alloc(a, n), stream[SHA1_LEN];

	TRY(hash_random(v, SHA1_LEN, e));
	memcpy(stream, v, SHA1_LEN);
	for (size_t i = 0; i < plain->n; i++) {
		if (i % SHA1_LEN == 0)
			TRY(sha1_of_two(a, password, stream, SHA1_LEN, stream, e));
		v[SHA1_LEN + i] = plain->v[i] ^ stream[i % SHA1_LEN];
	}
	wipe(stream, sizeof stream);
	TRY(sha1_of_two(a, password, plain->v, plain->n, v + n - SHA1_LEN, e));
	*out = (struct bytes){ v, n };
	return 0;
}

/* The protected key as an EncryptedPrivateKeyInfo. */
static int protected_key(struct arena *a, const struct key *k, const struct bytes *password,
                         struct bytes *out, struct err *e)
{
	X509_SIG *sig CLEANUP(sig_cleanup) = X509_SIG_new();
	ASN1_OBJECT *oid = OBJ_txt2obj(KEY_PROTECTOR, 1);
	ASN1_OCTET_STRING *octets;
	struct bytes plain, hidden;
	unsigned char *der = NULL;
	X509_ALGOR *alg;
	int n;

	if (!sig || !oid) {
		ASN1_OBJECT_free(oid);
		return key_openssl_error(e, ERR_MEMORY, "out of memory");
	}
	X509_SIG_getm(sig, &alg, &octets);
	X509_ALGOR_set0(alg, oid, V_ASN1_NULL, NULL); /* takes the oid */
	TRY(key_pkcs8_der(a, k, &plain, e));
	TRY(protect(a, password, &plain, &hidden, e));
	n = ASN1_OCTET_STRING_set(octets, hidden.v, (int)hidden.n) == 1 ? i2d_X509_SIG(sig, &der)
	                                                                : -1;
	if (n <= 0)
		return key_openssl_error(e, ERR_CRYPTO, "cannot write the private key");
	*out = (struct bytes){ arena_memdup(a, der, (size_t)n), (size_t)n };
	OPENSSL_free(der);
	return 0;
}

/* Lower-cased as Java does when it looks an alias up. */
static int java_alias(struct arena *a, const char *alias, const char **out, struct err *e)
{
	char *copy = arena_strdup(a, alias && alias[0] ? alias : "1");

	if (strlen(copy) > 255)
		return err_set(e, ERR_INPUT, "the key store's alias is longer than 255 bytes");
	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			return err_set(e, ERR_INPUT,
			               "the alias of a JKS key store must be plain ASCII");
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	*out = copy;
	return 0;
}

static int add_entry(struct buf *b, const char *alias, const struct bytes *key,
                     const struct x509_chain *chain, struct err *e)
{
	TRY(add_number(b, JKS_PRIVATE_KEY, 4, e));
	TRY(add_utf(b, alias, e));
	TRY(add_number(b, (uint64_t)clock_now() * 1000, 8, e));
	TRY(add_block(b, key, e));
	TRY(add_number(b, chain->n, 4, e));
	for (size_t i = 0; i < chain->n; i++) {
		TRY(add_utf(b, "X.509", e));
		TRY(add_block(b, &chain->v[i].der, e));
	}
	return 0;
}

/* The digest over everything, by which Java tells a changed file and a wrong password. */
static int add_digest(struct arena *a, struct buf *b, const struct bytes *password, struct err *e)
{
	size_t head = password->n + strlen(WHITENER);
	unsigned char *v = arena_alloc(a, head), md[SHA1_LEN];

	memcpy(v, password->v, password->n);
	memcpy(v + password->n, WHITENER, strlen(WHITENER));
	TRY(sha1_of_two(a, &(struct bytes){ v, head }, b->data, b->len, md, e));
	return buf_add(b, md, sizeof md, e);
}

int keystore_jks(struct arena *a, const struct keystore_spec *spec, struct bytes *out,
                 struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(JKS_MAX);
	struct x509_chain chain;
	struct bytes password, key = { 0 };
	const char *alias;
	char *spki;

	TRY(java_password(a, spec->password, &password, e));
	TRY(java_alias(a, spec->alias, &alias, e));
	TRY(x509_chain_parse(a, spec->fullchain_pem, strlen(spec->fullchain_pem), &chain, e));
	TRY(key_spki_sha256(a, spec->key, &spki, e));
	if (strcmp(spki, chain.v[0].spki_sha256) != 0)
		return err_set(e, ERR_INPUT, "the private key does not belong to the certificate");
	TRY(protected_key(a, spec->key, &password, &key, e));
	TRY(add_number(&b, JKS_MAGIC, 4, e));
	TRY(add_number(&b, JKS_VERSION, 4, e));
	TRY(add_number(&b, 1, 4, e));
	TRY(add_entry(&b, alias, &key, &chain, e));
	TRY(add_digest(a, &b, &password, e));
	*out = (struct bytes){ arena_memdup(a, b.data, b.len), b.len };
	return 0;
}
