/* See mask.h. Any thread. */
#include "base/mask.h"

#include <ctype.h>
#include <string.h>

#include "base/codec.h"

static char *percent_encoded(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, 3 * strlen(text) + 1), *p = out;

	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-_.~", *text)) {
			*p++ = *text;
		} else {
			*p++ = '%';
			*p++ = "0123456789ABCDEF"[(unsigned char)*text >> 4];
			*p++ = "0123456789ABCDEF"[(unsigned char)*text & 15];
		}
	}
	return out;
}

static void add(struct arena *a, struct strings *masked, const char *text)
{
	if (strlen(text) >= MASK_LEAST && !strings_has(masked, text))
		strings_add(a, masked, text);
}

void mask_add(struct arena *a, struct strings *masked, const char *secret)
{
	if (!secret || strlen(secret) < MASK_LEAST)
		return;
	for (const char *p = secret; *p; p += strcspn(p, "\r\n"), p += strspn(p, "\r\n"))
		add(a, masked, arena_strndup(a, p, strcspn(p, "\r\n")));
	add(a, masked, base64_encode(a, secret, strlen(secret)));
	add(a, masked, percent_encoded(a, secret));
}

/* How many bytes at the end of text are the beginning of the secret. */
static size_t begun(const char *text, size_t len, const char *secret, size_t n)
{
	for (size_t k = n - 1 < len ? n - 1 : len; k >= MASK_LEAST; k--) {
		if (memcmp(text + len - k, secret, k) == 0)
			return k;
	}
	return 0;
}

void mask_text(char *text, const struct strings *masked)
{
	size_t len = strlen(text);

	for (size_t i = 0; masked && i < masked->n; i++) {
		const char *secret = masked->v[i];
		size_t n = strlen(secret), k;

		if (n < MASK_LEAST)
			continue;
		for (char *p = text; (p = strstr(p, secret)); p += n)
			memset(p, '*', n);
		k = begun(text, len, secret, n);
		memset(text + len - k, '*', k);
	}
}
