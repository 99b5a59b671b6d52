/* Verifying the event log, for the command line and the network. */
#include "ops/op_log.h"

#include "ops/internal.h"
#include "ops/operation.h"

const struct field log_verify_fields[] = {
	FIELD(struct log_verify, head, FT_STRING, 0,
	      "a head from before (NUMBER:MAC, as the journal has it) that the log must contain"),
	FIELD_END,
};

int ops_log_verify(struct ops *o, struct arena *a, const char *head, struct chain_check *out,
                   struct err *e)
{
	return st_chain_verify(o->run.store, a, head, o->run.cancel, out, e);
}

int op_events_verify(struct ops *o, struct arena *a, void *in_record, void *out_record,
                     struct err *e)
{
	const struct log_verify *in = in_record;

	if (ops_log_verify(o, a, in->head, out_record, e) < 0)
		return e->code == ERR_USAGE ? err_member(e, "head") : -(int)e->code;
	return 0;
}
