/* Certificate signing requests (RFC 2986, PKCS#10). */
#ifndef SYS_CSR_H
#define SYS_CSR_H

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"
#include "sys/hash.h"
#include "sys/key.h"

/* NULL members are left out. common_name: NULL = none. */
struct subject {
	const char *common_name, *country, *province, *city, *organization, *unit, *email;
};

struct csr_spec {
	struct subject subject;
	struct strings names; /* A-labels and IP addresses in text form; "*." names as they are */
	enum hash_alg digest; /* of the signature */
};

/* The common name by our rule: the first DNS name if it has at most 64 bytes, NULL for an IP
 * address. */
const char *csr_common_name(const struct strings *names);

NODISCARD int csr_make(struct arena *a, const struct key *k, const struct csr_spec *spec,
                       struct bytes *der, struct err *e);

/* A person's own request. */
struct csr_info {
	struct bytes der;
	struct strings
	    names; /* DNS and IP SANs, lower case, the common name first if it is not among them */
	const char *spki_sha256; /* hexadecimal */
	enum key_type key_type;
	bool must_staple; /* RFC 7633: refused by Let's Encrypt since 2025 */
};
NODISCARD int csr_pem(struct arena *a, const struct bytes *der, char **out, struct err *e);
/* PEM or DER. Checks the self-signature; ERR_INPUT says what is wrong (no names, unsupported key,
 * other SAN kinds). */
NODISCARD int csr_parse(struct arena *a, const void *data, size_t len, struct csr_info *out,
                        struct err *e);

#endif
