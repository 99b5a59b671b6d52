/*
 * API tokens, browsers' sessions, and the count of failed attempts to sign in. Tokens and cookies
 * are found by SHA-256 of what was sent: how long that takes tells nothing of any of them.
 */
#include "base/clock.h"
#include "store/internal.h"

#define USED_EVERY_S 60
/* What failed longer ago than this counts no more. */
#define LOGIN_FORGET_S 3600

int st_token_put(struct store *s, struct token *x, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct token row = *x;

	TRY(tx_open(s, &t, e));
	if (!row.created_at)
		row.created_at = clock_now();
	if (record_put(s, T_TOKENS, &row, &row.id, e) < 0)
		return err_ctx(e, "token %s", x->name);
	TRY(tx_commit(&t, e));
	*x = row;
	return 0;
}

static int token_get(struct store *s, struct arena *a, const struct query *q, struct token *out,
                     struct err *e)
{
	bool found = false;

	TRY(record_get(s, a, T_TOKENS, q, out, &found, e));
	return found ? 0 : err_set(e, ERR_NOT_FOUND, "there is no such token");
}

int st_token_by_hash(struct store *s, struct arena *a, const char *hash, struct token *out,
                     struct err *e)
{
	const struct query q = QUERY("where hash = $1", ARG_TEXT(hash));

	return token_get(s, a, &q, out, e);
}

int st_token_get(struct store *s, struct arena *a, const char *owner, const char *name,
                 struct token *out, struct err *e)
{
	const struct query q =
	    QUERY("where owner = $1 and name = $2", ARG_TEXT(owner), ARG_TEXT(name));

	return token_get(s, a, &q, out, e);
}

int st_token_by_id(struct store *s, struct arena *a, int64_t id, struct token *out, struct err *e)
{
	const struct query q = QUERY("where id = $1", ARG_INT(id));

	return token_get(s, a, &q, out, e);
}

int st_token_list(struct store *s, struct arena *a, const char *owner, int64_t after, size_t limit,
                  struct token **out, size_t *n, struct err *e)
{
	const struct arg args[] = { ARG_INT(after), ARG_INT((int64_t)limit), ARG_TEXT(owner) };
	const struct query all = { "where id > $1 order by id limit $2", args, 2, false };
	const struct query one = { "where owner = $3 and id > $1 order by id limit $2", args, 3,
		                   false };
	void *rows = NULL;

	TRY(record_list(s, a, T_TOKENS, owner ? &one : &all, &rows, n, e));
	*out = rows;
	return 0;
}

int st_token_delete(struct store *s, int64_t id, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from tokens where id = $1", NULL, e, ARG_INT(id)));
	return tx_commit(&t, e);
}

int st_token_offspring(struct store *s, const char *hash, int64_t *n, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(hash) };
	STORE_LOCK(s);

	return query_int(
	    s,
	    "with recursive made (hash) as (select hash from tokens where made_by = $1 "
	    "union select tokens.hash from tokens join made on tokens.made_by = "
	    "made.hash) select count(*) from made",
	    args, 1, n, e);
}

int st_token_of_others(struct store *s, const char *owner, int64_t *n, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(owner) };
	STORE_LOCK(s);

	return query_int(
	    s,
	    "with recursive gone (hash, owner) as (select hash, owner from tokens where owner = $1 "
	    "union select tokens.hash, tokens.owner from tokens join gone on tokens.made_by = "
	    "gone.hash) select count(*) from gone where owner <> $1",
	    args, 1, n, e);
}

int st_token_used(struct store *s, const struct token *x, int64_t now, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	if (x->used_at <= now && now - x->used_at < USED_EVERY_S)
		return 0;
	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "update tokens set used_at = $2 where id = $1", NULL, e, ARG_INT(x->id),
	        ARG_INT(now)));
	return tx_commit(&t, e);
}

/* sessions */

int st_session_put(struct store *s, struct session *x, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct session row = *x;

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from sessions where end_at <= $1 or idle_at <= $1", NULL, e,
	        ARG_INT(clock_now())));
	TRY(record_put(s, T_SESSIONS, &row, &row.id, e));
	TRY(tx_commit(&t, e));
	*x = row;
	return 0;
}

int st_session_by_hash(struct store *s, struct arena *a, const char *hash, struct session *out,
                       struct err *e)
{
	const struct query q = QUERY("where hash = $1", ARG_TEXT(hash));
	bool found = false;

	TRY(record_get(s, a, T_SESSIONS, &q, out, &found, e));
	return found ? 0 : err_set(e, ERR_NOT_FOUND, "there is no such session");
}

int st_session_by_id(struct store *s, struct arena *a, int64_t id, struct session *out,
                     struct err *e)
{
	const struct query q = QUERY("where id = $1", ARG_INT(id));
	bool found = false;

	TRY(record_get(s, a, T_SESSIONS, &q, out, &found, e));
	return found ? 0 : err_set(e, ERR_NOT_FOUND, "the session has ended");
}

int st_session_move(struct store *s, int64_t id, int64_t idle_at, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "update sessions set idle_at = $2 where id = $1", NULL, e, ARG_INT(id),
	        ARG_INT(idle_at)));
	return tx_commit(&t, e);
}

int st_session_delete(struct store *s, int64_t id, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from sessions where id = $1", NULL, e, ARG_INT(id)));
	return tx_commit(&t, e);
}

int st_session_delete_of(struct store *s, const char *owner, int64_t but, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from sessions where owner = $1 and id <> $2", NULL, e, ARG_TEXT(owner),
	        ARG_INT(but)));
	return tx_commit(&t, e);
}

/* attempts to sign in */

static int attempts_of(struct store *s, const char *name, int64_t now, int64_t most,
                       int64_t *failures, int64_t *until, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(name), ARG_INT(now - LOGIN_FORGET_S) };

	TRY(query_int(s, "select failures from logins where name = $1 and last_at > $2", args, 2,
	              failures, e));
	TRY(query_int(s, "select until_at from logins where name = $1", args, 1, until, e));
	/* A clock that was ahead keeps nobody out for longer than it could have. */
	if (*until > now + most)
		*until = now + most;
	return 0;
}

static int64_t delay_after(const struct login_key *k, int64_t failures)
{
	int64_t delay = 1;

	if (failures <= k->free)
		return 0;
	for (int64_t i = k->free + 1; i < failures && delay < k->most_s; i++)
		delay *= 2;
	return delay < k->most_s ? delay : k->most_s;
}

int st_login_begin(struct store *s, const struct login_key *keys, size_t n, int64_t now,
                   int64_t *wait_s, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	int64_t wait = 0;

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from logins where last_at <= $1 and until_at <= $2", NULL, e,
	        ARG_INT(now - LOGIN_FORGET_S), ARG_INT(now)));
	for (size_t i = 0; i < n; i++) {
		int64_t failures = 0, until = 0;

		TRY(attempts_of(s, keys[i].name, now, keys[i].most_s, &failures, &until, e));
		if (until - now > wait)
			wait = until - now;
	}
	for (size_t i = 0; i < n && wait == 0; i++) {
		int64_t failures = 0, until = 0;

		TRY(attempts_of(s, keys[i].name, now, keys[i].most_s, &failures, &until, e));
		failures++;
		TRY(RUN(s,
		        "insert into logins (name, failures, last_at, until_at) values ($1, $2, "
		        "$3, $4) on conflict (name) do update set failures = excluded.failures, "
		        "last_at = excluded.last_at, until_at = excluded.until_at",
		        NULL, e, ARG_TEXT(keys[i].name), ARG_INT(failures), ARG_INT(now),
		        ARG_INT(now + delay_after(&keys[i], failures))));
	}
	TRY(tx_commit(&t, e));
	*wait_s = wait;
	return 0;
}

int st_login_forget(struct store *s, const char *name, int64_t attempts, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "update logins set failures = failures - $2, until_at = 0 where name = $1", NULL,
	        e, ARG_TEXT(name), ARG_INT(attempts)));
	TRY(RUN(s, "delete from logins where name = $1 and failures <= 0", NULL, e,
	        ARG_TEXT(name)));
	return tx_commit(&t, e);
}

int st_login_is_known(struct store *s, const char *place, int64_t now, bool *known, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(place), ARG_INT(now) };
	int64_t n = 0;

	TRY(query_int(s, "select count(*) from logins where name = $1 and until_at > $2", args, 2,
	              &n, e));
	*known = n > 0;
	return 0;
}

int st_login_remember(struct store *s, const char *place, int64_t now, int64_t until, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s,
	        "insert into logins (name, failures, last_at, until_at) values ($1, 0, $2, $3) "
	        "on conflict (name) do update set last_at = excluded.last_at, "
	        "until_at = excluded.until_at",
	        NULL, e, ARG_TEXT(place), ARG_INT(now), ARG_INT(until)));
	return tx_commit(&t, e);
}
