/*
 * Buckets of rate limits. All that one order touches are read by one statement, in a few sizes so
 * that prepared statements are few too.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "store/internal.h"

#define AT_ONCE 96

static size_t padded(size_t n)
{
	return n <= 8 ? 8 : n <= 32 ? 32 : AT_ONCE;
}

static int where_in(struct buf *b, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		TRY(buf_printf(b, e, "%s$%zu", i ? "," : "where name in (", i + 1));
	return buf_str(b, ")", e);
}

static int get_some(struct store *s, struct arena *a, const char *const *names, size_t n,
                    struct bucket **out, size_t *n_out, struct err *e)
{
	struct buf b CLEANUP(buf_done) = BUF_LIMIT(1000);
	struct arg args[AT_ONCE];
	struct query q = { .args = args, .n_args = padded(n) };
	void *rows = NULL;

	for (size_t i = 0; i < q.n_args; i++)
		args[i] = (struct arg){ .text = i < n ? names[i] : "" };
	TRY(where_in(&b, q.n_args, e));
	q.tail = b.data;
	TRY(record_list(s, a, T_LIMITS, &q, &rows, n_out, e));
	*out = rows;
	return 0;
}

int st_limit_get(struct store *s, struct arena *a, const struct strings *names, struct bucket **out,
                 size_t *n, struct err *e)
{
	struct bucket *all = ARENA_ARRAY(a, struct bucket, names->n ? names->n : 1), *some;
	size_t have = 0, n_some;

	for (size_t i = 0; i < names->n; i += AT_ONCE) {
		size_t left = names->n - i;
		TRY(get_some(s, a, names->v + i, left < AT_ONCE ? left : AT_ONCE, &some, &n_some,
		             e));
		for (size_t k = 0; k < n_some && have < names->n; k++)
			all[have++] = some[k];
	}
	*out = all;
	*n = have;
	return 0;
}

int st_limit_put(struct store *s, struct bucket *b, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(record_put(s, T_LIMITS, b, &b->id, e));
	return tx_commit(&t, e);
}

int st_limit_delete(struct store *s, const struct strings *names, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	for (size_t i = 0; i < names->n; i++)
		TRY(RUN(s, "delete from limits where name = $1", NULL, e, ARG_TEXT(names->v[i])));
	return tx_commit(&t, e);
}

/* An order that is under way for longer than any CA keeps one is forgotten here too. */
int st_limit_prune(struct store *s, int64_t now_ms, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from limits where tat_ms <= $1 and (reserved = 0 or reserved_ms <= $2)",
	        NULL, e, ARG_INT(now_ms), ARG_INT(now_ms - LIMIT_RESERVED_MS)));
	return tx_commit(&t, e);
}

int st_limit_list(struct store *s, struct arena *a, int64_t now_ms, struct bucket **out, size_t *n,
                  struct err *e)
{
	const struct query q = QUERY("where tat_ms > $1 or (reserved > 0 and reserved_ms > $2) "
	                             "order by name",
	                             ARG_INT(now_ms), ARG_INT(now_ms - LIMIT_RESERVED_MS));
	void *rows = NULL;

	TRY(record_list(s, a, T_LIMITS, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_limit_set_issued(struct store *s, const char *name, int64_t at, int64_t since, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from issued_sets where issued_at < $1", NULL, e, ARG_INT(since)));
	TRY(RUN(s,
	        "insert into issued_sets (name, issued_at) values ($1, $2) on conflict (name) do "
	        "update set issued_at = excluded.issued_at",
	        NULL, e, ARG_TEXT(name), ARG_INT(at)));
	return tx_commit(&t, e);
}

int st_limit_set_get(struct store *s, struct arena *a, const char *name, int64_t *at, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(name) };
	struct strings found = { 0 };

	TRY(query_strings(s, a, "select issued_at from issued_sets where name = $1", args, 1,
	                  &found, e));
	*at = found.n ? strtoll(found.v[0], NULL, 10) : 0;
	return 0;
}
