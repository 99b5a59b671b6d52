/* The fields of a published challenge response: columns of `challenges`. */
#include "model/challenge.h"

const struct field challenge_fields[] = {
	FIELD(struct challenge, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct challenge, cert, FT_STRING, 0, "the certificate's name"),
	FIELD(struct challenge, order_url, FT_STRING, F_HIDDEN, "order URL at the CA"),
	FIELD(struct challenge, url, FT_STRING, F_HIDDEN, "challenge URL at the CA"),
	FIELD(struct challenge, authz_url, FT_STRING, F_HIDDEN, "authorization URL at the CA"),
	FIELD(struct challenge, domain, FT_STRING, 0, "the identifier, without a wildcard's star"),
	FIELD(struct challenge, wildcard, FT_BOOL, 0, "it is for the wildcard"),
	FIELD(struct challenge, type, FT_STRING, 0, "challenge type"),
	FIELD(struct challenge, method, FT_STRING, 0, "how it is published"),
	FIELD(struct challenge, token, FT_STRING, F_HIDDEN, "the CA's token"),
	FIELD(struct challenge, value, FT_STRING, 0, "what is published"),
	FIELD(struct challenge, location, FT_STRING, 0, "URL path or name of the TXT record"),
	FIELD(struct challenge, place, FT_STRING, F_HIDDEN, "web root, hook or listening address"),
	FIELD(struct challenge, dns_account, FT_STRING, F_HIDDEN, "DNS account it goes through"),
	FIELD(struct challenge, dns_zone, FT_STRING, F_HIDDEN, "zone it is in"),
	FIELD(struct challenge, dns_zone_id, FT_STRING, F_HIDDEN, "the service's name of it"),
	FIELD(struct challenge, dns_name, FT_STRING, F_HIDDEN,
	      "where the record is, aliases followed"),
	FIELD(struct challenge, made_dirs, FT_INT, F_HIDDEN, "folders made in the web root"),
	FIELD(struct challenge, state, FT_STRING, F_HIDDEN, "about or placed"),
	FIELD(struct challenge, created_at, FT_TIME, F_HIDDEN, "when it was recorded"),
	FIELD_END
};
