/* An operation asked of the state folder. */
#include "cli/ask.h"

int ask(struct cli *c, enum operation_id op, void *in, void *out, struct err *e)
{
	const struct operation *p = &operations[op];

	if (p->check)
		TRY(p->check(c->ops, c->arena, in, e));
	return p->run(c->ops, c->arena, in, out, e);
}
