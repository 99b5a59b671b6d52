/* account …: parse is done, ops does it, here it is printed. */
#include "cli/cmd.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/print.h"
#include "cli/print_done.h"
#include "cli/progress.h"

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
	const struct account_register *r = &((struct register_args *)c->args)->account;
	struct account account;

	if (!r->eab_kid != !r->eab_hmac_file)
		return err_set(
		    e, ERR_USAGE,
		    "--eab-kid and --eab-hmac-file belong together; your CA gives you both");
	TRY(ops_account_register(c->ops, c->arena, r, &account, e));
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
	struct account *v;
	size_t n;

	TRY(ops_account_list(c->ops, c->arena, &v, &n, e));
	table_row(&t, heading);
	for (size_t i = 0; i < n; i++) {
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
	else if (n)
		table_print(&t, stdout);
	else if (!c->globals.quiet)
		fprintf(stderr, "no accounts\n");
	return 0;
}

int cmd_account_show(struct cli *c, struct err *e)
{
	struct account account;

	TRY(ops_account_show(c->ops, c->arena, c->words.v[0], &account, e));
	print_account(c, &account);
	return 0;
}

int cmd_account_update(struct cli *c, struct err *e)
{
	const struct account_args *args = c->args;
	struct account account;

	TRY(ops_account_update(c->ops, c->arena, c->words.v[0], &args->emails, &account, e));
	print_account(c, &account);
	return 0;
}

int cmd_account_rollover(struct cli *c, struct err *e)
{
	const struct account_args *args = c->args;
	struct account account;

	TRY(ops_account_rollover(c->ops, c->arena, c->words.v[0], args->key_type, &account, e));
	print_account(c, &account);
	return 0;
}

int cmd_account_export(struct cli *c, struct err *e)
{
	const struct account_args *args = c->args;
	struct bytes data = { 0 };

	TRY(ops_account_export(c->ops, c->arena, c->words.v[0], args->format, args->output, &data,
	                       e));
	return print_exported(c, c->words.v[0], args->format, args->output, &data, e);
}

int cmd_account_import(struct cli *c, struct err *e)
{
	const struct account_args *args = c->args;
	struct account account;

	TRY(ops_account_import(c->ops, c->arena, c->words.v[0], args->ca, args->name, &account, e));
	print_account(c, &account);
	return 0;
}

int cmd_account_deactivate(struct cli *c, struct err *e)
{
	TRY(ops_account_deactivate(c->ops, c->arena, c->words.v[0], e));
	print_done(c, "deactivated", c->words.v[0]);
	return 0;
}

int cmd_account_delete(struct cli *c, struct err *e)
{
	TRY(ops_account_delete(c->ops, c->arena, c->words.v[0], e));
	print_done(c, "deleted", c->words.v[0]);
	return 0;
}

int cmd_account_default(struct cli *c, struct err *e)
{
	TRY(ops_account_default(c->ops, c->arena, c->words.v[0], e));
	print_done(c, "default", c->words.v[0]);
	return 0;
}
