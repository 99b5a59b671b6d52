/*
 * Kept answers. A row is made before the request is worked on, so that only one of two requests
 * with the same key is; a row whose process ended says so, since nobody knows how far it came.
 */
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "store/internal.h"
#include "store/lease.h"
#include "store/replies.h"
#include "sys/hash.h"

#define KEPT_S 86400
#define HOLD_S 120
#define KEEP_TRIES 5

/* Of this process. */
static const char *holder(struct store *s)
{
	struct holder self;

	if (!s->reply_holder) {
		holder_self(s->a, "a request", &self);
		s->reply_holder = holder_text(s->a, &self);
	}
	return s->reply_holder;
}

/* Whether a process of this host lives can be seen; of others only the time is known. */
static bool is_at_work(const struct reply *r)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	struct holder h;

	if (holder_parse(a, r->holder, &h) && holder_is_here(&h))
		return holder_is_alive(&h);
	return r->holder_until > clock_now();
}

int st_fingerprint(struct arena *a, const char *text, const char **out, struct err *e)
{
	unsigned char digest[32];

	TRY(hash_digest(HASH_SHA256, text, strlen(text), digest, e));
	*out = base64url_encode(a, digest, sizeof(digest));
	return 0;
}

static enum reply_state state_of(const struct reply *r, const char *fingerprint)
{
	if (strcmp(r->fingerprint, fingerprint) != 0)
		return REPLY_OTHER;
	if (!r->holder)
		return REPLY_KEPT;
	return is_at_work(r) ? REPLY_UNDER_WAY : REPLY_LOST;
}

int st_reply_claim(struct store *s, struct arena *a, const char *name, const char *fingerprint,
                   struct reply *out, enum reply_state *state, struct err *e)
{
	const struct query q = QUERY("where name = $1", ARG_TEXT(name));
	struct tx t CLEANUP(tx_done) = { 0 };
	struct reply r = { 0 };
	int64_t now = clock_now(), made = 0;
	bool found = false;

	TRY(tx_open(s, &t, e));
	TRY(RUN(s, "delete from replies where at < $1", NULL, e, ARG_INT(now - KEPT_S)));
	TRY(RUN(s,
	        "insert into replies (name, fingerprint, holder, holder_until, at) values ($1, $2, "
	        "$3, $4, $5) on conflict (name) do nothing",
	        &made, e, ARG_TEXT(name), ARG_TEXT(fingerprint), ARG_TEXT(holder(s)),
	        ARG_INT(now + HOLD_S), ARG_INT(now)));
	TRY(record_get(s, a, T_REPLIES, &q, &r, &found, e));
	if (!found)
		return err_set(e, ERR_BUSY, "an answer was taken away meanwhile");
	TRY(tx_commit(&t, e));
	*state = made ? REPLY_NEW : state_of(&r, fingerprint);
	*out = r;
	return 0;
}

static int keep(struct store *s, const char *name, const struct reply *r, struct err *e)
{
	struct arena *a CLEANUP(arena_cleanup) = arena_new(0);
	const struct query q = QUERY("where name = $1", ARG_TEXT(name));
	struct tx t CLEANUP(tx_done) = { 0 };
	struct reply row = { 0 };
	bool found = false;

	TRY(tx_open(s, &t, e));
	TRY(record_get(s, a, T_REPLIES, &q, &row, &found, e));
	if (found && r) {
		row.holder = NULL;
		row.status = r->status;
		row.location = r->location;
		row.body = r->body;
		TRY(record_put(s, T_REPLIES, &row, &row.id, e));
	} else if (found) {
		TRY(RUN(s, "delete from replies where name = $1", NULL, e, ARG_TEXT(name)));
	}
	return tx_commit(&t, e);
}

/* An answer that is not kept is under way to whoever asks again. */
int st_reply_keep(struct store *s, const char *name, const struct reply *r, struct err *e)
{
	int rc = keep(s, name, r, e);

	for (int i = 0; i < KEEP_TRIES && rc < 0 && err_is_of_database(e); i++)
		rc = keep(s, name, r, e);
	return rc;
}
