/* account …: parse is done, ops does it, here it is printed. */
#include "cli/cmd.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "cli/print_done.h"
#include "cli/progress.h"
#include "ops/op_account.h"

#define HMAC_MAX_BYTES 4096
#define KEY_MAX_BYTES ((size_t)64 << 10)

static void print_account(struct cli *c, const struct account *account)
{
	progress_end(c->progress);
	if (c->globals.json) {
		json_auto_t *object = json_encode(account_fields, account);

		print_json(c->arena, object);
		return;
	}
	print_line(stdout, "name", shown(c->arena, account->name));
	print_line(stdout, "ca", shown(c->arena, account->ca));
	print_line(stdout, "directory", shown(c->arena, account->directory_url));
	print_line(stdout, "url", shown(c->arena, account->url));
	print_line(stdout, "status", shown(c->arena, account->status));
	for (size_t i = 0; i < account->contacts.n; i++)
		print_line(stdout, i ? "" : "contacts", shown(c->arena, account->contacts.v[i]));
	print_line(stdout, "key type", shown(c->arena, account->key_type));
	if (account->eab_kid)
		print_line(stdout, "bound to", shown(c->arena, account->eab_kid));
	print_line(stdout, "default", account->is_default ? "yes" : "no");
	print_line(stdout, "made", shown_time(c->arena, account->created_at, clock_now()));
}

int cmd_account_register(struct cli *c, struct err *e)
{
	struct account_register *r = &((struct register_args *)c->args)->account;
	struct account account = { 0 };
	char *hmac;

	if (!r->eab_kid != !r->eab_hmac_file)
		return err_set(
		    e, ERR_USAGE,
		    "--eab-kid and --eab-hmac-file belong together; your CA gives you both");
	if (r->eab_hmac_file) {
		TRY(fs_read_secret(c->arena, r->eab_hmac_file, HMAC_MAX_BYTES, &hmac, e));
		r->eab_hmac = hmac;
	}
	TRY(ask(c, OP_ACCOUNT_REGISTER, r, &account, e));
	print_account(c, &account);
	return 0;
}

int cmd_account_list(struct cli *c, struct err *e)
{
	static const char *const heading[] = {
		"NAME", "CA", "STATUS", "KEY", "DEFAULT", "CONTACTS"
	};
	struct table t = { .arena = c->arena, .n_columns = ARRAY_LEN(heading), .status_column = 2 };
	json_auto_t *array = json_array();
	const struct account *v;
	struct records list;

	TRY(ask_all(c, OP_ACCOUNT_LIST, &list, e));
	v = list.v;
	table_row(&t, heading);
	for (size_t i = 0; i < list.n; i++) {
		const char *cells[] = {
			shown(c->arena, v[i].name),   shown(c->arena, v[i].ca),
			shown(c->arena, v[i].status), shown(c->arena, v[i].key_type),
			v[i].is_default ? "yes" : "", shown_names(c->arena, &v[i].contacts, 0)
		};

		table_row(&t, cells);
		json_array_append_new(array, json_encode(account_fields, &v[i]));
	}
	if (c->globals.json)
		print_json(c->arena, array);
	else if (list.n)
		table_print(&t, stdout);
	else if (!c->globals.quiet)
		fprintf(stderr, "no accounts\n");
	return 0;
}

/* Asks for what gives back an account as it is then. */
static int one_account(struct cli *c, enum operation_id op, void *in, struct err *e)
{
	struct account account = { 0 };

	TRY(ask(c, op, in, &account, e));
	print_account(c, &account);
	return 0;
}

int cmd_account_show(struct cli *c, struct err *e)
{
	return one_account(c, OP_ACCOUNT_REFRESH, &(struct named){ c->words.v[0] }, e);
}

int cmd_account_update(struct cli *c, struct err *e)
{
	const struct account_args *args = c->args;
	struct account_contacts in = { c->words.v[0], args->emails };

	return one_account(c, OP_ACCOUNT_UPDATE, &in, e);
}

int cmd_account_rollover(struct cli *c, struct err *e)
{
	const struct account_args *args = c->args;
	struct account_rollover in = { c->words.v[0], args->key_type };

	return one_account(c, OP_ACCOUNT_ROLLOVER, &in, e);
}

int cmd_account_export(struct cli *c, struct err *e)
{
	const struct account_args *args = c->args;
	struct account_export in = { c->words.v[0], args->format };
	struct raw raw = { 0 };

	TRY(ask(c, OP_ACCOUNT_EXPORT, &in, &raw, e));
	return print_raw(c, c->words.v[0], args->format, args->output, &raw, e);
}

int cmd_account_import(struct cli *c, struct err *e)
{
	const struct account_args *args = c->args;
	struct account_import in = { .file = c->words.v[0], .ca = args->ca, .name = args->name };
	char *key;
	size_t len;

	TRY(fs_read(c->arena, in.file, KEY_MAX_BYTES, &key, &len, e));
	if (strlen(key) != len)
		return err_set(e, ERR_INPUT, "the account key %s: it is neither PEM nor JWK",
		               in.file);
	in.key = key;
	return one_account(c, OP_ACCOUNT_IMPORT, &in, e);
}

int cmd_account_deactivate(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_ACCOUNT_DEACTIVATE, "deactivated", e);
}

int cmd_account_delete(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_ACCOUNT_DELETE, "deleted", e);
}

int cmd_account_default(struct cli *c, struct err *e)
{
	return done_by_name(c, OP_ACCOUNT_DEFAULT, "default", e);
}
