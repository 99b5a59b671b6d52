/*
 * A person publishes: what to publish is recorded and shown, the order stays pending until
 * `everleaf verify`.
 */
#include "challenge/solver_impl.h"

static const char *const types[] = { "dns-01", "http-01", "dns-account-01", NULL };

static const struct solver_acts acts = { 0 };

static int manual_check(struct solve *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

static int manual_publish(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_publish_with(&acts, s, v, n, e);
}

static int manual_withdraw(struct solve *s, struct challenge *v, size_t n, struct err *e)
{
	return solver_withdraw_with(&acts, s, v, n, e);
}

const struct solver solver_manual = {
	.method = "manual",
	.types = types,
	.check = manual_check,
	.publish = manual_publish,
	.withdraw = manual_withdraw,
	.waits_for_person = true,
};
