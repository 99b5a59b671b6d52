/* log --verify: whether all events are as they were written. */
#include "cli/cmd_verify_log.h"

#include "cli/args.h"
#include "cli/ask.h"
#include "cli/print.h"
#include "ops/op_log.h"

int verify_log(struct cli *c, struct err *e)
{
	const struct log_args *args = c->args;
	struct log_verify in = { args->head };
	struct chain_check found = { 0 };

	TRY(ask(c, OP_EVENTS_VERIFY, &in, &found, e));
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
