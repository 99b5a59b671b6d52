/*
 * What a change rests on, by thread: see store_condition in store.h. It is asked within the
 * transaction that changes, when all other writers of the database wait, whatever process or host
 * they are of; so what it looked at is what is changed. Nothing of it outlives the process.
 */
#include "store/internal.h"

static _Thread_local struct {
	const struct store *store; /* NULL = nothing */
	int (*holds)(void *ctx, struct err *e);
	void *ctx;
	bool asking;
} condition;

void store_condition(struct store *s, int (*holds)(void *ctx, struct err *e), void *ctx)
{
	condition.store = holds ? s : NULL;
	condition.holds = holds;
	condition.ctx = ctx;
}

int condition_ask(const struct store *s, struct err *e)
{
	int rc;

	if (condition.store != s || condition.asking)
		return 0;
	condition.asking = true;
	rc = condition.holds(condition.ctx, e);
	condition.asking = false;
	return rc;
}

void condition_met(const struct store *s)
{
	if (condition.store == s)
		condition.store = NULL;
}

int store_condition_look(struct store *s, struct err *e)
{
	TRY(condition_ask(s, e));
	condition_met(s);
	return 0;
}
