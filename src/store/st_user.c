/*
 * Users, and the domains bound to them. Deleting a user takes what is bound to them, their tokens
 * and their sessions along. What changes with each sign-in is changed alone, so that it never
 * undoes what somebody else changed meanwhile.
 */
#include "base/clock.h"
#include "store/internal.h"

int st_user_put(struct store *s, struct user *u, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct user row = *u;

	TRY(tx_open(s, &t, e));
	row.updated_at = clock_now();
	if (!row.created_at)
		row.created_at = row.updated_at;
	if (record_put(s, T_USERS, &row, &row.id, e) < 0)
		return err_ctx(e, "user %s", u->name);
	TRY(tx_commit(&t, e));
	*u = row;
	return 0;
}

int st_user_get(struct store *s, struct arena *a, const char *name, struct user *out, struct err *e)
{
	const struct query q = QUERY("where name = $1", ARG_TEXT(name));
	bool found = false;

	TRY(record_get(s, a, T_USERS, &q, out, &found, e));
	return found ? 0
	             : err_set(e, ERR_NOT_FOUND,
	                       "there is no user %s; `everleaf user list` shows them", name);
}

int st_user_by_link(struct store *s, struct arena *a, const char *hash, struct user *out,
                    struct err *e)
{
	const struct query q = QUERY("where link = $1", ARG_TEXT(hash));
	bool found = false;

	TRY(record_get(s, a, T_USERS, &q, out, &found, e));
	return found ? 0 : err_set(e, ERR_NOT_FOUND, "there is no such link");
}

int st_user_list(struct store *s, struct arena *a, const char *after, size_t limit,
                 struct user **out, size_t *n, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(after ? after : ""), ARG_INT((int64_t)limit) };
	const struct query q = { "where name > $1 order by name limit $2", args, 2, true };
	void *rows = NULL;

	TRY(record_list(s, a, T_USERS, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_user_delete(struct store *s, const char *name, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from users where name = $1", NULL, e, ARG_TEXT(name)));
	return tx_commit(&t, e);
}

int st_user_admins(struct store *s, const char *but, int64_t *n, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(but) };

	return query_int(s,
	                 "select count(*) from users where role = 'admin' and enabled = 1 and "
	                 "name <> $1",
	                 args, 1, n, e);
}

int st_user_signed_in(struct store *s, int64_t id, int64_t at, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "update users set last_login_at = $2 where id = $1", NULL, e, ARG_INT(id),
	        ARG_INT(at)));
	return tx_commit(&t, e);
}

int st_user_rehash(struct store *s, int64_t id, const char *from, const char *to, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "update users set password = $3 where id = $1 and password = $2", NULL, e,
	        ARG_INT(id), ARG_TEXT(from), ARG_TEXT(to)));
	return tx_commit(&t, e);
}

int st_user_step(struct store *s, int64_t id, int64_t step, bool *fresh, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	int64_t changed = 0;

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "update users set totp_step = $2 where id = $1 and totp_step < $2", &changed, e,
	        ARG_INT(id), ARG_INT(step)));
	TRY(tx_commit(&t, e));
	*fresh = changed == 1;
	return 0;
}

/* certificates of one owner */

int st_owner_count(struct store *s, const char *owner, int64_t *n, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(owner) };

	return query_int(s, "select count(*) from certs where owner = $1", args, 1, n, e);
}

int st_owner_hand_over(struct store *s, const char *owner, const char *heir, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "update certs set owner = $2, updated_at = $3 where owner = $1", NULL, e,
	        ARG_TEXT(owner), ARG_TEXT(heir), ARG_INT(clock_now())));
	return tx_commit(&t, e);
}

/* bindings */

int st_binding_put(struct store *s, struct binding *b, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct binding row = *b;

	TRY(tx_open(s, &t, e));
	if (!row.created_at)
		row.created_at = clock_now();
	TRY(RUN(s, "delete from user_domains where owner = $1 and domain = $2", NULL, e,
	        ARG_TEXT(b->owner), ARG_TEXT(b->domain)));
	row.id = 0;
	TRY(record_put(s, T_USER_DOMAINS, &row, &row.id, e));
	TRY(tx_commit(&t, e));
	*b = row;
	return 0;
}

int st_binding_list(struct store *s, struct arena *a, const char *owner, struct binding **out,
                    size_t *n, struct err *e)
{
	const struct query q = QUERY("where owner = $1 order by domain", ARG_TEXT(owner));
	void *rows = NULL;

	TRY(record_list(s, a, T_USER_DOMAINS, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_binding_delete(struct store *s, const char *owner, const char *domain, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from user_domains where owner = $1 and domain = $2", NULL, e,
	        ARG_TEXT(owner), ARG_TEXT(domain)));
	return tx_commit(&t, e);
}
