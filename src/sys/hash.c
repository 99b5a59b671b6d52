/*
 * Digests, MACs and random bytes by OpenSSL's one-shot calls. No state of our own; any thread.
 */
#include "sys/hash.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "sys/key_evp.h"

static const struct {
	const char *name;
	size_t len;
} algs[] = {
	[HASH_SHA1] = { "SHA1", 20 },     [HASH_SHA256] = { "SHA256", 32 },
	[HASH_SHA384] = { "SHA384", 48 }, [HASH_SHA512] = { "SHA512", 64 },
	[HASH_MD5] = { "MD5", 16 },       [HASH_SHA224] = { "SHA224", 28 },
};

size_t hash_len(enum hash_alg alg)
{
	return algs[alg].len;
}

const char *hash_openssl_name(enum hash_alg alg)
{
	return algs[alg].name;
}

/* What could not be made, and whether a policy (FIPS, a provider that is not loaded) is why. */
static int cannot(const char *what, enum hash_alg alg, struct err *e)
{
	EVP_MD *md = EVP_MD_fetch(NULL, algs[alg].name, NULL);
	bool offered = md != NULL;

	EVP_MD_free(md);
	return err_set(e, ERR_CRYPTO, "cannot make %s%s%s", what, algs[alg].name,
	               offered ? "" : ": this machine's OpenSSL policy does not offer it");
}

int hash_digest(enum hash_alg alg, const void *data, size_t len, unsigned char *out, struct err *e)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	size_t n = 0;

	if (!EVP_Q_digest(NULL, algs[alg].name, NULL, len ? data : "", len, md, &n) ||
	    n != algs[alg].len)
		return cannot("a digest by ", alg, e);
	memcpy(out, md, n);
	return 0;
}

int hash_hmac(enum hash_alg alg, const void *key, size_t key_len, const void *data, size_t len,
              unsigned char *out, struct err *e)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	size_t n = 0;

	/* an empty key must be a pointer all the same: NULL means "set earlier" to OpenSSL */
	if (!EVP_Q_mac(NULL, "HMAC", NULL, algs[alg].name, NULL, key_len ? key : "", key_len,
	               len ? data : "", len, mac, sizeof mac, &n) ||
	    n != algs[alg].len)
		return cannot("an HMAC-", alg, e);
	memcpy(out, mac, n);
	return 0;
}

int hash_random(void *out, size_t len, struct err *e)
{
	if (RAND_bytes_ex(NULL, out, len, 0) != 1)
		return err_set(e, ERR_CRYPTO, "no random bytes to be had");
	return 0;
}

int hash_random_below(uint64_t bound, uint64_t *out, struct err *e)
{
	/* the top remainder of the 64-bit range is drawn again, else small numbers would be
	 * likelier */
	uint64_t excess = (UINT64_MAX % bound + 1) % bound, v;

	do
		TRY(hash_random(&v, sizeof v, e));
	while (v > UINT64_MAX - excess);
	*out = v % bound;
	return 0;
}
