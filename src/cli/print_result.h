/* What issue, renew and verify came to, for people and for scripts. */
#ifndef CLI_PRINT_RESULT_H
#define CLI_PRINT_RESULT_H

#include "base/json.h"

#include "cli/command.h"
#include "ops/ops_cert.h"

enum result_kind {
	RESULT_ISSUE, /* certificates that were named: one line for each */
	RESULT_PASS,  /* all that there are: those where nothing had to be done are only counted */
};
/* Prints it and returns what the exit status follows from (issue_result_error). */
NODISCARD int print_result(struct cli *c, const struct issue_result *r, enum result_kind kind,
                           bool dry_run, struct err *e);

/* {"issued": [], …} */
json_t *result_json(const struct issue_result *r);
/* [{"type", "domain", "name", "value"}] */
json_t *challenges_json(const struct challenge *v, size_t n);
/* What a person has to publish. */
void print_challenges(struct cli *c, const struct challenge *v, size_t n);

/* A certificate as `list --json` has it. */
void print_cert_json(struct cli *c, const struct cert *cert);

#endif
