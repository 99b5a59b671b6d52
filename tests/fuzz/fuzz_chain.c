/*
 * A certificate chain as a CA could send it: what is taken is bounded, complete, and reads back the
 * same from the PEM that is made of it. The checks run over it too. The same bytes as one
 * certificate and as a private key must not crash either.
 */
#include <stdlib.h>
#include <string.h>

#include "sys/key.h"
#include "sys/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_chain(struct arena *a, const struct x509_chain *chain)
{
	struct strings names = chain->v[0].names;
	struct x509_chain again;
	struct err e;

	if (chain->n == 0 || chain->n > 10)
		abort();
	if (x509_chain_parse(a, chain->fullchain_pem, strlen(chain->fullchain_pem), &again, &e) <
	        0 ||
	    again.n != chain->n)
		abort();
	for (size_t i = 0; i < chain->n; i++)
		if (strcmp(chain->v[i].fingerprint, again.v[i].fingerprint) != 0 ||
		    !chain->v[i].serial[0])
			abort();
	/* whatever it finds, the key's own digest is the right one */
	if (x509_chain_check(chain, NULL, chain->v[0].spki_sha256, &names, 0, &e) < 0 &&
	    e.code != ERR_PROTOCOL)
		abort();
	(void)x509_chain_tops_with(chain, "Root");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct key *k CLEANUP(key_cleanup) = NULL;
	struct x509_chain chain;
	struct x509_info info;
	struct err e;

	if (x509_chain_parse(a, (const char *)data, size, &chain, &e) == 0)
		check_chain(a, &chain);
	if (x509_parse(a, data, size, &info, &e) == 0 && strlen(info.fingerprint) != 64)
		abort();
	if (key_parse(data, size, &k, &e) == 0 && key_type(k) == KEY_NONE)
		abort();
	return 0;
}
