/*
 * Users. Who has no password yet gets one by a one-time link: over the network it is told once, on
 * the daemon's own host it is put into a file that only its owner reads.
 */
#include "ops/op_user.h"

#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fs.h"
#include "flow/lease.h"
#include "flow/signin.h"
#include "ops/internal.h"
#include "ops/owner.h"
#include "ops/people.h"
#include "ops/tx.h"

#define HAND_OVER_AT_ONCE 100

const struct field user_new_fields[] = {
	FIELD(struct user_new, name, FT_STRING, F_REQUIRED, "what they are called"),
	FIELD(struct user_new, role, FT_STRING, F_REQUIRED, "admin, operator, user or auditor"),
	FIELD(struct user_new, email, FT_STRING, 0, "mail address"),
	FIELD(struct user_new, password, FT_SECRET, 0, "none: a one-time link is made"),
	FIELD(struct user_new, disabled, FT_BOOL, 0, "not to sign in for now"),
	FIELD_END,
};
const struct field user_change_fields[] = {
	FIELD(struct user_change, name, FT_STRING, F_REQUIRED, "who"),
	FIELD(struct user_change, role, FT_STRING, 0, "admin, operator, user or auditor"),
	FIELD(struct user_change, email, FT_STRING, 0, "mail address; null: none"),
	FIELD(struct user_change, enabled, FT_BOOL, 0, "may sign in, and their tokens are good"),
	FIELD(struct user_change, password, FT_SECRET, 0, "another one; ends their sessions"),
	FIELD(struct user_change, second_factor, FT_BOOL, 0, "false takes theirs away"),
	FIELD(struct user_change, link, FT_BOOL, 0, "true makes a one-time link"),
	FIELD_END,
};
const struct field user_said_fields[] = {
	FIELD(struct user_said, name, FT_STRING, 0, "what they are called"),
	FIELD(struct user_said, role, FT_STRING, 0, "admin, operator, user or auditor"),
	FIELD(struct user_said, email, FT_STRING, 0, "mail address"),
	FIELD(struct user_said, enabled, FT_BOOL, 0, "may sign in, and their tokens are good"),
	FIELD(struct user_said, has_password, FT_BOOL, 0, "has chosen one"),
	FIELD(struct user_said, second_factor, FT_BOOL, 0, "signs in with a code, too"),
	FIELD(struct user_said, last_login_at, FT_TIME, 0, "when they last signed in"),
	FIELD(struct user_said, created_at, FT_TIME, 0, "when they were added"),
	FIELD(struct user_said, updated_at, FT_TIME, 0, "when something of this changed"),
	FIELD(struct user_said, tokens_of_others, FT_INT, 0,
	      "made with theirs: so many are revoked when the user is deleted"),
	FIELD(struct user_said, link, FT_STRING, 0,
	      "the one-time link that was just made, told only now"),
	FIELD(struct user_said, link_file, FT_STRING, 0, "the file on the host that has it"),
	FIELD_END,
};
const struct field user_ask_fields[] = {
	LIST_ROWS(struct user_ask, "name, role, last_login_at, created_at or updated_at"),
	FIELD(struct user_ask, q, FT_STRING, 0, "whose name or mail address has this in it"),
	FIELD(struct user_ask, role, FT_STRING, 0, "admin, operator, user or auditor"),
	FIELD(struct user_ask, enabled, FT_STRING, 0, "true or false"),
	FIELD_END,
};
static const char *const role_words[] = { "admin", "operator", "user", "auditor", NULL };
static const struct list_filter user_filters[] = {
	{ "q", LIST_HAS, { "name", "email" }, NULL },
	{ "role", LIST_IS, { "role" }, role_words },
	{ "enabled", LIST_IS, { "enabled" }, list_yes_no },
};
static const struct list_rule user_rule = {
	.ask = user_ask_fields,
	.items = user_fields,
	.size = sizeof(struct user),
	.key = "name",
	.sorts = (const char *const[]){ "name", "role", "last_login_at", "created_at", "updated_at",
	                                NULL },
	.filters = user_filters,
	.n_filters = ARRAY_LEN(user_filters),
};
const struct field user_list_fields[] = LIST_FIELDS(struct user_said, user_said_fields);
const struct field user_end_fields[] = {
	FIELD(struct user_end, name, FT_STRING, F_REQUIRED, "who"),
	FIELD(struct user_end, heir, FT_STRING, 0, "who gets their certificates"),
	FIELD_END,
};

static struct user_said said(const struct user *u)
{
	return (struct user_said){ .name = u->name,
		                   .role = u->role,
		                   .email = u->email,
		                   .enabled = u->enabled,
		                   .has_password = u->password != NULL,
		                   .second_factor = u->totp != NULL,
		                   .last_login_at = u->last_login_at,
		                   .created_at = u->created_at,
		                   .updated_at = u->updated_at };
}

static int say(struct ops *o, const struct user *u, struct user_said *out, struct err *e)
{
	struct user_said x = said(u);

	TRY(st_token_of_others(o->run.store, u->name, &x.tokens_of_others, e));
	*out = x;
	return 0;
}

static int check_role(const char *word, struct err *e)
{
	enum role role;

	if (word && role_parse(word, &role))
		return 0;
	err_set(e, ERR_USAGE,
	        "there is no role \"%s\"; there are admin, operator, user and auditor",
	        word ? word : "");
	return err_member(e, "role");
}

static int check_email(const char *email, struct err *e)
{
	const char *at = email ? strchr(email, '@') : NULL;
	bool fits = !email || (at && at > email && at[1] && !strchr(at + 1, '@') &&
	                       strlen(email) <= 254 && !strpbrk(email, " ,;<>\"\t"));

	for (const char *p = email; p && *p; p++)
		fits = fits && *p > ' ' && *p <= '~';
	if (fits)
		return 0;
	err_set(e, ERR_USAGE, "\"%.100s\" is not a plain mail address", email);
	return err_member(e, "email");
}

/* A one-time link for the user, in the same transaction; its text goes to out. */
static int link_make(struct arena *a, struct user *u, char **text, struct err *e)
{
	char *hash;

	TRY(secret_new(a, "evf_", text, &hash, e));
	u->link = hash;
	u->link_until = clock_now() + LINK_S;
	return 0;
}

/* Told to who asks over the network, else written where only the host's owner reads it. */
static int link_tell(struct ops *o, struct arena *a, const char *text, struct user_said *out,
                     struct err *e)
{
	const char *path = link_path(o, a, out->name);

	if (!text)
		return 0;
	if (o->who) {
		out->link = text;
		return 0;
	}
	TRY(fs_mkdirs(fs_join(a, o->run.state_dir, "first-login"), 0700, e));
	text = arena_printf(a, "%s\n", text);
	TRY(fs_write_atomic(path, text, strlen(text), 0600, e));
	out->link_file = path;
	return 0;
}

/* Somebody has to be left who can manage the others; on the host itself that can be mended. */
static int check_last_admin(struct ops *o, const struct user *u, struct err *e)
{
	int64_t others;

	if (!o->who || strcmp(u->role, "admin") != 0 || !u->enabled)
		return 0;
	TRY(st_user_admins(o->run.store, u->name, &others, e));
	return others ? 0
	              : err_set(e, ERR_DENIED,
	                        "%s is the only enabled administrator; make another one first",
	                        u->name);
}

int op_user_list(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	struct list_page *out = out_record, page;
	struct list_place stopped;
	struct list_ask ask;
	struct user_said *v;
	const struct user *u;
	void *rows;
	size_t n;

	TRY(list_asked(a, &user_rule, in_record, &ask, e));
	if (!o->run.store)
		return 0;
	ask.limit++;
	TRY(st_list(o->run.store, a, LISTED_USERS, &ask, &rows, &n, &stopped, e));
	list_answer(a, &user_rule, &ask, rows, n, NULL, &page);
	u = rows;
	v = ARENA_ARRAY(a, struct user_said, page.items.n + 1);
	for (size_t i = 0; i < page.items.n; i++)
		TRY(say(o, &u[i], &v[i], e));
	page.items.v = v;
	*out = page;
	return 0;
}

int op_user_show(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct named *in = in_record;
	struct user u;

	TRY(st_user_get(o->run.store, a, in->name, &u, e));
	return say(o, &u, out_record, e);
}

static int check_new(const struct user_new *in, struct err *e)
{
	if (!user_is_name(in->name)) {
		err_set(
		    e, ERR_USAGE,
		    "\"%.100s\" cannot be a user's name: up to 64 letters, digits, '.', '_', '-' "
		    "and '@', the first one a letter or digit",
		    in->name);
		return err_member(e, "name");
	}
	TRY(check_role(in->role, e));
	return check_email(in->email, e);
}

static int user_insert(struct ops *o, struct arena *a, struct user *u, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct user known;
	struct err none;

	TRY(ops_tx_begin(o, &t, e));
	if (st_user_get(o->run.store, a, u->name, &known, &none) == 0) {
		err_set(e, ERR_EXISTS, "there is a user %s already", u->name);
		return err_member(e, "name");
	}
	TRY(st_user_put(o->run.store, u, e));
	TRY(st_event_add(o->run.store, NULL, "user", e, "user %s added as %s", u->name, u->role));
	return ops_tx_commit(&t, e);
}

int op_user_create(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct user_new *in = in_record;
	struct user u = {
		.name = in->name, .role = in->role, .email = in->email, .enabled = !in->disabled
	};
	struct user_said made;
	char *text = NULL;

	TRY(check_new(in, e));
	if (in->password) {
		char *hash;

		TRY(signin_hash_password(a, in->password, &hash, e));
		u.password = hash;
	} else {
		TRY(link_make(a, &u, &text, e));
	}
	TRY(user_insert(o, a, &u, e));
	made = said(&u);
	TRY(link_tell(o, a, text, &made, e));
	*(struct user_said *)out_record = made;
	return 0;
}

static bool is_given(const struct user_change *in, const char *member)
{
	return strings_has(&in->given, member);
}

static int check_change(const struct user_change *in, struct err *e)
{
	if (is_given(in, "role"))
		TRY(check_role(in->role, e));
	if (is_given(in, "second_factor") && in->second_factor) {
		err_set(e, ERR_USAGE, "a second factor is set up by who has it");
		return err_member(e, "second_factor");
	}
	if (is_given(in, "password") && !in->password) {
		err_set(e, ERR_USAGE,
		        "a password cannot be taken away; \"link\" makes a new one-time link");
		return err_member(e, "password");
	}
	return is_given(in, "email") ? check_email(in->email, e) : 0;
}

static void apply(const struct user_change *in, const char *hash, struct user *u)
{
	if (is_given(in, "role"))
		u->role = in->role;
	if (is_given(in, "email"))
		u->email = in->email;
	if (is_given(in, "enabled"))
		u->enabled = in->enabled;
	if (is_given(in, "second_factor"))
		u->totp = u->totp_next = NULL;
	if (hash) {
		u->password = hash;
		u->link = NULL;
		u->link_until = 0;
	}
}

static bool stays_admin(const struct user *u)
{
	return strcmp(u->role, "admin") == 0 && u->enabled;
}

static int change_in(struct ops *o, struct arena *a, const struct user_change *in, const char *hash,
                     char **link, struct user *out, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct user before, u;

	TRY(ops_tx_begin(o, &t, e));
	TRY(st_user_get(o->run.store, a, in->name, &before, e));
	u = before;
	apply(in, hash, &u);
	if (!stays_admin(&u))
		TRY(check_last_admin(o, &before, e));
	if (in->link)
		TRY(link_make(a, &u, link, e));
	TRY(st_user_put(o->run.store, &u, e));
	if (hash || !u.enabled)
		TRY(st_session_delete_of(o->run.store, u.name, 0, e));
	TRY(st_event_add(o->run.store, NULL, "user", e, "user %s changed: %s", u.name,
	                 strings_join(a, &in->given, ", ")));
	TRY(ops_tx_commit(&t, e));
	*out = u;
	return 0;
}

int op_user_update(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	const struct user_change *in = in_record;
	char *hash = NULL, *link = NULL;
	struct user_said changed;
	struct user u;

	TRY(check_change(in, e));
	TRY(st_user_get(o->run.store, a, in->name, &u, e));
	if (in->given.n == 0)
		return say(o, &u, out_record, e);
	if (is_given(in, "password"))
		TRY(signin_hash_password(a, in->password, &hash, e));
	TRY(change_in(o, a, in, hash, &link, &u, e));
	TRY(say(o, &u, &changed, e));
	TRY(link_tell(o, a, link, &changed, e));
	*(struct user_said *)out_record = changed;
	return 0;
}

/* Each with its lease, so that nobody who works on it writes the former owner back. */
static int hand_over_one(struct ops *o, struct arena *a, const char *cert, const char *name,
                         const char *heir, struct err *e)
{
	struct cert c;
	int result;

	TRY(lease_take(&o->run, cert, e));
	result = st_cert_get(o->run.store, a, cert, &c, e);
	c.owner = heir;
	if (result == 0)
		result = st_cert_put(o->run.store, &c, e);
	if (result == 0)
		result = st_event_add(o->run.store, c.name, "set", e, "handed over from %s to %s",
		                      name, heir);
	lease_drop(&o->run, cert);
	return result;
}

/* Those that were handed over are found no more. */
static int hand_over(struct ops *o, const char *name, const char *heir, struct err *e)
{
	const struct cert_page theirs = { .owner = name, .limit = HAND_OVER_AT_ONCE };
	struct cert *v;
	size_t n;

	do {
		struct arena *a CLEANUP(arena_cleanup) = arena_new(0);

		TRY(st_cert_page(o->run.store, a, &theirs, &v, &n, e));
		for (size_t i = 0; i < n; i++)
			TRY(hand_over_one(o, a, v[i].name, name, heir, e));
	} while (n > 0);
	return 0;
}

/* Tokens that theirs made for others go with them: how many was told by what was said of the user.
 */
static int end_user(struct ops *o, struct arena *a, const char *name, struct err *e)
{
	int64_t n = 0;

	TRY(st_token_of_others(o->run.store, name, &n, e));
	TRY(st_user_delete(o->run.store, name, e));
	return st_event_add(o->run.store, NULL, "user", e, "user %s deleted%s", name,
	                    n ? arena_printf(a, ", and %lld token%s of others that theirs made",
	                                     (long long)n, n == 1 ? "" : "s")
	                      : "");
}

int op_user_delete(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	const struct user_end *in = in_record;
	struct user u, heir;
	int64_t owned;

	(void)out_record;
	TRY(st_user_get(o->run.store, a, in->name, &u, e));
	TRY(check_last_admin(o, &u, e));
	if (in->heir) {
		if (st_user_get(o->run.store, a, in->heir, &heir, e) < 0)
			return err_member(e, "heir");
		if (strcmp(in->heir, in->name) == 0)
			return err_set(e, ERR_USAGE, "%s cannot inherit from themselves", in->name);
		TRY(hand_over(o, in->name, in->heir, e));
	}
	TRY(ops_tx_begin(o, &t, e));
	TRY(check_last_admin(o, &u, e));
	TRY(st_owner_count(o->run.store, in->name, &owned, e));
	if (owned)
		return err_set(e, ERR_INPUT,
		               "%s owns %lld certificate%s: say who gets them (--give-to USER), or "
		               "delete them first",
		               in->name, (long long)owned, owned == 1 ? "" : "s");
	TRY(end_user(o, a, in->name, e));
	TRY(ops_tx_commit(&t, e));
	return fs_remove(link_path(o, a, in->name), e);
}
