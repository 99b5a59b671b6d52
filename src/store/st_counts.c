/* Counts over all certificates, each answered by an index alone (schema 0005). */
#include "store/internal.h"

#define DAY_S 86400

static int by_status(struct store *s, struct arena *a, struct store_counts *c, struct err *e)
{
	struct db_stmt *st = NULL;
	size_t n = 0;
	int rc;

	TRY(query_prepare(s, "select status, count(*) from certs group by status", NULL, 0, &st,
	                  e));
	while ((rc = db_step(st, e)) == 1 && n + 1 < ARRAY_LEN(c->v)) {
		c->v[n].status = db_column_text(st, a, 0);
		c->v[n++].n = db_column_int(st, 1);
	}
	return rc < 0 ? rc : 0;
}

static int ending(struct store *s, int64_t from, int64_t before, int64_t *n, struct err *e)
{
	const struct arg args[] = { ARG_INT(from), ARG_INT(before) };

	return query_int(
	    s,
	    "select count(*) from certs where status = 'issued' and not_after > $1 and "
	    "not_after <= $2",
	    args, 2, n, e);
}

int st_counts(struct store *s, struct arena *a, int64_t now, struct store_counts *out,
              struct err *e)
{
	const struct arg args[] = { ARG_INT(now) };
	struct store_counts c = { 0 };
	STORE_LOCK(s);

	TRY(by_status(s, a, &c, e));
	TRY(ending(s, 0, now, &c.ended, e));
	TRY(ending(s, now, now + DAY_S, &c.ends_1d, e));
	TRY(ending(s, now, now + 7 * DAY_S, &c.ends_7d, e));
	TRY(ending(s, now, now + 30 * DAY_S, &c.ends_30d, e));
	TRY(query_int(s, "select count(*) from jobs where run_at > 0 and run_at <= $1", args, 1,
	              &c.due, e));
	*out = c;
	return 0;
}
