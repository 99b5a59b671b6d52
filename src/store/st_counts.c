/* Counts over all certificates, each answered by an index alone (schema 0005). */
#include <string.h>

#include "base/clock.h"
#include "store/internal.h"

#define DAY_S 86400

int count_by_status(struct store *s, const struct whose *w, struct status_count *out, size_t room,
                    int64_t *held, struct err *e)
{
	static const char *const words[] = { "pending", "issued", "failed", "revoked" };
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct whose all = { 0 };
	struct arg args[SCOPE_ARGS + 1];
	struct db_stmt *st = NULL;
	size_t n = 0, n_args;
	const char *some;
	int rc;

	some = whose_sql(a, w ? w : &all, 1, args, &n_args);
	TRY(query_prepare(s,
	                  arena_printf(a, "select status, count(*) from certs%s%s group by status",
	                               *some ? " where 1 = 1" : "", some),
	                  args, n_args, &st, e));
	*held = 0;
	while ((rc = db_step(st, e)) == 1) {
		const char *status = db_column_text(st, a, 0);

		for (size_t i = 0; i < ARRAY_LEN(words) && n + 1 < room; i++)
			if (strcmp(words[i], status) == 0)
				out[n++] = (struct status_count){ words[i], db_column_int(st, 1) };
		*held += db_column_int(st, 1);
	}
	return rc;
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

static int count(struct store *s, int64_t now, struct store_counts *out, struct err *e)
{
	int64_t began_ms = clock_monotonic_ms(), held;
	struct store_counts c = { 0 };

	TRY(count_by_status(s, NULL, c.v, ARRAY_LEN(c.v), &held, e));
	TRY(ending(s, 0, now, &c.ended, e));
	TRY(ending(s, now, now + DAY_S, &c.ends_1d, e));
	TRY(ending(s, now, now + 7 * DAY_S, &c.ends_7d, e));
	TRY(ending(s, now, now + 30 * DAY_S, &c.ends_30d, e));
	kept_put(s, "counts", began_ms, held, &c, sizeof(c));
	*out = c;
	return 0;
}

int st_counts(struct store *s, int64_t now, struct store_counts *out, struct err *e)
{
	const struct arg args[] = { ARG_INT(now) };
	struct store_counts c;
	STORE_LOCK(s);

	if (!kept_get(s, "counts", &c, sizeof(c)))
		TRY(count(s, now, &c, e));
	TRY(query_int(s, "select count(*) from jobs where run_at > 0 and run_at <= $1", args, 1,
	              &c.due, e));
	*out = c;
	return 0;
}
