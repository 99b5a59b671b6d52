/*
 * tls-alpn-01 (RFC 8737, RFC 8738 5) by a TLS listener of our own: for each name a self-signed
 * certificate that carries the digest of the key authorization. As with http01_standalone.c nothing
 * outlives the process.
 */
#include <string.h>

#include "challenge/listener.h"
#include "challenge/solver_impl.h"
#include "challenge/tlsalpn01.h"
#include "sys/key.h"
#include "sys/names.h"
#include "sys/x509.h"

#define DEFAULT_ADDRESS ":443"

static const char *const types[] = { "tls-alpn-01", NULL };

static const char *address(const struct solve *s)
{
	return s->listen && *s->listen ? s->listen : DEFAULT_ADDRESS;
}

static int alpn_check(struct solve *s, struct err *e)
{
	struct listener *l;

	if (s->state)
		return 0;
	TRY(listener_acquire(LISTENER_ALPN01, address(s), &l, e));
	s->state = l;
	return 0;
}

static void alpn_close(struct solve *s)
{
	if (s->state)
		listener_release(s->state);
	s->state = NULL;
}

static void alpn_place(struct solve *s, struct challenge *c)
{
	c->place = address(s);
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The row's value back into bytes: 64 lower-case hexadecimal digits, as solver_fill made them. */
static int digest_parse(const char *hex, unsigned char out[32], struct err *e)
{
	if (!hex || strlen(hex) != 64)
		return err_set(e, ERR_DAMAGED, "a tls-alpn-01 value is not a SHA-256 digest");
	for (size_t i = 0; i < 32; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return err_set(e, ERR_DAMAGED, "a tls-alpn-01 value is not hexadecimal");
		out[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

static const char *sni_of(struct arena *a, const struct challenge *c)
{
	return name_kind(c->domain) == NAME_IP ? name_ip_reverse(a, c->domain) : c->domain;
}

int alpn_certificate(struct arena *a, const char *domain, const char *hex, char **cert_pem,
                     char **key_text, struct err *e)
{
	CLEANUP(key_cleanup) struct key *key = NULL;
	unsigned char digest[32];

	TRY(digest_parse(hex, digest, e));
	TRY(key_generate(KEY_EC256, &key, e));
	TRY(key_pem(a, key, key_text, e));
	return x509_tls_alpn01(a, key, domain, digest, cert_pem, e);
}

static int alpn_put(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	char *cert_pem, *key_text;

	(void)n;
	TRY(alpn_certificate(s->arena, v->domain, v->value, &cert_pem, &key_text, e));
	return listener_put_name(s->state, sni_of(s->arena, v), cert_pem, key_text, e);
}

static int alpn_drop(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	(void)n;
	(void)e;
	if (s->state)
		listener_drop_name(s->state, sni_of(s->arena, v));
	return 0;
}

static const struct solver_acts acts = { .place = alpn_place, .put = alpn_put, .drop = alpn_drop };

static int alpn_publish(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	TRY(alpn_check(s, e));
	return solver_publish_with(&acts, s, v, n, e);
}

static int alpn_withdraw(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_withdraw_with(&acts, s, v, n, e);
}

const struct solver solver_alpn = {
	.method = "alpn",
	.types = types,
	.check = alpn_check,
	.publish = alpn_publish,
	.withdraw = alpn_withdraw,
	.close = alpn_close,
	.is_served = true,
};
