/* Challenge responses, from before they are published until after they are removed. */
#include <string.h>

#include "base/clock.h"
#include "store/internal.h"

int st_challenge_put(struct store *s, struct challenge *c, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct challenge row = *c;

	TRY(tx_open(s, &t, e));
	if (!row.created_at)
		row.created_at = clock_now();
	if (record_put(s, T_CHALLENGES, &row, &row.id, e) < 0)
		return err_ctx(e, "challenge for %s of certificate %s", row.domain, row.cert);
	TRY(tx_commit(&t, e));
	*c = row;
	return 0;
}

int st_challenge_list(struct store *s, struct arena *a, const char *cert, struct challenge **out,
                      size_t *n, struct err *e)
{
	const struct query q = QUERY("where cert = $1 order by id", ARG_TEXT(cert));
	void *rows = NULL;

	TRY(record_list(s, a, T_CHALLENGES, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_challenge_find(struct store *s, struct arena *a, const char *type, const char *key,
                      struct challenge *out, bool *found, struct err *e)
{
	const struct query by_token =
	    QUERY("where token = $1 and type = $2 order by id desc", ARG_TEXT(key), ARG_TEXT(type));
	const struct query by_domain = QUERY("where domain = $1 and type = $2 order by id desc",
	                                     ARG_TEXT(key), ARG_TEXT(type));

	return record_get(s, a, T_CHALLENGES, strcmp(type, "http-01") == 0 ? &by_token : &by_domain,
	                  out, found, e);
}

int st_challenge_delete(struct store *s, int64_t id, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from challenges where id = $1", NULL, e, ARG_INT(id)));
	return tx_commit(&t, e);
}

int st_challenge_certs(struct store *s, struct arena *a, struct strings *certs, struct err *e)
{
	return query_strings(s, a, "select distinct cert from challenges order by cert", NULL, 0,
	                     certs, e);
}
