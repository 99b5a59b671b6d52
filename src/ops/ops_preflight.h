/* `preflight`: would a CA's validation succeed? */
#ifndef OPS_OPS_PREFLIGHT_H
#define OPS_OPS_PREFLIGHT_H

#include "model/cert.h"
#include "model/finding.h"
#include "ops/ops.h"

/* words: certificates; or, if the change says how to prove names (a method), domains that need not
 * be known here. Nothing is kept and nothing asked of the CA but its directory. Findings in the
 * order of the words. ERR_USAGE, ERR_NOT_FOUND. */
NODISCARD int ops_preflight(struct ops *o, struct arena *a, const struct strings *words,
                            const struct cert_change *change, struct finding **out, size_t *n,
                            struct err *e);
/* 0 if none fails, else ERR_VALIDATION (or ERR_RATE_LIMITED) in one line. */
int ops_preflight_verdict(struct arena *a, struct finding *v, size_t n, struct err *e);

#endif
