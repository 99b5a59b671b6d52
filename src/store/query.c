/* Plain statements: prepared, bound from a list of parameters, run. The lock is held. */
#include "store/internal.h"

int query_prepare(struct store *s, const char *sql, const struct arg *args, size_t n,
                  struct db_stmt **out, struct err *e)
{
	struct db_stmt *st = NULL;

	TRY(db_prepare(s->db, sql, &st, e));
	for (size_t i = 0; i < n; i++) {
		if (args[i].is_int)
			db_bind_int(st, (int)i + 1, args[i].number);
		else
			db_bind_text(st, (int)i + 1, args[i].text);
	}
	*out = st;
	return 0;
}

int query_run(struct store *s, const char *sql, const struct arg *args, size_t n, int64_t *changed,
              struct err *e)
{
	struct db_stmt *st = NULL;

	TRY(query_prepare(s, sql, args, n, &st, e));
	TRY(db_step(st, e));
	if (changed)
		*changed = db_changes(s->db);
	return 0;
}

int query_int(struct store *s, const char *sql, const struct arg *args, size_t n, int64_t *out,
              struct err *e)
{
	struct db_stmt *st = NULL;
	int64_t value = 0;
	STORE_LOCK(s);
	int rc;

	TRY(query_prepare(s, sql, args, n, &st, e));
	while ((rc = db_step(st, e)) == 1)
		value = db_column_int(st, 0);
	TRY(rc);
	*out = value;
	return 0;
}

int query_strings(struct store *s, struct arena *a, const char *sql, const struct arg *args,
                  size_t n, struct strings *out, struct err *e)
{
	struct db_stmt *st = NULL;
	struct strings list = { 0 };
	STORE_LOCK(s);
	int rc;

	TRY(query_prepare(s, sql, args, n, &st, e));
	while ((rc = db_step(st, e)) == 1) {
		const char *text = db_column_text(st, a, 0);

		strings_add(a, &list, text ? text : "");
	}
	TRY(rc);
	*out = list;
	return 0;
}
