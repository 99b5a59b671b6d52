/*
 * API tokens. Their text is told once, when they are made. A token is made for oneself; an
 * administrator, and the host itself, make them for others too. One that was made by a token ends
 * no later than that, goes with it, and may do no more; one of a lesser scope makes none.
 */
#include "ops/op_token.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "flow/limits.h"
#include "flow/signin.h"
#include "ops/internal.h"
#include "ops/owner.h"
#include "ops/people.h"
#include "ops/tx.h"

#define TOKENS_MOST 100
#define DAY_S 86400

const struct field token_ask_fields[] = {
	LIST_ROWS(struct token_ask, "id, name, owner, role, expires_at, used_at or created_at"),
	FIELD(struct token_ask, q, FT_STRING, 0, "whose name or owner has this in it"),
	FIELD(struct token_ask, user, FT_STRING, 0, "only theirs"),
	FIELD(struct token_ask, role, FT_STRING, 0, "admin, operator, user or auditor"),
	FIELD_END,
};
static const char *const role_words[] = { "admin", "operator", "user", "auditor", NULL };
static const struct list_filter token_filters[] = {
	{ "q", LIST_HAS, { "name", "owner" }, NULL },
	{ "user", LIST_IS, { "owner" }, NULL },
	{ "role", LIST_IS, { "role" }, role_words },
};
static const struct list_rule token_rule = {
	.ask = token_ask_fields,
	.items = token_fields,
	.size = sizeof(struct token),
	.key = "id",
	.sorts = (const char *const[]){ "id", "name", "owner", "role", "expires_at", "used_at",
	                                "created_at", NULL },
	.filters = token_filters,
	.n_filters = ARRAY_LEN(token_filters),
};
const struct field token_list_fields[] = LIST_FIELDS(struct token, token_fields);
const struct field token_new_fields[] = {
	FIELD(struct token_new, name, FT_STRING, F_REQUIRED, "what it is called"),
	FIELD(struct token_new, user, FT_STRING, 0, "whose it is (oneself)"),
	FIELD(struct token_new, role, FT_STRING, 0, "what it may do at most (what they may)"),
	FIELD(struct token_new, expires, FT_STRING, 0, "a time, a day, or days from now (90d)"),
	FIELD(struct token_new, scope, FT_STRING, 0,
	      "of what the role allows: full (default), export (read, with private keys of "
	      "certificates) or read"),
	FIELD(struct token_new, certificates, FT_STRINGS, 0,
	      "only those called so; one with * at its end is a beginning"),
	FIELD(struct token_new, domains, FT_STRINGS, 0,
	      "only those whose names are all under these"),
	FIELD_END,
};
const struct field token_made_fields[] = {
	FIELD(struct token_made, token, FT_STRING, 0, "the token, told only now"),
	FIELD(struct token_made, name, FT_STRING, 0, "what it is called"),
	FIELD(struct token_made, owner, FT_STRING, 0, "whose it is"),
	FIELD(struct token_made, role, FT_STRING, 0, "what it may do at most"),
	FIELD(struct token_made, expires_at, FT_TIME, 0, "when it ends; null: never"),
	FIELD_NAMED(struct token_made, scope.may, "scope", FT_STRING, 0, "full, export or read"),
	FIELD_NAMED(struct token_made, scope.certificates, "certificates", FT_STRINGS, 0,
	            "only those called so; none: all"),
	FIELD_NAMED(struct token_made, scope.domains, "domains", FT_STRINGS, 0,
	            "only those whose names are all under these; none: all"),
	FIELD_END,
};
const struct field token_end_fields[] = {
	FIELD(struct token_end, name, FT_STRING, F_REQUIRED, "what it is called"),
	FIELD(struct token_end, user, FT_STRING, 0, "whose it is (oneself)"),
	FIELD_END,
};

static bool for_all(const struct ops *o)
{
	return !o->who || o->who->role == ROLE_ADMIN;
}

int op_token_list(struct ops *o, struct arena *a, void *in_record, void *out_record, struct err *e)
{
	struct token_ask in = *(const struct token_ask *)in_record;
	const char *own = for_all(o) ? NULL : o->who->user;
	struct list_place stopped;
	struct list_ask ask;
	void *rows;
	size_t n;

	if (own && !in.user)
		in.user = own;
	TRY(list_asked(a, &token_rule, &in, &ask, e));
	if (!o->run.store || (own && strcmp(in.user, own) != 0))
		return 0;
	ask.limit++;
	TRY(st_list(o->run.store, a, LISTED_TOKENS, &ask, &rows, &n, &stopped, e));
	list_answer(a, &token_rule, &ask, rows, n, NULL, out_record);
	return 0;
}

/* On the host nobody is signed in: the user of the token's name, or else the only administrator. */
static int find_owner(struct ops *o, struct arena *a, const char *asked, const char *token,
                      const char **owner, struct err *e)
{
	const char *found = NULL;
	struct user *v, u;
	struct err none;
	size_t n, admins = 0;

	if (asked || o->who ||
	    (user_is_name(token) && st_user_get(o->run.store, a, token, &u, &none) == 0)) {
		*owner = asked ? asked : o->who ? o->who->user : token;
		return 0;
	}
	TRY(st_user_list(o->run.store, a, NULL, PAGE_MOST, &v, &n, e));
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].role, "admin") == 0 && v[i].enabled) {
			found = v[i].name;
			admins++;
		}
	if (admins != 1)
		return err_set(
		    e, ERR_USAGE,
		    admins ? "there are several administrators; say whose it is: --user USER"
		           : "nobody could own it: `everleaf user add NAME --role admin` makes "
		             "an administrator");
	*owner = found;
	return 0;
}

static int wrong_expiry(const char *text, struct err *e)
{
	err_set(e, ERR_USAGE,
	        "\"%.40s\" is not when a token could end: 90d, 2027-06-30 or 2027-06-30T12:00:00Z, "
	        "and not over yet",
	        text);
	return err_member(e, "expires");
}

static int parse_expiry(struct arena *a, const char *text, int64_t now, int64_t *at, struct err *e)
{
	char *end;
	long days;

	if (!text) {
		*at = 0;
		return 0;
	}
	days = strtol(text, &end, 10);
	if (strcmp(end, "d") == 0 && days > 0 && days <= 36500) {
		*at = now + days * DAY_S;
		return 0;
	}
	if (strlen(text) == 10)
		text = arena_printf(a, "%sT00:00:00Z", text);
	if (clock_parse_rfc3339(text, at, e) < 0 || *at <= now)
		return wrong_expiry(text, e);
	return 0;
}

/* The role asked for, within what the owner and who asks may do. */
static int pick_role(struct ops *o, const struct user *u, const char *asked, enum role *out,
                     struct err *e)
{
	enum role owner = 0, role, most;

	if (!role_parse(u->role, &owner) ||
	    !role_meet(owner, o->who ? o->who->role : ROLE_ADMIN, &most))
		return err_set(e, ERR_DENIED, "no token of %s could do anything", u->name);
	if (!asked) {
		*out = most;
		return 0;
	}
	if (!role_parse(asked, &role)) {
		err_set(e, ERR_USAGE,
		        "there is no role \"%.40s\"; there are admin, operator, user and auditor",
		        asked);
		return err_member(e, "role");
	}
	if (!role_meet(most, role, out) || *out != role) {
		err_set(e, ERR_DENIED, "a token of %s (%s) cannot have the role %s", u->name,
		        u->role, asked);
		return err_member(e, "role");
	}
	return 0;
}

/* What is made by a token does not outlive it: it ends no later, and is revoked with it. Looked at
 * in the transaction, since it may be revoked this moment. */
static int within_own(struct ops *o, struct arena *a, struct token *x, struct err *e)
{
	struct token own;

	if (!o->who || !o->who->token)
		return 0;
	if (o->who->scope)
		return err_set(e, ERR_DENIED, "a token of a lesser scope makes none");
	TRY(st_token_get(o->run.store, a, o->who->user, o->who->token, &own, e));
	x->made_by = own.hash;
	if (!own.expires_at)
		return 0;
	if (x->expires_at > own.expires_at) {
		err_set(e, ERR_DENIED, "a token cannot end later than the one that makes it");
		return err_member(e, "expires");
	}
	if (!x->expires_at)
		x->expires_at = own.expires_at;
	return 0;
}

static int token_insert(struct ops *o, struct arena *a, struct token *x, struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	struct token *v, known;
	struct err none;
	size_t n;

	TRY(ops_tx_begin(o, &t, e));
	TRY(within_own(o, a, x, e));
	TRY(st_token_list(o->run.store, a, x->owner, 0, TOKENS_MOST, &v, &n, e));
	if (n >= TOKENS_MOST)
		return err_set(e, ERR_INPUT, "%s has %d tokens; revoke some first", x->owner,
		               TOKENS_MOST);
	if (st_token_get(o->run.store, a, x->owner, x->name, &known, &none) == 0) {
		err_set(e, ERR_EXISTS, "%s has a token %s already", x->owner, x->name);
		return err_member(e, "name");
	}
	TRY(st_token_put(o->run.store, x, e));
	TRY(st_event_add(o->run.store, NULL, "token", e,
	                 "token %s of user %s made, with the role %s and the scope %s", x->name,
	                 x->owner, x->role, scope_text(a, &x->scope)));
	return ops_tx_commit(&t, e);
}

static int check_many(size_t n, const char *member, struct err *e)
{
	if (n <= SCOPE_MOST)
		return 0;
	err_set(e, ERR_USAGE, "a token is narrowed to at most %d of them", SCOPE_MOST);
	return err_member(e, member);
}

/* A certificate's name, or the beginning of one. */
static int check_called(const char *text, struct err *e)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                            "._-";
	size_t len = strlen(text), n = strspn(text, plain);

	if (len > 0 && len <= 129 && (n == len || (n + 1 == len && text[n] == '*')))
		return 0;
	err_set(e, ERR_USAGE,
	        "\"%.100s\" cannot be a certificate's name: letters, digits, '.', '_' and '-', and "
	        "one '*' at the end for all that begin so",
	        text);
	return err_member(e, "certificates");
}

static int take_domain(struct arena *a, const char *text, struct strings *out, struct err *e)
{
	const char *domain;

	if (limits_domain(a, text, &domain, e) < 0)
		return err_member(e, "domains");
	strings_add(a, out, domain);
	return 0;
}

static int pick_scope(struct arena *a, const struct token_new *in, struct scope *out, struct err *e)
{
	struct scope s = { .may = in->scope ? in->scope : "full",
		           .certificates = in->certificates };

	if (!scope_is_word(s.may)) {
		err_set(e, ERR_USAGE,
		        "there is no scope \"%.40s\"; there are full, export and read", s.may);
		return err_member(e, "scope");
	}
	TRY(check_many(in->certificates.n, "certificates", e));
	TRY(check_many(in->domains.n, "domains", e));
	for (size_t i = 0; i < in->certificates.n; i++)
		TRY(check_called(in->certificates.v[i], e));
	for (size_t i = 0; i < in->domains.n; i++)
		TRY(take_domain(a, in->domains.v[i], &s.domains, e));
	scope_tidy(a, &s);
	*out = s;
	return 0;
}

int op_token_create(struct ops *o, struct arena *a, void *in_record, void *out_record,
                    struct err *e)
{
	const struct token_new *in = in_record;
	struct token x = { .name = in->name };
	char *text, *hash;
	enum role role;
	struct user u;

	if (!user_is_name(in->name)) {
		err_set(e, ERR_USAGE,
		        "\"%.100s\" cannot be a token's name: letters, digits, '.', '_', "
		        "'-' and '@', up to 64",
		        in->name);
		return err_member(e, "name");
	}
	if (in->user && !for_all(o) && strcmp(in->user, o->who->user) != 0)
		return err_set(e, ERR_DENIED, "tokens of others are made by administrators");
	TRY(find_owner(o, a, in->user, in->name, &x.owner, e));
	if (st_user_get(o->run.store, a, x.owner, &u, e) < 0)
		return err_member(e, "user");
	TRY(pick_role(o, &u, in->role, &role, e));
	TRY(parse_expiry(a, in->expires, clock_now(), &x.expires_at, e));
	TRY(pick_scope(a, in, &x.scope, e));
	TRY(secret_new(a, "evl_", &text, &hash, e));
	x.hash = hash;
	x.role = role_word(role);
	TRY(token_insert(o, a, &x, e));
	*(struct token_made *)out_record =
	    (struct token_made){ text, x.name, x.owner, x.role, x.expires_at, x.scope };
	return 0;
}

/* On the host a name that only one user's token has is enough. */
static int find_token(struct ops *o, struct arena *a, const struct token_end *in, struct token *out,
                      struct err *e)
{
	const char *owner = in->user ? in->user : o->who ? o->who->user : NULL;
	struct token *v;
	size_t n, found = 0;
	int64_t after = 0;

	if (owner && (for_all(o) || strcmp(owner, o->who->user) == 0))
		return st_token_get(o->run.store, a, owner, in->name, out, e);
	if (owner)
		return err_set(e, ERR_NOT_FOUND, "there is no such token");
	do {
		TRY(st_token_list(o->run.store, a, NULL, after, PAGE_MOST, &v, &n, e));
		for (size_t i = 0; i < n; i++) {
			after = v[i].id;
			if (strcmp(v[i].name, in->name) == 0) {
				*out = v[i];
				found++;
			}
		}
	} while (n == PAGE_MOST);
	if (found > 1)
		return err_set(e, ERR_USAGE,
		               "several users have a token %s; say whose: --user USER", in->name);
	return found ? 0 : err_set(e, ERR_NOT_FOUND, "there is no such token");
}

/* A lesser token does not take away a greater one. */
static int check_reach(const struct ops *o, const struct token *x, struct err *e)
{
	enum role role, met;

	if (!o->who || !o->who->token || strcmp(x->name, o->who->token) == 0 ||
	    !role_parse(x->role, &role) || (role_meet(o->who->role, role, &met) && met == role))
		return 0;
	return err_set(e, ERR_DENIED, "a token of the role %s revokes none of the role %s",
	               role_word(o->who->role), x->role);
}

int op_token_delete(struct ops *o, struct arena *a, void *in_record, void *out_record,
                    struct err *e)
{
	struct ops_tx t CLEANUP(ops_tx_done) = { 0 };
	const struct token_end *in = in_record;
	struct token x;
	int64_t n = 0;

	(void)out_record;
	TRY(find_token(o, a, in, &x, e));
	TRY(check_reach(o, &x, e));
	TRY(ops_tx_begin(o, &t, e));
	TRY(st_token_offspring(o->run.store, x.hash, &n, e));
	TRY(st_token_delete(o->run.store, x.id, e));
	TRY(st_event_add(o->run.store, NULL, "token", e, "token %s of user %s revoked%s", x.name,
	                 x.owner,
	                 n ? arena_printf(a, ", and %lld that it made", (long long)n) : ""));
	return ops_tx_commit(&t, e);
}
