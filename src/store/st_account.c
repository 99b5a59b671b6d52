/* Accounts, by name. At most one of each CA is its default. */
#include "base/clock.h"
#include "store/internal.h"

static int others_not_default(struct store *s, const struct account *x, struct err *e)
{
	return RUN(
	    s, "update accounts set is_default = 0 where ca = $1 and id <> $2 and is_default <> 0",
	    NULL, e, ARG_TEXT(x->ca), ARG_INT(x->id));
}

int st_account_put(struct store *s, struct account *x, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct account row = *x;

	TRY(tx_open(s, &t, e));
	if (!row.created_at)
		row.created_at = clock_now();
	if (row.is_default)
		TRY(others_not_default(s, &row, e));
	if (record_put(s, T_ACCOUNTS, &row, &row.id, e) < 0)
		return err_ctx(e, "account %s", row.name);
	TRY(tx_commit(&t, e));
	*x = row;
	return 0;
}

static int no_account(const char *name, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND,
	               "there is no account %s here; `everleaf account list` shows all", name);
}

int st_account_get(struct store *s, struct arena *a, const char *name, struct account *out,
                   struct err *e)
{
	const struct query q = QUERY("where name = $1", ARG_TEXT(name));
	bool found = false;

	TRY(record_get(s, a, T_ACCOUNTS, &q, out, &found, e));
	return found ? 0 : no_account(name, e);
}

int st_account_list(struct store *s, struct arena *a, struct account **out, size_t *n,
                    struct err *e)
{
	const struct query q = { .tail = "order by name" };
	void *rows = NULL;

	TRY(record_list(s, a, T_ACCOUNTS, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_account_delete(struct store *s, const char *name, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	int64_t gone = 0;

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from accounts where name = $1", &gone, e, ARG_TEXT(name)));
	if (!gone)
		return no_account(name, e);
	return tx_commit(&t, e);
}
