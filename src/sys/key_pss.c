/* See key_pss.h. */
#include "sys/key_pss.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "sys/key_evp.h"

int key_sign_ps256(struct arena *a, const struct key *k, const void *data, size_t len,
                   struct bytes *out, struct err *e)
{
	EVP_MD_CTX *ctx CLEANUP(md_ctx_cleanup) = EVP_MD_CTX_new();
	EVP_PKEY_CTX *params = NULL; /* belongs to ctx */
	struct bytes made = { 0 };

	if (EVP_PKEY_get_base_id(key_evp(k)) != EVP_PKEY_RSA)
		return err_set(e, ERR_INPUT, "PS256 needs an RSA key");
	if (!ctx ||
	    EVP_DigestSignInit_ex(ctx, &params, "SHA256", NULL, NULL, key_evp(k), NULL) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(params, RSA_PSS_SALTLEN_DIGEST) != 1 ||
	    EVP_DigestSign(ctx, NULL, &made.n, data, len) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot sign");
	made.v = arena_alloc(a, made.n);
	if (EVP_DigestSign(ctx, made.v, &made.n, data, len) != 1)
		return key_openssl_error(e, ERR_CRYPTO, "cannot sign");
	*out = made;
	return 0;
}
