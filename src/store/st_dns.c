/*
 * DNS accounts, and the locks under which names are written. All locks of one piece of work are
 * taken in one transaction, or none is; a process that died has lost its own, as with leases.
 */
#include "base/clock.h"
#include "base/log.h"
#include "store/internal.h"
#include "store/lease.h"

#define LEFT_BEHIND_S 86400

int st_dns_put(struct store *s, struct dns_account *x, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct dns_account row = *x;

	TRY(tx_open(s, &t, e));
	if (!row.created_at)
		row.created_at = row.updated_at = clock_now();
	if (record_put(s, T_DNS_ACCOUNTS, &row, &row.id, e) < 0)
		return err_ctx(e, "DNS account %s", row.name);
	TRY(tx_commit(&t, e));
	*x = row;
	return 0;
}

int st_dns_get(struct store *s, struct arena *a, const char *name, struct dns_account *out,
               struct err *e)
{
	const struct query q = QUERY("where name = $1", ARG_TEXT(name));
	bool found = false;

	TRY(record_get(s, a, T_DNS_ACCOUNTS, &q, out, &found, e));
	if (!found)
		return err_set(e, ERR_NOT_FOUND,
		               "there is no DNS account %s; `everleaf dns list` shows them, "
		               "`everleaf dns add PROVIDER %s` makes it",
		               name, name);
	return 0;
}

int st_dns_list(struct store *s, struct arena *a, struct dns_account **out, size_t *n,
                struct err *e)
{
	const struct query q = { .tail = "order by name", .no_secrets = true };
	void *rows = NULL;

	TRY(record_list(s, a, T_DNS_ACCOUNTS, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_dns_delete(struct store *s, const char *name, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from dns_accounts where name = $1", NULL, e, ARG_TEXT(name)));
	return tx_commit(&t, e);
}

/* locks */

static int lock_check(struct store *s, struct arena *a, const char *name, struct err *e)
{
	int64_t now = 0;
	struct arg args[] = { ARG_TEXT(name), ARG_INT(0) };
	struct strings lease = { 0 }, ended = { 0 };
	struct holder h;

	TRY(db_now(s->db, &now, e));
	args[1].number = now;
	TRY(query_strings(s, a, "select lease from locks where name = $1", args, 1, &lease, e));
	if (lease.n == 0 || !holder_parse(a, lease.v[0], &h) || !holder_is_alive(&h))
		return 0;
	TRY(query_strings(s, a, "select name from locks where name = $1 and lease_until <= $2",
	                  args, 2, &ended, e));
	if (!holder_is_here(&h) && ended.n)
		return 0;
	return err_set(e, ERR_BUSY, "%s is being written by %s; try again later", name,
	               holder_words(a, &h));
}

int st_lock_take(struct store *s, const struct strings *names, const char *what, int64_t seconds,
                 struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct tx t CLEANUP(tx_done) = { 0 };
	struct holder self;
	int64_t now = 0;

	holder_self(a, what, &self);
	TRY(tx_open(s, &t, e));
	TRY(db_now(s->db, &now, e));
	for (size_t i = 0; i < names->n; i++)
		TRY(lock_check(s, a, names->v[i], e));
	/* what killed processes left of names that nobody came back to */
	TRY(RUN(s, "delete from locks where lease_until <= $1", NULL, e,
	        ARG_INT(now - LEFT_BEHIND_S)));
	for (size_t i = 0; i < names->n; i++)
		TRY(RUN(s,
		        "insert into locks (name, lease, lease_until) values ($1, $2, $3) "
		        "on conflict (name) do update set lease = excluded.lease, "
		        "lease_until = excluded.lease_until",
		        NULL, e, ARG_TEXT(names->v[i]), ARG_TEXT(holder_text(a, &self)),
		        ARG_INT(now + seconds)));
	return tx_commit(&t, e);
}

static int locks_end(struct store *s, const struct strings *names, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	for (size_t i = 0; i < names->n; i++) {
		const struct arg args[] = { ARG_TEXT(names->v[i]) };
		struct strings lease = { 0 };
		struct holder h;

		TRY(query_strings(s, a, "select lease from locks where name = $1", args, 1, &lease,
		                  e));
		if (lease.n && holder_parse(a, lease.v[0], &h) && holder_is_self(&h))
			TRY(query_run(s, "delete from locks where name = $1", args, 1, NULL, e));
	}
	return tx_commit(&t, e);
}

/* Once more after a failure: a lock that stays would stop everybody as long as this process lives.
 */
void st_lock_drop(struct store *s, const struct strings *names)
{
	struct err e;

	if (locks_end(s, names, &e) < 0 && locks_end(s, names, &e) < 0)
		log_warn("the locks on %s%s are not released: %s", names->n ? names->v[0] : "",
		         names->n > 1 ? " and others" : "", e.text);
}
