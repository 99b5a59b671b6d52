/*
 * http-01 by a listener of our own (listener.h). It is bound before an order is made and let go at
 * close; nothing outlives the process, so cleaning up after a dead one is only forgetting the rows.
 */
#include "challenge/listener.h"
#include "challenge/solver_impl.h"

#define DEFAULT_ADDRESS ":80"

static const char *const types[] = { "http-01", NULL };

static const char *address(const struct solve *s)
{
	return s->listen && *s->listen ? s->listen : DEFAULT_ADDRESS;
}

static int standalone_check(struct solve *s, struct err *e)
{
	struct listener *l;

	if (s->state)
		return 0;
	TRY(listener_acquire(LISTENER_HTTP01, address(s), &l, e));
	s->state = l;
	return 0;
}

static void standalone_close(struct solve *s)
{
	if (s->state)
		listener_release(s->state);
	s->state = NULL;
}

static void standalone_place(struct solve *s, struct challenge *c)
{
	c->place = address(s);
}

static int standalone_put(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	(void)n;
	(void)e;
	listener_put_token(s->state, v->token, v->value);
	return 0;
}

static int standalone_drop(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	(void)n;
	(void)e;
	if (s->state && v->token)
		listener_drop_token(s->state, v->token);
	return 0;
}

static const struct solver_acts acts = { .place = standalone_place,
	                                 .put = standalone_put,
	                                 .drop = standalone_drop };

static int standalone_publish(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	TRY(standalone_check(s, e));
	return solver_publish_with(&acts, s, v, n, e);
}

static int standalone_withdraw(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_withdraw_with(&acts, s, v, n, e);
}

const struct solver solver_standalone = {
	.method = "standalone",
	.types = types,
	.check = standalone_check,
	.publish = standalone_publish,
	.withdraw = standalone_withdraw,
	.close = standalone_close,
	.is_served = true,
};
