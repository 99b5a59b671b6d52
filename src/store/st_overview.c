/* What stands at the top of a page: counts, what comes on which day, and what failed last; of one
 * owner, of what is in a token's scope, or of all. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/internal.h"

#define DAY_S 86400
#define OVERVIEW_DAYS_MOST 366
#define ASK_AT_ONCE 1000

static bool is_all(const struct whose *w)
{
	return !w->owner && !w->scope;
}

/* Of some: they are read once. column: by which they are counted. */
static int by_day_of(struct store *s, const char *column, const struct whose *w, int64_t now,
                     int64_t *days, size_t n_days, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const int64_t first = now / DAY_S;
	struct arg args[SCOPE_ARGS + 3] = { ARG_INT(now),
		                            ARG_INT((first + (int64_t)n_days) * DAY_S) };
	struct db_stmt *st = NULL;
	const char *some;
	size_t n;
	int rc;

	some = whose_sql(a, w, 3, args + 2, &n);
	TRY(query_prepare(
	    s,
	    arena_printf(a,
	                 "select %s / 86400, count(*) from certs where %s >= $1 and %s < $2 and "
	                 "status <> 'revoked'%s group by %s / 86400",
	                 column, column, column, some, column),
	    args, n + 2, &st, e));
	while ((rc = db_step(st, e)) == 1) {
		int64_t day = db_column_int(st, 0) - first;

		if (day >= 0 && day < (int64_t)n_days)
			days[day] = db_column_int(st, 1);
	}
	return rc;
}

/* Of all: each day is a piece of the index, counted without sorting. */
static int by_day(struct store *s, const char *sql, int64_t now, int64_t *days, size_t n_days,
                  struct err *e)
{
	const int64_t first = now / DAY_S;

	for (size_t i = 0; i < n_days; i++) {
		const int64_t day = (first + (int64_t)i) * DAY_S;
		const struct arg args[] = { ARG_INT(i ? day : now), ARG_INT(day + DAY_S) };

		TRY(query_int(s, sql, args, 2, &days[i], e));
	}
	return 0;
}

#define OF_DAY(column)                                                                             \
	"select count(*) from certs where " column " >= $1 and " column                            \
	" < $2 and status <> 'revoked'"

static int calendar(struct store *s, const struct whose *w, int64_t now, struct overview *o,
                    struct err *e)
{
	if (is_all(w)) {
		TRY(by_day(s, OF_DAY("renew_at"), now, o->renewals, o->n_days, e));
		return by_day(s, OF_DAY("not_after"), now, o->ends, o->n_days, e);
	}
	TRY(by_day_of(s, "renew_at", w, now, o->renewals, o->n_days, e));
	return by_day_of(s, "not_after", w, now, o->ends, o->n_days, e);
}

static int ended(struct store *s, struct arena *a, const struct whose *w, int64_t now, int64_t *n,
                 struct err *e)
{
	struct arg args[SCOPE_ARGS + 2] = { ARG_INT(now) };
	const char *some;
	size_t n_args;

	some = whose_sql(a, w, 2, args + 1, &n_args);
	return query_int(s,
	                 arena_printf(a,
	                              "select count(*) from certs where status = 'issued' and "
	                              "not_after > 0 and not_after <= $1%s",
	                              some),
	                 args, n_args + 1, n, e);
}

/* As it is kept: without pointers to what an arena has. */
struct flat {
	struct status_count counts[8];
	int64_t ended, days[2 * OVERVIEW_DAYS_MOST];
};

static int count(struct store *s, struct arena *a, const struct whose *w, int64_t now,
                 const char *name, size_t days, struct flat *f, struct err *e)
{
	struct overview o = { .n_days = days, .renewals = f->days, .ends = f->days + days };
	int64_t began_ms = clock_monotonic_ms(), held;

	TRY(count_by_status(s, w, f->counts, ARRAY_LEN(f->counts), &held, e));
	TRY(ended(s, a, w, now, &f->ended, e));
	TRY(calendar(s, w, now, &o, e));
	if (is_all(w))
		kept_put(s, name, began_ms, held, f, sizeof(*f));
	return 0;
}

int st_overview(struct store *s, struct arena *a, const struct whose *w, int64_t now, size_t days,
                struct overview *out, struct err *e)
{
	struct flat *f = ARENA_NEW(a, struct flat);
	char name[32];
	STORE_LOCK(s);

	snprintf(name, sizeof(name), "%zu/%lld", days, (long long)(now / DAY_S));
	if (days > OVERVIEW_DAYS_MOST)
		return err_set(e, ERR_USAGE, "at most %d days", OVERVIEW_DAYS_MOST);
	if (!is_all(w) || !kept_get(s, name, f, sizeof(*f)))
		TRY(count(s, a, w, now, name, days, f, e));
	*out = (struct overview){
		.ended = f->ended, .n_days = days, .renewals = f->days, .ends = f->days + days
	};
	memcpy(out->counts, f->counts, sizeof(f->counts));
	return 0;
}

int st_cert_first_made(struct store *s, int64_t *at, struct err *e)
{
	return query_int(s, "select min(created_at) from certs", NULL, 0, at, e);
}

int st_cert_failing(struct store *s, struct arena *a, const struct whose *w, size_t limit,
                    struct cert **out, size_t *n, struct err *e)
{
	struct arg args[SCOPE_ARGS + 2] = { ARG_INT((int64_t)limit) };
	struct query q = { .args = args, .no_secrets = true };
	const char *some = whose_sql(a, w, 2, args + 1, &q.n_args);
	void *rows = NULL;

	q.n_args++;
	q.tail = arena_printf(a, "where failures > 0%s order by last_error_at desc limit $1", some);
	TRY(record_list(s, a, T_CERTS, &q, &rows, n, e));
	*out = rows;
	return 0;
}

/* Those of some rows. Other writers have their turn in between. By their ids, and by no index of
 * the status, which nearly all share: what is asked for in each round would be all of it. */
#define SOME_ISSUED                                                                                \
	"id > $2 and id <= $3 and coalesce(status, '') = 'issued' and ari_id is not null"

static int ask_again(struct store *s, int64_t now, int64_t after, int64_t upto, int64_t *n,
                     struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "update certs set ari_check_at = $1 where " SOME_ISSUED, n, e, ARG_INT(now),
	        ARG_INT(after), ARG_INT(upto)));
	TRY(RUN(s,
	        "update jobs set run_at = $1 where (run_at = 0 or run_at > $1) and subject in "
	        "(select name from certs where " SOME_ISSUED ")",
	        NULL, e, ARG_INT(now), ARG_INT(after), ARG_INT(upto)));
	return tx_commit(&t, e);
}

int st_ari_ask_again(struct store *s, int64_t now, int64_t *n, struct err *e)
{
	int64_t last = 0, all = 0, some = 0;

	TRY(query_int(s, "select max(id) from certs", NULL, 0, &last, e));
	for (int64_t after = 0; after < last; after += ASK_AT_ONCE) {
		TRY(ask_again(s, now, after, after + ASK_AT_ONCE, &some, e));
		all += some;
	}
	*n = all;
	return 0;
}
