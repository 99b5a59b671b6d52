/*
 * Channels, and the outbox: news on its way to them. A row is written in the transaction of what
 * happened; the same key is kept once for a channel, also while it is remembered after it arrived.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "store/internal.h"
#include "sys/hash.h"

#define TOKEN_BYTES 16

int st_channel_put(struct store *s, struct channel *x, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };
	struct channel row = *x;

	TRY(tx_open(s, &t, e));
	if (!row.created_at)
		row.created_at = row.updated_at = clock_now();
	if (record_put(s, T_CHANNELS, &row, &row.id, e) < 0)
		return err_ctx(e, "channel %s", row.name);
	TRY(tx_commit(&t, e));
	*x = row;
	return 0;
}

int st_channel_get(struct store *s, struct arena *a, const char *name, struct channel *out,
                   struct err *e)
{
	const struct query q = QUERY("where name = $1", ARG_TEXT(name));
	bool found = false;

	TRY(record_get(s, a, T_CHANNELS, &q, out, &found, e));
	if (!found)
		return err_set(e, ERR_NOT_FOUND,
		               "there is no channel %s; `everleaf notify list` shows them, "
		               "`everleaf notify add KIND %s` makes it",
		               name, name);
	return 0;
}

int st_channel_list(struct store *s, struct arena *a, struct channel **out, size_t *n,
                    struct err *e)
{
	const struct query q = { .tail = "order by name", .no_secrets = true };
	void *rows = NULL;

	TRY(record_list(s, a, T_CHANNELS, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_channel_delete(struct store *s, const char *name, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from channels where name = $1", NULL, e, ARG_TEXT(name)));
	return tx_commit(&t, e);
}

int st_channel_result(struct store *s, const char *name, int64_t sent_at, const char *error,
                      struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s,
	        "update channels set last_error = $2, last_sent_at = case when $3 > 0 then $3 else "
	        "last_sent_at end where name = $1",
	        NULL, e, ARG_TEXT(name), ARG_TEXT(error), ARG_INT(sent_at)));
	return tx_commit(&t, e);
}

/* the outbox */

int st_outbox_add(struct store *s, const struct outbox *x, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct tx t CLEANUP(tx_done) = { 0 };
	unsigned char random[TOKEN_BYTES];

	TRY(hash_random(random, sizeof(random), e));
	TRY(tx_open(s, &t, e));
	TRY(RUN(
	    s,
	    "insert into outbox (channel, dedup, token, kind, cert, account, subject, text, at, "
	    "due_at, person) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict "
	    "(channel, dedup) do nothing",
	    NULL, e, ARG_TEXT(x->channel), ARG_TEXT(x->dedup),
	    ARG_TEXT(hex_encode(a, random, sizeof(random))), ARG_TEXT(x->kind), ARG_TEXT(x->cert),
	    ARG_TEXT(x->account), ARG_TEXT(x->subject), ARG_TEXT(x->text), ARG_INT(x->at),
	    ARG_INT(x->due_at), ARG_TEXT(x->person)));
	return tx_commit(&t, e);
}

int st_admin_addresses(struct store *s, struct arena *a, struct strings *out, struct err *e)
{
	return query_strings(
	    s, a,
	    "select distinct email from users where role = 'admin' and enabled = 1 "
	    "and email is not null order by email",
	    NULL, 0, out, e);
}

int st_outbox_channels(struct store *s, struct arena *a, int64_t now, struct strings *out,
                       struct err *e)
{
	const struct arg args[] = { ARG_INT(now) };

	return query_strings(s, a,
	                     "select distinct outbox.channel from outbox join channels on "
	                     "channels.name = outbox.channel where outbox.due_at > 0 and "
	                     "outbox.due_at <= $1 and channels.enabled = 1 order by outbox.channel",
	                     args, 1, out, e);
}

int st_outbox_due(struct store *s, struct arena *a, const char *channel, int64_t now, size_t limit,
                  struct outbox **out, size_t *n, struct err *e)
{
	const struct query q = QUERY("where channel = $1 and due_at > 0 and due_at <= $2 order by "
	                             "coalesce(person, ''), id limit $3",
	                             ARG_TEXT(channel), ARG_INT(now), ARG_INT((int64_t)limit));
	void *rows = NULL;

	TRY(record_list(s, a, T_OUTBOX, &q, &rows, n, e));
	*out = rows;
	return 0;
}

int st_outbox_waiting(struct store *s, const char *channel, int64_t *n, struct err *e)
{
	const struct arg args[] = { ARG_TEXT(channel) };

	return query_int(s, "select count(*) from outbox where channel = $1 and due_at > 0", args,
	                 1, n, e);
}

int st_outbox_put(struct store *s, const struct outbox *v, size_t n, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	for (size_t i = 0; i < n; i++)
		TRY(RUN(
		    s,
		    "update outbox set due_at = $2, attempts = $3, sent_at = $4, last_error = $5 "
		    "where id = $1",
		    NULL, e, ARG_INT(v[i].id), ARG_INT(v[i].due_at), ARG_INT(v[i].attempts),
		    ARG_INT(v[i].sent_at), ARG_TEXT(v[i].last_error)));
	return tx_commit(&t, e);
}

int st_outbox_forget(struct store *s, int64_t before, struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from outbox where due_at = 0 and at < $1", NULL, e, ARG_INT(before)));
	return tx_commit(&t, e);
}

/* what is to be told */

int st_tell_due(struct store *s, struct arena *a, int64_t now, size_t limit, struct strings *certs,
                struct err *e)
{
	const struct arg args[] = { ARG_INT(now), ARG_INT((int64_t)limit) };

	return query_strings(s, a,
	                     "select name from certs where tell_at > 0 and tell_at <= $1 order by "
	                     "tell_at, id limit $2",
	                     args, 2, certs, e);
}

int st_tell_set(struct store *s, const char *cert, int64_t told_until, int64_t tell_at,
                struct err *e)
{
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "update certs set told_until = $2, tell_at = $3 where name = $1", NULL, e,
	        ARG_TEXT(cert), ARG_INT(told_until), ARG_INT(tell_at)));
	return tx_commit(&t, e);
}

/* passes */

int st_pass_put(struct store *s, int64_t at, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct tx t CLEANUP(tx_done) = { 0 };

	TRY(tx_open(s, &t, e));
	TRY(meta_put(s, "last_pass", arena_printf(a, "%lld", (long long)at), e));
	return tx_commit(&t, e);
}

int st_pass_get(struct store *s, int64_t *at, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const char *value = NULL;

	TRY(meta_get(s, a, "last_pass", &value, e));
	*at = value ? strtoll(value, NULL, 10) : 0;
	return 0;
}
