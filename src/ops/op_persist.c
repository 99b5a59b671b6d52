/* Operations on dns-persist-01 records. */
#include "ops/op_dns.h"
#include "ops/operation.h"

const struct field persist_ask_fields[] = {
	FIELD(struct persist_ask, names, FT_STRINGS, 0,
	      "certificates or domains; none: all certificates proved this way"),
	FIELD(struct persist_ask, accounts, FT_STRINGS, 0, "at CAs; none: as the names have them"),
	FIELD(struct persist_ask, dns, FT_STRINGS, 0,
	      "publish: through these DNS accounts, ACCOUNT or DOMAIN=ACCOUNT; none: all enabled"),
	FIELD(struct persist_ask, wildcard, FT_BOOL, 0, "domains: wildcards and names below too"),
	FIELD(struct persist_ask, until, FT_STRING, 0, "its end: 365d, 2027-06-30 or an instant"),
	FIELD(struct persist_ask, days, FT_INT, 0, "near its end when fewer are left (30)"),
	FIELD_END,
};
const struct field persist_list_fields[] = {
	FIELD_RECORDS(struct persist_list, records, struct persist, persist_fields, 0,
	              "the records, as they ought to be and as they are"),
	FIELD_END,
};

static int answer(struct ops *o, struct arena *a, void *in, void *out, struct err *e,
                  int (*ask)(struct ops *, struct arena *, const struct persist_ask *,
                             struct persist **, size_t *, struct err *))
{
	struct persist_list *list = out;
	struct persist *v = NULL;
	size_t n = 0;

	TRY(ask(o, a, in, &v, &n, e));
	list->records = (struct records){ v, n };
	return 0;
}

int op_persist_show(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return answer(o, a, in, out, e, ops_persist_show);
}

int op_persist_check(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return answer(o, a, in, out, e, ops_persist_check);
}

int op_persist_publish(struct ops *o, struct arena *a, void *in, void *out, struct err *e)
{
	return answer(o, a, in, out, e, ops_persist_publish);
}
