/* Keys refused for good: once revoked for compromise, never used again. */
#include "base/clock.h"
#include "store/internal.h"

int st_key_block(struct store *s, const char *spki_sha256, const char *why, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s,
	        "insert into blocked_keys (spki_sha256, why, created_at) values ($1, $2, $3) "
	        "on conflict (spki_sha256) do nothing",
	        NULL, e, ARG_TEXT(spki_sha256), ARG_TEXT(why), ARG_INT(clock_now())));
	return tx_commit(&t, e);
}

int st_key_is_blocked(struct store *s, const char *spki_sha256, bool *blocked, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(spki_sha256) };
	int64_t n = 0;

	TRY(query_int(s, "select count(*) from blocked_keys where spki_sha256 = $1", args, 1, &n,
	              e));
	*blocked = n > 0;
	return 0;
}
