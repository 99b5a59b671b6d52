/*
 * What a change rests on, by thread: see store_condition in store.h. It is asked within the
 * transaction that changes, when all other writers of the database wait, whatever process or host
 * they are of; so what it looked at is what is changed. Nothing of it outlives the process.
 */
#include "store/internal.h"

static _Thread_local struct {
	const struct store *store; /* NULL = nothing */
	int (*holds)(void *ctx, struct err *e);
	int (*made)(void *ctx, struct err *e);
	void *ctx;
	bool held; /* looked at under a lease */
	bool asking;
} condition;

void store_condition(struct store *s, int (*holds)(void *ctx, struct err *e),
                     int (*made)(void *ctx, struct err *e), void *ctx)
{
	condition.store = holds ? s : NULL;
	condition.holds = holds;
	condition.made = made;
	condition.ctx = ctx;
	condition.held = false;
}

static int ask(bool for_change, struct err *e)
{
	if (!condition.held)
		TRY(condition.holds(condition.ctx, e));
	return for_change && condition.made ? condition.made(condition.ctx, e) : 0;
}

static int ask_once(const struct store *s, bool for_change, struct err *e)
{
	int rc;

	if (condition.store != s || condition.asking)
		return 0;
	condition.asking = true;
	rc = ask(for_change, e);
	condition.asking = false;
	return rc;
}

int condition_ask(const struct store *s, struct err *e)
{
	return ask_once(s, true, e);
}

void condition_met(const struct store *s)
{
	if (condition.store == s)
		condition.store = NULL;
}

int store_condition_look(struct store *s, struct err *e)
{
	TRY(ask_once(s, false, e));
	if (condition.store != s)
		return 0;
	condition.held = true;
	if (!condition.made)
		condition_met(s);
	return 0;
}
