/*
 * The calls of a dehydrated-style hook script that belong to no challenge: startup_hook,
 * generate_csr, sync_cert, deploy_cert, unchanged_cert, invalid_challenge, request_failure,
 * exit_hook. Each is nothing for a certificate whose method is not "hook".
 */
#ifndef FLOW_HOOKS_H
#define FLOW_HOOKS_H

#include "flow/run.h"
#include "sys/x509.h"

/* The environment of this certificate's hook; NULL without a hook. */
const char *const *hooks_env(struct run *r, struct arena *a, const struct cert *c);
/* One call of a script at a time on this host, whatever kind of hook it is (scripts that change a
 * zone file rely on it); waits are told as steps of that certificate. NULL: the configuration lets
 * calls run side by side. */
const struct turns *hooks_turns(struct run *r, struct arena *a, const char *cert_name);

NODISCARD int hooks_startup(struct run *r, struct arena *a, const struct cert *c, struct err *e);
/* The hook's own CSR in PEM, NULL if it gives none. */
NODISCARD int hooks_generate_csr(struct run *r, struct arena *a, const struct cert *c,
                                 const char **csr_pem, struct err *e);
/* New files are written and not yet live: the hook may make them durable elsewhere. dir: the
 * version's folder. */
NODISCARD int hooks_sync_cert(struct run *r, struct arena *a, const struct cert *c, const char *dir,
                              struct err *e);
NODISCARD int hooks_deploy_cert(struct run *r, struct arena *a, const struct cert *c, int64_t at,
                                struct err *e);
NODISCARD int hooks_unchanged_cert(struct run *r, struct arena *a, const struct cert *c,
                                   struct err *e);
/* What went wrong, for the hook to act on; failures of these calls are logged only. */
void hooks_invalid_challenge(struct run *r, struct arena *a, const struct cert *c,
                             const char *domain, const char *response);
void hooks_request_failure(struct run *r, struct arena *a, const struct cert *c,
                           const struct err *failure);
void hooks_exit(struct run *r, struct arena *a, const struct cert *c, const struct err *failure);

#endif
