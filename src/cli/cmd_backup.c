/* backup, restore, database copy: all that the state holds, out and in. */
#include "cli/args.h"
#include "cli/cmd.h"
#include "cli/print_done.h"
#include "ops/ops_backup.h"

int cmd_backup(struct cli *c, struct err *e)
{
	const struct backup_args *args = c->args;

	TRY(ops_backup(c->ops, c->words.v[0], args->with_master_key, e));
	print_done(c, "written", c->words.v[0]);
	return 0;
}

int cmd_restore(struct cli *c, struct err *e)
{
	const struct backup_args *args = c->args;

	TRY(ops_restore(c->ops, c->words.v[0], args->replace, e));
	print_done(c, "restored", c->words.v[0]);
	return 0;
}

int cmd_database_copy(struct cli *c, struct err *e)
{
	const struct backup_args *args = c->args;

	TRY(ops_database_copy(c->ops, args->to, e));
	print_done(c, "copied", "database");
	return 0;
}
