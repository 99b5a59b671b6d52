/*
 * The pool of nonces that answers brought (RFC 8555 6.5). A nonce is spent by being sent, whatever
 * comes of the request. Callers hold the session's lock.
 */
#include "acme/session_impl.h"

#include <stdlib.h>
#include <string.h>

#define NONCE_LEN_MAX 1024

const char *nonce_of(const struct http_response *res)
{
	static const char grammar[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *nonce = http_header(res, "replay-nonce");
	size_t len = nonce ? strlen(nonce) : 0;

	return len > 0 && len <= NONCE_LEN_MAX && strspn(nonce, grammar) == len ? nonce : NULL;
}

static void drop_oldest(struct nonces *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(p->v[i].text);
	p->n -= n;
	memmove(p->v, p->v + n, p->n * sizeof *p->v);
}

void nonces_put(struct nonces *p, const char *text, int64_t now_ms)
{
	char *copy = strdup(text);

	if (!copy)
		return;
	if (p->n == NONCES_MAX)
		drop_oldest(p, 1);
	p->v[p->n++] = (struct nonce){ copy, now_ms };
}

char *nonces_take(struct nonces *p, int64_t now_ms)
{
	size_t n_old = 0;

	while (n_old < p->n && now_ms - p->v[n_old].since_ms > NONCE_AGE_MS)
		n_old++;
	drop_oldest(p, n_old);
	return p->n ? p->v[--p->n].text : NULL;
}

void nonces_clear(struct nonces *p)
{
	drop_oldest(p, p->n);
}
