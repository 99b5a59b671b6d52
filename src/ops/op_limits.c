/* Operations on rate limits. */
#include "ops/op_limits.h"

#include "ops/operation.h"

const struct field limits_ask_fields[] = {
	FIELD(struct limits_ask, ca, FT_STRING, 0, "of this CA only"),
	FIELD(struct limits_ask, names, FT_STRINGS, 0,
	      "certificates or domains: what an order for each would touch; none: all in use"),
	FIELD_END,
};
const struct field limits_unpause_fields[] = {
	FIELD(struct limits_ask, ca, FT_STRING, 0, "the CA that has resumed them"),
	FIELD(struct limits_ask, names, FT_STRINGS, F_REQUIRED, "certificates or domains"),
	FIELD_END,
};
const struct field limits_said_fields[] = {
	FIELD_RECORDS(struct limits_said, limits, struct limit_state, limit_state_fields, 0,
	              "each limit, and how much of it is left"),
	FIELD(struct limits_said, more, FT_BOOL, 0,
	      "there are more than one answer has: ask for some of the names, or of one CA"),
	FIELD_END,
};

int op_limits(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	struct limits_said *said = out;
	struct limit_state *v;
	bool more;
	size_t n;

	TRY(ops_limits(o, a, in, &v, &n, &more, e));
	said->limits = (struct records){ v, n };
	said->more = more;
	return 0;
}

int op_limits_unpause(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	((struct limits_ask *)in)->unpaused = true;
	return op_limits(o, a, in, out, e);
}
