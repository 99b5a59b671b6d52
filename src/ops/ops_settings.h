/* What is set for all nodes, and what of this host's configuration may be shown. */
#ifndef OPS_OPS_SETTINGS_H
#define OPS_OPS_SETTINGS_H

#include "ops/op_system.h"
#include "ops/ops.h"

NODISCARD int ops_settings(struct ops *o, struct arena *a, struct settings_said *out,
                           struct err *e);
/* A member that is given as none takes back what was set. ERR_DENIED: the host's file says it. */
NODISCARD int ops_settings_change(struct ops *o, struct arena *a, const struct settings_change *ch,
                                  struct settings_said *out, struct err *e);

#endif
