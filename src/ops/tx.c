/* See tx.h. */
#include "ops/tx.h"

#include <stdarg.h>
#include <stdio.h>

#include "ops/internal.h"

#define TEXT_MAX 1024

int ops_tx_begin(struct ops *o, struct ops_tx *t, struct err *e)
{
	TRY(store_begin(o->run.store, e));
	t->s = o->run.store;
	return 0;
}

int ops_tx_commit(struct ops_tx *t, struct err *e)
{
	return store_commit(TAKE(t->s), e);
}

void ops_tx_done(struct ops_tx *t)
{
	if (t->s)
		store_rollback(t->s);
}

int ops_tx_tell(struct ops_tx *t, const char *kind, struct err *e, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	TRY(st_event_add(t->s, NULL, kind, e, "%s", text));
	return ops_tx_commit(t, e);
}

void ops_condition(struct ops *o, int (*holds)(void *ctx, struct err *e),
                   int (*made)(void *ctx, struct err *e), void *ctx)
{
	store_condition(o->run.store, holds, made, ctx);
}
