/* What makes a certificate another certificate: a digest over the fields of cert_identity_fields.
 */
#ifndef FLOW_IDENTITY_H
#define FLOW_IDENTITY_H

#include "base/arena.h"
#include "base/err.h"
#include "model/cert.h"

/* Hexadecimal. */
NODISCARD int cert_identity(struct arena *a, const struct cert *c, const char **out, struct err *e);

#endif
