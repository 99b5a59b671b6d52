/* Whether the process lives, and whether it can do its work. */
#include "api/route.h"

void route_healthz(struct api_call *c)
{
	reply_text(c, 200, "text/plain; charset=utf-8", "ok\n");
}

void route_readyz(struct api_call *c)
{
	struct daemon_state s;

	c->api->state(c->api->state_ctx, &s);
	if (s.ready)
		reply_text(c, 200, "text/plain; charset=utf-8", "ready\n");
	else
		reply_problem(c, 503, s.why);
}
