/* The fields of a certificate: columns of `certs`, `list --json` and `show --json`, and what `set`
 * may name. */
#include "model/cert.h"

const struct field cert_fields[] = {
	FIELD(struct cert, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct cert, name, FT_STRING, 0, "its own name, also of its folder"),
	FIELD(struct cert, status, FT_STRING, 0, "pending, issued, failed, revoked or expired"),
	FIELD(struct cert, domains, FT_STRINGS, 0, "names and addresses it is for"),
#define X(member, type, flags, help) FIELD(struct cert, member, type, flags, help),
#include "model/cert_wanted.def"
#include "model/cert_state.def"
#undef X
	FIELD_END
};

const char *const cert_identity_fields[] = {
	"domains",      "ca",   "key_type",      "profile", "country", "province", "city",
	"organization", "unit", "subject_email", "own_key", "own_csr", NULL
};
