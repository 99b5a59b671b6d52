/*
 * Who asks over the network. A token or cookie that is not known costs the same readings of the
 * database as one that is, and what is wrong with it is told in the same words.
 */
#include "ops/ops_auth.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/signin.h"
#include "ops/internal.h"
#include "ops/op_session.h"
#include "ops/owner.h"

static int nobody(struct err *e)
{
	return err_set(e, ERR_UNKNOWN_CALLER,
	               "the token or session is unknown or has ended, or its user is disabled");
}

/* What is not there is no failure. */
static int found(int result, const struct err *why, struct err *e)
{
	if (result < 0 && result != -ERR_NOT_FOUND)
		*e = *why;
	return result == -ERR_NOT_FOUND ? 0 : result;
}

/* The rights of a user as they are now, at most those of role. */
static int rights_now(struct ops *o, struct arena *a, const char *name, const char *role,
                      struct who *out, struct err *e)
{
	enum role own, most;
	struct user u = { 0 };
	struct err why;
	struct who w = { 0 };

	TRY(found(st_user_get(o->run.store, a, name ? name : "", &u, &why), &why, e));
	if (!name || !u.enabled || !role_parse(u.role, &own) ||
	    !role_parse(role ? role : u.role, &most) || !role_meet(own, most, &w.role))
		return nobody(e);
	w.user = u.name;
	*out = w;
	return 0;
}

int ops_auth_token(struct ops *o, struct arena *a, const char *text, struct who *out, struct err *e)
{
	struct token x = { 0 };
	struct who w;
	struct err why;
	char *hash;

	TRY(secret_hash(a, text, &hash, e));
	TRY(found(st_token_by_hash(o->run.store, a, hash, &x, &why), &why, e));
	TRY(rights_now(o, a, x.owner, x.role, &w, e));
	if (x.expires_at && x.expires_at <= clock_now())
		return nobody(e);
	w.token = x.name;
	if (scope_is_narrow(&x.scope) || !scope_may_change(&x.scope)) {
		struct scope *scope = ARENA_NEW(a, struct scope);

		*scope = x.scope;
		w.scope = scope;
	}
	if (st_token_used(o->run.store, &x, clock_now(), &why) < 0)
		log_warn("that the token %s was used is not written down: %s", x.name, why.text);
	*out = w;
	return 0;
}

/* Written down at most once a minute. */
static void stay(struct ops *o, const struct session *x, int64_t now)
{
	int64_t idle = now + SESSION_IDLE_S < x->end_at ? now + SESSION_IDLE_S : x->end_at;
	struct err why;

	if (idle - x->idle_at >= 60 && st_session_move(o->run.store, x->id, idle, &why) < 0)
		log_warn("the idle time of a session of %s is not moved: %s", x->owner, why.text);
}

int ops_auth_session(struct ops *o, struct arena *a, const char *cookie, bool changes,
                     const char *csrf, struct who *out, struct err *e)
{
	struct session x = { 0 };
	int64_t now = clock_now();
	struct err why;
	struct who w;
	char *hash;

	TRY(secret_hash(a, cookie, &hash, e));
	TRY(found(st_session_by_hash(o->run.store, a, hash, &x, &why), &why, e));
	TRY(rights_now(o, a, x.owner, NULL, &w, e));
	if (x.end_at <= now || x.idle_at <= now)
		return nobody(e);
	if (changes && !secret_same(x.csrf, csrf))
		return err_set(e, ERR_DENIED,
		               "the request does not say that it comes from the page: it lacks "
		               "the session's own \"csrf\"");
	stay(o, &x, now);
	w.session = arena_printf(a, "%lld", (long long)x.id);
	*out = w;
	return 0;
}

int ops_auth_again(struct ops *o, struct arena *a, const char *user, const char *role,
                   const char *address, struct who *out, struct err *e)
{
	struct who w;

	TRY(rights_now(o, a, user, role, &w, e));
	w.address = address;
	*out = w;
	return 0;
}
