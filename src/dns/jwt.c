/* Pure but for the signature: struct in, text out. */
#include "dns/jwt.h"

#include <string.h>

#include "base/json.h"
#include "sys/key_pss.h"

static void put_text(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}

static void put_time(json_t *object, const char *name, int64_t at)
{
	if (at)
		json_object_set_new(object, name, json_integer(at));
}

static char *part(struct arena *a, const json_t *object)
{
	const char *text = json_text(a, object);

	return base64url_encode(a, text, strlen(text));
}

static char *header_part(struct arena *a, const struct jwt *t)
{
	json_auto_t *header = json_object();

	put_text(header, "alg", t->alg == JWT_PS256 ? "PS256" : "RS256");
	put_text(header, "typ", "JWT");
	put_text(header, "kid", t->key_id);
	put_text(header, "x5t#S256", t->x5t_s256);
	return part(a, header);
}

static char *claims_part(struct arena *a, const struct jwt *t)
{
	json_auto_t *claims = json_object();

	put_text(claims, "iss", t->issuer);
	put_text(claims, "sub", t->subject);
	put_text(claims, "aud", t->audience);
	put_text(claims, "scope", t->scope);
	put_text(claims, "jti", t->id);
	put_time(claims, "iat", t->issued_at);
	put_time(claims, "nbf", t->not_before);
	put_time(claims, "exp", t->expires_at);
	return part(a, claims);
}

int jwt_sign(struct arena *a, const struct key *k, const struct jwt *t, char **out, struct err *e)
{
	const char *text;
	struct bytes signature;

	if (strcmp(key_jws_alg(k), "RS256") != 0)
		return err_set(e, ERR_INPUT, "the key is %s; an RSA key is needed",
		               key_type_name(key_type(k)));
	text = arena_printf(a, "%s.%s", header_part(a, t), claims_part(a, t));
	if (t->alg == JWT_PS256)
		TRY(key_sign_ps256(a, k, text, strlen(text), &signature, e));
	else
		TRY(key_sign_jws(a, k, text, strlen(text), &signature, e));
	*out = arena_printf(a, "%s.%s", text, base64url_encode(a, signature.v, signature.n));
	return 0;
}
