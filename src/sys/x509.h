/*
 * Certificates (RFC 5280): parsed from what the CA sent, checked against what was asked for, made
 * self-signed for the stand-in and for tls-alpn-01. Inputs are hostile: at most 10 certificates and
 * 256 KiB in a chain.
 */
#ifndef SYS_X509_H
#define SYS_X509_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"
#include "sys/csr.h"
#include "sys/key.h"

struct x509_info {
	struct strings names;   /* SANs: DNS lower case, IP in text form */
	const char *subject_cn; /* NULL = none */
	const char *subject;    /* one line, RFC 4514 */
	const char *issuer_cn;  /* NULL = none */
	const char *issuer;     /* one line */
	const char
	    *serial; /* lower-case hexadecimal, no separators, no leading "00" unless it is 0 */
	const char *fingerprint; /* SHA-256, lower-case hexadecimal */
	const char *spki_sha256; /* lower-case hexadecimal */
	const char *ari_id; /* RFC 9773 4.1 certID; NULL if the certificate has no authority key
	                       identifier */
	int64_t not_before, not_after;
	enum key_type key_type;
	bool is_ca, self_issued; /* self_issued: subject equals issuer */
	bool signed_by_next;     /* in a chain: the next certificate's key made its signature */
	struct bytes der;
};

struct x509_chain {
	struct x509_info *v; /* leaf first */
	size_t n;
	/* PEM, re-encoded by us: exactly the CERTIFICATE blocks, each ending in a newline. */
	const char *leaf_pem, *chain_pem /* all but the leaf; "" if none */, *fullchain_pem;
};

/* Parses a PEM chain (application/pem-certificate-chain, RFC 8555 9.1); text outside the blocks is
 * dropped. ERR_INPUT: no certificate, garbage, too many, not in issuing order. */
NODISCARD int x509_chain_parse(struct arena *a, const char *pem, size_t len, struct x509_chain *out,
                               struct err *e);
/* The same, remembering the issuers' certificates: for whoever reads many chains of one CA. Any
 * thread. */
struct x509_issuers;
struct x509_issuers *x509_issuers_new(void);
void x509_issuers_free(struct x509_issuers *s);
NODISCARD int x509_chain_parse_known(struct arena *a, struct x509_issuers *issuers, const char *pem,
                                     size_t len, struct x509_chain *out, struct err *e);
/* Splits a fullchain_pem that x509_chain_parse wrote into its leaf and the rest ("" if none),
 * without reading the certificates: that was done when it came, and takes OpenSSL longer than all
 * else about a stored one. ERR_INPUT: not such a text. */
NODISCARD int x509_chain_split(struct arena *a, const char *fullchain_pem, const char **leaf_pem,
                               const char **chain_pem, struct err *e);
/* One certificate, PEM or DER. */
NODISCARD int x509_parse(struct arena *a, const void *data, size_t len, struct x509_info *out,
                         struct err *e);

/* What came back is what was asked for: the public key is the key's (k) or has spki_sha256 (own
 * CSR; either may be NULL), the names are exactly `names` (any order), it is valid at now (10
 * minutes of clock difference allowed) and ends after it begins, each certificate is signed by the
 * next. ERR_PROTOCOL naming the difference. */
NODISCARD int x509_chain_check(const struct x509_chain *chain, const struct key *k,
                               const char *spki_sha256, const struct strings *names, int64_t now,
                               struct err *e);
/* Whether the topmost certificate is, or was issued by, a CA with this common name. */
bool x509_chain_tops_with(const struct x509_chain *chain, const char *common_name);

/* A self-signed certificate over the names, valid from one hour ago for days. Returns PEM. */
NODISCARD int x509_self_signed(struct arena *a, const struct key *k, const struct csr_spec *spec,
                               int days, char **pem, struct err *e);
/* RFC 8737 3, RFC 8738 5: the tls-alpn-01 certificate for one DNS name or IP address. sha256: of
 * the key authorization. */
NODISCARD int x509_tls_alpn01(struct arena *a, const struct key *k, const char *name,
                              const unsigned char sha256[32], char **pem, struct err *e);

#endif
