/*
 * The store's part about people: users, the domains bound to them, tokens, sessions, and how often
 * signing in failed. As store.h says of everything there.
 */
#ifndef STORE_PEOPLE_H
#define STORE_PEOPLE_H

#include "model/user.h"
#include "store/store.h"

NODISCARD int st_user_put(struct store *s, struct user *u, struct err *e);
NODISCARD int st_user_get(struct store *s, struct arena *a, const char *name, struct user *out,
                          struct err *e); /* ERR_NOT_FOUND */
NODISCARD int st_user_by_link(struct store *s, struct arena *a, const char *hash, struct user *out,
                              struct err *e); /* ERR_NOT_FOUND */
/* By name, those after one (NULL = from the first); secrets left NULL. */
NODISCARD int st_user_list(struct store *s, struct arena *a, const char *after, size_t limit,
                           struct user **out, size_t *n, struct err *e);
NODISCARD int st_user_delete(struct store *s, const char *name, struct err *e);
/* Enabled administrators but for one. */
NODISCARD int st_user_admins(struct store *s, const char *but, int64_t *n, struct err *e);
NODISCARD int st_user_signed_in(struct store *s, int64_t id, int64_t at, struct err *e);
/* Another hash of the same password, if it is still that one. */
NODISCARD int st_user_rehash(struct store *s, int64_t id, const char *from, const char *to,
                             struct err *e);
/* *fresh: no code of this time step, or of a later one, was used before; now it is. */
NODISCARD int st_user_step(struct store *s, int64_t id, int64_t step, bool *fresh, struct err *e);

/* Certificates of one owner. */
NODISCARD int st_owner_count(struct store *s, const char *owner, int64_t *n, struct err *e);
NODISCARD int st_owner_hand_over(struct store *s, const char *owner, const char *heir,
                                 struct err *e);

/* In place of the one for the same domain. */
NODISCARD int st_binding_put(struct store *s, struct binding *b, struct err *e);
NODISCARD int st_binding_list(struct store *s, struct arena *a, const char *owner,
                              struct binding **out, size_t *n, struct err *e); /* by domain */
NODISCARD int st_binding_delete(struct store *s, const char *owner, const char *domain,
                                struct err *e);

NODISCARD int st_token_put(struct store *s, struct token *x, struct err *e);
NODISCARD int st_token_by_hash(struct store *s, struct arena *a, const char *hash,
                               struct token *out, struct err *e); /* ERR_NOT_FOUND */
NODISCARD int st_token_get(struct store *s, struct arena *a, const char *owner, const char *name,
                           struct token *out, struct err *e); /* ERR_NOT_FOUND */
NODISCARD int st_token_by_id(struct store *s, struct arena *a, int64_t id, struct token *out,
                             struct err *e); /* ERR_NOT_FOUND */
/* By number, those after one; owner NULL = everybody's. */
NODISCARD int st_token_list(struct store *s, struct arena *a, const char *owner, int64_t after,
                            size_t limit, struct token **out, size_t *n, struct err *e);
/* Those that it made, and what these made, go with it. */
NODISCARD int st_token_delete(struct store *s, int64_t id, struct err *e);
/* How many these are. */
NODISCARD int st_token_offspring(struct store *s, const char *hash, int64_t *n, struct err *e);
/* Those of others that go with the owner's: these made them, or made what made them. */
NODISCARD int st_token_of_others(struct store *s, const char *owner, int64_t *n, struct err *e);
/* Written down at most once a minute. */
NODISCARD int st_token_used(struct store *s, const struct token *x, int64_t now, struct err *e);

/* Those that have ended go. */
NODISCARD int st_session_put(struct store *s, struct session *x, struct err *e);
NODISCARD int st_session_by_hash(struct store *s, struct arena *a, const char *hash,
                                 struct session *out, struct err *e); /* ERR_NOT_FOUND */
NODISCARD int st_session_by_id(struct store *s, struct arena *a, int64_t id, struct session *out,
                               struct err *e); /* ERR_NOT_FOUND */
NODISCARD int st_session_move(struct store *s, int64_t id, int64_t idle_at, struct err *e);
NODISCARD int st_session_delete(struct store *s, int64_t id, struct err *e);
NODISCARD int st_session_delete_of(struct store *s, const char *owner, int64_t but,
                                   struct err *e); /* all but one; 0 = all */

/* What attempts to sign in are counted by. */
struct login_key {
	const char *name;
	int64_t free;   /* so many failures in a row cost nothing */
	int64_t most_s; /* each further one doubles the wait, from a second to this */
};
/* Counts an attempt as failed before anything is tried, so that many at once count as many;
 * *wait_s > 0: none is allowed for so long, and nothing was counted. */
NODISCARD int st_login_begin(struct store *s, const struct login_key *keys, size_t n, int64_t now,
                             int64_t *wait_s, struct err *e);
/* So many attempts did not fail after all. */
NODISCARD int st_login_forget(struct store *s, const char *name, int64_t attempts, struct err *e);
/* Places from where somebody has signed in, each until it is no longer remembered. */
NODISCARD int st_login_is_known(struct store *s, const char *place, int64_t now, bool *known,
                                struct err *e);
NODISCARD int st_login_remember(struct store *s, const char *place, int64_t now, int64_t until,
                                struct err *e);

#endif
