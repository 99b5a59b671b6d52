/*
 * What commands ask about certificates: of the state folder by its own functions, which can do a
 * little more (several at once, files by their names), or of a daemon by its operations.
 */
#ifndef CLI_ASK_CERT_H
#define CLI_ASK_CERT_H

#include "cli/args.h"
#include "cli/command.h"
#include "ops/ops_cert.h"

NODISCARD int ask_issue(struct cli *c, struct issue_args *args, struct issue_result *out,
                        struct err *e);
NODISCARD int ask_renew(struct cli *c, const struct renew_options *opt, struct issue_result *out,
                        struct err *e);
NODISCARD int ask_verify(struct cli *c, const char *name, bool new_challenge,
                         struct issue_result *out, struct err *e);
NODISCARD int ask_set(struct cli *c, const char *name, struct cert_change *change, struct err *e);

NODISCARD int ask_list(struct cli *c, const struct list_options *opt,
                       int (*row)(void *ctx, const struct cert *x, struct arena *a, struct err *e),
                       void *ctx, struct err *e);
NODISCARD int ask_details(struct cli *c, const char *name, struct cert_details *out, struct err *e);
/* Those after after_id, oldest first; name NULL = of everything. *more: there are further ones. */
NODISCARD int ask_events(struct cli *c, struct arena *a, const char *name, int64_t after_id,
                         struct event **out, size_t *n, bool *more, struct err *e);
NODISCARD int ask_preflight(struct cli *c, const struct cert_change *change, struct finding **out,
                            size_t *n, struct err *e);
/* Written to opt->output, or printed. */
NODISCARD int ask_export(struct cli *c, const char *name, const struct export_options *opt,
                         struct err *e);
NODISCARD int ask_mail(struct cli *c, const char *name, const struct export_options *opt,
                       struct err *e);
NODISCARD int ask_revoke_file(struct cli *c, const struct revoke_args *args, struct err *e);

#endif
