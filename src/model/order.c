/* The fields of an order under way: columns of `orders`. */
#include "model/order.h"

const struct field order_fields[] = {
	FIELD(struct order, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct order, cert, FT_STRING, 0, "the certificate's name"),
	FIELD(struct order, account, FT_STRING, 0, "the account's name"),
	FIELD(struct order, state, FT_STRING, 0, "new, open, done or failed"),
	FIELD(struct order, url, FT_STRING, 0, "order URL at the CA"),
	FIELD(struct order, identity, FT_STRING, F_HIDDEN,
	      "digest of what was wanted when it was made"),
	FIELD(struct order, domains, FT_STRINGS, 0, "identifiers of the order"),
	FIELD(struct order, profile, FT_STRING, 0, "ACME profile"),
	FIELD(struct order, replaces, FT_STRING, 0, "what it replaces (RFC 9773)"),
	FIELD(struct order, task, FT_STRING, F_HIDDEN, "the job it was made for"),
	FIELD(struct order, key, FT_SECRET, 0, "private key of the request, PEM"),
	FIELD(struct order, csr, FT_STRING, F_HIDDEN, "certificate request, base64url of its DER"),
	FIELD(struct order, renewal, FT_BOOL, 0, "a good version was live when it was made"),
	FIELD(struct order, answered, FT_BOOL, 0, "its challenges were answered"),
	FIELD(struct order, charged, FT_STRINGS, F_HIDDEN, "buckets of rate limits it counts in"),
	FIELD(struct order, failures_counted, FT_BOOL, F_HIDDEN, "its failures are counted"),
	FIELD(struct order, created_at, FT_TIME, 0, "when it was made"),
	FIELD(struct order, updated_at, FT_TIME, 0, "when it last changed"),
	FIELD(struct order, failed, FT_STRINGS, F_HIDDEN | F_NOT_STORED,
	      "names that could not be validated, where looked_at"),
	FIELD(struct order, passed, FT_STRINGS, F_HIDDEN | F_NOT_STORED,
	      "names that were validated, where looked_at"),
	FIELD(struct order, spki_sha256, FT_STRING, F_HIDDEN | F_NOT_STORED,
	      "digest of its public key, as long as the run lasts"),
	FIELD_END
};
