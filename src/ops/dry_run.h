/*
 * --dry-run: the whole way against the CA's staging directory, in a state folder of its own below
 * STATE/dry-run with an account of its own there. Challenge hooks run; nothing is deployed; nothing
 * is kept but that account.
 */
#ifndef OPS_DRY_RUN_H
#define OPS_DRY_RUN_H

#include "ops/internal.h"

NODISCARD int dry_run(struct ops *o, struct arena *a, const struct intake *in, size_t n,
                      const struct issue_options *opt, struct issue_result *out, struct err *e);
/* Takes away what a killed dry run left published; nothing there is fine. */
void dry_run_sweep(struct ops *o, struct arena *a);
NODISCARD int dry_run_names(struct ops *o, struct arena *a, const struct strings *names,
                            const struct renew_options *opt, struct issue_result *out,
                            struct err *e);

#endif
