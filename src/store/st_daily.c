/* What is to be done once in a while, by whichever process comes first: the time of the last one
 * stands in `meta`. */
#include <stdlib.h>

#include "store/internal.h"

int st_daily_put(struct store *s, const char *name, int64_t at, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(meta_put(s, name, arena_printf(a, "%lld", (long long)at), e));
	return tx_commit(&t, e);
}

int st_daily_take(struct store *s, const char *name, int64_t now, int64_t every_s, bool *taken,
                  struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct arg args[] = { ARG_TEXT(name) };
	struct tx t CLEANUP(tx_done) = { 0 };
	struct strings last = { 0 };
	int64_t at;

	TRY(tx_open(s, &t, e));
	TRY(query_strings(s, a, "update meta set value = value where name = $1 returning value",
	                  args, 1, &last, e));
	at = last.n ? strtoll(last.v[0], NULL, 10) : 0;
	if (at <= now && now - at < every_s) {
		*taken = false;
		return 0;
	}
	TRY(meta_put(s, name, arena_printf(a, "%lld", (long long)now), e));
	TRY(tx_commit(&t, e));
	*taken = true;
	return 0;
}

int st_cert_of_method(struct store *s, struct arena *a, const char *method, const char *after,
                      size_t limit, struct strings *out, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(method), ARG_TEXT(after ? after : ""),
		                    ARG_INT((int64_t)limit) };

	return query_strings(s, a,
	                     "select name from certs where method = $1 and name > $2 and status <> "
	                     "'revoked' order by name limit $3",
	                     args, 3, out, e);
}
