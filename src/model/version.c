/* The fields of a version: columns of `versions`, and its part of `show --json`. */
#include "model/version.h"

const struct field version_fields[] = {
	FIELD(struct version, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct version, cert, FT_STRING, F_HIDDEN, "the certificate's name"),
	FIELD(struct version, n, FT_INT, 0, "number within the certificate, and its folder's name"),
	FIELD(struct version, key, FT_SECRET, 0, "private key, PEM"),
	FIELD(struct version, csr, FT_STRING, F_HIDDEN, "the request it answers, base64url DER"),
	FIELD(struct version, fullchain, FT_STRING, F_HIDDEN, "certificate and chain, PEM"),
	FIELD(struct version, serial, FT_STRING, 0, "serial number, hexadecimal"),
	FIELD(struct version, issuer, FT_STRING, 0, "issuer's name"),
	FIELD(struct version, fingerprint, FT_STRING, 0, "SHA-256 of the certificate, hexadecimal"),
	FIELD(struct version, spki_sha256, FT_STRING, 0, "SHA-256 of the public key, hexadecimal"),
	FIELD(struct version, ari_id, FT_STRING, 0,
	      "identifier of the renewal information (RFC 9773)"),
	FIELD(struct version, not_before, FT_TIME, 0, "valid from"),
	FIELD(struct version, not_after, FT_TIME, 0, "valid until"),
	FIELD(struct version, self_signed, FT_BOOL, 0, "a stand-in"),
	FIELD(struct version, account, FT_STRING, 0, "account it was issued to"),
	FIELD(struct version, ca, FT_STRING, 0, "CA that issued it"),
	FIELD(struct version, certificate_url, FT_STRING, 0, "where the CA keeps it"),
	FIELD(struct version, order_url, FT_STRING, 0, "its order"),
	FIELD(struct version, task, FT_STRING, F_HIDDEN, "the job it was issued for"),
	FIELD(struct version, issued_at, FT_TIME, 0, "when it was issued"),
	FIELD(struct version, deployed, FT_BOOL, 0, "its hooks have run"),
	FIELD(struct version, revoked_at, FT_TIME, 0, "when it was revoked"),
	FIELD(struct version, revocation_reason, FT_STRING, 0, "why"),
	FIELD_END
};
