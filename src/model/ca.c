/* The fields of a certification authority. */
#include "model/ca.h"

#include "model/limit.h"

const struct field ca_fields[] = {
	FIELD(struct ca, id, FT_INT, F_KEY | F_HIDDEN, "row"),
	FIELD(struct ca, name, FT_STRING, 0, "as people call it"),
	FIELD(struct ca, url, FT_STRING, 0, "directory URL"),
	FIELD(struct ca, staging, FT_STRING, 0, "its staging directory: a URL or the name of a CA"),
	FIELD(struct ca, ca_bundle, FT_STRING, 0, "trust anchors for its own TLS, PEM"),
	FIELD(struct ca, resolver, FT_STRING, 0, "the resolver it asks, ADDR:PORT"),
	FIELD(struct ca, http_port, FT_INT, 0, "port where it validates http-01; 0 = 80"),
	FIELD(struct ca, tls_port, FT_INT, 0, "port where it validates tls-alpn-01; 0 = 443"),
	FIELD(struct ca, parallel, FT_INT, 0, "requests under way at once; 0 = 8"),
	FIELD(struct ca, needs_eab, FT_BOOL, 0, "demands external account binding"),
	FIELD(struct ca, public_only, FT_BOOL, F_HIDDEN, "it is at no address inside"),
	FIELD(struct ca, known, FT_BOOL, F_NOT_STORED, "an entry of cas.yaml, not added here"),
	FIELD(struct ca, pages, FT_STRINGS, F_NOT_STORED, "where it publishes its limits"),
	FIELD(struct ca, read, FT_STRING, F_NOT_STORED, "the day they were read"),
	FIELD_RECORDS(struct ca, limits, struct limit_words, limit_shown_fields, 0,
	              "its rate limits as far as they are known"),
	FIELD(struct ca, created_at, FT_TIME, 0, "when it was added"),
	FIELD_END
};
