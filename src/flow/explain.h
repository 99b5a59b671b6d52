/* Why a certificate renews when it does, and what comes next. Reads only, asks nobody. */
#ifndef FLOW_EXPLAIN_H
#define FLOW_EXPLAIN_H

#include "flow/run.h"
#include "model/explanation.h"

NODISCARD int explain(struct run *r, struct arena *a, const char *cert_name,
                      struct explanation *out, struct err *e);

#endif
