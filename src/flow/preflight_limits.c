/* The CA's rate limits, as they are counted here. An order looks itself, when it is written down.
 */
#include "base/clock.h"
#include "flow/limits.h"
#include "flow/preflight_impl.h"
#include "flow/session.h"

#define CHECK "limits"

int preflight_limits(struct preflight *p, struct err *e)
{
	struct account account;
	struct limit_state *v;
	struct err held, no_account;
	bool has_account;
	size_t n;

	if (!p->ask->limits)
		return 0;
	has_account = account_for_cert(p->run, p->arena, p->cert, &account, &no_account) == 0;
	TRY(limits_look(p->run, p->arena, p->cert, &p->cert->domains, &p->ca,
	                has_account ? &account : NULL, &v, &n, &held, e));
	if (held.code == ERR_NONE) {
		if (n)
			preflight_fine(p, NULL, CHECK, "the CA's rate limits have room for it");
		return 0;
	}
	preflight_found(p, NULL, CHECK, SEEN_FAILS, "rateLimited",
	                "wait until then; `everleaf limits` shows what is used", "%s", held.text);
	p->found.v[p->found.n - 1].retry_at = clock_now() + held.retry_s;
	return 0;
}
