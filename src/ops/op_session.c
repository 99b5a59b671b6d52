/*
 * Signing in with a browser. Each sign-in makes a new session; whoever changes their password or
 * second factor says the password again, and ends their other sessions by it.
 */
#include "ops/op_session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "flow/signin.h"
#include "ops/internal.h"
#include "ops/owner.h"
#include "ops/people.h"
#include "ops/tx.h"

const struct field session_new_fields[] = {
	FIELD(struct session_new, user, FT_STRING, F_REQUIRED, "who"),
	FIELD(struct session_new, password, FT_SECRET, F_REQUIRED, "their password"),
	FIELD(struct session_new, totp, FT_SECRET, 0, "the code of their second factor"),
	FIELD_END,
};
#define SAID_FIELDS                                                                                \
	FIELD(struct session_said, user, FT_STRING, 0, "who is signed in"),                        \
	    FIELD(struct session_said, role, FT_STRING, 0, "what they may do"),                    \
	    FIELD(struct session_said, email, FT_STRING, 0, "their mail address"),                 \
	    FIELD(struct session_said, csrf, FT_STRING, 0, "to be sent along with each change"),   \
	    FIELD(struct session_said, second_factor, FT_BOOL, 0, "they have one"),                \
	    FIELD(struct session_said, idle_at, FT_TIME, 0, "when it ends if it is not used"),     \
	    FIELD(struct session_said, end_at, FT_TIME, 0, "when it ends at the latest"),          \
	    FIELD_END
const struct field session_said_fields[] = { SAID_FIELDS };
const struct field session_made_fields[] = {
	FIELD(struct session_said, cookie, FT_STRING, 0, "the session's cookie"),
	SAID_FIELDS,
};
const struct field session_first_fields[] = {
	FIELD(struct session_first, link, FT_SECRET, F_REQUIRED, "the one-time link's text"),
	FIELD(struct session_first, password, FT_SECRET, F_REQUIRED, "the password to be"),
	FIELD_END,
};
const struct field password_change_fields[] = {
	FIELD(struct password_change, password, FT_SECRET, F_REQUIRED, "the password so far"),
	FIELD(struct password_change, new_password, FT_SECRET, F_REQUIRED, "the password to be"),
	FIELD_END,
};
const struct field password_again_fields[] = {
	FIELD(struct password_again, password, FT_SECRET, F_REQUIRED, "your password"),
	FIELD_END,
};
const struct field totp_said_fields[] = {
	FIELD(struct totp_said, secret, FT_STRING, 0, "the secret, base32"),
	FIELD(struct totp_said, uri, FT_STRING, 0, "the same as an address that telephones read"),
	FIELD_END,
};
const struct field totp_confirm_fields[] = {
	FIELD(struct totp_confirm, totp, FT_SECRET, F_REQUIRED, "a code that the telephone shows"),
	FIELD_END,
};

static const char *address_of(const struct ops *o)
{
	return o->who ? o->who->address : NULL;
}

/* Who asked as nobody is known from here on, to this request's end. */
static void known_as(struct ops *o, const struct user *u)
{
	if (!o->who)
		return;
	o->actor = arena_printf(o->arena, "user:%s", u->name);
	ops_act(o);
}

static int begin(struct ops *o, struct arena *a, const struct user *u, struct session_said *out,
                 struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	int64_t now = clock_now();
	struct session x = { .owner = u->name,
		             .address = address_of(o),
		             .created_at = now,
		             .idle_at = now + SESSION_IDLE_S,
		             .end_at = now + SESSION_END_S };
	char *cookie, *csrf, *hash, *unused;

	TRY(secret_new(a, "", &cookie, &hash, e));
	TRY(secret_new(a, "", &csrf, &unused, e));
	x.hash = hash;
	x.csrf = csrf;
	TRY(ops_tx_begin(o, &t, e));
	TRY(st_session_put(o->run.store, &x, e));
	TRY(st_user_signed_in(o->run.store, u->id, now, e));
	TRY(st_event_add(o->run.store, NULL, "session", e, "user %s signed in", u->name));
	TRY(ops_tx_commit(&t, e));
	*out = (struct session_said){ .user = u->name,
		                      .role = u->role,
		                      .email = u->email,
		                      .cookie = cookie,
		                      .csrf = csrf,
		                      .second_factor = u->totp != NULL,
		                      .idle_at = x.idle_at,
		                      .end_at = x.end_at };
	return 0;
}

/* That somebody tried is an event, and takes as long, whether there is such a user or not; but what
 * else people type there is not kept. */
static void note_failure(struct ops *o, struct arena *a, const char *name, const struct err *why)
{
	const char *who = "nobody known";
	struct user u;
	struct err e;

	if (why->code != ERR_UNKNOWN_CALLER)
		return;
	if (st_user_get(o->run.store, a, name, &u, &e) == 0)
		who = arena_printf(a, "user %s", u.name);
	if (st_event_add(o->run.store, NULL, "session", &e, "signing in as %s failed", who) < 0)
		log_warn("that signing in failed is not written down: %s", e.text);
}

int op_session_create(struct ops *o, struct arena *a, void *in_record, void *out_record,
                      struct err *e)
{
	const struct session_new *in = in_record;
	const struct signin s = { .user = in->user,
		                  .password = in->password,
		                  .code = in->totp,
		                  .address = address_of(o) };
	struct user u;

	if (signin(&o->run, a, &s, &u, e) < 0) {
		note_failure(o, a, in->user, e);
		return -(int)e->code;
	}
	known_as(o, &u);
	return begin(o, a, &u, out_record, e);
}

/* What is done in a browser, by its session alone. */
static int own_session(struct ops *o, struct arena *a, struct user *u, struct session *x,
                       struct err *e)
{
	if (!o->who || !o->who->session)
		return err_set(e, ERR_DENIED,
		               "that is for who signed in with a password; a token has "
		               "no session");
	TRY(st_session_by_id(o->run.store, a, strtoll(o->who->session, NULL, 10), x, e));
	return st_user_get(o->run.store, a, o->who->user, u, e);
}

int op_session_show(struct ops *o, struct arena *a, void *in_record, void *out_record,
                    struct err *e)
{
	struct session x;
	struct user u;

	(void)in_record;
	TRY(own_session(o, a, &u, &x, e));
	*(struct session_said *)out_record = (struct session_said){ .user = u.name,
		                                                    .role = u.role,
		                                                    .email = u.email,
		                                                    .csrf = x.csrf,
		                                                    .second_factor = u.totp != NULL,
		                                                    .idle_at = x.idle_at,
		                                                    .end_at = x.end_at };
	return 0;
}

int op_session_end(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	struct session x;
	struct user u;

	(void)in_record;
	(void)out_record;
	TRY(own_session(o, a, &u, &x, e));
	TRY(st_session_delete(o->run.store, x.id, e));
	return st_event_add(o->run.store, NULL, "session", e, "user %s signed out", u.name);
}

/* own: the session that stays; 0 = none. */
static int set_password(struct ops *o, struct arena *a, struct user *u, const char *hash,
                        int64_t own, const char *what, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct user now;

	TRY(ops_tx_begin(o, &t, e));
	TRY(st_user_get(o->run.store, a, u->name, &now, e));
	/* somebody else changed it, or used the link, meanwhile */
	if (!now.enabled ||
	    (now.link && u->link ? strcmp(now.link, u->link) != 0 : now.link != u->link))
		return err_set(e, ERR_UNKNOWN_CALLER,
		               "the link is unknown, was used, or has ended");
	now.password = hash;
	now.link = NULL;
	now.link_until = 0;
	TRY(st_user_put(o->run.store, &now, e));
	TRY(st_session_delete_of(o->run.store, now.name, own, e));
	TRY(st_event_add(o->run.store, NULL, "user", e, "user %s %s", now.name, what));
	return ops_tx_commit(&t, e);
}

int op_session_first(struct ops *o, struct arena *a, void *in_record, void *out_record,
                     struct err *e)
{
	const struct session_first *in = in_record;
	struct user u = { 0 };
	char *hash;
	struct err why;
	int result;

	(void)out_record;
	TRY(signin_check_new_password(in->password, e));
	TRY(secret_hash(a, in->link, &hash, e));
	result = st_user_by_link(o->run.store, a, hash, &u, &why);
	if (result < 0 && result != -ERR_NOT_FOUND) {
		*e = why;
		return result;
	}
	if (result < 0 || !u.enabled || u.link_until <= clock_now())
		return err_set(e, ERR_UNKNOWN_CALLER,
		               "the link is unknown, was used, or has ended");
	TRY(signin_hash_password(a, in->password, &hash, e));
	known_as(o, &u);
	TRY(set_password(o, a, &u, hash, 0, "chose a password by a one-time link", e));
	if (fs_remove(link_path(o, a, u.name), &why) < 0)
		log_warn("the used link of user %s: %s", u.name, why.text);
	return 0;
}

/* The password, said again. */
static int again(struct ops *o, struct arena *a, const char *password, struct user *u,
                 struct session *x, struct err *e)
{
	struct signin s = { .password = password,
		            .address = address_of(o),
		            .password_alone = true };

	TRY(own_session(o, a, u, x, e));
	s.user = u->name;
	if (signin(&o->run, a, &s, u, e) == 0)
		return 0;
	/* the session itself is good */
	if (e->code == ERR_UNKNOWN_CALLER)
		err_set(e, ERR_DENIED, "the password is wrong");
	return err_member(e, "password");
}

int op_session_password(struct ops *o, struct arena *a, void *in_record, void *out_record,
                        struct err *e)
{
	const struct password_change *in = in_record;
	struct session x;
	struct user u;
	char *hash;

	(void)out_record;
	if (signin_check_new_password(in->new_password, e) < 0) {
		e->member[0] = '\0';
		return err_member(e, "new_password");
	}
	TRY(again(o, a, in->password, &u, &x, e));
	TRY(signin_hash_password(a, in->new_password, &hash, e));
	return set_password(o, a, &u, hash, x.id, "changed their password", e);
}

/* Reads the user anew and writes totp and totp_next. */
static int set_totp(struct ops *o, struct arena *a, const char *name, const char *totp,
                    const char *next, const char *what, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct user u;

	TRY(ops_tx_begin(o, &t, e));
	TRY(st_user_get(o->run.store, a, name, &u, e));
	u.totp = totp;
	u.totp_next = next;
	TRY(st_user_put(o->run.store, &u, e));
	if (what)
		TRY(st_event_add(o->run.store, NULL, "user", e, "user %s %s", name, what));
	return ops_tx_commit(&t, e);
}

int op_totp_begin(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct password_again *in = in_record;
	char *secret, *uri;
	struct session x;
	struct user u;

	TRY(again(o, a, in->password, &u, &x, e));
	if (u.totp)
		return err_set(e, ERR_EXISTS,
		               "there is a second factor already; take it away first");
	TRY(signin_totp_new(a, u.name, &secret, &uri, e));
	TRY(set_totp(o, a, u.name, NULL, secret, NULL, e));
	*(struct totp_said *)out_record = (struct totp_said){ secret, uri };
	return 0;
}

int op_totp_confirm(struct ops *o, struct arena *a, void *in_record, void *out_record,
                    struct err *e)
{
	const struct totp_confirm *in = in_record;
	struct session x;
	int64_t step = 0;
	bool fresh = false;
	struct user u;

	(void)out_record;
	TRY(own_session(o, a, &u, &x, e));
	if (!u.totp_next)
		return err_set(e, ERR_INPUT, "no second factor waits for a code");
	TRY(signin_totp_check(a, u.totp_next, in->totp, &step, e));
	if (step)
		TRY(st_user_step(o->run.store, u.id, step, &fresh, e));
	if (!fresh) {
		err_set(e, ERR_DENIED, "the code is wrong, or was used already");
		return err_member(e, "totp");
	}
	TRY(set_totp(o, a, u.name, u.totp_next, NULL, "has a second factor now", e));
	return st_session_delete_of(o->run.store, u.name, x.id, e);
}

int op_totp_remove(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct password_again *in = in_record;
	struct session x;
	struct user u;

	(void)out_record;
	TRY(again(o, a, in->password, &u, &x, e));
	if (!u.totp && !u.totp_next)
		return err_set(e, ERR_NOT_FOUND, "there is no second factor");
	return set_totp(o, a, u.name, NULL, NULL, "has no second factor any more", e);
}
