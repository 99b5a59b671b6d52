/*
 * Text forms of bytes. The decoders read what peers and people send: they accept exactly the
 * alphabet their header names and say only where they stopped, never what they read (it may be a
 * key). Pure, any thread.
 */
#include "base/codec.h"

#include <stdint.h>
#include <string.h>

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode64(struct arena *a, const void *data, size_t len, const char *alphabet,
                      bool padded)
{
	const unsigned char *in = data;
	char *out = arena_alloc(a, len / 3 * 4 + 5), *o = out;
	size_t i = 0;

	for (; i + 3 <= len; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];

		*o++ = alphabet[v >> 18];
		*o++ = alphabet[v >> 12 & 63];
		*o++ = alphabet[v >> 6 & 63];
		*o++ = alphabet[v & 63];
	}
	if (i < len) {
		bool two = len - i == 2;
		uint32_t v = (uint32_t)in[i] << 16 | (two ? (uint32_t)in[i + 1] << 8 : 0);

		*o++ = alphabet[v >> 18];
		*o++ = alphabet[v >> 12 & 63];
		if (two)
			*o++ = alphabet[v >> 6 & 63];
		else if (padded)
			*o++ = '=';
		if (padded)
			*o++ = '=';
	}
	return out;
}

char *base64url_encode(struct arena *a, const void *data, size_t len)
{
	return encode64(a, data, len, url_alphabet, false);
}

char *base64_encode(struct arena *a, const void *data, size_t len)
{
	return encode64(a, data, len, std_alphabet, true);
}

static int value64(char c, bool any)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-' || (any && c == '+'))
		return 62;
	if (c == '_' || (any && c == '/'))
		return 63;
	return -1;
}

/* Decodes the len characters of s, none of them padding. */
static int decode64(struct arena *a, const char *s, size_t len, bool any, struct bytes *out,
                    struct err *e)
{
	unsigned char *v = arena_alloc(a, len / 4 * 3 + 3);
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	if (len % 4 == 1)
		return err_set(e, ERR_INPUT, "not %s: its length does not fit",
		               any ? "base64" : "base64url");
	for (size_t i = 0; i < len; i++) {
		int value = value64(s[i], any);

		if (value < 0)
			return err_set(e, ERR_INPUT, "not %s: a wrong character at position %zu",
			               any ? "base64" : "base64url", i + 1);
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			v[n++] = (unsigned char)(bits >> n_bits);
		}
	}
	/* Two texts for the same bytes would let one thing pass as two (RFC 4648 3.5). */
	if (!any && (bits & ((1u << n_bits) - 1)))
		return err_set(e, ERR_INPUT, "not base64url: its last character has bits to spare");
	*out = (struct bytes){ v, n };
	return 0;
}

int base64url_decode(struct arena *a, const char *s, struct bytes *out, struct err *e)
{
	return decode64(a, s, strlen(s), false, out, e);
}

int base64_decode_any(struct arena *a, const char *s, struct bytes *out, struct err *e)
{
	size_t len = strlen(s), padding = 0;

	while (len > 0 && padding < 2 && s[len - 1] == '=') {
		len--;
		padding++;
	}
	if (padding && (len + padding) % 4 != 0)
		return err_set(e, ERR_INPUT, "not base64: its padding does not fit");
	return decode64(a, s, len, true, out, e);
}

void hex_write(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = data;

	for (size_t i = 0; i < len; i++) {
		out[i * 2] = digits[in[i] >> 4];
		out[i * 2 + 1] = digits[in[i] & 15];
	}
	out[len * 2] = '\0';
}

char *hex_encode(struct arena *a, const void *data, size_t len)
{
	char *out = arena_alloc(a, len * 2 + 1);

	hex_write(out, data, len);
	return out;
}

char *hex_encode_colons(struct arena *a, const void *data, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *in = data;
	char *out = arena_alloc(a, len * 3 + 1);

	for (size_t i = 0; i < len; i++) {
		out[i * 3] = digits[in[i] >> 4];
		out[i * 3 + 1] = digits[in[i] & 15];
		if (i + 1 < len)
			out[i * 3 + 2] = ':';
	}
	return out;
}

bool is_acme_token(const char *s)
{
	size_t len = strnlen(s, 129);

	if (len == 0 || len > 128)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (value64(s[i], false) < 0)
			return false;
	}
	return true;
}

/* The length of the printable UTF-8 character at s (RFC 3629 4), 0 if there is none. */
static size_t printable_len(const unsigned char *s)
{
	uint32_t code;
	size_t len;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	code = s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if ((len == 3 && code < 0x800) || (len == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	if ((code >= 0xd800 && code <= 0xdfff) || code < 0xa0)
		return 0;
	/* Line and paragraph separators, and what turns the direction of text around. */
	if ((code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
		return 0;
	return len;
}

void text_clean(char *s)
{
	while (*s) {
		size_t len = printable_len((const unsigned char *)s);

		if (len == 0) {
			*s = '?';
			len = 1;
		}
		s += len;
	}
}

void wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}
