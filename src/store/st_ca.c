/* CAs that somebody added; the known ones are in the program (model/ca.h). */
#include "base/clock.h"
#include "store/internal.h"

int st_ca_put(struct store *s, struct ca *c, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct ca row = *c;

	TRY(tx_open(s, &t, e));
	if (!row.created_at)
		row.created_at = clock_now();
	if (record_put(s, T_CAS, &row, &row.id, e) < 0)
		return err_ctx(e, "CA %s", row.name);
	TRY(tx_commit(&t, e));
	*c = row;
	return 0;
}

int st_ca_list(struct store *s, struct arena *a, struct ca **out, size_t *n, struct err *e)
{
	const struct query q = { .tail = "order by name" };
	void *rows = NULL;

	TRY(record_list(s, a, T_CAS, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_ca_delete(struct store *s, const char *name, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	int64_t gone = 0;

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from cas where name = $1", &gone, e, ARG_TEXT(name)));
	if (!gone)
		return err_set(e, ERR_NOT_FOUND,
		               "no CA %s was added here; `everleaf ca list` shows all", name);
	return tx_commit(&t, e);
}
