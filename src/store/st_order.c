/* Orders: at most one under way for a certificate. Those that ended go when the next one is made,
 * and their keys with them. */
#include "base/clock.h"
#include "store/internal.h"

static int ended_delete(struct store *s, const char *cert, struct err *e)
{
	return RUN(s, "delete from orders where cert = $1 and state in ('done', 'failed')", NULL, e,
	           ARG_TEXT(cert));
}

int st_order_put(struct store *s, struct order *o, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct order row = *o;

	TRY(tx_open(s, &t, e));
	row.updated_at = clock_now();
	if (!row.created_at)
		row.created_at = row.updated_at;
	if (!row.id)
		TRY(ended_delete(s, row.cert, e));
	if (record_put(s, T_ORDERS, &row, &row.id, e) < 0)
		return err_ctx(e, "order of certificate %s", row.cert);
	TRY(tx_commit(&t, e));
	*o = row;
	return 0;
}

int st_order_open(struct store *s, struct arena *a, const char *cert, struct order *out,
                  struct err *e)
{
	const struct query q =
	    QUERY("where cert = $1 and state in ('new', 'open')", ARG_TEXT(cert));
	bool found = false;

	TRY(record_get(s, a, T_ORDERS, &q, out, &found, e));
	return found ? 0 : err_set(e, ERR_NOT_FOUND, "certificate %s has no order under way", cert);
}
