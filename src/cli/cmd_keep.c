/*
 * The commands that give away or take back what is held: export, revoke, delete, master-key rotate.
 */
#include "cli/cmd.h"

#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/ask.h"
#include "cli/ask_cert.h"
#include "cli/print_done.h"
#include "ops/op_cert.h"

static bool is_text(const char *format)
{
	return !format || strcmp(format, "pem") == 0;
}

int cmd_export(struct cli *c, struct err *e)
{
	const struct export_options *export = &((struct export_args *)c->args)->export;

	if (export->mail.n || export->channel) {
		TRY(ask_mail(c, c->words.v[0], export, e));
		print_done(c, "mailed", c->words.v[0]);
		return 0;
	}
	if (!is_text(export->format) && !export->output && !c->globals.json &&
	    isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE, "%s is not text for a terminal; add -o FILE",
		               export->format);
	return ask_export(c, c->words.v[0], export, e);
}

static int revoke_file(struct cli *c, const struct revoke_args *args, struct err *e)
{
	if (c->words.n)
		return err_set(
		    e, ERR_USAGE,
		    "\"%s\" and --cert exclude each other; name the certificate or give its file",
		    c->words.v[0]);
	if (!args->cert_file || !args->key_file)
		return err_set(
		    e, ERR_USAGE,
		    "--cert and --key belong together: everleaf revoke --cert FILE --key FILE");
	TRY(ask_revoke_file(c, args, e));
	print_done(c, "revoked", args->cert_file);
	return 0;
}

int cmd_revoke(struct cli *c, struct err *e)
{
	const struct revoke_args *args = c->args;
	struct revoke_in in;
	struct nothing nothing;

	if (args->cert_file || args->key_file)
		return revoke_file(c, args, e);
	if (!c->words.n)
		return err_set(
		    e, ERR_USAGE,
		    "`everleaf revoke` needs a certificate's NAME, or --cert FILE --key FILE");
	if (args->ca)
		return err_set(e, ERR_USAGE,
		               "--ca goes with --cert only; where \"%s\" came from is known",
		               c->words.v[0]);
	in = (struct revoke_in){ c->words.v[0], args->reason };
	TRY(ask(c, OP_CERTIFICATE_REVOKE, &in, &nothing, e));
	print_done(c, "revoked", c->words.v[0]);
	return 0;
}

int cmd_delete(struct cli *c, struct err *e)
{
	struct named in = { c->words.v[0] };
	struct nothing nothing;

	TRY(ask(c, OP_CERTIFICATE_DELETE, &in, &nothing, e));
	print_done(c, "deleted", c->words.v[0]);
	return 0;
}

int cmd_master_key_rotate(struct cli *c, struct err *e)
{
	TRY(ops_master_key_rotate(c->ops, e));
	print_done(c, "rotated", "master-key");
	return 0;
}
