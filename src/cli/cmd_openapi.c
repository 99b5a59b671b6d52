/* openapi: the description of the daemon's REST API, as it serves it. */
#include <stdio.h>

#include "cli/cmd.h"
#include "ops/openapi.h"

int cmd_openapi(struct cli *c, struct err *e)
{
	(void)e;
	fputs(openapi_text(c->arena), stdout);
	return 0;
}
