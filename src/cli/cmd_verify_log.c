/* log --verify: whether all events are as they were written. */
#include "cli/cmd_verify_log.h"

#include "cli/args.h"
#include "cli/print.h"
#include "ops/op_log.h"

int verify_log(struct cli *c, struct err *e)
{
	const struct log_args *args = c->args;
	struct chain_check found;

	TRY(ops_log_verify(c->ops, c->arena, args->head, &found, e));
	if (c->globals.json) {
		json_auto_t *object = json_encode(chain_check_fields, &found);

		print_json(c->arena, object);
	} else if (found.fine) {
		print_line(stdout, "records",
		           arena_printf(c->arena, "%lld", (long long)found.records));
		print_line(stdout, "head", found.head);
	}
	return found.fine ? 0
	                  : err_set(e, ERR_DAMAGED, "the event log is not as it was written: %s",
	                            shown(c->arena, found.why));
}
