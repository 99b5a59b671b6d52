/*
 * PEM blocks (RFC 7468) read one by one, so that whoever reads them decides by the block's name
 * what to take, what to pass over and what to refuse. OpenSSL never gets to ask for a password.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "sys/key_evp.h"

bool pem_is(const void *data, size_t len)
{
	static const char begin[] = "-----BEGIN ";

	return memmem(data, len, begin, sizeof begin - 1) != NULL;
}

static int no_block(struct err *e)
{
	bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return at_end ? 0 : err_set(e, ERR_INPUT, "a PEM block is not whole or not base64");
}

int pem_next(struct arena *a, BIO *in, struct pem_block *out, struct err *e)
{
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long n = 0;

	ERR_clear_error();
	if (PEM_read_bio_ex(in, &name, &header, &data, &n, PEM_FLAG_EAY_COMPATIBLE) != 1)
		return no_block(e);
	*out = (struct pem_block){
		.name = arena_strdup(a, name),
		.der = { arena_memdup(a, data, (size_t)n), (size_t)n },
		.encrypted = strstr(header, "ENCRYPTED") || strstr(name, "ENCRYPTED"),
	};
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(data, (size_t)n);
	return 1;
}

char *bio_text(struct arena *a, BIO *mem)
{
	char *p = NULL;
	long n = BIO_get_mem_data(mem, &p);

	return arena_strndup(a, n > 0 ? p : "", n > 0 ? (size_t)n : 0);
}
