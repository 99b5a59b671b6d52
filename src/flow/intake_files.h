/* The files a request names: the person's key, the person's CSR, a password. Read once, checked,
 * and kept in the record. */
#ifndef FLOW_INTAKE_FILES_H
#define FLOW_INTAKE_FILES_H

#include "flow/run.h"

/* The CSR's names become the domains when none were given; otherwise both must be the same. */
NODISCARD int intake_csr_names(struct arena *a, const struct cert_change *change,
                               struct cert_change *out, struct err *e);
NODISCARD int intake_files(struct run *r, struct arena *a, const struct cert_change *ch,
                           struct cert *c, struct err *e);

#endif
