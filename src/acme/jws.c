/*
 * JSON Web Signatures as ACME uses them: the flattened form, a protected header alone, the payload
 * always in base64url. No network, no state; any thread.
 */
#include "acme/jws.h"

#include <string.h>
#include <strings.h>

#include "acme/jws_impl.h"
#include "base/json.h"
#include "sys/hash.h"

static int set(json_t *object, const char *name, const char *value, struct err *e)
{
	if (json_object_set_new(object, name, json_string(value)))
		return err_set(e, ERR_INPUT, "\"%s\" is not UTF-8 text", name);
	return 0;
}

/* Around an input that is "protected.payload". Nothing of base64url needs to be escaped. */
static char *flatten(struct arena *a, const char *input, const struct bytes *signature)
{
	const char *dot = strchr(input, '.');

	return arena_printf(a, "{\"protected\":\"%.*s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
	                    (int)(dot - input), input, dot + 1,
	                    base64url_encode(a, signature->v, signature->n));
}

/* RFC 7515 5.1, step 5. */
static char *signing_input(struct arena *a, const char *protected_text, const char *payload)
{
	return arena_printf(a, "%s.%s", base64url_encode(a, protected_text, strlen(protected_text)),
	                    base64url_encode(a, payload, strlen(payload)));
}

int jws_sign_text(struct arena *a, const struct key *key, const char *protected_text,
                  const char *payload, char **out, struct err *e)
{
	const char *input = signing_input(a, protected_text, payload);
	struct bytes signature;

	TRY(key_sign_jws(a, key, input, strlen(input), &signature, e));
	*out = flatten(a, input, &signature);
	return 0;
}

int jws_mac_text(struct arena *a, enum hash_alg alg, const struct bytes *mac_key,
                 const char *protected_text, const char *payload, char **out, struct err *e)
{
	const char *input = signing_input(a, protected_text, payload);
	unsigned char mac[HASH_MAX];
	struct bytes signature = { mac, hash_len(alg) };

	TRY(hash_hmac(alg, mac_key->v, mac_key->n, input, strlen(input), mac, e));
	*out = flatten(a, input, &signature);
	return 0;
}

static int set_jwk(struct arena *a, json_t *object, const struct key *key, struct err *e)
{
	json_t *jwk;
	char *text;

	TRY(key_jwk(a, key, &text, e));
	TRY(json_parse(text, strlen(text), &jwk, e));
	json_object_set_new(object, "jwk", jwk);
	return 0;
}

int jws_sign(struct arena *a, const struct key *key, const struct jws_header *h,
             const char *payload, char **out, struct err *e)
{
	json_auto_t *object = json_object();

	TRY(set(object, "alg", key_jws_alg(key), e));
	if (h->kid)
		TRY(set(object, "kid", h->kid, e));
	else
		TRY(set_jwk(a, object, key, e));
	if (h->nonce)
		TRY(set(object, "nonce", h->nonce, e));
	TRY(set(object, "url", h->url, e));
	return jws_sign_text(a, key, json_text(a, object), payload, out, e);
}

static int mac_alg(const char *name, enum hash_alg *out, struct err *e)
{
	static const struct {
		const char *name;
		enum hash_alg alg;
	} known[] = { { "HS256", HASH_SHA256 },
		      { "HS384", HASH_SHA384 },
		      { "HS512", HASH_SHA512 } };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcasecmp(known[i].name, name)) {
			*out = known[i].alg;
			return 0;
		}
	return err_set(e, ERR_USAGE,
	               "external account binding knows HS256, HS384 and HS512, not \"%s\"", name);
}

static const char *mac_name(enum hash_alg alg)
{
	return alg == HASH_SHA384 ? "HS384" : alg == HASH_SHA512 ? "HS512" : "HS256";
}

int jws_external_account(struct arena *a, const char *alg, const char *kid,
                         const struct bytes *mac_key, const char *url,
                         const struct key *account_key, char **out, struct err *e)
{
	json_auto_t *object = json_object();
	enum hash_alg hash = HASH_SHA256;
	char *jwk;

	TRY(mac_alg(alg ? alg : "HS256", &hash, e));
	if (!mac_key->n)
		return err_set(e, ERR_USAGE, "the key for external account binding is empty");
	TRY(set(object, "alg", mac_name(hash), e));
	TRY(set(object, "kid", kid, e));
	TRY(set(object, "url", url, e));
	TRY(key_jwk(a, account_key, &jwk, e));
	return jws_mac_text(a, hash, mac_key, json_text(a, object), jwk, out, e);
}

int jws_key_authorization(struct arena *a, const char *token, const struct key *account_key,
                          char **out, struct err *e)
{
	char *thumbprint;

	if (!is_acme_token(token))
		return err_set(e, ERR_PROTOCOL, "the CA's token has characters that no token has");
	TRY(key_thumbprint(a, account_key, &thumbprint, e));
	*out = arena_printf(a, "%s.%s", token, thumbprint);
	return 0;
}
