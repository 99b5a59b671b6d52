/*
 * Certificates of issuers, decoded once: thousands of chains end in the same few, and decoding one
 * takes OpenSSL 3.0 a quarter of a millisecond. What is found has the very bytes that were asked
 * for. The list is guarded by its lock; a certificate in it never changes.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sys/key_evp.h"
#include "sys/x509.h"

#define ISSUERS_MAX 16

struct issuer {
	X509 *cert;
	unsigned char *der; /* heap */
	size_t len;
};

struct x509_issuers {
	pthread_mutex_t lock;
	struct issuer v[ISSUERS_MAX];
	size_t next; /* the place of the next one; a full list forgets its oldest */
};

struct x509_issuers *x509_issuers_new(void)
{
	struct x509_issuers *s = calloc(1, sizeof *s);

	if (!s)
		out_of_memory();
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void forget(struct issuer *x)
{
	X509_free(x->cert);
	free(x->der);
	*x = (struct issuer){ 0 };
}

void x509_issuers_free(struct x509_issuers *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < ISSUERS_MAX; i++)
		forget(&s->v[i]);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* With the lock held. */
static X509 *find(const struct x509_issuers *s, const struct bytes *der)
{
	for (size_t i = 0; i < ISSUERS_MAX; i++)
		if (s->v[i].cert && s->v[i].len == der->n &&
		    memcmp(s->v[i].der, der->v, der->n) == 0)
			return s->v[i].cert;
	return NULL;
}

X509 *issuers_find(struct x509_issuers *s, const struct bytes *der)
{
	X509 *x;

	pthread_mutex_lock(&s->lock);
	x = find(s, der);
	if (x)
		X509_up_ref(x);
	pthread_mutex_unlock(&s->lock);
	return x;
}

void issuers_add(struct x509_issuers *s, X509 *cert, const struct bytes *der)
{
	struct issuer *place;
	unsigned char *copy;

	pthread_mutex_lock(&s->lock);
	copy = find(s, der) ? NULL : malloc(der->n);
	if (copy) {
		place = &s->v[s->next++ % ISSUERS_MAX];
		forget(place);
		memcpy(copy, der->v, der->n);
		X509_up_ref(cert);
		*place = (struct issuer){ cert, copy, der->n };
	}
	pthread_mutex_unlock(&s->lock);
}
