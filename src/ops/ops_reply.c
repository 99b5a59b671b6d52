/* Kept answers: see ops/ops_reply.h. */
#include "ops/ops_reply.h"

#include "ops/internal.h"
#include "ops/who.h"

int ops_fingerprint(struct arena *a, const char *text, const char **out, struct err *e)
{
	return st_fingerprint(a, text, out, e);
}

/* A key is one person's own, and each scope's of their tokens. */
static int name_of(struct ops *o, struct arena *a, const char *key, const char **name,
                   struct err *e)
{
	const char *user = o->who && o->who->user ? o->who->user : "";

	const struct scope *scope = o->who ? o->who->scope : NULL;

	if (scope)
		user = arena_printf(a, "%s\n%s", user, scope_text(a, scope));
	return st_fingerprint(a, arena_printf(a, "%s\n%s", user, key), name, e);
}

int ops_reply_claim(struct ops *o, struct arena *a, const char *key, const char *request,
                    struct reply *out, enum reply_state *state, struct err *e)
{
	const char *name = NULL, *print = NULL;

	TRY(name_of(o, a, key, &name, e));
	TRY(st_fingerprint(a, request, &print, e));
	return st_reply_claim(o->run.store, a, name, print, out, state, e);
}

int ops_reply_keep(struct ops *o, struct arena *a, const char *key, const struct reply *r,
                   struct err *e)
{
	const char *name = NULL;

	TRY(name_of(o, a, key, &name, e));
	return st_reply_keep(o->run.store, name, r, e);
}
