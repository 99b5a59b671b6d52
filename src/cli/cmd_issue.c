/*
 * The commands that obtain: issue, renew, verify; and set, which shares issue's options. Their
 * result is printed in one shape (print_result.c); the exit status follows from it.
 */
#include "cli/cmd.h"

#include <string.h>

#include "cli/args.h"
#include "cli/ask.h"
#include "cli/ask_cert.h"
#include "cli/print.h"
#include "cli/print_result.h"
#include "cli/progress.h"
#include "ops/op_cert.h"

static void add_names(struct cli *c, struct cert_change *change)
{
	if (c->words.n == 0)
		return;
	change->values.domains = c->words;
	strings_add(c->arena, &change->given, "domains");
}

int cmd_issue(struct cli *c, struct err *e)
{
	struct issue_args *args = c->args;
	struct issue_result result = { 0 };

	add_names(c, &args->change);
	TRY(ask_issue(c, args, &result, e));
	return print_result(c, &result, RESULT_ISSUE, args->issue.dry_run, e);
}

static int ask_again(struct cli *c, struct err *e)
{
	struct refresh_said said = { 0 };
	struct nothing in = { 0 };

	if (c->words.n)
		return err_set(e, ERR_USAGE,
		               "--ask-again is for all certificates; with a NAME the CA is asked "
		               "anyway");
	return ask(c, OP_RENEWAL_INFORMATION_REFRESH, &in, &said, e);
}

int cmd_renew(struct cli *c, struct err *e)
{
	struct renew_args *args = c->args;
	struct issue_result result = { 0 };

	if (args->ask_again)
		TRY(ask_again(c, e));
	args->renew.names = c->words;
	TRY(ask_renew(c, &args->renew, &result, e));
	return print_result(c, &result, c->words.n ? RESULT_ISSUE : RESULT_PASS,
	                    args->renew.dry_run, e);
}

int cmd_verify(struct cli *c, struct err *e)
{
	const struct verify_args *args = c->args;
	struct issue_result result = { 0 };

	TRY(ask_verify(c, c->words.v[0], args->new_challenge, &result, e));
	return print_result(c, &result, RESULT_ISSUE, false, e);
}

int cmd_set(struct cli *c, struct err *e)
{
	struct set_args *args = c->args;
	struct cert_change *change = &args->change;
	struct cert_details details;
	const char *name = c->words.v[0];

	if (!change->given.n && !change->key_file && !change->csr_file &&
	    !change->keystore_password_file)
		return err_set(
		    e, ERR_USAGE,
		    "`everleaf set` needs at least one option; see `everleaf set --help`");
	TRY(ask_set(c, name, change, e));
	if (!c->globals.json) {
		printf("%s: updated\n", shown(c->arena, name));
		return 0;
	}
	TRY(ask_details(c, name, &details, e));
	print_cert_json(c, &details.cert);
	return 0;
}
