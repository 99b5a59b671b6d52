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

#endif
