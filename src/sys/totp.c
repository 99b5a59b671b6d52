/*
 * RFC 6238 over the HMAC of sys/hash.h. A code that fits is told by its time step, so that the
 * caller can have each used once only (RFC 6238 5.2).
 */
#include "sys/totp.h"

#include <stdio.h>
#include <string.h>

#include "sys/hash.h"

#define SECRET_LEN 20
#define WINDOW 1

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

char *base32_encode(struct arena *a, const void *data, size_t len)
{
	const unsigned char *p = data;
	char *out = arena_alloc(a, len / 5 * 8 + 9), *q = out;
	unsigned bits = 0;
	uint32_t held = 0;

	for (size_t i = 0; i < len; i++) {
		held = held << 8 | p[i];
		for (bits += 8; bits >= 5; bits -= 5)
			*q++ = alphabet[held >> (bits - 5) & 31];
	}
	if (bits)
		*q++ = alphabet[held << (5 - bits) & 31];
	return out;
}

static int digit_of(char c)
{
	const char *at;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

int base32_decode(struct arena *a, const char *s, struct bytes *out, struct err *e)
{
	struct bytes v = { arena_alloc(a, strlen(s) * 5 / 8 + 1), 0 };
	unsigned bits = 0;
	uint32_t held = 0;

	for (; *s && *s != '='; s++) {
		int digit = digit_of(*s);

		if (*s == ' ')
			continue;
		if (digit < 0)
			return err_set(e, ERR_INPUT, "that is not base32");
		held = held << 5 | (uint32_t)digit;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			v.v[v.n++] = (unsigned char)(held >> bits);
		}
	}
	if (s[strspn(s, "= ")] != '\0')
		return err_set(e, ERR_INPUT, "that is not base32");
	*out = v;
	return 0;
}

int totp_new(struct arena *a, char **secret, struct err *e)
{
	unsigned char raw[SECRET_LEN];

	TRY(hash_random(raw, sizeof(raw), e));
	*secret = base32_encode(a, raw, sizeof(raw));
	wipe(raw, sizeof(raw));
	return 0;
}

int totp_code(const struct bytes *key, int64_t step, char out[static TOTP_DIGITS + 1],
              struct err *e)
{
	unsigned char counter[8], mac[HASH_MAX];
	const unsigned char *p;
	uint32_t number;

	for (unsigned i = 0; i < sizeof(counter); i++)
		counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
	TRY(hash_hmac(HASH_SHA1, key->v, key->n, counter, sizeof(counter), mac, e));
	p = mac + (mac[19] & 15); /* RFC 4226 5.3 */
	number = ((uint32_t)p[0] & 127) << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	snprintf(out, TOTP_DIGITS + 1, "%06u", number % 1000000u);
	return 0;
}

/* As long for each code. */
static bool same_code(const char *x, const char *y)
{
	unsigned char differs = 0;

	for (unsigned i = 0; i < TOTP_DIGITS; i++)
		differs |= (unsigned char)(x[i] ^ y[i]);
	return differs == 0;
}

int totp_check(struct arena *a, const char *secret, const char *code, int64_t now, int64_t *step,
               struct err *e)
{
	char want[TOTP_DIGITS + 1];
	struct bytes key;
	int64_t found = 0;

	TRY(base32_decode(a, secret, &key, e));
	for (int64_t i = -WINDOW; strlen(code) == TOTP_DIGITS && i <= WINDOW; i++) {
		TRY(totp_code(&key, now / TOTP_STEP_S + i, want, e));
		if (same_code(want, code))
			found = now / TOTP_STEP_S + i;
	}
	*step = found;
	return 0;
}
