/* A version in the format and part asked for (`export`). */
#ifndef FLOW_EXPORT_H
#define FLOW_EXPORT_H

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"
#include "model/version.h"

struct export_spec {
	const char *format;   /* "pem", "der", "pkcs12", "jks"; NULL = "pem" */
	const char *part;     /* "all", "fullchain", "cert", "chain", "key"; NULL = everything the
	                         format holds */
	const char *password; /* of a key store; NULL = none */
	bool legacy;          /* PKCS#12 for old Java and Windows */
};
/* ERR_USAGE for what does not go together, ERR_INPUT when the private key is not here. */
NODISCARD int export_version(struct arena *a, const struct version *v,
                             const struct export_spec *spec, struct bytes *out, struct err *e);

/* What its certificate is for: the record's names may be others by now. */
NODISCARD int export_names(struct arena *a, const struct version *v, struct strings *out,
                           struct err *e);

/* Whether format and part are words that there are. ERR_USAGE, naming the member. */
NODISCARD int export_check_words(const struct export_spec *spec, struct err *e);

/* What may be sent by mail: the public parts (PEM's part is "fullchain" when none is named), or a
 * key store whose password was given for it. Never a bare private key. ERR_USAGE. */
NODISCARD int export_check_mail(struct export_spec *spec, struct err *e);
/* The file's name, and its type for a mail. */
const char *export_file_name(struct arena *a, const char *cert, const struct export_spec *spec);
const char *export_file_type(const struct export_spec *spec);

#endif
